from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Self

import numpy as np
import pytest

from captioner.captions.cues import CaptionEvent, CueClosed
from captioner.captions.segmenter import Segmenter
from captioner.contract import GapReason, TrackState
from captioner.room.frame_queue import Missing
from captioner.tracks.engine import Engine
from captioner.tracks.track_captioner import TrackCaptioner
from streaming.audio import FRAME_MS, FRAME_SAMPLES, AudioFrame
from streaming.errors import ConnectionLost, ModelError, RecognizerUnavailable
from streaming.recognizer import Recognizer, RecognizerEvent, Tail, Word, WordEnd
from streaming.supervised_stream import StreamPolicy
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer

PCM = np.zeros(FRAME_SAMPLES, np.float32)
VOICE = np.full(FRAME_SAMPLES, 0.1, np.float32)  # what is always as loud is noise


class Frames:
    """So many frames, ``wait`` after each; waiting for one can be cancelled and taken up again."""

    def __init__(self, count: int, *, start_ms: int = 0, then: asyncio.Event | None = None) -> None:
        self._left = [
            AudioFrame(PCM if i % 2 else VOICE, start_ms * 24 + i * FRAME_SAMPLES)
            for i in range(count)
        ]
        self._then = then
        self.waiting_ms = 0

    def __aiter__(self) -> AsyncIterator[AudioFrame]:
        return self

    async def __anext__(self) -> AudioFrame:
        await asyncio.sleep(0)
        if self._left:
            return self._left.pop(0)
        if self._then:
            await self._then.wait()
        raise StopAsyncIteration


class Screen:
    """What was published."""

    def __init__(self) -> None:
        self.events: list[CaptionEvent] = []
        self.heard: list[int] = []
        self.states: list[TrackState] = []
        self.missing: list[tuple[int, int]] = []
        self.closed = asyncio.Event()

    async def publish(self, event: CaptionEvent, heard_ms: int) -> None:
        self.events.append(event)
        self.heard.append(heard_ms)
        if isinstance(event, CueClosed):
            self.closed.set()

    async def unheard(self, missing: Missing) -> None:
        self.missing.append((missing.start_ms, missing.end_ms))

    async def announce(self, state: TrackState, _lag_ms: int) -> None:
        self.states.append(state)

    def texts(self) -> list[str]:
        return [event.cue.text for event in self.events if isinstance(event, CueClosed)]


def engine_of(opened: Callable[[], Recognizer], *, keep_ms: int = 60_000) -> Engine:
    policy = StreamPolicy(first_wait_s=0.001, longest_wait_s=0.01, keep_ms=keep_ms)
    return Engine(
        "en", (ScriptedEngine(opened),), load_voice=lambda: lambda _frame: True, policy=policy
    )


def captioner(
    frames: Frames,
    screen: Screen,
    opened: Callable[[], Recognizer],
    *,
    stale_s: float = 5.0,
    keep_ms: int = 60_000,
) -> TrackCaptioner:
    engine = engine_of(opened, keep_ms=keep_ms)
    return TrackCaptioner(
        frames,
        engine=lambda: engine,
        segmenter=Segmenter("anna", prefix="t1", language="en"),
        publish=screen.publish,
        announce=screen.announce,
        unheard=screen.unheard,
        stale_s=stale_s,
    )


def words(*texts: str) -> list[RecognizerEvent]:
    out: list[RecognizerEvent] = []
    for i, text in enumerate(texts):
        out += [Word(text, i * 200), WordEnd(i * 200 + 150)]
    return out


async def test_everything_heard_is_said_when_the_track_ends() -> None:
    screen = Screen()
    script = words("and", "so", "on")
    await captioner(
        Frames(10, start_ms=5000), screen, lambda: ScriptedRecognizer(script, delay_ms=5000)
    ).run()
    assert screen.texts() == ["and so on"]
    assert isinstance(screen.events[-1], CueClosed)
    assert screen.events[-1].cue.start_ms == 5000


async def test_a_track_without_a_frame_needs_no_recogniser() -> None:
    screen = Screen()

    def opened() -> ScriptedRecognizer:
        raise AssertionError("no frame, no recogniser")

    await captioner(Frames(0), screen, opened).run()
    assert screen.events == []


async def test_a_new_recogniser_goes_on_where_the_failed_one_stopped() -> None:
    screen, made = Screen(), list[ScriptedRecognizer]()

    def opened() -> ScriptedRecognizer:
        if not made:  # heard "one", failed before it said "two"
            failure = ModelError("step")
            made.append(ScriptedRecognizer(words("one"), fail_at_ms=800, failure=failure))
        else:
            made.append(ScriptedRecognizer(words("one", "two")))
        return made[-1]

    await captioner(Frames(40), screen, opened).run()
    assert screen.texts() == ["one two"]
    assert screen.states == [TrackState.ON]
    assert made[1].heard[0] == 0


async def test_no_frame_is_lost_while_no_recogniser_can_be_opened() -> None:
    screen, made = Screen(), list[ScriptedRecognizer]()
    refusals = iter(range(3))

    def opened() -> ScriptedRecognizer:
        if next(refusals, None) is not None:
            raise RecognizerUnavailable("not yet")
        made.append(ScriptedRecognizer(words("one")))
        return made[-1]

    await captioner(Frames(10, start_ms=800), screen, opened).run()
    assert len(made[0].heard) == 10
    assert screen.texts() == ["one"]


