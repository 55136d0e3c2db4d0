"""What <live-captions> looks like: its size on any stage, its box, its panels."""

from __future__ import annotations

import pytest

from eval.testing.caption_element import Captions, packet

pytestmark = pytest.mark.browser

LINE = "a caption that is long enough to stand on more than one line of the box"


@pytest.mark.parametrize(
    ("width", "height", "root", "size"),
    [
        (1920, 1080, 16, 42),  # 4 % of the height, in steps of 2 px
        (1280, 800, 16, 32),
        (390, 844, 16, 24),  # a line of 40 characters would not fit
        (320, 640, 16, 24),
        (1280, 800, 32, 48),  # 1.5 root fonts
    ],
)
def test_captions_follow_the_stage_and_the_root_font(
    captions: Captions, width: int, height: int, root: int, size: int
) -> None:
    captions.page.set_viewport_size({"width": width, "height": height})
    captions.page.evaluate(f"() => {{ document.documentElement.style.fontSize = '{root}px'; }}")
    captions.say("a-1", LINE)
    assert captions.css(".view", "font-size") == f"{size}px"
    assert captions.box(".frame")["x"] >= 0
    assert captions.box(".frame")["width"] <= width


@pytest.mark.both_browsers
def test_the_box_is_as_wide_as_its_lines_and_grows_without_moving_them(captions: Captions) -> None:
    captions.say("a-1", "Yes", closed=False)
    short, name = captions.box(".view"), captions.box(".speaker")
    captions.say("a-1", f"Yes {LINE} {LINE}", rev=2)
    full = captions.box(".view")
    assert short["width"] < full["width"] / 2
    assert full["width"] <= captions.box(".frame")["width"]
    assert (full["x"], captions.box(".speaker")["x"]) == (short["x"], name["x"])


def test_there_is_as_much_air_below_the_last_line_as_above_the_name(captions: Captions) -> None:
    captions.say("a-1", "Yes")
    text, row, view = (captions.box(part) for part in (".text", ".row", ".view"))
    below = view["bottom"] - text["bottom"]
    assert below == pytest.approx(6, abs=0.5)
    assert captions.css(".row", "border-top-left-radius") == "8px"
    assert captions.css(".view", "border-bottom-left-radius") == "8px"
    assert row["width"] == pytest.approx(view["width"], abs=0.5)


@pytest.mark.both_browsers
def test_a_name_stands_once_above_what_one_person_says(captions: Captions) -> None:
    gap = {"v": 1, "type": "gap", "session": "s", "seq": 2, "start": 1_200, "end": 9_200}
    captions.say("a-1", "before", end_ms=1_000)
    captions.feed({**gap, "reason": "connection-lost"})
    captions.say("a-2", "after", start_ms=9_500)
    captions.say("b-1", "yes", speaker="bob", start_ms=11_000)
    assert captions.texts(".name:not([hidden])") == ["Alice", "– Bob"]


@pytest.mark.parametrize(("room", "lines", "named"), [(5, 4, True), (4, 3, True), (3, 3, False)])
def test_a_name_gives_way_where_fewer_than_three_lines_would_remain(
    captions: Captions, room: int, lines: int, named: bool
) -> None:
    line, air, bar = 33, 6, 40
    captions.page.set_viewport_size({"width": 900, "height": room * line + air + bar})
    captions.set(lines=6)
    captions.say("a-1", " ".join([LINE] * 6))
    captions.rendered()
    view, name = captions.box(".view"), captions.box(".name")
    assert captions.box(".text")["height"] == lines * line
    assert (name["y"] >= view["y"]) is named


PEOPLE = ("Anna", "Bob", "Camille")
# How many rows are in sight whose name is not, or is cut.
NAMELESS = """() => {
  const view = document.querySelector("live-captions").shadowRoot.querySelector(".view");
  const { top } = view.getBoundingClientRect();
  return [...view.querySelectorAll(".row")].filter((row) => row.clientHeight > 0
    && row.querySelector(".name").getBoundingClientRect().top < top - 1).length;
}"""


def have_three_speak(captions: Captions) -> None:
    said = [packet(f"{who}-1", 1, f"{LINE} {LINE}", speaker=who, start_ms=4_000) for who in PEOPLE]
    captions.feed(*said)


@pytest.mark.parametrize("height", range(120, 340, 20))
def test_whoever_is_read_in_a_low_box_is_named(captions: Captions, height: int) -> None:
    captions.page.set_viewport_size({"width": 640, "height": height})
    have_three_speak(captions)
    named = [name for name, _ in captions.rows()]
    assert named == list(PEOPLE[-len(named) :])
    assert captions.page.evaluate(NAMELESS) == 0
    assert len(named) == 3 or height < 5 * 33 + 6 + 40


def test_on_hold_also_those_are_there_whom_a_low_box_has_no_room_for(captions: Captions) -> None:
    captions.page.set_viewport_size({"width": 640, "height": 160})
    captions.say("d-1", "before", speaker="dora")
    captions.until("captions.speakers.length === 0")
    have_three_speak(captions)
    captions("hold()")
    captions.rendered()
    captions.find(".view").evaluate("(view) => { view.scrollTop = 0; }")
    assert captions.rows()[0] == ("Dora", "before")
    assert all(captions.find(".row").evaluate_all("(all) => all.map((row) => row.clientHeight)"))


