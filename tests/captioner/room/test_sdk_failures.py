"""What LiveKit's SDK fails at is tried again, and costs no track; what it would give after a
standstill is not taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from prometheus_client import REGISTRY

from captioner.room.encryption import TrackSound
from captioner.room.livekit_room import LiveKitRoom
from captioner.room.protocol import Changed, Gap, Inaudible, Left
from captioner.room.standstill import UNDER_WAY_MS, Clocks, Standstills
from streaming.audio import FRAME_MS, FRAME_SAMPLES


class Stream:
    """In place of the SDK's AudioStream: frames, or what it raises."""

    scripts: Iterator[list[float | Exception]]
    right = 1.0  # times the left channel

    def __init__(self, _track: object, **_options: object) -> None:
        self.script = next(self.scripts)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for level in self.script:
            if isinstance(level, Exception):
                raise level
            left = np.full(FRAME_SAMPLES, level * 32_767)
            pcm = np.stack([left, left * self.right], axis=1).astype(np.int16)
            yield SimpleNamespace(frame=SimpleNamespace(data=pcm.tobytes()))

    async def aclose(self) -> None: ...


class Track:
    """In place of the SDK's track: its statistics fail, or never come."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.hangs, self.asked = hangs, 0

    async def get_stats(self) -> list[Any]:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        raise Exception("the engine is closed")  # as the SDK does, which has nothing narrower


async def levels(track: Track, *scripts: list[float | Exception]) -> list[float]:
    """The loudness of each frame that comes."""
    Stream.scripts = iter(scripts)
    sound = TrackSound(track)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        return [round(float(pcm[0]), 1) async for pcm in sound]


@pytest.fixture(autouse=True)
def _stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtc, "AudioStream", Stream)
    monkeypatch.setattr("captioner.room.encryption.STATS_S", 0.01)


@pytest.mark.parametrize("hangs", [False, True])
async def test_statistics_that_fail_end_no_track(hangs: bool) -> None:
    track = Track(hangs=hangs)
    heard = await levels(track, [0.5, *[0.0] * 50, 0.5])
    assert track.asked > 0
    assert heard == [0.5, *[0.0] * 50, 0.5]


async def test_silence_without_packets_is_left_out_and_counted() -> None:
    class Cut(Track):
        async def get_stats(self) -> list[Any]:
            received = SimpleNamespace(packets_received=7)
            inbound = SimpleNamespace(received=received)
            return [SimpleNamespace(HasField=lambda _name: True, inbound_rtp=inbound)]

    Stream.scripts = iter([[0.5, *[0.0] * 50, 0.5]])
    sound = TrackSound(Cut())  # type: ignore[arg-type]
    heard = [round(float(pcm[0]), 1) async for pcm in sound]
    assert len(heard) < 52
    assert heard[-1] == 0.5
    assert sound.missing_ms == (52 - len(heard)) * FRAME_MS


async def test_a_stream_of_sound_that_fails_is_opened_again_and_counted() -> None:
    def failures() -> float:
        return REGISTRY.get_sample_value("captioner_sound_failures_total") or 0

    before = failures()
    heard = await levels(Track(), [0.1, RuntimeError("the handle is gone")], [0.2, 0.3])
    assert heard == [0.1, 0.2, 0.3]
    assert failures() == before + 1


async def test_a_track_whose_channels_have_opposite_phase_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Stream, "right", -1.0)
    assert [abs(level) for level in await levels(Track(), [0.5, 0.3])] == [0.5, 0.3]


class Publication:
    """In place of the SDK's publication of a microphone."""

    sid, track = "TR_1", None
    muted = False
    kind, source = rtc.TrackKind.KIND_AUDIO, rtc.TrackSource.SOURCE_MICROPHONE
    encryption_type = rtc.EncryptionType.NONE

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.more = asyncio.Event()

    def set_subscribed(self, subscribed: bool) -> None:
        self.asked.append(subscribed)
        self.more.set()

    async def until(self, asked: list[bool]) -> None:
        async with asyncio.timeout(10):
            while self.asked != asked:
                self.more.clear()
                await self.more.wait()


