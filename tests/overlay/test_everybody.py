"""Everybody can use <live-captions>: by keyboard, zoomed, in other colours, read out, in French."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from eval.testing.caption_element import Captions, packet

pytestmark = pytest.mark.browser

FOCUSED = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active?.ariaLabel || active?.textContent || active?.type || "";
}"""
# Labels stand for their inputs: a swatch is the target of its radio.
TARGETS = """(captions) => [...captions.shadowRoot.querySelectorAll("button, input, select, a")]
  .filter((one) => one.checkVisibility() && one.type !== "file")
  .map((one) => {
    const box = (one.closest("label") ?? one).getBoundingClientRect();
    return [one.className, box.width, box.height];
  })
  .filter(([, width, height]) => width < 24 || height < 24)"""
SPACED = """(captions) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important; }
    * { word-spacing: 0.16em !important; }
    p { margin-block-end: 2em !important; }`);
  captions.shadowRoot.adoptedStyleSheets.push(sheet);
}"""
CUT_OFF = """(captions) => [...captions.shadowRoot.querySelectorAll(".panel *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
  .map((one) => one.className)"""

# What cannot be scrolled into sight.
OUT_OF_REACH = """(captions) => [...captions.shadowRoot.querySelectorAll(".panel button, dd")]
  .filter((one) => one.checkVisibility())
  .filter((one) => {
    one.scrollIntoView({ block: "center" });
    const { top, bottom } = one.getBoundingClientRect();
    return bottom <= 0 || top >= innerHeight;
  })
  .map((one) => one.className)"""


@pytest.fixture
def special(browser: Browser, page_url: str, request: pytest.FixtureRequest) -> Iterator[Captions]:
    """The element in a browser that its user has set up in the way of the parameter."""
    context = browser.new_context(**request.param)
    page = context.new_page()
    page.goto(page_url)
    yield Captions(page)
    context.close()


def test_everything_is_reached_with_the_keyboard_and_focus_is_seen(captions: Captions) -> None:
    captions.say("a-1", "hello")
    page = captions.page
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    assert reached[:5] == [
        "Hold",
        "History",
        "Caption settings",
        "Open in a separate window",
        "Move the captions: drag, or use the arrow keys",
    ]
    page.keyboard.press("Shift+Tab")
    captions.until("getComputedStyle(root.querySelector('.bar')).opacity === '1'")
    outline = captions.css("button:focus-visible", "outline-style")
    assert outline == "solid"
    page.keyboard.press("?")
    shown = captions.find(".key-list").inner_text()
    assert all(key in shown for key in ("?", "H", "Y", "S", "O", "P", "Esc"))
    page.keyboard.press("Escape")
    assert captions("panel") is None
    assert page.evaluate(FOCUSED).startswith("Move")


def test_single_keys_do_what_the_overlay_says_and_can_be_switched_off(captions: Captions) -> None:
    captions.say("a-1", "hello")
    press = captions.page.keyboard.press
    press("h")
    assert captions("held")
    press("Escape")
    assert not captions("held")
    press("y")
    assert captions("panel") == "history"
    captions.find("[type=search]").focus()
    press("s")
    assert captions("panel") == "history", "a letter that is written is no shortcut"
    press("Escape")
    press("+")
    assert captions("settings")["size"] == 110
    captions.set(singleKeys=False)
    for key in ("h", "y", "s", "?", "+"):
        press(key)
    assert (captions("held"), captions("panel")) == (False, None)
    assert captions("settings") == {"singleKeys": False}


def test_the_keys_name_no_moving_where_captions_cannot_be_moved(captions: Captions) -> None:
    captions("openKeys()")
    assert "P" in captions.texts(".panel .cap")
    captions.page.evaluate("document.querySelector('live-captions').mode = 'beside'")
    assert "P" not in captions.texts(".panel .cap")


@pytest.mark.parametrize("panel", ["Settings", "History", "Keys"])
def test_a_panel_fits_320_px_with_wide_spacing_and_its_targets_are_big_enough(
    captions: Captions, panel: str
) -> None:
    captions.page.set_viewport_size({"width": 320, "height": 256})
    captions.element.evaluate(SPACED)
    captions.page.evaluate("document.querySelector('live-captions').setAttribute('locale', 'fr')")
    captions.say("a-1", "hello", name="Jean-Baptiste de La Rochefoucauld-Montbel")
    captions(f"open{panel}()")
    if panel == "History":
        captions.find(".history [type=search]").fill("hello")
    assert captions.element.evaluate(CUT_OFF) == []
    assert captions.element.evaluate(TARGETS) == []
    assert captions.page.evaluate("document.documentElement.scrollWidth") == 320
    assert captions.element.evaluate(OUT_OF_REACH) == []


@pytest.mark.parametrize("panel", ["Settings", "History", "Keys"])
def test_the_focus_does_not_go_behind_a_panel_that_covers_the_page(
    captions: Captions, panel: str
) -> None:
    captions.page.set_viewport_size({"width": 320, "height": 256})
    captions.say("a-1", "hello")
    captions(f"open{panel}()")
    for key in ("Shift+Tab", "Tab", "Tab"):
        captions.press(key)
        assert captions("shadowRoot.activeElement.closest('.panel') !== null")
    captions.press("Escape")
    assert captions("panel") is None


