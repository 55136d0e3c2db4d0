"""The meeting page in a real room: reachable for everybody, and never a riddle."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest
from meeting_rig import CUT, IN_SIGHT, SMALL, SPACED, focused, opened
from playwright.async_api import Browser, Route

from eval.runs.browser import Viewer
from eval.runs.local_meeting import LocalMeeting

pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

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
TALK = """async () => {
  const captions = document.querySelector("live-captions");
  const { session } = captions.captions.facts;
  const text = "et nous continuons sans nous arrêter ".repeat(12);
  for (const [n, name] of ["Léa", "Bob", "Zoé"].entries()) {
    const vtt = `t-${n}\n09:00:00.000 --> 09:00:0${n + 1}.000\n<v ${name}>${text}`;
    captions.feed({ v: 1, session, seq: 8_000 + n, id: `t-${n}`, rev: 1, state: "open",
      settled: 0, speaker: name, track: name, lang: "fr", heard: 32_400_000, vtt });
  }
  await captions.rendered();
}"""
TOOLS = ["microphone", "toggle", "settings", "history", "room"]


async def test_everything_is_reached_with_the_keyboard_alone(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain) as viewer:
        page = viewer.page
        reached = []
        for _ in range(30):
            await page.keyboard.press("Tab")
            reached.append(await focused(page))
        assert set(TOOLS) <= set(reached)
        assert {"Caption controls", "History", "Caption settings"} & set(reached)

        await page.keyboard.press("r")
        assert await focused(page) == "room-title"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        assert await focused(page) == "room-enabled"
        await page.keyboard.press("Space")
        await viewer.until('captions.service === "off"')
        await page.keyboard.press("Space")
        await viewer.until('captions.service === "on"')
        await page.keyboard.press("Escape")
        assert not await page.is_visible("#panel")

        await page.keyboard.press("c")
        assert await page.evaluate("document.querySelector('live-captions').hidden")
        await page.keyboard.press("c")
        assert not await page.evaluate("document.querySelector('live-captions').hidden")


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize(("width", "height"), [(320, 640), (320, 256), (640, 360)])
async def test_nothing_is_lost_in_a_small_window_or_at_400_percent(
    browser: Browser, chain: LocalMeeting, width: int, height: int, spaced: bool
) -> None:
    size = {"width": width, "height": height}
    async with opened(browser, chain, "lang=fr", viewport=size) as viewer:
        page = viewer.page
        if spaced:
            await page.evaluate(SPACED)
        for tool in TOOLS:
            await page.locator(f"#{tool}").scroll_into_view_if_needed()
            box = await page.locator(f"#{tool}").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.evaluate(SMALL) == []
        await page.evaluate("scrollTo(0, 0)")
        box = await page.locator("live-captions").bounding_box()
        assert box is not None
        assert box["height"] >= 100
        assert box["y"] + box["height"] <= height + 1
        await page.click("#room")
        for field in ("#room-enabled", "#room-transcript"):
            await page.locator(field).scroll_into_view_if_needed()
            assert await page.locator(field).is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        if not spaced:
            assert await page.evaluate(CUT) == []


@pytest.mark.parametrize(("width", "height"), [(320, 256), (640, 360)])
async def test_at_400_percent_nothing_covers_what_has_the_focus(
    browser: Browser, chain: LocalMeeting, width: int, height: int
) -> None:
    size = {"width": width, "height": height}
    async with opened(browser, chain, "lang=fr", viewport=size) as viewer:
        page = viewer.page
        for key in ("", "r", "s", "y", "?"):
            await page.evaluate("document.activeElement.blur()")
            if key:
                await page.keyboard.press(key)
            names = []
            for _ in range(14):
                await page.keyboard.press("Tab")
                name, seen = await page.evaluate(IN_SIGHT)
                names.append(name)
                assert seen >= 4, (key, name)
            assert len(set(names)) > (0 if key == "?" else 5)
            if key:
                await page.keyboard.press("Escape")


async def test_in_forced_colours_what_is_on_and_who_speaks_still_differs(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain, forced_colors="active") as viewer:
        border = "getComputedStyle(document.getElementById('%s')).borderTopColor"
        on, off = [await viewer.page.evaluate(border % name) for name in ("toggle", "history")]
        assert on != off


async def test_with_reduced_motion_nothing_moves(browser: Browser, chain: LocalMeeting) -> None:
    async with opened(browser, chain, reduced_motion="reduce") as viewer:
        moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
        await viewer.page.click("#room")
        assert await viewer.page.evaluate(moving) == 0


async def test_at_rest_the_controls_go_and_come_back_with_the_first_key(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain, reduced_motion="reduce") as viewer:
        page = viewer.page
        await page.click("#notice .primary")
        await page.mouse.move(600, 300)
        await page.evaluate("document.activeElement.blur()")
        shown = "getComputedStyle(document.getElementById('toolbar')).opacity"
        await viewer.until(f"{shown} === '0'")
        await page.keyboard.press("Tab")
        await viewer.until(f"{shown} === '1'")


async def test_a_guest_sees_the_state_and_why_there_is_no_switch(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain, "role=guest") as viewer:
        await viewer.page.click("#room")
        panel = await viewer.page.inner_text("#panel")
        assert "Captions are on." in panel
        assert "Only the hosts of this meeting can change this." in panel
        assert await viewer.page.locator("#panel [role=switch]:visible").count() == 0


async def test_what_cannot_be_switched_is_said_in_the_readers_language(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain, "lang=fr") as viewer:
        await viewer.page.click("#room")
        await viewer.page.click("#room-transcript")
        error = viewer.page.locator("#panel [role=alert]").first
        await error.get_by_text("Le service de sous-titrage d’ici").wait_for()
        assert await viewer.page.get_attribute("#room-transcript", "aria-checked") == "false"


async def test_a_browser_without_webrtc_is_told_so(browser: Browser, chain: LocalMeeting) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(
        "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection"
    )
    await page.goto(chain.url)
    await page.get_by_text("This browser cannot join a meeting.").wait_for()
    await context.close()


async def test_who_fell_out_comes_back_alone_unless_access_has_run_out(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain) as viewer:
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
    browser: Browser, chain: LocalMeeting, hours: int
) -> None:
    async with opened(browser, chain) as right, opened(browser, chain) as wrong:
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


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (320, 640), (320, 256)])
async def test_what_is_wrong_is_not_covered_by_captions(
    browser: Browser, chain: LocalMeeting, width: int, height: int
) -> None:
    size = {"width": width, "height": height}
    async with opened(browser, chain, "lang=fr", viewport=size) as viewer:
        page = viewer.page
        await page.evaluate(LATE)
        await page.evaluate(TALK)
        await page.locator("live-captions .note").wait_for()
        await page.route("**/api/join*", lambda route: route.fulfill(status=403))
        await page.evaluate("document.querySelector('live-captions').room.disconnect()")
        await page.locator("#trouble-what", has_text="ne pouvez plus entrer").wait_for()
        assert (await viewer.shown())[0]["text"] != ""
        assert await page.locator("live-captions .note").count() == 0
        await page.focus("#retry")
        _, seen = await page.evaluate(IN_SIGHT)
        assert seen == 5


async def test_a_page_that_slept_says_from_when_to_when(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain) as viewer:
        # What a browser tells a page whose tab it puts to sleep.
        for event in ("freeze", "resume"):
            await viewer.page.evaluate(f"document.dispatchEvent(new Event('{event}'))")
        await viewer.page.get_by_text("This page was asleep from").wait_for()


async def test_a_broadcast_is_transparent_and_says_what_it_did_not_understand(
    browser: Browser, chain: LocalMeeting
) -> None:
    query = "view=broadcast&lines=2&size=40&color=yellow&background=transparent&align=middle"
    async with opened(browser, chain, query, joins=False) as viewer:
        page = viewer.page
        await viewer.until("captions?.cues().length > 0")
        ground = "getComputedStyle(%s).backgroundColor"
        for element in ("document.documentElement", "document.body"):
            assert await page.evaluate(ground % element) == "rgba(0, 0, 0, 0)"
        height = "document.querySelector('live-captions').clientHeight"
        assert await page.evaluate(height) == 3 * 1.375 * 40
        assert not await page.is_visible("#toolbar")
        assert await page.inner_text(".broadcast-bad") == (
            "Not understood in this page's address: align=middle"
        )


async def test_a_broadcast_does_not_look_as_this_device_keeps_it_for_its_reader(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain, "view=broadcast&size=40", joins=False) as viewer:
        keep = "(text) => localStorage.setItem('live-captions.settings', text)"
        await viewer.page.evaluate(keep, '{"size": 400, "font": "mono"}')
        await viewer.page.reload()
        await viewer.until("captions?.cues().length > 0")
        looks = "getComputedStyle(captions.shadowRoot.querySelector('.view'))"
        await viewer.until(f"{looks}.fontSize === '40px'")
        await viewer.until(f"!{looks}.fontFamily.includes('Mono')")


async def test_the_transcript_view_shows_what_was_said_and_stays_open(
    browser: Browser, chain: LocalMeeting
) -> None:
    async with opened(browser, chain, "view=transcript", joins=False) as viewer:
        await viewer.page.locator(".entry-name", has_text="Anna Müller").first.wait_for()
        await viewer.page.keyboard.press("Escape")
        await viewer.until('captions.panel === "history"')
