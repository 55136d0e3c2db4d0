"""Every state of the meeting page: axe-core and our own contrast find nothing, in any of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from playwright.async_api import Page

from eval.runs.browser import Viewer
from eval.runs.local_meeting import LocalMeeting
from eval.testing.browser_meeting import open_room
from eval.testing.caption_element import packet

pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Opened = Callable[..., AbstractAsyncContextManager[Viewer]]
StillPage = Callable[[], AbstractAsyncContextManager[Page]]
Look = Callable[[Page, str], Awaitable[None]]

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
VOICES = """([states, mine]) => states.forEach((state, n) => {
  const captions = document.querySelector("live-captions");
  const { session } = captions.captions.facts;
  captions.feed({ v: 1, type: "track", session, seq: 9_000 + n, track: `T${n}`,
    speaker: n === 0 ? mine : `voice-${n}`, state, lag_ms: 4_000 });
})"""
# What the bot does from now on with what it is asked.
ASKED = """(refuses) => document.querySelector("live-captions").captions.connect({
  call: () => new Promise((_, refuse) => { if (refuses) refuse(new Error("no")); }),
})"""
# What livekit-client tells a page, told in its place.
TOLD = """([event, facts, ...values]) => {
  const { room } = document.querySelector("live-captions");
  for (const [name, value] of Object.entries(facts))
    Object.defineProperty(room, name, { get: () => value, configurable: true });
  room.emit(event, ...values);
}"""
# What somebody said themself, as the bot would have sent it.
MINE = """async (packet) => {
  const captions = document.querySelector("live-captions");
  const { identity } = captions.room.localParticipant;
  captions.feed({ ...packet, speaker: identity, session: captions.captions.facts.session });
  await captions.rendered();
}"""
NO_MICROPHONE = """() => {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("no", "NotAllowedError");
  };
}"""
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
    await page.evaluate(SAID, [{"state": "on"}, {}])
    await page.evaluate(VOICES, [VOICE_STATES, "voice-0"])
    yield "voices"
    for state in VOICE_STATES:
        await page.evaluate(VOICES, [[state], "anna"])
        yield f"Anna {state}"
    for refuses in (False, True):
        await page.evaluate(ASKED, refuses)
        await page.locator("#panel [type=radio]:not(:checked):visible").first.click()
        yield f"one's own voice, {refuses=}"
    await page.click("#room-transcript")
    yield "refused"
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
    await page.click("#note .button")
    await page.evaluate(NO_MICROPHONE)
    await page.click("#microphone")
    await page.locator("#note").wait_for()
    yield "no microphone"
    await page.click("#note .button")
    await page.evaluate(TOLD, ["encryptionError", {}, "no key"])
    await page.locator("#note").wait_for()
    yield "no key"
    await page.evaluate(TOLD, ["audioPlaybackChanged", {"canPlaybackAudio": False}])
    await page.locator("#sound").wait_for()
    yield "no sound"
    await page.evaluate(TOLD, ["connectionStateChanged", {"state": "reconnecting"}])
    yield "reconnecting"
    await page.click("#toggle")
    yield "without captions"


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_nothing_is_wrong_in_any_state_of_the_meeting(
    opened: Opened, nothing_is_wrong: Look, language: str
) -> None:
    # Half faded in, nothing stands out.
    query, options = f"lang={language}", {"reduced_motion": "reduce"}
    async with opened(query, **options) as viewer:
        page = viewer.page
        async for state in every_state(page):
            await nothing_is_wrong(page, state)


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_nothing_is_wrong_where_a_page_has_another_key(
    still_page: StillPage, meeting: LocalMeeting, nothing_is_wrong: Look, language: str
) -> None:
    async with still_page() as page:
        await page.goto(f"{meeting.url}?lang={language}#key=another")
        await page.locator("#connection[data-state=connected]").wait_for()
        await nothing_is_wrong(page, "encrypted")
        await page.evaluate(TOLD, ["encryptionError", {}, "another key"])
        await page.locator("#note").wait_for()
        await nothing_is_wrong(page, "another key")


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_nothing_is_wrong_with_the_tip_and_with_the_question_what_becomes_of_what_was_said(
    opened: Opened, nothing_is_wrong: Look, language: str
) -> None:
    async with opened(f"lang={language}", reduced_motion="reduce") as viewer:
        page = viewer.page
        await page.click("#notice .primary")
        await page.hover("#toggle")  # so that nothing rests
        await nothing_is_wrong(page, "tip")
        assert await page.is_visible("#tip")
        await page.evaluate(MINE, packet("m-1", 1, "I said this", closed=True, start_ms=9_000_000))
        await open_room(viewer)
        await page.click("#panel [value='voice.none']")
        question = page.locator("#notice .notice-actions button")
        await question.nth(1).wait_for()
        await page.keyboard.press("r")
        await nothing_is_wrong(page, "question")
        await page.evaluate(ASKED, True)
        await question.nth(1).click()
        await page.locator("#notice .error:not(:empty)").wait_for()
        await nothing_is_wrong(page, "question, refused")


@pytest.mark.parametrize("view", ["broadcast&lines=9", "transcript", "transcript&lang=fr"])
async def test_nothing_is_wrong_in_the_views_that_are_captions_alone(
    opened: Opened, nothing_is_wrong: Look, view: str
) -> None:
    options = {"joins": False, "reduced_motion": "reduce"}
    async with opened(f"view={view}", **options) as viewer:
        page = viewer.page
        await viewer.until("captions?.cues().length > 0")
        await nothing_is_wrong(page, view)
        if view.startswith("transcript"):
            assert await page.locator("live-captions .downloads button").count() == 3
            await page.fill("live-captions [type=search]", (await viewer.cues())[0]["text"][:3])
            await page.locator("live-captions .hit").first.wait_for()
            await page.fill("live-captions .time", "0:00")
            await page.press("live-captions .time", "Enter")
            await page.locator("live-captions .history .notice:not(:empty)").wait_for()
            await nothing_is_wrong(page, f"{view} searched")
