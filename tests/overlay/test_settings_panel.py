"""The settings of <live-captions>: each one is seen, can be reached by keyboard, and is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from eval.testing.caption_element import Captions, packet
from eval.testing.firefox import FirefoxPage

pytestmark = pytest.mark.browser

TEXT = "a caption that is long enough to stand on more than one line of the box, whatever its size"

EVERY = {
    "size", "font", "edge", "textColour", "textOpacity", "backgroundColour", "backgroundOpacity",
    "windowColour", "windowOpacity", "position", "x", "y", "lines", "lineLength", "align",
    "partial", "hold", "speakerColours", "initials", "maskProfanity", "theme", "singleKeys",
    "readingLog",
}  # fmt: skip

# Focuses what the Tab key would reach of a field.
FOCUS_FIELD = """(number) => {
  const { shadowRoot } = document.querySelector("live-captions");
  const field = shadowRoot.querySelectorAll(".settings .field")[number];
  const input = field.querySelector("input:checked") ?? field.querySelector("input, select");
  input.focus();
  return input.type;
}"""
CLICK_FIELD = """(number) => {
  const { shadowRoot } = document.querySelector("live-captions");
  shadowRoot.querySelectorAll(".settings .field")[number].querySelector("input").click();
}"""
PAPER = ".presets button:nth-of-type(4)"
RESET = ".actions button:nth-of-type(3)"

# setting, value, part of the captions, property, what is computed
SEEN = [
    ("size", 50, ".view", "font-size", "12px"),
    ("size", 400, ".view", "font-size", "96px"),
    ("font", "serif", ".view", "font-family", "Georgia"),
    ("font", "mono", ".view", "font-family", "Mono"),
    ("font", "atkinson", ".view", "font-family", "Atkinson Hyperlegible"),
    ("font", "dyslexic", ".view", "font-family", "OpenDyslexic"),
    ("edge", "raised", ".paragraph", "text-shadow", "rgb(0, 0, 0)"),
    ("edge", "depressed", ".paragraph", "text-shadow", "-"),
    ("edge", "outline", ".paragraph", "text-shadow", "rgb(0, 0, 0)"),
    ("edge", "shadow", ".paragraph", "text-shadow", "rgb(0, 0, 0)"),
    ("textColour", "yellow", ".settled", "color", "rgb(255, 255, 0)"),
    ("textOpacity", 50, ".settled", "color", "rgba(255, 255, 255, 0.5)"),
    ("backgroundColour", "blue", ".row", "background-color", "rgba(0, 0, 255, 0.8)"),
    ("backgroundOpacity", 30, ".row", "background-color", "rgba(0, 0, 0, 0.3)"),
    ("windowColour", "green", ".view", "background-color", "rgba(0, 255, 0, 0)"),
    ("windowOpacity", 40, ".view", "background-color", "rgba(0, 0, 0, 0.4)"),
    ("align", "center", ".paragraph", "text-align", "center"),
    ("speakerColours", True, ".name", "color", "rgb("),
]


@pytest.mark.both_browsers
def test_each_setting_is_seen_in_the_captions(captions: Captions) -> None:
    captions.say("b-1", TEXT, speaker="bob")
    for name, value, part, style, computed in SEEN:
        captions.set()
        before = captions.css(part, style)
        captions.set(**{name: value})
        after = captions.css(part, style)
        assert after != before, name
        assert computed in after, name


def test_a_font_is_loaded_only_when_it_is_chosen(captions: Captions) -> None:
    captions.say("a-1", TEXT)
    loaded = """() => performance.getEntriesByType("resource").map(({ name }) => name)
      .filter((name) => name.endsWith(".woff2")).map((name) => name.split("/").at(-1))"""
    assert captions.page.evaluate(loaded) == []
    for font in ("atkinson", "dyslexic"):
        captions.set(font=font)
        captions.page.evaluate("document.fonts.ready.then(() => true)")
    assert captions.page.evaluate(loaded) == ["atkinson-hyperlegible.woff2", "opendyslexic.woff2"]


@pytest.mark.both_browsers
def test_settings_that_change_the_place_and_the_lines(captions: Captions) -> None:
    captions.say("a-1", " ".join([TEXT] * 5))
    root = captions.box(".root")
    seen: dict[str, Any] = {}
    for position in ("bottom", "top", "side", "free"):
        captions.set(position=position, x=300, y=600)
        seen[position] = captions.box(".frame")
    assert seen["bottom"]["bottom"] == root["bottom"]
    assert seen["top"]["y"] == root["y"]
    assert seen["side"]["right"] == root["right"]
    middle = seen["free"]["x"] + seen["free"]["width"] / 2
    assert middle == pytest.approx(0.3 * root["width"], abs=2)
    assert seen["free"]["bottom"] == pytest.approx(0.6 * root["height"], abs=2)
    heights, widths = [], []
    for lines, length in ((2, 32), (6, 50)):
        captions.set(lines=lines, lineLength=length)
        heights.append(captions.box(".text")["height"] / 33)
        widths.append(captions.box(".frame")["width"])
    assert heights == pytest.approx([2, 6])
    assert widths[1] > widths[0] * 1.4


def test_captions_are_cleared_when_the_reader_wants_it(captions: Captions) -> None:
    captions.page.clock.install()
    captions.page.reload()
    for hold, wait_s, is_there in ((3, 2, True), (3, 4, False), (0, 3_600, True)):
        captions.set(hold=hold)
        captions.say(f"c-{hold}-{wait_s}", "said", start_ms=wait_s * 1_000)
        captions.page.clock.run_for(wait_s * 1_000)
        captions.rendered()
        assert (captions.rows() != []) is is_there


@pytest.mark.both_browsers
def test_every_setting_has_a_field_that_works_by_keyboard(captions: Captions) -> None:
    captions.press("s")
    assert captions("panel") == "settings"
    changed: set[str] = set()
    for number in range(len(EVERY)):
        captions.set(position="free")
        kind = captions.page.evaluate(FOCUS_FIELD, number)
        before = captions("settings")
        if kind == "checkbox" and isinstance(captions.page, FirefoxPage):
            captions.page.evaluate(CLICK_FIELD, number)
        else:
            captions.press("Space" if kind == "checkbox" else "ArrowDown")
        if captions("settings") == before:
            captions.press("ArrowUp")
        after = captions("settings")
        changed |= {name for name in after if after[name] != before.get(name)}
    assert changed == EVERY
    captions.press("Escape")
    assert captions("panel") is None


@pytest.mark.both_browsers
def test_the_choice_is_kept_on_the_device_and_can_be_reset(captions: Captions) -> None:
    captions.set(size=200, font="serif")
    captions.page.reload()
    assert captions("settings") == {"size": 200, "font": "serif"}
    captions("openSettings()")
    assert captions.text(RESET) == "Reset all"
    captions.click(RESET)
    assert captions("settings") == {}
    captions.page.reload()
    assert captions("settings") == {}


def test_without_controls_nothing_that_the_device_keeps_counts(captions: Captions) -> None:
    captions.set(size=200)
    captions.say("a-1", "hello")
    sizes = []
    for controls in ("none", ""):
        captions.page.evaluate(
            "(to) => document.querySelector('live-captions').setAttribute('controls', to)", controls
        )
        sizes.append(captions.css(".view", "font-size"))
    assert sizes == ["24px", "48px"]


@pytest.mark.both_browsers
def test_what_is_stored_and_not_understood_is_left_out(captions: Captions) -> None:
    store = "(text) => localStorage.setItem('live-captions.settings', text)"
    for stored, read in (
        ("{", {}),
        ("[]", {}),
        ('{"size": 1e9, "lines": 4}', {"lines": 4}),
    ):
        captions.page.evaluate(store, stored)
        captions.page.reload()
        assert captions("settings") == read


@pytest.mark.parametrize("fault", ["QuotaExceededError", "SecurityError"])
def test_storage_that_is_full_or_forbidden_is_told_and_hurts_nothing(
    browser: Browser, page_url: str, fault: str
) -> None:
    page = browser.new_page()
    refuse = f"() => {{ throw new DOMException('no', '{fault}'); }}"
    page.add_init_script(f"Storage.prototype.setItem = Storage.prototype.getItem = {refuse}")
    page.goto(page_url)
    captions = Captions(page)
    captions("openSettings()")
    captions.set(size=200)
    captions.say("a-1", "hello")
    assert captions.css(".view", "font-size") == "56px"
    assert "stores nothing" in captions.find(".settings [role=status]").inner_text()
    page.close()


def test_settings_travel_in_a_file(captions: Captions, tmp_path: Path) -> None:
    captions.set(size=150, edge="shadow")
    captions("openSettings()")
    with captions.page.expect_download() as download:
        captions.find("button").get_by_text("Save to a file").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name == "live-captions-settings.json"
    assert json.loads(saved.read_text())["settings"] == {"size": 150, "edge": "shadow"}
    captions.set()
    load(captions, saved)
    captions.until("captions.settings.size === 150")
    assert captions("settings") == {"size": 150, "edge": "shadow"}


def test_a_file_that_is_none_of_ours_changes_nothing_and_says_so(
    captions: Captions, tmp_path: Path
) -> None:
    captions.set(size=150)
    captions("openSettings()")
    bad = tmp_path / "bad.json"
    bad.write_text('{"kind": "something else"}')
    load(captions, bad)
    captions.until("root.querySelector('.settings .notice').textContent !== ''")
    assert "no caption settings" in captions.find(".settings .notice").inner_text()
    assert captions("settings") == {"size": 150}


def load(captions: Captions, file: Path) -> None:
    with captions.page.expect_file_chooser() as chooser:
        captions.find("button").get_by_text("Load from a file").click()
    chooser.value.set_files(file)


@pytest.mark.both_browsers
def test_poor_contrast_is_told_with_its_ratio_and_letters_get_an_outline(
    captions: Captions,
) -> None:
    captions.say("a-1", "hello")
    captions("openSettings()")
    assert captions.text(".ratio") == "Contrast 12.6:1 · easy to read"
    captions.set(backgroundOpacity=50)
    assert captions.text(".ratio").startswith("Contrast 3.9:1 · hard to read")
    assert "rgb(0, 0, 0)" in captions.css(".view .paragraph", "text-shadow")


@pytest.mark.both_browsers
def test_the_preview_looks_like_the_captions(captions: Captions) -> None:
    captions.say("a-1", "hello")
    captions("openSettings()")
    captions.set(textColour="cyan", backgroundColour="blue", backgroundOpacity=100, font="mono")
    for part, style in (
        (".settled", "color"),
        (".row", "background-color"),
        (".row", "font-family"),
    ):
        assert captions.css(f".preview {part}", style) == captions.css(f".view {part}", style)


@pytest.mark.both_browsers
def test_a_preset_is_one_press(captions: Captions) -> None:
    captions("openSettings()")
    assert captions.text(PAPER) == "Black on white"
    captions.click(PAPER)
    captions.say("a-1", "hello")
    assert captions.css(".settled", "color") == "rgb(0, 0, 0)"
    assert captions.css(".row", "background-color") == "rgb(255, 255, 255)"


def test_captions_are_moved_by_mouse_finger_and_keys(captions: Captions) -> None:
    captions.say("a-1", "hello")
    page = captions.page
    start = captions.box(".frame")
    page.mouse.move(start["x"] + 60, start["y"] + 60)
    page.mouse.down()
    page.mouse.move(start["x"] + 160, start["y"] - 140, steps=4)
    page.mouse.up()
    dragged = captions.box(".frame")
    assert dragged["x"] - start["x"] == pytest.approx(100, abs=3)
    assert dragged["y"] - start["y"] == pytest.approx(-200, abs=3)
    page.keyboard.press("p")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    moved = captions.box(".frame")
    assert moved["x"] < dragged["x"]
    assert moved["y"] > dragged["y"]
    page.keyboard.press("Home")
    assert captions.box(".frame")["bottom"] == start["bottom"]
    touch(page, captions.box(".grip"), -120, -100)
    assert captions("settings")["position"] == "free"
    assert captions.box(".frame")["bottom"] < start["bottom"] - 60


def touch(page: Page, grip: dict[str, float], right: int, down: int) -> None:
    client = page.context.new_cdp_session(page)
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    client.send(
        "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    )
    for part in (0.5, 1):
        points = [{"x": x + right * part, "y": y + down * part}]
        client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_captions_that_are_moved_stay_in_their_box(captions: Captions) -> None:
    captions.feed(*(packet(f"c-{n}", 1, TEXT, start_ms=n, speaker=f"s{n}") for n in range(12)))
    for x, y in ((0, 0), (1000, 0), (0, 1000), (1000, 1000)):
        captions.set(position="free", x=x, y=y)
        frame = captions.box(".frame")
        assert frame["x"] >= 0
        assert frame["right"] <= 900
        assert frame["y"] >= 0
        assert frame["bottom"] <= 600
