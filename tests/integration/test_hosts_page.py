"""What a host and everybody else is told on the page, in a real room and a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from livekit import api, rtc
from playwright.async_api import Page, Route

from captioner.room.tokens import participant_token
from eval.runs.browser import Viewer
from eval.simulation.testbed import ROOM
from eval.testing.browser_meeting import Meeting, download, meeting_of, open_room, speaking

pytestmark = [pytest.mark.room, pytest.mark.browser]

KEPT = "A transcript is kept"
TIP = "Text size and colours are in Settings."
NOT_RECOGNISED = "What you say is not recognised at all."
REST_MS = 4_000
"""After so long the page hides its controls (web-overlay/src/page/auto-hide.ts)."""
RESTS = "document.body.dataset.rest !== undefined"
# Where the middle of each line of a text is.
LINES = """(element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  return [...range.getClientRects()].map(({ left, right }) => Math.round((left + right) / 2));
}"""
# What the bot tells this page alone is lost, so that it learns of its rights by what is refused.
DEAF = """() => {
  const { room } = document.querySelector("live-captions");
  const emit = room.emit.bind(room);
  room.emit = (event, ...values) => values[3] !== "captions.answers" && emit(event, ...values);
}"""
# All sentences in the panel, but for those that each person has.
SENTENCES = """[...document.querySelectorAll("#panel *")]
  .filter((one) => one.checkVisibility() && one.closest(".people, select") === null)
  .flatMap((one) => [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE))
  .map((node) => node.data.trim()).filter((text) => text !== "")"""


@asynccontextmanager
async def humming(meeting: Meeting, name: str, *, key: bytes = b"") -> AsyncIterator[rtc.Room]:
    """Somebody who hums, and lets nobody hear it until they allow it.

    key: with which all that they send is encrypted.
    """
    server, room, source = meeting.testbed.server, rtc.Room(), rtc.AudioSource(48_000, 1)
    token = participant_token(server.key, server.secret, room=ROOM, identity=name, name=name)
    options = rtc.E2EEOptions(key_provider_options=rtc.KeyProviderOptions(shared_key=key))
    await room.connect(server.url, token, rtc.RoomOptions(encryption=options if key else None))
    if not key:
        room.local_participant.set_track_subscription_permissions(allow_all_participants=False)
    track = rtc.LocalAudioTrack.create_audio_track("sound", source)
    published = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, published)

    async def hum() -> None:
        sound = (3_000 * np.sin(np.arange(480) * 0.13)).astype(np.int16).tobytes()
        while True:
            await source.capture_frame(rtc.AudioFrame(sound, 48_000, 1, 480))

    task = asyncio.create_task(hum())
    yield room
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await source.aclose()
    await room.disconnect()


async def test_a_host_reads_why_somebody_is_left_out_and_when_that_is_over(
    livekit_program: Path, chromium_path: str
) -> None:
    async with meeting_of(livekit_program, chromium_path, {"CAPTIONER_WANT": "hello"}) as meeting:
        host = await meeting.open("Hanna", "host")
        await open_room(host)
        row = "#panel li[data-identity='{}']"
        async with humming(meeting, "Selma", key=b"theirs"), humming(meeting, "Uwe") as uwe:
            for name, reason in (
                ("Selma", "encrypted with a key that the caption service does not have"),
                ("Uwe", "the meeting server does not pass this sound on"),
            ):
                await host.page.locator(row.format(name)).get_by_text(reason).wait_for()
            uwe.local_participant.set_track_subscription_permissions(allow_all_participants=True)
            left_out = host.page.locator(row.format("Uwe")).get_by_text("does not pass")
            await left_out.wait_for(state="detached")


async def test_everybody_sees_that_a_transcript_is_kept_and_the_host_downloads_it_then_and_later(
    livekit_program: Path,
    chromium_path: str,
    tmp_path: Path,
    nothing_is_wrong: Callable[[Page, str], Awaitable[None]],
) -> None:
    environment = {
        "CAPTIONER_WANT": "hello",
        "CAPTIONER_TRANSCRIPTS": str(tmp_path / "kept"),
        "CAPTIONER_KEEP_DAYS": "7",
    }
    async with meeting_of(livekit_program, chromium_path, environment) as meeting:
        host, guest = await meeting.open("Hanna", "host"), await meeting.open("Gustav")
        for viewer in (host, guest):
            assert not await viewer.page.locator("#kept").is_visible()
        await open_room(host)
        assert not await host.page.locator(".kept-file").is_visible()
        await host.page.click("#room-transcript")
        await guest.page.locator("#kept", has_text=KEPT).wait_for()
        late = await meeting.open("Lotte")
        await late.page.locator("#kept", has_text=KEPT).wait_for()
        await late.page.locator("#notice button", has_text="OK").click()
        await late.page.mouse.move(200, 300)  # and nothing else, so that the controls go
        await late.page.locator("body[data-rest]").wait_for(state="attached")
        opacity = "getComputedStyle(document.querySelector('#kept')).opacity"
        assert await late.page.evaluate(opacity) == "1"
        await host.page.locator(".kept-file", has_text="for 7 days after").wait_for()
        await host.page.emulate_media(reduced_motion="reduce")
        await nothing_is_wrong(host.page, "kept, with its download")
        await guest.page.click("#microphone")
        async with speaking(guest, 100):
            await host.until("captions.cues().some((cue) => cue.state === 'closed')")
            said = (await host.cues())[0]["text"]
            name, while_kept = await download(host, ".kept-file button")
        await host.page.click("#room-transcript")
        await late.page.locator("#kept", has_text=KEPT).wait_for(state="detached")
        assert (await download(host, ".kept-file button"))[0] == name
        assert said.split()[0] in (await download(host, ".kept-file button"))[1]
        assert while_kept.startswith("WEBVTT")
        await open_room(guest)
        assert not await guest.page.locator(".kept-file").is_visible()


async def gives(meeting: Meeting, name: str, role: str) -> None:
    """Gives somebody a role, as a server does; "" takes it away."""
    server = meeting.testbed.server
    async with api.LiveKitAPI(server.url, server.key, server.secret) as operator:
        changed = api.UpdateParticipantRequest(
            room=ROOM, identity=meeting.identities[name], attributes={"room_role": role}
        )
        await operator.room.update_participant(changed)


async def test_the_panel_follows_who_is_a_host_also_after_a_refusal_and_says_nothing_twice(
    livekit_program: Path, chromium_path: str, tmp_path: Path
) -> None:
    environment = {"CAPTIONER_WANT": "hello", "CAPTIONER_TRANSCRIPTS": str(tmp_path / "kept")}
    async with meeting_of(livekit_program, chromium_path, environment) as meeting:
        guest = await meeting.open("Gustav")
        await open_room(guest)
        panel, switch = guest.page.locator("#panel"), guest.page.locator("#room-enabled")
        only_hosts = panel.get_by_text("Only the hosts of this meeting can change this.")
        await only_hosts.wait_for()
        assert not await switch.is_visible()
        explained = panel.locator("label", has_text=NOT_RECOGNISED)
        assert await explained.locator("input").get_attribute("value") == "voice.none"
        for role in ("owner", "", "owner"):
            await says_nothing_twice(guest)
            await gives(meeting, "Gustav", role)
            await switch.wait_for(state="visible" if role else "hidden")
            await only_hosts.wait_for(state="detached" if role else "visible")
        await guest.page.click("#room-transcript")
        await panel.get_by_text("Caption me, and keep it in the transcript").wait_for()
        await says_nothing_twice(guest)

        await guest.page.evaluate(DEAF)
        await gives(meeting, "Gustav", "")
        await guest.until("captions.room.localParticipant.attributes.room_role === undefined")
        await switch.click()
        await panel.get_by_text("Only a host of this meeting may do this.").wait_for()
        await only_hosts.wait_for()
        assert not await switch.is_visible()
        assert await guest.service() == "on"


async def says_nothing_twice(viewer: Viewer) -> None:
    said = await viewer.page.evaluate(SENTENCES)
    assert len(said) == len(set(said)) > 5


async def test_nothing_is_said_before_it_is_known_and_controls_stay_until_they_were_seen(
    livekit_program: Path, chromium_path: str
) -> None:
    async with meeting_of(livekit_program, chromium_path, {}) as meeting:
        context = await meeting.browser.new_context(viewport={"width": 320, "height": 640})
        page = await context.new_page()
        asked, answer = asyncio.Event(), asyncio.Event()

        async def late(route: Route) -> None:
            asked.set()
            await answer.wait()
            given = await route.fetch()
            await route.fulfill(json=await given.json() | {"can_speak": False})

        await page.route("**/api/join*", late)
        await page.goto(f"{meeting.address}?name=Rita&lang=en")
        await asked.wait()
        stage = page.locator("#stage")
        assert (await stage.inner_text()).strip() == ""
        answer.set()
        calm = stage.get_by_text("Nobody else is here yet.")
        await calm.wait_for()
        for width in (320, 1920):
            await page.set_viewport_size({"width": width, "height": 640})
            assert await calm.evaluate(LINES) == [width / 2]
        await page.locator("#connection[data-state=connected]").wait_for()
        await page.wait_for_timeout(REST_MS + 1_000)
        assert await page.evaluate(RESTS) is False
        await page.mouse.move(100, 100)
        await page.locator("body[data-rest]").wait_for(state="attached")
        await context.close()


async def test_a_first_visit_says_once_where_size_and_history_are(
    livekit_program: Path, chromium_path: str
) -> None:
    async with meeting_of(livekit_program, chromium_path, {}) as meeting:
        reader = await meeting.open("Rita")
        tip = reader.page.locator("#tip", has_text=TIP)
        await tip.wait_for()
        await tip.locator("button").click()
        await tip.wait_for(state="hidden")
        await reader.page.reload()
        await reader.until("captions?.captions.facts !== null")
        await reader.page.locator("#connection[data-state=connected]").wait_for()
        assert not await tip.is_visible()


async def test_a_bot_that_is_started_again_has_a_hosts_names_from_their_page(
    livekit_program: Path, chromium_path: str
) -> None:
    listed = """async () => {
      const { captions } = document.querySelector("live-captions");
      const names = async () => (await captions.set({})).vocabulary.join();
      while ((await names().catch(() => "")) !== "Étretat,Yport")
        await new Promise((go) => setTimeout(go, 200));
      return captions.facts.session;
    }"""
    async with meeting_of(livekit_program, chromium_path, {"CAPTIONER_WANT": "hello"}) as meeting:
        host = await meeting.open("Hanna", "host")
        await open_room(host)
        await host.page.fill("#room-vocabulary", "Étretat\nYport")
        await host.page.locator(".vocabulary .button").click()
        async with asyncio.timeout(60):
            session = await host.page.evaluate(listed)
        await meeting.testbed.bot.kill()
        await meeting.testbed.start_bot()
        await host.until(f"captions.captions.facts?.session !== '{session}'")
        async with asyncio.timeout(60):
            assert await host.page.evaluate(listed) != session
