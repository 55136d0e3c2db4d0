"""Looks of captions, settings, history and the transcript view, in a real room and browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from eval.runs.browser import Viewer
from eval.testing.browser_meeting import Meeting, meeting_of, speaking
from eval.testing.caption_element import packet

pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CLOCK = "%H:%M:%S"
# Once a name is in sight: the air above it, and that below the letters of the last line.
BOX = """async () => {
  const root = document.querySelector("live-captions").shadowRoot;
  const boxOf = (one) => one.getBoundingClientRect();
  const view = root.querySelector(".view");
  const named = () => [...view.querySelectorAll(".name:not([hidden])")].filter((one) =>
    boxOf(one).top >= boxOf(view).top);
  while (named().length === 0) await new Promise(requestAnimationFrame);
  const names = named(), row = names[0].parentElement;
  const size = parseFloat(getComputedStyle(view).fontSize);
  const lines = [...view.querySelectorAll(".paragraph")];
  const letters = document.createRange();
  letters.selectNodeContents(row.querySelector(".settled"));
  const leading = 1.375 * size - letters.getClientRects()[0].height;
  letters.selectNodeContents(names[0].querySelector(".speaker"));
  return {
    names: names.map((name) => name.querySelector(".speaker").textContent),
    size,
    above: boxOf(letters).top - boxOf(view).top,
    below: boxOf(view).bottom - boxOf(lines.at(-1)).bottom + leading / 2,
    corners: [
      ...["TopLeft", "TopRight"].map((at) => getComputedStyle(row)[`border${at}Radius`]),
      ...["BottomLeft", "BottomRight"].map((at) => getComputedStyle(view)[`border${at}Radius`]),
    ],
  };
}"""
# By how much each edge of the sample stands inside the preview.
PREVIEW = """() => {
  const root = document.querySelector("live-captions").shadowRoot;
  const [outer, inner] = [".preview", ".preview-window"].map((one) =>
    root.querySelector(one).getBoundingClientRect());
  return [inner.top - outer.top, outer.bottom - inner.bottom,
    inner.left - outer.left, outer.right - inner.right];
}"""
CLOSING = """() => [document, document.querySelector("live-captions").shadowRoot]
  .flatMap((root) => [...root.querySelectorAll("button")])
  .filter((one) => one.checkVisibility() && /close/i.test(one.ariaLabel ?? one.innerText)).length"""
GROUND = "getComputedStyle(document.getElementById('%s')).backgroundColor"
FEED = """async (packets) => {
  const captions = document.querySelector("live-captions");
  const { session } = captions.captions.facts;
  for (const packet of packets) captions.feed({ ...packet, session });
  await captions.rendered();
}"""
# Of every paragraph its name, its time and its words.
PARAGRAPHS = """() => [...document.querySelector("live-captions").shadowRoot
  .querySelectorAll(".history .entry")].map((entry) =>
    [".entry-name", ".entry-time", ".entry-text"].map((part) =>
      entry.querySelector(part)?.innerText ?? ""))"""


@dataclass(frozen=True)
class Spoken:
    """A meeting in which Anna speaks, and the page of somebody who reads."""

    meeting: Meeting
    reader: Viewer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def spoken(livekit_program: Path, chromium_path: str) -> AsyncIterator[Spoken]:
    async with meeting_of(livekit_program, chromium_path, {"CAPTIONER_WANT": "hello"}) as meeting:
        reader, anna = await meeting.open("Rita"), await meeting.open("Anna")
        await anna.page.click("#microphone")
        async with speaking(anna, 100):
            said = "captions.shadowRoot.querySelector('.view').innerText.split(/\\s+/).length > 12"
            await reader.until(f"captions.cues().length > 1 && {said}")
            yield Spoken(meeting, reader)


@asynccontextmanager
async def transcript_of(meeting: Meeting) -> AsyncIterator[Viewer]:
    context = await meeting.browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    await page.goto(f"{meeting.address}?name=Screen&role=guest&lang=en&view=transcript")
    viewer = Viewer(page)
    await viewer.until("captions?.cues().length > 0")
    yield viewer
    await context.close()


def monologue(after_ms: int) -> list[dict[str, Any]]:
    """Two minutes and a half of Zoé, with fragments in them, and then an answer."""
    texts = ["and so we went on", "with the money", "that there was.", "It was the", "best we had."]
    return [
        packet(f"z-{n}", 1, texts[n % 5], closed=True, speaker="zoe", name="Zoé",
               start_ms=after_ms + n * 4_000, end_ms=after_ms + n * 4_000 + 3_800)
        for n in range(37)
    ] + [packet("b-1", 1, "Yes.", closed=True, speaker="bob", name="Bob",
                start_ms=after_ms + 37 * 4_000)]  # fmt: skip


async def test_a_box_has_equal_air_and_corners_and_a_name_once_and_panels_show_what_is_chosen(
    spoken: Spoken,
) -> None:
    reader = spoken.reader
    box = await reader.page.evaluate(BOX)
    assert box["names"] == ["Anna"]
    assert abs(box["above"] - box["below"]) <= box["size"] / 6
    assert set(box["corners"]) == {"8px"}

    for width, height in ((1280, 800), (390, 844)):
        await reader.page.set_viewport_size({"width": width, "height": height})
        await reader.page.evaluate("document.querySelector('live-captions').openSettings()")
        presets = reader.page.locator("live-captions .presets button")
        await presets.filter(has_text="Large").click()
        pressed = reader.page.locator("live-captions .presets [aria-pressed=true]")
        assert await pressed.all_inner_texts() == ["Large"]
        assert min(await reader.page.evaluate(PREVIEW)) >= 0
        grounds = [await reader.page.evaluate(GROUND % tool) for tool in ("settings", "history")]
        assert grounds[0] != grounds[1]
        assert await reader.page.evaluate(CLOSING) == 1
        await presets.filter(has_text="Standard").click()
        await reader.page.keyboard.press("Escape")


async def test_history_and_transcript_are_paragraphs_with_names_and_times(spoken: Spoken) -> None:
    async with transcript_of(spoken.meeting) as screen:
        await spoken.reader.page.keyboard.press("y")
        titles = []
        for viewer in (spoken.reader, screen):
            last = (await viewer.cues())[-1]
            await viewer.page.evaluate(FEED, monologue(last["end_ms"] + 600_000))
            await viewer.page.locator("live-captions .entry-name", has_text="Bob").wait_for()
            title = viewer.page.locator("live-captions .history .panel-title")
            titles.append(await title.inner_text())
            await are_paragraphs(viewer)
            await says_that_a_time_is_beyond_the_ends(viewer)
        assert titles == ["History", "Everything said so far"]


async def are_paragraphs(viewer: Viewer) -> None:
    found = await viewer.page.evaluate(PARAGRAPHS)
    names = [name for name, _, _ in found]
    assert names[0] == "Anna"
    assert names[-4:] == ["Zoé", "Zoé", "Zoé", "Bob"]
    times = [datetime.strptime(time, CLOCK) for name, time, _ in found if name == "Zoé"]
    for before, after in pairwise(times):
        assert (after - before) % timedelta(days=1) <= timedelta(seconds=60)
    assert all(len(text.split()) > 3 for name, _, text in found if name == "Zoé")


async def says_that_a_time_is_beyond_the_ends(viewer: Viewer) -> None:
    times = [time for _, time, _ in await viewer.page.evaluate(PARAGRAPHS)]
    notice = viewer.page.locator("live-captions .history .notice")
    field = viewer.page.locator("live-captions .history .time")
    for time, minutes, said in (
        (times[0], -10, "Nothing was said before"),
        (times[-1], 10, "Nothing has been said after"),
    ):
        beyond = datetime.strptime(time, CLOCK) + timedelta(minutes=minutes)
        await field.fill(f"{beyond:{CLOCK}}")
        await field.press("Enter")
        await notice.get_by_text(said).wait_for()