def test_large_captions_on_a_small_screen_show_whole_words(captions: Captions) -> None:
    captions.page.set_viewport_size({"width": 320, "height": 480})
    captions.set(size=400)
    captions.say("a-1", "we begin", name="Alice")
    assert captions.rows() == [("Alice", "we begin")]
    assert captions.box(".frame")["width"] <= 320


@pytest.mark.parametrize(
    "special", [{"forced_colors": "active", "color_scheme": "dark"}], indirect=True
)
def test_forced_colours_keep_captions_apart_from_what_still_changes(special: Captions) -> None:
    special.say("a-1", "settled and not", closed=False)
    assert special.css(".tail", "text-decoration-line") == "underline"
    assert special.css(".row", "background-color") == special.page.evaluate(
        """() => { const probe = document.createElement("p"); document.body.append(probe);
          probe.style.background = "Canvas"; return getComputedStyle(probe).backgroundColor; }"""
    )


@pytest.mark.parametrize("special", [{"reduced_motion": "reduce"}], indirect=True)
def test_nothing_moves_for_those_who_want_no_motion(special: Captions) -> None:
    special.say("a-1", "hello")
    for panel in ("Settings", "History", "Keys"):
        special(f"open{panel}()")
        moving = special.element.evaluate(
            """(captions) => [...captions.shadowRoot.querySelectorAll("*")].filter((one) => {
              const { transitionDuration, animationName } = getComputedStyle(one);
              return transitionDuration !== "0s" || animationName !== "none";
            }).length"""
        )
        assert moving == 0


@pytest.mark.parametrize("special", [{"color_scheme": "light"}], indirect=True)
def test_panels_are_light_or_dark_as_the_device_or_the_reader_wants(special: Captions) -> None:
    special("openSettings()")
    grounds = [special.css(".panel", "background-color")]
    special.set(theme="dark")
    grounds.append(special.css(".panel", "background-color"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(23, 29, 40)"]


def test_finished_captions_are_read_out_only_when_asked_for(captions: Captions) -> None:
    captions.say("a-1", "not read")
    assert captions.find("[role=log]:not([hidden])").count() == 0
    captions.set(readingLog=True)
    captions.say("a-2", "half a sent", closed=False, start_ms=2_000, language="fr")
    assert captions.find("[role=log]").text_content() == ""
    captions.say("a-2", "half a sentence", rev=2, start_ms=2_000, language="fr")
    log = captions.find("[role=log]")
    assert log.text_content() == "Alice: half a sentence"
    assert log.locator("p").get_attribute("lang") == "fr"


def test_right_to_left_text_stands_on_its_side(captions: Captions) -> None:
    captions.say("a-1", "שלום לכולם, we begin")
    text, name = captions.find(".cue"), captions.find(".badge")
    row = captions.box(".row")
    edge: float = text.evaluate("(one) => one.getBoundingClientRect().right")
    assert row["right"] - edge < 40
    assert row["right"] - name.evaluate("(one) => one.getBoundingClientRect().right") < 40


def test_the_interface_speaks_french(captions: Captions) -> None:
    captions.element.evaluate("(captions) => { captions.setAttribute('locale', 'fr'); }")
    captions("openSettings()")
    assert captions.find(".panel-title").inner_text() == "Réglages des sous-titres"
    assert "12,6\N{NO-BREAK SPACE}: 1" in captions.find(".ratio").inner_text()
    assert captions.find(".root").get_attribute("lang") == "fr"


@pytest.mark.parametrize("floating", [True, False])
def test_captions_in_a_window_of_their_own_go_on_and_come_back(
    captions: Captions, floating: bool
) -> None:
    page = captions.page
    if not floating:  # as in a browser without Document Picture-in-Picture
        page.evaluate("delete window.documentPictureInPicture")
    captions.say("a-1", "in the page")
    captions.find(".frame").hover()
    with page.context.expect_page() as opening:
        captions.find("button[aria-label='Open in a separate window']").click()
    popup = opening.value
    captions.until("captions.mode === 'window'")
    stands_above = page.evaluate("Boolean(window.documentPictureInPicture?.window)")
    assert stands_above is floating
    assert "in a separate window" in captions.find(".away").inner_text()
    captions.feed(packet("a-2", 1, "in the window", closed=True, start_ms=1_500))
    assert popup.locator(".cue").all_inner_texts() == ["in the page", " in the window"]
    popup.keyboard.press("s")
    assert popup.locator(".panel-title").inner_text() == "Caption settings"
    popup.close()
    captions.until("captions.mode === 'over'")
    captions.rendered()
    assert captions.rows() == [("Alice", "in the page in the window")]


def test_captions_are_put_back_from_their_window_with_the_button_and_the_key(
    captions: Captions,
) -> None:
    captions.say("a-1", "hello")
    for back in (lambda: captions.click(".away button"), lambda: captions.press("o")):
        with captions.page.context.expect_page():
            captions.press("o")
        captions.until("captions.mode === 'window'")
        back()
        captions.until("captions.mode === 'over'")
        captions.rendered()
        assert captions.rows() == [("Alice", "hello")]
