"""The meeting page in a real room: what it tells, and how it comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

import pytest
from playwright.async_api import Route

from eval.runs.browser import Viewer

pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Opened = Callable[..., AbstractAsyncContextManager[Viewer]]

# By so many ms, whoever asks what time it is.
CLOCK_OFF = """{
  const off = %d;
  const Right = Date;
  window.Date = class extends Right {
    constructor(...given) { super(...(given.length > 0 ? given : [Right.now() + off])); }
    static now() { return Right.now() + off; }
  };
  Object.defineProperty(performance, "timeOrigin", { value: performance.timeOrigin + off });
}"""
LATE = """() => {
  const captions = document.querySelector("live-captions");
  const { session } = captions.captions.facts;
  captions.feed({ v: 1, type: "track", session, seq: 9_000, track: "T", speaker: "anna",
    state: "delayed", lag_ms: 4_000 });
}"""


async def test_a_guest_sees_the_state_and_why_there_is_no_switch(opened: Opened) -> None:
    async with opened("role=guest") as viewer:
        await viewer.page.click("#room")
        panel = await viewer.page.inner_text("#panel")
        assert "Captions are on." in panel
        assert "Only the hosts of this meeting can change this." in panel
        assert await viewer.page.locator("#panel [role=switch]:visible").count() == 0


async def test_what_cannot_be_switched_is_said_in_the_readers_language(opened: Opened) -> None:
    async with opened("lang=fr") as viewer:
        await viewer.page.click("#room")
        await viewer.page.click("#room-transcript")
        error = viewer.page.locator("#panel [role=alert]", has_text="Ce service de sous-titrage")
        await error.wait_for()
        assert await viewer.page.get_attribute("#room-transcript", "aria-checked") == "false"


async def test_a_host_lists_names_and_sees_which_count(opened: Opened) -> None:
    async with opened("lang=fr") as viewer:
        await viewer.page.click("#room")
        await viewer.page.fill("#room-vocabulary", "Étretat\nYport, étretat\n<|fr|>")
        await viewer.page.click("text=Enregistrer les noms et termes")
        await viewer.until("document.querySelector('#room-vocabulary').value === 'Étretat\\nYport'")
        assert await viewer.page.inner_text("#room-vocabulary-used") != ""


async def test_who_fell_out_comes_back_alone_unless_access_has_run_out(opened: Opened) -> None:
    async with opened() as viewer:
        await viewer.page.evaluate("document.querySelector('live-captions').room.disconnect()")
        await viewer.until('captions.room.state === "disconnected"')
        await viewer.until('captions.service === "on"')

        async def expired(route: Route) -> None:
            await route.fulfill(status=403)

        await viewer.page.route("**/api/join*", expired)
        await viewer.page.evaluate("document.querySelector('live-captions').room.disconnect()")
        await viewer.page.get_by_text("You may no longer enter this room.").wait_for()


@pytest.mark.parametrize("hours", [-25, 1])
async def test_a_device_whose_clock_is_wrong_tells_the_same_times(
    opened: Opened, hours: int
) -> None:
    async with opened() as right, opened() as wrong:
        await wrong.page.add_init_script(CLOCK_OFF % (hours * 3_600_000))
        await wrong.page.reload()
        await wrong.until("captions?.captions.you !== null && captions.cues().length > 0")
        now_ms = time.time() * 1_000
        assert abs(await wrong.page.evaluate("Date.now()") - now_ms) > 3_000_000
        told, wrongly_told = [await times_told_by(viewer) for viewer in (right, wrong)]
        first, *_ = told["history"]
        said_ms = (await origin_ms(right)) + (await right.cues())[0]["start_ms"]
        assert first == f"{datetime.fromtimestamp(said_ms / 1_000):%H:%M:%S}"
        assert "4 s late" in told["note"]
        assert wrongly_told == told


async def origin_ms(viewer: Viewer) -> int:
    """When the bot's own clock began, as it tells everybody."""
    agents = "[...captions.room.remoteParticipants.values()].filter((one) => one.isAgent)"
    (origin,) = await viewer.page.evaluate(
        f"""() => {{
          const captions = document.querySelector("live-captions");
          return {agents}.map((one) => Number(one.attributes["captions.origin"]));
        }}"""
    )
    return int(origin)


async def times_told_by(viewer: Viewer) -> dict[str, Any]:
    """Every time that the page tells, and every file that it gives."""
    page = viewer.page
    await page.evaluate(LATE)
    await page.evaluate("document.querySelector('live-captions').openHistory()")
    entries = page.locator("live-captions .entry-time")
    await entries.first.wait_for()
    note = page.locator("live-captions .note")
    told: dict[str, Any] = {
        "cues": [(cue["start_ms"], cue["end_ms"]) for cue in await viewer.cues()],
        "history": await entries.all_inner_texts(),
        "note": await note.inner_text(),
    }
    for ending in ("vtt", "srt", "txt"):
        async with page.expect_download() as downloading:
            await page.locator("live-captions .downloads button", has_text=f".{ending}").click()
        download = await downloading.value
        told[download.suggested_filename] = (await download.path()).read_text(encoding="utf-8")
    return told


async def test_a_page_that_slept_says_from_when_to_when(opened: Opened) -> None:
    async with opened() as viewer:
        # What a browser tells a page whose tab it puts to sleep.
        for event in ("freeze", "resume"):
            await viewer.page.evaluate(f"document.dispatchEvent(new Event('{event}'))")
        await viewer.page.get_by_text("This page was asleep from").wait_for()


async def test_a_broadcast_is_transparent_and_says_what_it_did_not_understand(
    opened: Opened,
) -> None:
    query = "view=broadcast&lines=2&size=40&color=yellow&background=transparent&align=middle"
    async with opened(query, joins=False) as viewer:
        page = viewer.page
        await viewer.until("captions?.cues().length > 0")
        ground = "getComputedStyle(%s).backgroundColor"
        for element in ("document.documentElement", "document.body"):
            assert await page.evaluate(ground % element) == "rgba(0, 0, 0, 0)"
        height = "document.querySelector('live-captions').clientHeight"
        assert await page.evaluate(height) == (3 * 1.375 + 0.25) * 40
        assert not await page.is_visible("#toolbar")
        assert await page.inner_text(".broadcast-bad") == (
            "Not valid in this page's address: align=middle"
        )


async def test_a_broadcast_does_not_look_as_this_device_keeps_it_for_its_reader(
    opened: Opened,
) -> None:
    async with opened("view=broadcast&size=40", joins=False) as viewer:
        keep = "(text) => localStorage.setItem('live-captions.settings', text)"
        await viewer.page.evaluate(keep, '{"size": 400, "font": "mono"}')
        await viewer.page.reload()
        await viewer.until("captions?.cues().length > 0")
        looks = "getComputedStyle(captions.shadowRoot.querySelector('.view'))"
        await viewer.until(f"{looks}.fontSize === '40px'")
        await viewer.until(f"!{looks}.fontFamily.includes('Mono')")


async def test_the_transcript_view_shows_what_was_said_and_stays_open(opened: Opened) -> None:
    async with opened("view=transcript", joins=False) as viewer:
        await viewer.page.locator(".entry-name", has_text="Anna Müller").first.wait_for()
        title = viewer.page.locator("live-captions .history .panel-title")
        assert await title.inner_text() == "Everything said so far"
        await viewer.page.keyboard.press("Escape")
        await viewer.until('captions.panel === "history"')
