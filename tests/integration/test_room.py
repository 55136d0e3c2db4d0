"""The bot in a real room, with a recogniser that says what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from livekit import rtc

from captioner.bot.bot import Bot, Engine
from captioner.contract import TOPIC
from captioner.contract_requests import HELLO
from captioner.demo.livekit_server import MediaServer
from captioner.demo.sound_publisher import SoundPublisher
from captioner.errors import NotAllowed, RoomUnavailable
from captioner.publishing.publisher import Publisher
from captioner.publishing.room_clock import RoomClock
from captioner.room.protocol import Left
from captioner.room.tokens import agent_token, participant_token
from streaming.errors import ModelError
from streaming.recognizer import RecognizerEvent, Word, WordEnd
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer

pytestmark = pytest.mark.room

ROOM = "room"


def script(*texts: str, each_ms: int = 200) -> list[RecognizerEvent]:
    events: list[RecognizerEvent] = []
    for i, text in enumerate(texts):
        events += [Word(text, i * each_ms), WordEnd(i * each_ms + 100)]
    return events


@dataclass
class Viewer:
    """A participant that collects the packets of the topic."""

    room: rtc.Room = field(default_factory=rtc.Room)
    packets: list[dict[str, Any]] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def join(self, server: MediaServer, identity: str = "viewer") -> None:
        self.room.on("data_received", self._received)
        for event in ("participant_connected", "participant_attributes_changed"):
            self.room.on(event, lambda *_: self.more.set())
        token = participant_token(server.key, server.secret, room=ROOM, identity=identity)
        await self.room.connect(server.url, token, rtc.RoomOptions(auto_subscribe=False))

    def _received(self, data: rtc.DataPacket) -> None:
        if data.topic == TOPIC and data.participant:
            kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
            assert data.participant.kind == kind
            self.packets.append(json.loads(data.data))
            self.more.set()

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not seen():
                self.more.clear()
                await self.more.wait()

    def attributes_of(self, identity: str) -> dict[str, str]:
        participant = self.room.remote_participants.get(identity)
        return participant.attributes if participant else {}

    def closed(self) -> list[str]:
        return [p["vtt"].split(">", 2)[-1] for p in self.packets if p.get("state") == "closed"]


Enter = Callable[[str], Awaitable[Viewer]]


@pytest.fixture
async def enter(media_server: MediaServer) -> AsyncIterator[Enter]:
    """Lets viewers into the room, and out again."""
    viewers: list[Viewer] = []

    async def one(identity: str) -> Viewer:
        viewers.append(Viewer())
        await viewers[-1].join(media_server, identity)
        return viewers[-1]

    yield one
    for viewer in viewers:
        await viewer.room.disconnect()


class Told(ScriptedRecognizer):
    """One that tells when it was left."""

    def __init__(self, script: list[RecognizerEvent]) -> None:
        super().__init__(script)
        self.left = asyncio.Event()

    async def __aexit__(self, *failure: Any) -> None:
        await super().__aexit__(*failure)
        self.left.set()


def token_of(server: MediaServer, identity: str) -> str:
    return participant_token(
        server.key, server.secret, room=ROOM, identity=identity, name=identity.title()
    )


def engine(open_recognizer: Callable[[], ScriptedRecognizer]) -> Engine:
    """One that takes every sound for a voice."""
    return Engine("en", (ScriptedEngine(open_recognizer),), load_voice=lambda: lambda _frame: True)


@contextlib.asynccontextmanager
async def bot_in(
    server: MediaServer,
    open_recognizer: Callable[[], ScriptedRecognizer],
    identity: str = "bot",
    *,
    clock: RoomClock | None = None,
) -> AsyncIterator[tuple[Bot, asyncio.Task[Left | None]]]:
    def token() -> str:
        return agent_token(server.key, server.secret, room=ROOM, identity=identity, name="Captions")

    publisher = Publisher(clock or RoomClock.start())
    bot = Bot(engine(open_recognizer), url=server.url, token=token, publisher=publisher)
    running = asyncio.create_task(bot.run())
    joined = asyncio.create_task(bot.joined.wait())
    try:
        async with asyncio.timeout(60):
            await asyncio.wait({running, joined}, return_when=asyncio.FIRST_COMPLETED)
        joined.cancel()
        if running.done():
            running.result()
        yield bot, running
    finally:
        bot.stop()
        with contextlib.suppress(Exception):
            await running


@contextlib.asynccontextmanager
async def speaking(
    server: MediaServer, identity: str, seconds: float, *, rate: int = 48_000
) -> AsyncIterator[SoundPublisher]:
    speaker = SoundPublisher(rate=rate)
    await speaker.join(server.url, token_of(server, identity))
    hum = 0.1 * np.sin(np.arange(int(rate * seconds)) * 0.02).astype(np.float32)
    play = asyncio.create_task(speaker.play([hum]))
    try:
        yield speaker
    finally:
        play.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await play
        await speaker.leave()


async def test_what_is_said_reaches_everybody_in_order(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer, second = await enter("viewer"), await enter("second")
    recognizers: list[ScriptedRecognizer] = []

    def opened() -> ScriptedRecognizer:
        recognizers.append(ScriptedRecognizer(script("Good", "morning.", "All", "well?")))
        return recognizers[-1]

    async with bot_in(media_server, opened), speaking(media_server, "anna", 8):
        await viewer.until(lambda: len(viewer.closed()) == 2)
        await second.until(lambda: len(second.closed()) == 2)
    assert viewer.closed() == second.closed() == ["Good morning.", "All well?"]
    kinds = [p.get("type", "caption") for p in viewer.packets]
    assert kinds.index("track") < kinds.index("caption")
    first = next(p for p in viewer.packets if "vtt" in p)
    assert (first["speaker"], first["lang"]) == ("anna", "en")
    assert "<v Anna>" in first["vtt"]
    numbers = [p["seq"] for p in viewer.packets]
    assert numbers == sorted(numbers)
    heard = recognizers[0].heard
    assert heard == list(range(0, heard[-1] + 1, 1920))


async def test_the_bot_is_an_agent_that_tells_its_session(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer = await enter("viewer")
    async with bot_in(media_server, lambda: ScriptedRecognizer([])) as (bot, _):
        await viewer.until(lambda: "captions.state" in viewer.attributes_of("bot"))
        attributes = viewer.attributes_of("bot")
    assert attributes["captions.session"] == bot.publisher.session
    assert attributes["captions.state"] == "on"
    assert int(attributes["captions.origin"]) == bot.publisher.clock.origin_utc_ms


async def test_who_comes_late_gets_what_was_said(media_server: MediaServer, enter: Enter) -> None:
    viewer = await enter("viewer")
    words = ["One.", "Two.", "Three."]
    async with (
        bot_in(media_server, lambda: ScriptedRecognizer(script(*words))),
        speaking(media_server, "anna", 8),
    ):
        await viewer.until(lambda: len(viewer.closed()) == 3)
        late = await enter("late")
        answer = json.loads(
            await late.room.local_participant.perform_rpc(
                destination_identity="bot", method=HELLO, payload='{"v":1,"want":true}'
            )
        )
        with pytest.raises(rtc.RpcError, match="want"):
            await late.room.local_participant.perform_rpc(
                destination_identity="bot", method=HELLO, payload="{}"
            )
    assert [c["vtt"].split(">", 2)[-1] for c in answer["cues"]] == words
    assert answer["cursor"] is None


async def test_what_a_leaving_speaker_said_is_closed(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer = await enter("viewer")
    async with bot_in(media_server, lambda: ScriptedRecognizer(script("in", "mid", "word"))):
        async with speaking(media_server, "anna", 8):
            await viewer.until(lambda: any("word" in p.get("vtt", "") for p in viewer.packets))
        await viewer.until(lambda: viewer.closed() == ["in mid word"])


async def test_what_heard_a_speaker_who_left_hears_nobody_else(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer, opened, heard = await enter("viewer"), list[Told](), list[int]()

    def open_next() -> Told:
        opened.append(Told(script(f"Turn{len(opened)}.")))
        return opened[-1]

    async with bot_in(media_server, open_next):
        for turn in range(3):  # the SDK receives each where it received the one before
            async with speaking(media_server, f"speaker-{turn}", 60):
                await viewer.until(lambda now=turn: viewer.closed()[-1:] == [f"Turn{now}."])
            async with asyncio.timeout(30):
                await opened[turn].left.wait()
            heard.append(len(opened[turn].heard))
    assert [len(one.heard) for one in opened] == heard


async def test_a_muted_track_is_not_read_and_goes_on_afterwards(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer, opened = await enter("viewer"), list[Told]()
    passed_s = 0.0
    clock = RoomClock.start(monotonic=lambda: time.monotonic() + passed_s)

    def open_next() -> Told:
        opened.append(Told(script("After." if opened else "Before.")))
        return opened[-1]

    async with (
        bot_in(media_server, open_next, clock=clock),
        speaking(media_server, "anna", 60) as speaker,
    ):
        await viewer.until(lambda: viewer.closed() == ["Before."])
        speaker.mute()
        await opened[0].left.wait()
        heard, passed_s = len(opened[0].heard), 60.0
        speaker.unmute()
        await viewer.until(lambda: viewer.closed() == ["Before.", "After."])
    assert len(opened[0].heard) == heard
    times = [p["heard"] for p in viewer.packets if p.get("state") == "closed"]
    assert times[1] - times[0] > 60_000


async def test_who_comes_back_with_another_microphone_is_captioned_again(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer, made = await enter("viewer"), list[ScriptedRecognizer]()

    def opened() -> ScriptedRecognizer:
        made.append(ScriptedRecognizer(script(f"Take{len(made)}.")))
        return made[-1]

    async with bot_in(media_server, opened):
        for rate, said in ((48_000, ["Take0."]), (16_000, ["Take0.", "Take1."])):
            async with speaking(media_server, "anna", 20, rate=rate):
                await viewer.until(lambda said=said: viewer.closed() == said)  # type: ignore[misc]


async def test_one_failing_track_leaves_the_others_alone(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer = await enter("viewer")
    made: list[ScriptedRecognizer] = []

    def opened() -> ScriptedRecognizer:
        if not made:  # the first one breaks, and so does its successor; the other speaker's works
            made.append(
                ScriptedRecognizer(script("Broken"), fail_at_ms=400, failure=ValueError("bug"))
            )
        else:
            made.append(ScriptedRecognizer(script("Fine.")))
        return made[-1]

    async with bot_in(media_server, opened) as (_, running), speaking(media_server, "anna", 20):
        await viewer.until(lambda: viewer.closed() == ["Broken"])
        async with speaking(media_server, "bob", 20):
            await viewer.until(lambda: "Fine." in viewer.closed())
        assert not running.done()


async def test_a_failed_recogniser_is_replaced_and_nothing_is_lost_or_doubled(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer = await enter("viewer")
    made: list[ScriptedRecognizer] = []

    def opened() -> ScriptedRecognizer:
        if not made:  # the first one breaks before it has said all
            failure = ModelError("step failed")
            made.append(ScriptedRecognizer(script("Good"), fail_at_ms=600, failure=failure))
        else:
            made.append(ScriptedRecognizer(script("Good", "morning.")))
        return made[-1]

    async with bot_in(media_server, opened), speaking(media_server, "anna", 20):
        await viewer.until(lambda: bool(viewer.closed()))
    assert viewer.closed() == ["Good morning."]
    assert len(made) == 2


async def test_a_second_bot_leaves_the_room_to_the_first(media_server: MediaServer) -> None:
    async with bot_in(media_server, lambda: ScriptedRecognizer([])):
        with pytest.raises(NotAllowed, match="another caption bot"):
            async with bot_in(media_server, lambda: ScriptedRecognizer([]), "other"):
                pass


@pytest.mark.parametrize(
    ("url", "secret", "error"),
    [("ws://127.0.0.1:9", None, RoomUnavailable), (None, "wrong" * 10, NotAllowed)],
)
async def test_a_room_that_cannot_be_joined_is_a_clear_error(
    media_server: MediaServer, url: str | None, secret: str | None, error: type[Exception]
) -> None:
    def token() -> str:
        return agent_token(
            media_server.key, secret or media_server.secret, room=ROOM, identity="b", name="C"
        )

    bot = Bot(engine(lambda: ScriptedRecognizer([])), url=url or media_server.url, token=token)
    with pytest.raises(error):
        await bot.run()


async def test_the_bot_comes_back_when_the_media_server_does(
    media_server: MediaServer, enter: Enter
) -> None:
    def opened() -> ScriptedRecognizer:
        return ScriptedRecognizer(script("Here."))

    async with bot_in(media_server, opened) as (bot, _):
        await media_server.kill()
        await media_server.start()
        viewer = await enter("viewer")
        await viewer.until(lambda: "captions.session" in viewer.attributes_of("bot"))
        async with speaking(media_server, "anna", 60):
            await viewer.until(lambda: "Here." in viewer.closed())
        assert {p["session"] for p in viewer.packets} == {bot.publisher.session}