class SdkRoom(rtc.EventEmitter[Any]):
    """In place of the SDK's room, with one participant."""

    def __init__(self) -> None:
        super().__init__()
        self.publication = Publication()
        self.anna = SimpleNamespace(
            identity="anna", kind=0, track_publications={"TR_1": self.publication}
        )
        self.remote_participants = {"anna": self.anna}

    @property
    async def sid(self) -> str:
        return "RM_1"

    async def connect(self, *_: object) -> None: ...


@pytest.fixture
def sdk_room(monkeypatch: pytest.MonkeyPatch) -> SdkRoom:
    room = SdkRoom()
    monkeypatch.setattr(rtc, "Room", lambda: room)
    monkeypatch.setattr("captioner.room.subscriptions.RETRY_FIRST_S", 0.01)
    return room


async def test_a_subscription_that_fails_is_told_and_tried_again(sdk_room: SdkRoom) -> None:
    room = LiveKitRoom(lambda: 0)
    await room.join("", "")
    room.hear(lambda _identity: True)
    events = room.events()
    asked = [True]
    for _ in range(2):
        sdk_room.emit("track_subscription_failed", sdk_room.anna, "TR_1", "timeout")
        asked += [False, True]
        await sdk_room.publication.until(asked)
    assert await anext(events) == Inaudible("TR_1", "anna", over=False)
    sdk_room.emit("track_subscribed", None, sdk_room.publication, sdk_room.anna)
    assert await anext(events) == Inaudible("TR_1", "anna", over=True)


@pytest.mark.parametrize(("took_ms", "muted", "told"), [
    (7_000, False, [Gap(1_000, 8_000)]), (7_000, True, []), (400, False, []),
])  # fmt: skip
async def test_what_was_said_before_a_track_came_late_is_told_as_a_gap(
    sdk_room: SdkRoom, took_ms: int, muted: bool, told: list[Gap]
) -> None:
    now_ms = 1_000
    room = LiveKitRoom(lambda: now_ms)
    await room.join("", "")
    room.hear(lambda _identity: True)
    now_ms += took_ms
    sdk_room.publication.muted = muted
    for _ in range(2):  # the second time nobody has waited for it
        sdk_room.emit("track_subscribed", None, sdk_room.publication, sdk_room.anna)
    sdk_room.emit("room_updated")
    events = room.events()
    assert [await anext(events) for _ in told] == told
    assert await anext(events) == Changed()


async def test_a_failed_subscription_of_a_track_that_is_gone_is_over(sdk_room: SdkRoom) -> None:
    room = LiveKitRoom(lambda: 0)
    await room.join("", "")
    room.hear(lambda _identity: True)
    events = room.events()
    sdk_room.emit("track_subscription_failed", sdk_room.anna, "TR_1", "timeout")
    sdk_room.anna.track_publications.clear()
    assert await anext(events) == Inaudible("TR_1", "anna", over=False)
    assert await anext(events) == Inaudible("TR_1", "anna", over=True)
    assert True not in sdk_room.publication.asked[1:]


async def test_a_stay_ends_when_the_process_has_stood_still_whatever_the_sdk_says_then(
    sdk_room: SdkRoom,
) -> None:
    clocks = [Clocks(100.0, 100.0, 100.0)]
    standstills = Standstills(lambda: clocks[0])
    with standstills.watched():
        room = LiveKitRoom(
            lambda: round((standstills.now_s() - 90) * 1000), standstills=standstills
        )
        await room.join("", "")
        clocks[0] = Clocks(101.0, 101.0, 101.0)
        events = room.events()
        sdk_room.emit("room_updated")
        assert await anext(events) == Changed()
        clocks[0] = Clocks(116.0, 116.0, 116.0)
        sdk_room.emit("disconnected", rtc.DisconnectReason.UNKNOWN_REASON)
        assert await anext(events) is Left.STOOD_STILL
        sdk_room.emit("disconnected", rtc.DisconnectReason.UNKNOWN_REASON)
        assert [event async for event in events] == []
        assert room.lost_ms == 11_000 - UNDER_WAY_MS
