"""The meeting page of somebody whose browser has a font of 32 px: what matters keeps its room."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright

from eval.runs.browser import FLAGS, Viewer
from eval.testing.browser_meeting import meeting_of
from eval.testing.caption_element import packet

pytestmark = [pytest.mark.room, pytest.mark.browser]

FONT_PX = 32
SAID = "and now a few words that take three lines of the box, whatever is beside or above them"
FEED = """async (packet) => {
  const captions = document.querySelector("live-captions");
  captions.feed({ ...packet, session: captions.captions.facts.session });
  await captions.rendered();
}"""
BOX = """(selector) => {
  const root = document.querySelector("live-captions").shadowRoot;
  const found = document.querySelector(selector) ?? root.querySelector(selector);
  const { top, bottom, width, height } = found.getBoundingClientRect();
  return { top, bottom, width, height };
}"""


@pytest.fixture
async def alone(livekit_program: Path, chromium_path: str) -> AsyncIterator[Viewer]:
    """The page of somebody who is alone with the bot, and has not answered its notice."""
    flags = [*FLAGS, f"--blink-settings=defaultFontSize={FONT_PX}"]
    async with (
        meeting_of(livekit_program, chromium_path, {}) as meeting,
        async_playwright() as driver,
    ):
        browser = await driver.chromium.launch(executable_path=chromium_path, args=flags)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.goto(f"{meeting.address}?name=Rita&role=guest&lang=en")
        viewer = Viewer(page)
        await viewer.until("captions?.captions.facts !== null")
        await page.locator("#notice").wait_for()
        yield viewer
        await browser.close()


# The points within a part, three to a side, at which something else is in front of it.
COVERED = """(selector) => {
  const part = document.querySelector(selector);
  part.scrollIntoView({ block: "nearest" });
  const { left, top, width, height } = part.getBoundingClientRect();
  const steps = [0.3, 0.5, 0.7];
  return steps.flatMap((x) => steps.map((y) => [left + x * width, top + y * height]))
    .filter((at) => !part.contains(document.elementFromPoint(...at)));
}"""


async def box(viewer: Viewer, selector: str) -> dict[str, float]:
    found: dict[str, float] = await viewer.page.evaluate(BOX, selector)
    return found


async def says(viewer: Viewer, **settings: Any) -> None:
    """Choose settings; then somebody says three lines."""
    page = viewer.page
    chosen = "(settings) => Object.assign(document.querySelector('live-captions'), { settings })"
    await page.evaluate(f"(settings) => {{ ({chosen})(settings); }}", settings)
    said = packet("x-1", 1, SAID, speaker="zoe", name="Zoé", start_ms=10_000_000)
    await page.evaluate(FEED, said)


async def test_a_tile_captions_with_their_name_and_the_history_have_room(alone: Viewer) -> None:
    await says(alone)
    tile, plate, view, name, text = [
        await box(alone, part)
        for part in (".tile", ".plate", ".view", ".view .name", ".view .text")
    ]
    assert tile["height"] > 800 / 4
    assert tile["width"] > 800 / 4
    assert plate["bottom"] <= view["top"]
    assert name["top"] >= view["top"]
    assert text["height"] >= 2 * 1.375 * 1.5 * FONT_PX
    await says(alone, size=160, lines=2, lineLength=32)  # the preset Large
    view, name = await box(alone, ".view"), await box(alone, ".view .name")
    assert name["top"] >= view["top"]
    await says(alone)
    for number, name in enumerate(("Léa", "Bob", "Zoé")):
        said = packet(f"y-{number}", 1, SAID, speaker=name, name=name, start_ms=11_000_000)
        await alone.page.evaluate(FEED, said)
    view, tile = await box(alone, ".view"), await box(alone, ".tile")
    assert tile["bottom"] - view["top"] <= 0.36 * tile["height"]
    assert {row["name"] for row in await alone.shown()} == {"Léa", "Bob", "Zoé"}
    await alone.page.keyboard.press("y")
    await alone.until("captions.panel === 'history'")
    captions, panel, entries = [
        await box(alone, part) for part in (".view", ".history", ".history-scroll")
    ]
    assert entries["height"] >= 4 * 1.5 * FONT_PX
    assert entries["bottom"] <= 800
    assert captions["bottom"] <= panel["top"] + 1


async def test_on_a_phone_captions_and_their_state_cover_no_button_and_panels_have_room(
    alone: Viewer,
) -> None:
    page = alone.page
    await page.set_viewport_size({"width": 390, "height": 844})
    await alone.until("captions.shadowRoot.querySelector('.status').innerText !== ''")
    for said in (False, True):
        if said:
            await says(alone)
            name, view = await box(alone, ".view .name"), await box(alone, ".view")
            assert name["top"] >= view["top"] >= 0
        for button in ("#notice .primary", "#notice .button:last-child"):
            assert await page.evaluate(COVERED, button) == []
            assert (await box(alone, button))["bottom"] <= 844
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.keyboard.press("r")
    for part in ("#panel .panel-title", "#panel .panel-state", "#panel .field", "#panel .people"):
        assert await page.evaluate(COVERED, part) == []
    await page.keyboard.press("Escape")
    for key, panel, part in (("s", "settings", ".preview"), ("y", "history", ".history-scroll")):
        await page.keyboard.press(key)
        await alone.until(f"captions.panel === '{panel}'")
        view, whole, inner = [await box(alone, one) for one in (".view", f".{panel}", part)]
        assert view["top"] >= 0
        assert view["bottom"] <= whole["top"] + 1
        assert min(844, inner["bottom"]) - inner["top"] >= 4 * 1.5 * FONT_PX
        await page.keyboard.press("Escape")