def test_on_a_phone_three_who_speak_at_once_leave_the_stage_its_room(captions: Captions) -> None:
    for width, height, lines, part in ((320, 534, 1, 1 / 3), (390, 738, 2, 0.4)):
        captions.page.set_viewport_size({"width": width, "height": height})
        have_three_speak(captions)
        assert [name for name, _ in captions.rows()] == list(PEOPLE)
        assert captions.box(".view")["height"] <= part * height
        assert captions.box(".text")["height"] == lines * 33


def test_what_is_chosen_and_what_is_open_looks_so(captions: Captions) -> None:
    captions("openSettings()")
    chosen = ".presets [aria-pressed=true]"
    assert captions.texts(chosen) == ["Standard"]
    captions.click(".presets button:nth-of-type(2)")
    assert captions.texts(chosen) == ["Large"]
    captions.set(size=170, lines=2, lineLength=32)
    assert captions.texts(chosen) == []
    buttons = captions.find(".bar [aria-expanded=true]")
    assert buttons.count() == 1
    assert buttons.get_attribute("aria-label") == "Caption settings"


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_the_preview_is_not_cut_in_any_preset(captions: Captions, width: int, height: int) -> None:
    captions.page.set_viewport_size({"width": width, "height": height})
    captions("openSettings()")
    for number in range(1, 7):
        captions.click(f".presets button:nth-of-type({number})")
        captions.rendered()
        outer, inner = captions.box(".preview"), captions.box(".preview-window")
        assert outer["y"] <= inner["y"]
        assert inner["bottom"] <= outer["bottom"]
        assert outer["x"] <= inner["x"]
        assert inner["right"] <= outer["right"]


@pytest.mark.parametrize("panel", ["Settings", "History"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (320, 640)])
def test_on_a_phone_a_panel_leaves_the_captions_in_sight(
    captions: Captions, width: int, height: int, panel: str
) -> None:
    captions.page.set_viewport_size({"width": width, "height": height})
    captions.say("a-1", LINE)
    captions(f"open{panel}()")
    captions.rendered()
    below = captions.box(f".{panel.lower()}")
    assert captions.box(".view")["bottom"] <= below["y"] + 1
    assert captions.box(".view")["y"] >= 0
    assert captions.rows()[-1][1].endswith("box")
    captions("closePanel()")
    captions.rendered()
    assert captions.box(".frame")["bottom"] == height


def test_the_history_says_that_a_time_is_beyond_its_ends(captions: Captions) -> None:
    captions.feed(
        *(packet(f"m-{n}", 1, f"numéro {n}", closed=True, start_ms=60_000 + n * 4_000)
          for n in range(3))
    )  # fmt: skip
    captions("openHistory()")
    time, notice = captions.find(".history .time"), captions.find(".history .notice")
    for asked, said in (
        ("0:10", "Nothing was said before 0:01:00."),
        ("9:00", "Nothing has been said after 0:01:09 yet."),
    ):
        time.fill(asked)
        time.press("Enter")
        captions.until(f"root.querySelector('.history .notice').textContent === {said!r}")
    time.fill("1:04")
    time.press("Enter")
    captions.until("root.querySelector('.history .notice').textContent === ''")
    assert notice.inner_text() == ""


def test_one_person_is_one_paragraph_of_the_history(captions: Captions) -> None:
    words = ["It was the", "best that we could do", "with the money", "that there was."]
    captions.feed(
        *(packet(f"m-{n}", 1, text, closed=True, start_ms=n * 4_000)
          for n, text in enumerate(words))
    )  # fmt: skip
    captions("openHistory()")
    assert captions.texts(".entry-text") == [" ".join(words)]
    assert captions.texts(".entry-name") == ["Alice"]
    captions.find(".history [type=search]").fill("money")
    assert captions.find(".entry-cue[data-current]").inner_text() == "with the money"


def test_what_a_page_sets_before_the_element_is_defined_is_taken_over(captions: Captions) -> None:
    found = captions.page.evaluate(
        """async () => {
          const frame = document.createElement("iframe");
          document.body.append(frame);
          const there = frame.contentDocument;
          const early = there.createElement("live-captions");
          there.body.append(early);
          Object.assign(early, { mode: "beside", settings: { size: 200 }, shortcuts: [] });
          const script = there.createElement("script");
          script.type = "module";
          script.src = new URL("live-captions.js", location.href).href;
          there.head.append(script);
          await frame.contentWindow.customElements.whenDefined("live-captions");
          const { mode, settings, shadowRoot } = early;
          const size = shadowRoot.querySelector(".root").style.getPropertyValue("--_scale");
          return [mode, settings, size, Object.hasOwn(early, "mode")];
        }"""
    )
    assert found == ["beside", {"size": 200}, "2", False]