async def test_what_no_recogniser_has_dealt_with_is_unsaid() -> None:
    """A bot that dies now has lost it: the gap that its successor declares begins there."""
    unsaid = list[int | None]()

    def opened() -> ScriptedRecognizer:
        unsaid.append(track.unsaid_ms)
        if len(unsaid) < 2:
            raise RecognizerUnavailable("not yet")
        return ScriptedRecognizer(words("one"))

    track = captioner(Frames(10, start_ms=800), Screen(), opened)
    assert track.unsaid_ms is None
    await track.run()
    assert [*unsaid, track.unsaid_ms] == [800, 800, None]


async def test_a_file_is_not_tried_again() -> None:
    screen = Screen()

    def opened() -> ScriptedRecognizer:
        raise RecognizerUnavailable("no model")

    track = TrackCaptioner(
        Frames(3), engine=lambda: engine_of(opened), segmenter=Segmenter("a", prefix="f"),
        publish=screen.publish, recording=True,
    )  # fmt: skip
    with pytest.raises(BaseExceptionGroup) as caught:
        await track.run()
    assert caught.group_contains(RecognizerUnavailable)


async def test_no_partial_is_ever_stuck() -> None:
    """The recogniser is asked to let go; if it does not, the cue closes where it stands."""
    for script in ([Tail("well", 0)], [*words("well")]):
        screen, over = Screen(), asyncio.Event()
        recognizer = ScriptedRecognizer(script)
        track = captioner(Frames(5, then=over), screen, lambda r=recognizer: r, stale_s=0.2)  # type: ignore[misc]
        running = asyncio.create_task(track.run())
        async with asyncio.timeout(60):
            await screen.closed.wait()
        over.set()
        await running
        assert screen.texts() == ["well"]


async def test_nobody_is_asked_to_let_go_of_words_while_no_recogniser_can_be_had() -> None:
    """Asked later, in the middle of a word, the recogniser that comes would hear it as two."""
    screen, made = Screen(), list[ScriptedRecognizer]()
    flushed, over = list[int](), asyncio.Event()

    class Late(ScriptedRecognizer):
        """Is there only when the caption was closed where it stood."""

        async def __aenter__(self) -> Self:
            await screen.closed.wait()
            over.set()
            return await super().__aenter__()

        async def flush(self) -> None:
            flushed.append(len(self.heard))
            await super().flush()

    def opened() -> ScriptedRecognizer:
        if made:
            made.append(Late([]))
        else:
            failure = ConnectionLost("hung up")
            made.append(ScriptedRecognizer(words("one"), fail_at_ms=800, failure=failure))
        return made[-1]

    async with asyncio.timeout(60):
        await captioner(Frames(40, then=over), screen, opened, stale_s=0.2).run()
    assert screen.texts() == ["one"]
    assert flushed == []


async def test_no_caption_runs_across_sound_that_is_missing() -> None:
    screen, begun = Screen(), list[int]()

    class Broken(Frames):
        """Nothing came between 0.8 and 10 s."""

        async def __anext__(self) -> AudioFrame | Missing:  # type: ignore[override]
            if len(self._left) == 10 and not screen.missing:
                return Missing(800, 10_000, GapReason.CONNECTION_LOST)
            frame = await super().__anext__()
            begun.append(frame.start_ms + 9_200 * bool(screen.missing))
            return AudioFrame(frame.pcm, begun[-1] * 24)

    def opened() -> ScriptedRecognizer:
        return ScriptedRecognizer(words("and", "so"), delay_ms=5_000)

    await captioner(Broken(20), screen, opened).run()
    assert screen.missing == [(800, 10_000)]
    closed = [event.cue for event in screen.events if isinstance(event, CueClosed)]
    assert [cue.text for cue in closed] == ["and so", "and so"]
    assert closed[0].end_ms <= 800
    assert closed[1].start_ms >= 10_000


async def test_sound_that_a_recogniser_is_late_with_is_not_called_missing() -> None:
    """It keeps more than the stream does, which knows of no loss until it fails."""
    screen = Screen()

    def opened() -> ScriptedRecognizer:
        return ScriptedRecognizer(words("one"), delay_ms=60_000)  # says nothing until the end

    frames = Frames(45_000 // FRAME_MS + 1)
    await captioner(frames, screen, opened, keep_ms=30_000).run()
    assert screen.texts() == ["one"]
    assert screen.missing == []


async def test_sound_that_fell_off_before_a_recogniser_failed_is_told_as_missing() -> None:
    screen, made, failed = Screen(), list[ScriptedRecognizer](), asyncio.Event()

    def opened() -> ScriptedRecognizer:
        failure = None if made else ModelError("step")
        delay_ms = 0 if made else 60_000  # says nothing of all that it hears
        made.append(ScriptedRecognizer([], delay_ms=delay_ms, fail_at_ms=45_040, failure=failure))
        if len(made) == 2:
            failed.set()
        return made[-1]

    class Held(Frames):
        """No more comes until the first recogniser has failed."""

        async def __anext__(self) -> AudioFrame:
            if len(self._left) == 100:
                await failed.wait()
            return await super().__anext__()

    frames = Held(45_040 // FRAME_MS + 100, start_ms=800)
    await captioner(frames, screen, opened, keep_ms=30_000).run()
    (gap,) = screen.missing
    assert gap[0] == 800
    assert gap[1] == made[1].heard[0] // 24 + 800 or made[1].heard[0] == 0
    assert 15_000 <= gap[1] - gap[0] <= 15_200
