"""Contrast and axe-core on <live-captions>: captions, panels and every preset, in both themes."""

from __future__ import annotations

from typing import Any

import pytest

from eval.testing.accessibility import FAULTS, POOR_CONTRAST
from eval.testing.caption_element import Captions, packet

pytestmark = pytest.mark.browser

PRESETS = ["standard", "large", "contrast", "paper", "clear", "calm"]
FACTS: dict[str, Any] = {
    "session": "s", "language": "en", "engine": "embedded", "standsIn": "", "engines": [],
    "languages": [], "by": "Zoé", "transcript": False, "consent": "unless-refused", "delay_ms": 600,
}  # fmt: skip
FULL = """() => {
  Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
}"""
STATES = [
    "none", "connecting", "off", "starting", "idle", "on", "interrupted", "unavailable",
    "encrypted", "no-language",
]  # fmt: skip
TRACKS = ["delayed", "stalled", "unavailable", "refused"]


def say_something(captions: Captions) -> None:
    gap = {"v": 1, "type": "gap", "session": "s", "seq": 9, "start": 1_500, "end": 9_000}
    captions.feed(
        packet("a-1", 1, "we begin with the budget", closed=True),
        {**gap, "reason": "connection-lost"},
        packet("b-1", 1, "settled and still changing", settled=7, speaker="bob", start_ms=9_500),
    )


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_all_that_is_seen_stands_out_in_captions_and_panels(captions: Captions, theme: str) -> None:
    say_something(captions)
    captions.set(theme=theme, position="free", speakerColours=True)
    for mode in ("beside", "over"):
        captions.page.evaluate(
            """(mode) => {
              const captions = document.querySelector("live-captions");
              captions.mode = mode;
              captions.style.blockSize = "400px";
            }""",
            mode,
        )
        captions.find(".frame").hover()
        captions.until("getComputedStyle(root.querySelector('.bar')).opacity === '1'")
        assert captions.page.evaluate(POOR_CONTRAST) == [], mode
    for panel in ("Settings", "History", "Keys"):
        captions(f"open{panel}()")
        if panel == "History":
            captions.find("[type=search]").fill("budget")
        assert captions.page.evaluate(POOR_CONTRAST) == [], panel


def test_captions_of_every_preset_stand_out_over_any_video(captions: Captions) -> None:
    say_something(captions)
    captions("openSettings()")
    for number, preset in enumerate(PRESETS, start=1):
        captions.click(f".presets button:nth-of-type({number})")
        captions("closePanel()")
        captions.rendered()
        assert captions.page.evaluate(POOR_CONTRAST) == [], preset
        captions("openSettings()")


def test_a_pair_of_colours_that_does_not_stand_out_is_found(captions: Captions) -> None:
    captions.say("a-1", "hello")
    captions.set(textColour="blue", textOpacity=60, edge="raised")
    assert any("hello" in line for line in captions.page.evaluate(POOR_CONTRAST))


class Watcher:
    """Looks for faults, in both themes."""

    def __init__(self, captions: Captions, language: str, axe_core: str) -> None:
        self._captions = captions
        captions.page.emulate_media(reduced_motion="reduce")  # half faded in, nothing stands out
        captions.page.evaluate(axe_core)
        captions.page.evaluate(
            "(to) => document.querySelector('live-captions').setAttribute('locale', to)", language
        )

    def finds_nothing(self, what: str, **settings: Any) -> None:
        self._captions.rendered()
        for theme in ("dark", "light"):
            self._captions.set(theme=theme, **settings)
            assert self._captions.page.evaluate(FAULTS, "live-captions") == [], (what, theme)


in_both_languages = pytest.mark.parametrize("language", ["en", "fr"])


