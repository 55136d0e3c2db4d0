"""Every state of the meeting page: axe-core and our own contrast find nothing, in any of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from meeting_rig import AXE, faults, opened
from playwright.async_api import Browser, Page, Route

from eval.chain import Chain

pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

ROOM_STATES = [
    "none", "connecting", "off", "starting", "idle", "on", "interrupted", "unavailable",
    "encrypted", "no-language",
]  # fmt: skip
VOICE_STATES = ["delayed", "stalled", "unavailable", "refused"]
# What the bot could say, said in its place; what is not given stays as it is.
SAID = """([facts, you]) => {
  const { captions } = document.querySelector("live-captions");
  window.first ??= [captions.facts, captions.you];
  const all = { ...window.first[0], ...facts };
  const isThere = all.state !== "none" && all.state !== "connecting";
  captions.takeService(all.state, isThere ? all : null);
  captions.takeYou({ ...window.first[1], ...you });
}"""
VOICES = """(states) => states.forEach((state, n) => {
  const captions = document.querySelector("live-captions");
  const { session } = captions.captions.facts;
  captions.feed({ v: 1, type: "track", session, seq: 9_000 + n, track: `T${n}`,
    speaker: n === 0 ? "anna" : `voice-${n}`, state, lag_ms: 4_000 });
})"""
NOTICES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"transcript": True}, {"kept": True}),
    ({"transcript": True}, {"kept": False}),
    ({}, {"captioned": False}),
    ({"consent": "if-agreed"}, {"captioned": False}),
]


async def every_state(page: Page) -> AsyncIterator[str]:
    """The page in one state after the other, as its reader may find it."""
    yield "at first"
    for facts, you in NOTICES:
        await page.evaluate(SAID, [facts, you])
        yield f"notice {facts} {you}"
    await page.click("#room")
    for state in ROOM_STATES:
        await page.evaluate(SAID, [{"state": state, "by": "Zoé"}, {}])
        yield f"room {state}"
    await page.evaluate(SAID, [{"state": "on", "standsIn": "embedded", "engine": "kyutai"}, {}])
    yield "somebody stands in"
    for why in ("not-host", "unsigned"):
        await page.evaluate(SAID, [{"state": "on"}, {"host": False, "why": why}])
        yield f"guest {why}"
    await page.evaluate(VOICES, VOICE_STATES)
    yield "voices"
    for panel in ("settings", "history"):
        await page.click(f"#{panel}")
        yield panel
        await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    yield "keys"
    await page.keyboard.press("Escape")
    for event in ("freeze", "resume"):
        await page.evaluate(f"document.dispatchEvent(new Event('{event}'))")
    yield "slept"
    await page.click("#toggle")
    yield "without captions"


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_nothing_is_wrong_in_any_state_of_the_meeting(
    browser: Browser, chain: Chain, language: str
) -> None:
    # Half faded in, nothing stands out.
    query, options = f"lang={language}", {"reduced_motion": "reduce"}
    async with opened(browser, chain, query, **options) as viewer:
        page = viewer.page
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        async for state in every_state(page):
            for scheme in ("dark", "light"):
                await page.emulate_media(color_scheme=scheme)
                assert await faults(page) == [], (state, scheme)


async def refuse(route: Route) -> None:
    await route.fulfill(status=403)


async def fail(route: Route) -> None:
    await route.abort()


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_nothing_is_wrong_when_the_page_cannot_join(
    browser: Browser, chain: Chain, language: str
) -> None:
    for answer in (refuse, fail):
        context = await browser.new_context()
        page = await context.new_page()
        await page.route("**/api/join*", answer)
        await page.goto(f"{chain.url}?lang={language}")
        await page.locator("#trouble").wait_for()
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        for scheme in ("dark", "light"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert await faults(page) == [], (answer.__name__, scheme)
        await context.close()


@pytest.mark.parametrize("view", ["broadcast&lines=9", "transcript"])
async def test_nothing_is_wrong_in_the_views_that_are_captions_alone(
    browser: Browser, chain: Chain, view: str
) -> None:
    options = {"joins": False, "reduced_motion": "reduce"}
    async with opened(browser, chain, f"view={view}", **options) as viewer:
        await viewer.until("captions?.cues().length > 0")
        await viewer.page.evaluate(AXE.read_text(encoding="utf-8"))
        for scheme in ("dark", "light"):
            await viewer.page.emulate_media(color_scheme=scheme)
            assert await faults(viewer.page) == [], scheme
