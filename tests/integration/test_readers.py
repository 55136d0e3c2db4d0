"""Readers whom the media server lets say little or nothing, in a real room and a real browser."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from livekit import api, rtc
from playwright.async_api import Browser, Request

from captioner.bot.bot import Bot, Engine
from captioner.contract_requests import CONSENT, REMOVE
from captioner.controls import controls
from captioner.controls.decisions import Policy, Want
from captioner.demo.livekit_server import MediaServer
from captioner.demo.page_server import serve_page
from captioner.demo.sound_publisher import SoundPublisher
from captioner.room.tokens import agent_token, participant_token
from eval.runs.browser import Viewer
from streaming.recognizer import RecognizerEvent, Word, WordEnd
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer

pytestmark = [
    pytest.mark.room,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),  # that of the browser
]

ROOM = "readers"
EACH_MS = 400
"""Between two captions of one word."""

GRANTS: dict[str, dict[str, bool]] = {
    "guest": {"can_publish": False, "can_publish_data": False},
    "hidden": {"can_publish": False, "hidden": True},
    "unheard": {"can_publish": False, "can_publish_data": False, "hidden": True},
    "person": {"can_update_own_metadata": False},
    "speaker": {"can_update_own_metadata": False},
}
"""What the media server lets the viewer of a page do, by the name in the page's address."""

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
"""One red pixel."""

DEAF = """() => {
  const { localParticipant } = document.querySelector("live-captions").room;
  const ask = localParticipant.performRpc.bind(localParticipant);
  Object.assign(window, { deaf: true, asked: 0 });
  localParticipant.performRpc = (request) => {
    window.asked += 1;
    return window.deaf ? Promise.reject(new Error("nobody hears it")) : ask(request);
  };
}"""
"""What the page asks fails until ``window.deaf`` is false."""

CLOSED = 'captions.cues().filter((one) => one.state === "closed").map((one) => one.text)'


def numbered(count: int) -> list[RecognizerEvent]:
    """Captions of one word: w0. w1. w2. …"""
    words: list[RecognizerEvent] = []
    for number in range(count):
        words += [Word(f"w{number}.", number * EACH_MS), WordEnd(number * EACH_MS + 200)]
    return words


SWEARING = [Word("what", 0), Word("shit.", 200), WordEnd(400), *numbered(200)[2:]]