@in_both_languages
def test_axe_finds_nothing_in_any_state_of_the_captions(
    captions: Captions, language: str, axe_core: str
) -> None:
    watcher = Watcher(captions, language, axe_core)
    show = """([state, facts]) => {
      document.querySelector("live-captions").captions.takeService(state, facts);
    }"""
    for state in STATES:
        known = None if state in ("none", "connecting") else {**FACTS, "state": state}
        captions.page.evaluate(show, [state, known])
        assert captions.text(".status") != ""
        watcher.finds_nothing(state)
    captions.page.evaluate(show, ["on", {**FACTS, "state": "on"}])
    say_something(captions)
    track = {"v": 1, "type": "track", "session": "s", "lag_ms": 3_000}
    for seq, state in enumerate(TRACKS, start=10):
        name = f"s{seq}"
        captions.feed({**track, "seq": seq, "track": name, "speaker": name, "state": state})
    assert len(captions.texts(".note")) == len(TRACKS)
    watcher.finds_nothing("speakers")
    captions("hold()")
    captions.say("a-9", "while it is held", start_ms=60_000)
    watcher.finds_nothing("held")
    captions("jumpToLive()")
    captions.feed({**packet("n-1", 1, "newer"), "v": 2})
    watcher.finds_nothing("a newer contract")


@in_both_languages
def test_axe_finds_nothing_in_any_state_of_the_settings(
    captions: Captions, language: str, axe_core: str
) -> None:
    watcher = Watcher(captions, language, axe_core)
    say_something(captions)
    captions("openSettings()")
    watcher.finds_nothing("free", position="free")
    watcher.finds_nothing("hard to read", backgroundOpacity=50)
    assert "4" in captions.text(".ratio")
    captions.page.route("**/fonts/*", lambda route: route.fulfill(body="no font"))
    watcher.finds_nothing("no font", font="dyslexic")
    no_module = {"content_type": "text/javascript", "body": "("}
    captions.page.route("**/profanity.js", lambda route: route.fulfill(**no_module))
    captions.set(maskProfanity=True)
    captions.until(
        "/gros mots|swear words/.test(root.querySelector('.settings .notice').textContent)"
    )
    watcher.finds_nothing("no list", maskProfanity=True)
    for text in ("{", '{"kind": "live-captions-settings", "settings": {"size": -1}}'):
        file = {"name": "a.json", "mimeType": "application/json", "buffer": text.encode()}
        captions.find("input[type=file]").set_input_files([file])
        captions.until("root.querySelector('.settings .notice').textContent !== ''")
        watcher.finds_nothing(text)
    captions.page.evaluate(FULL)
    watcher.finds_nothing("nothing is kept")
    captions("openKeys()")
    watcher.finds_nothing("keys")
    watcher.finds_nothing("keys are off", singleKeys=False)


@in_both_languages
def test_axe_finds_nothing_in_any_state_of_the_history(
    captions: Captions, language: str, axe_core: str
) -> None:
    watcher = Watcher(captions, language, axe_core)
    captions("openHistory()")
    watcher.finds_nothing("nothing was said")
    say_something(captions)
    watcher.finds_nothing("a gap")
    for query in ("budget", "nowhere"):
        captions.find(".history [type=search]").fill(query)
        captions.until("root.querySelector('.hits').textContent !== ''")
        watcher.finds_nothing(query)
    captions.find(".history .time").fill("soon")
    captions.press("Enter")
    captions.until("root.querySelector('.history .notice').textContent !== ''")
    watcher.finds_nothing("no time")


@in_both_languages
def test_axe_finds_nothing_while_captions_are_elsewhere(
    captions: Captions, language: str, axe_core: str
) -> None:
    watcher = Watcher(captions, language, axe_core)
    say_something(captions)
    with captions.page.context.expect_page() as opening:
        captions.press("o")
    captions.until("captions.mode === 'window'")
    watcher.finds_nothing("away")
    popup = opening.value
    popup.evaluate(axe_core)
    assert popup.evaluate(FAULTS, "body") == []
    popup.close()
    captions.until("captions.mode === 'over'")
    captions.page.evaluate("delete window.documentPictureInPicture; window.open = () => null")
    captions.press("o")
    watcher.finds_nothing("no window opens")
