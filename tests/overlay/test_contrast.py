"""Contrast and axe-core on <live-captions>: captions, panels and every preset, in both themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from colours import poor_contrast
from overlay_rig import Captions, packet

pytestmark = pytest.mark.browser

PRESETS = ["standard", "large", "contrast", "paper", "clear", "calm"]
AXE = Path(__file__).parents[2] / "web-overlay" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
  const { violations } = await axe.run("live-captions", { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ failureSummary }) => `${id} ${failureSummary}`));
}"""
FACTS: dict[str, Any] = {
    "session": "s", "language": "en", "engine": "embedded", "standsIn": "", "engines": [],
    "languages": [], "by": "Zoé", "transcript": False, "consent": "unless-refused", "delay_ms": 600,
}  # fmt: skip
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
    captions.find(".frame").hover()
    assert poor_contrast(captions.page) == []
    for panel in ("Settings", "History", "Keys"):
        captions(f"open{panel}()")
        if panel == "History":
            captions.find("[type=search]").fill("budget")
        assert poor_contrast(captions.page) == [], panel


def test_captions_of_every_preset_stand_out_over_any_video(captions: Captions) -> None:
    say_something(captions)
    captions("openSettings()")
    for number, preset in enumerate(PRESETS, start=1):
        captions.click(f".presets button:nth-of-type({number})")
        captions("closePanel()")
        captions.rendered()
        assert poor_contrast(captions.page) == [], preset
        captions("openSettings()")


def test_a_pair_of_colours_that_does_not_stand_out_is_found(captions: Captions) -> None:
    captions.say("a-1", "hello")
    captions.set(textColour="blue", textOpacity=60, edge="raised")
    assert any("hello" in line for line in poor_contrast(captions.page))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_nothing_in_any_state_of_the_captions(captions: Captions, language: str) -> None:
    page = captions.page
    page.emulate_media(reduced_motion="reduce")  # half faded in, nothing stands out
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.evaluate(
        "(to) => document.querySelector('live-captions').setAttribute('locale', to)", language
    )
    show = """([state, facts]) => {
      document.querySelector("live-captions").captions.takeService(state, facts);
    }"""

    def nothing_is_found(what: str) -> None:
        captions.rendered()
        for theme in ("dark", "light"):
            captions.set(theme=theme)
            assert page.evaluate(RUN_AXE) == [], (what, theme)
        assert poor_contrast(page) == [], what

    for state in STATES:
        page.evaluate(
            show, [state, None if state in ("none", "connecting") else {**FACTS, "state": state}]
        )
        assert captions.text(".status") != ""
        nothing_is_found(state)
    page.evaluate(show, ["on", {**FACTS, "state": "on"}])
    say_something(captions)
    track = {"v": 1, "type": "track", "session": "s", "lag_ms": 3_000}
    for seq, state in enumerate(TRACKS, start=10):
        name = f"s{seq}"
        captions.feed({**track, "seq": seq, "track": name, "speaker": name, "state": state})
    assert len(captions.texts(".note")) == len(TRACKS)
    nothing_is_found("speakers")
    captions("hold()")
    nothing_is_found("held")