def bot_of(server: MediaServer, words: list[RecognizerEvent]) -> Bot:
    def opens() -> ScriptedRecognizer:
        return ScriptedRecognizer(words)

    return Bot(
        Engine("en", (ScriptedEngine(opens),), load_voice=lambda: lambda _frame: True),
        url=server.url,
        token=lambda: agent_token(
            server.key, server.secret, room=ROOM, identity="bot", name="Captions"
        ),
        policy=Policy({"scripted": ("en",)}, want=Want.HELLO),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(livekit_program: Path) -> AsyncIterator[MediaServer]:
    async with MediaServer(livekit_program) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def bot(server: MediaServer, request: pytest.FixtureRequest) -> AsyncIterator[Bot]:
    """Its recogniser hears the test's parameter, or ``numbered`` words."""
    bot = bot_of(server, getattr(request, "param", numbered(200)))
    task = asyncio.create_task(bot.run())
    async with asyncio.timeout(30):
        await bot.joined.wait()
    yield bot
    bot.stop()
    await task


@pytest_asyncio.fixture(loop_scope="session")
async def anna(server: MediaServer) -> AsyncIterator[SoundPublisher]:
    """Somebody who speaks all the time."""
    speaker = SoundPublisher()
    token = participant_token(
        server.key, server.secret, room=ROOM, identity="anna", name="Anna Müller"
    )
    await speaker.join(server.url, token)
    hum = 0.1 * np.sin(np.arange(48_000 * 90) * 0.02).astype(np.float32)
    play = asyncio.create_task(speaker.play([hum]))
    yield speaker
    play.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await play
    await speaker.leave()


Open = Callable[[str], Awaitable[Viewer]]


@pytest_asyncio.fixture(loop_scope="session")
async def opened(server: MediaServer, browser: Browser) -> AsyncIterator[Open]:
    """Opens pages; ``kind`` is one of GRANTS."""
    contexts, number = [], iter(range(100))

    def join(name: str, _guest: bool) -> dict[str, object]:
        identity = f"{name}-{next(number)}"
        grants = api.VideoGrants(room_join=True, room=ROOM, **GRANTS[name])
        token = api.AccessToken(server.key, server.secret).with_identity(identity)
        minted = token.with_name(name.title()).with_grants(grants).to_jwt()
        return {
            "url": server.url, "token": minted, "room": ROOM, "identity": identity,
            "can_speak": name == "speaker",
        }  # fmt: skip

    async with serve_page(join, port=0) as address:

        async def one(kind: str) -> Viewer:
            contexts.append(await browser.new_context())
            page = await contexts[-1].new_page()
            await page.goto(f"{address}?name={kind}")
            return Viewer(page)

        yield one
        for context in contexts:
            await context.close()


class Curious:
    """Somebody who looks at everything that the media server lets them see, and reads nothing."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.seen: list[str] = []

    async def join(self, server: MediaServer) -> None:
        self.room.on("data_received", lambda data: self.seen.append(data.data.decode()))
        self.room.on(
            "participant_attributes_changed",
            lambda changed, who: self.seen.append(json.dumps([who.identity, changed])),
        )
        token = participant_token(server.key, server.secret, room=ROOM, identity="curious")
        await self.room.connect(server.url, token, rtc.RoomOptions(auto_subscribe=False))


async def texts(viewer: Viewer) -> list[str]:
    found: list[str] = await viewer.page.evaluate(
        CLOSED.replace("captions.", "document.querySelector('live-captions').")
    )
    return found


async def shows(viewer: Viewer, text: str) -> None:
    await viewer.until(f"{CLOSED}.includes({json.dumps(text)})")


async def test_who_may_send_nothing_reads_all_captions_and_nobody_learns_of_it(
    server: MediaServer, bot: Bot, anna: SoundPublisher, opened: Open
) -> None:
    first = await opened("guest")
    await shows(first, "w3.")
    curious = Curious()
    await curious.join(server)
    late = await opened("guest")
    await shows(late, "w0.")
    said = await texts(first)
    await shows(late, said[-1])
    assert (await texts(late))[: len(said)] == said
    shown = await late.page.get_by_role("status").first.text_content()
    assert shown is None or "cannot" not in shown
    about = [what for what in curious.seen if "guest-" in what]
    assert [what for what in about if '"type":"name"' not in what] == []
    assert not [what for what in curious.seen if '"cues"' in what]
    await curious.room.disconnect()


async def test_a_hidden_viewer_goes_on_reading(
    server: MediaServer,
    bot: Bot,
    anna: SoundPublisher,
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(controls, "ARRIVING_S", 1.0)
    monkeypatch.setattr(controls, "IDLE_S", 2.0)
    hidden = await opened("hidden")
    await shows(hidden, "w25.")  # ten seconds later
    late = await opened("hidden")
    await shows(late, "w0.")
    assert not await facts_of(server, "hidden-")


async def test_who_is_neither_seen_nor_heard_is_told_why_there_is_nothing_to_read(
    server: MediaServer, bot: Bot, anna: SoundPublisher, opened: Open
) -> None:
    unheard = await opened("unheard")
    await unheard.page.get_by_text("CAPTIONER_WANT=always").first.wait_for()
    person = await opened("person")
    await shows(person, "w0.")
    await shows(unheard, "w2.")
    await person.until("captions.captions.you?.host === false")
    (identity,) = await facts_of(server, "person-")
    async with api.LiveKitAPI(server.url, server.key, server.secret) as operator:
        for role in ("owner", ""):  # "" deletes an attribute
            changed = api.UpdateParticipantRequest(
                room=ROOM, identity=identity, attributes={"room_role": role}
            )
            await operator.room.update_participant(changed)
            await person.until(f"captions.captions.you.host === {str(bool(role)).lower()}")


async def test_who_refuses_takes_back_what_they_said_and_stays_refused_after_a_reload(
    server: MediaServer, bot: Bot, opened: Open
) -> None:
    reader, speaker = await opened("person"), await opened("speaker")
    await speaker.until("captions?.captions.you !== null")
    (identity,) = await facts_of(server, "speaker-")
    await speaker.page.keyboard.press("m")
    own = f"captions.cues().filter((cue) => cue.speaker === '{identity}')"
    for page in (reader, speaker):
        await page.until(f"{own}.length > 0")
    await speaker.page.locator("#notice button", has_text="Do not caption me").dispatch_event(
        "click"
    )
    question = speaker.page.get_by_text("Should what you have said also be removed?")
    await question.wait_for()
    assert await reader.page.evaluate("document.querySelector('live-captions').cues().length") > 0
    await speaker.page.locator("#notice button", has_text="Remove").dispatch_event("click")
    for page in (reader, speaker):
        await page.until(f"{own}.length === 0")
    await question.wait_for(state="detached")
    await speaker.page.reload()
    await speaker.until("captions?.captions.you?.said === true")
    await speaker.page.keyboard.press("m")
    await speaker.until("captions.room.localParticipant.isMicrophoneEnabled")
    (again,) = [one for one in await facts_of(server, "speaker-") if one != identity]
    assert not bot.controls.captions(again)
    await reader.until(f"captions.captions.speakers.some((one) => one.speaker === '{again}')")
    assert await reader.page.evaluate("document.querySelector('live-captions').cues()") == []


@pytest.mark.parametrize("bot", [SWEARING], indirect=True)
async def test_swearing_is_masked_for_who_wants_it_and_for_nobody_else(
    bot: Bot, anna: SoundPublisher, opened: Open
) -> None:
    shy, other = await opened("person"), await opened("person")
    await shy.until("captions !== null")
    await shy.page.evaluate(
        "() => { document.querySelector('live-captions').settings = { maskProfanity: true }; }"
    )
    for viewer in (shy, other):
        await shows(viewer, "what shit.")
    shown = "captions.shownText().some((row) => row.text.includes('what {}'))"
    await shy.until(shown.format("s***."))
    await other.until(shown.format("shit."))


async def test_a_picture_of_the_pages_own_origin_stands_beside_the_name_and_no_other(
    server: MediaServer, bot: Bot, anna: SoundPublisher, opened: Open
) -> None:
    reader = await opened("person")
    asked: list[Request] = []
    reader.page.on("request", lambda request: asked.append(request))
    await reader.page.route("**/anna.png", lambda route: route.fulfill(body=PICTURE))
    await shows(reader, "w0.")
    badge = "captions.shadowRoot.querySelector('.view .badge')"
    await reader.until(f"{badge}?.dataset.initials === 'AM'")
    async with api.LiveKitAPI(server.url, server.key, server.secret) as operator:
        for picture in ("https://elsewhere.example/anna.png", "/media/anna.png"):
            changed = api.UpdateParticipantRequest(
                room=ROOM, identity="anna", attributes={"picture": picture}
            )
            await operator.room.update_participant(changed)
            await reader.until(
                "captions.room.remoteParticipants.get('anna').attributes.picture"
                f" === {json.dumps(picture)}"
            )
    await reader.until(f"{badge}?.querySelector('canvas')")
    pixel = "[...{}.querySelector('canvas').getContext('2d').getImageData(48, 48, 1, 1).data]"
    colour = pixel.format(badge.replace("captions", "document.querySelector('live-captions')"))
    assert await reader.page.evaluate(colour) == [255, 0, 0, 255]
    (request,) = [one for one in asked if "anna.png" in one.url]
    assert request.url.endswith("/media/anna.png")
    assert "cookie" not in await request.all_headers()


class Voice:
    """Somebody who hums into a microphone that has no source, as those of many servers do.

    source: of the track, if it has one.
    """

    def __init__(self, source: rtc.TrackSource.ValueType | None = None) -> None:
        self._options = rtc.TrackPublishOptions(source=source) if source else None
        self.room = rtc.Room()
        self._source = rtc.AudioSource(48_000, 1, queue_size_ms=200)
        self._humming: asyncio.Task[None] | None = None

    async def join(self, server: MediaServer, name: str, kind: Any = "standard") -> None:
        grants = api.VideoGrants(room_join=True, room=ROOM)
        token = api.AccessToken(server.key, server.secret).with_identity(f"id-{id(self)}")
        minted = token.with_name(name).with_kind(kind).with_grants(grants).to_jwt()
        await self.room.connect(server.url, minted, rtc.RoomOptions(auto_subscribe=False))
        track = rtc.LocalAudioTrack.create_audio_track("sound", self._source)
        local = self.room.local_participant
        if self._options:
            await local.publish_track(track, self._options)
        else:
            publication = await local.publish_track(track)
            assert publication.source == rtc.TrackSource.SOURCE_UNKNOWN
        self._humming = asyncio.create_task(self._hum())

    async def refuse(self) -> None:
        await self.ask(CONSENT, captioned=False, kept=False)

    async def ask(self, method: str, **request: object) -> None:
        await self.room.local_participant.perform_rpc(
            destination_identity="bot", method=method, payload=json.dumps({"v": 1, **request})
        )

    async def leave(self) -> None:
        if self._humming:
            self._humming.cancel()
        await self._source.aclose()
        await self.room.disconnect()

    async def _hum(self) -> None:
        sound = (3_000 * np.sin(np.arange(480) * 0.13)).astype(np.int16).tobytes()
        while True:
            await self._source.capture_frame(rtc.AudioFrame(sound, 48_000, 1, 480))


async def test_everybody_who_speaks_is_captioned_and_told_apart_and_no_number_is_shown(
    server: MediaServer, bot: Bot, opened: Open
) -> None:
    reader = await opened("person")
    voices = [Voice() for _ in range(3)]
    names = ["Camille Martin", "Camille Martin", "Phone +33612345678"]
    for voice, name, kind in zip(voices, names, ["standard", "standard", "sip"], strict=True):
        await voice.join(server, name, kind)
    for name in ("Camille Martin", "Camille Martin (2)", "Phone +•••••••••78"):
        await reader.until(f"captions.cues().some((cue) => cue.name === {json.dumps(name)})")
    await voices[2].refuse()
    await reader.until("captions.captions.speakers.some((one) => one.state === 'refused')")
    caller = "Phone +•••••••••78"
    tiles = await reader.page.locator(".tile .person").all_text_contents()
    assert sorted(tiles) == ["Camille Martin", "Camille Martin (2)", "Person", caller]
    await reader.page.keyboard.press("r")  # the toolbar may rest
    people = await reader.page.locator("#panel .one-name").all_text_contents()
    assert {"Camille Martin (2)", caller} <= set(people)
    captions = "document.querySelector('live-captions').shadowRoot.innerHTML"
    everything = await reader.page.evaluate(f"document.documentElement.outerHTML + {captions}")
    assert "6123" not in everything
    # The first Camille takes back what they said.
    own = "captions.cues().filter((cue) => cue.name === 'Camille Martin')"
    await reader.until(f"{own}.length > 0")
    await voices[0].refuse()
    await reader.until(f"{own}.length > 0 && {own}.every((cue) => cue.state === 'closed')")
    await voices[0].ask(REMOVE)
    await reader.until(f"{own}.length === 0")
    await reader.until("captions.cues().length > 0")
    for voice in voices:
        await voice.leave()


async def test_a_long_name_gives_way_to_the_word_that_it_is_the_sound_of_a_screen(
    server: MediaServer, bot: Bot, opened: Open
) -> None:
    reader, voice = await opened("person"), Voice(rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO)
    await voice.join(server, "L" * 80)
    await reader.until("captions.cues().some((cue) => cue.name.endsWith(' (screen)'))")
    (name,) = {cue["name"] for cue in await reader.cues()}
    assert len(name) <= 64
    await reader.page.keyboard.press("y")
    heading = reader.page.locator("live-captions .entry-name").first
    await heading.wait_for()
    assert (await heading.inner_text()).endswith(" (screen)")
    await voice.leave()


async def test_a_page_whose_hello_fails_says_so_and_tries_until_it_is_heard(
    server: MediaServer, opened: Open
) -> None:
    page = await opened("person")
    await page.until("captions?.room?.state === 'connected'")
    await page.page.evaluate(DEAF)
    bot = bot_of(server, numbered(200))
    task = asyncio.create_task(bot.run())
    await page.page.get_by_text("has not answered yet").first.wait_for(state="attached")
    await page.page.evaluate("window.deaf = false")
    await page.until("captions.captions.you !== null && captions.captions.reach === 'reached'")
    assert await page.page.evaluate("window.asked") > 1
    bot.stop()
    await task


async def facts_of(server: MediaServer, identity: str) -> list[Any]:
    """What somebody who joins sees of people whose identity begins so."""
    curious = Curious()
    await curious.join(server)
    found = [one for one in curious.room.remote_participants if one.startswith(identity)]
    await curious.room.disconnect()
    return found
