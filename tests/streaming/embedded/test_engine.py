from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.measures.accuracy import wer
from eval.normalization.normalize import normalize
from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Framer, Pcm
from streaming.embedded.engine import EmbeddedEngine, EmbeddedRecognizer
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.model_files import model_folder
from streaming.embedded.models import TINY_EN, Model
from streaming.embedded.policy import DecoderPolicy
from streaming.embedded.segments import CHUNK_MS
from streaming.errors import LanguageNotSupported, ModelError, RecognizerUnavailable
from streaming.recognizer import Flushed, RecognizerEvent, Tail, Word

TWO_CITIES = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the "
    "age of foolishness, it was the epoch of belief, it was the epoch of incredulity"
)


class LevelModel:
    """Says the level of the sound, once for each half second of voice."""

    def speaking(self, _language: str) -> LevelModel:
        return self

    def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
        level = float(np.abs(pcm).max())
        if level > 0.95:
            raise ModelError("too loud")
        ends_ms = (np.flatnonzero(np.abs(pcm) > 0.1)[7_999::8_000] // 16).tolist()
        word = f"level{round(level * 10)}"
        words = (HeardWord(word, 0.8, (end - 500, end), n) for n, end in enumerate(ends_ms))
        return Hypothesis(tuple(words), (0,) * len(ends_ms))


LEVELS = (Model("level", ("en",), lambda _: LevelModel()),)


def loud_is_speech(chunk: Pcm) -> float:
    return 1.0 if float(np.abs(chunk).max()) > 0.1 else 0.0


@pytest.fixture
async def engine() -> AsyncIterator[EmbeddedEngine]:
    async with EmbeddedEngine(
        models=LEVELS, load_detector=lambda: loud_is_speech, threads=2
    ) as engine:
        yield engine


def frames(level: float, seconds: float = 4.0) -> list[AudioFrame]:
    speech = np.full(round(seconds * SAMPLE_RATE), level, np.float32)
    quiet = np.zeros(SAMPLE_RATE * 2, np.float32)
    framer = Framer()
    return framer.feed(np.concatenate([quiet, speech, quiet])) + framer.flush()


async def feed(recognizer: EmbeddedRecognizer, given: list[AudioFrame]) -> None:
    for frame in given:
        await recognizer.send(frame)
    await recognizer.finish()


async def hear(
    engine: EmbeddedEngine, given: list[AudioFrame], *, live: bool = False
) -> list[RecognizerEvent]:
    async with engine.open(live=live) as recognizer, asyncio.TaskGroup() as tasks:
        tasks.create_task(feed(recognizer, given))
        return [event async for event in recognizer]


class Better(LevelModel):
    """Says that it is the better one."""

    def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
        heard = super().decode(pcm, draft)
        return replace(heard, words=tuple(replace(word, text="better") for word in heard.words))


def two_ears(load: Callable[[int], LevelModel]) -> EmbeddedEngine:
    """An engine that holds a steady sound for a voice in a bad room: its level never falls."""
    better = Model("better", ("en", "fr"), load)
    models = (replace(LEVELS[0], in_bad_rooms=better), better)
    return EmbeddedEngine(models=models, load_detector=lambda: loud_is_speech, threads=2)


def with_falls(given: list[AudioFrame]) -> list[AudioFrame]:
    """Each fourth frame is 20 dB softer."""
    return [
        replace(frame, pcm=frame.pcm * np.float32(1.0 if n % 4 else 0.1))
        for n, frame in enumerate(given)
    ]


async def test_in_a_bad_room_the_model_for_it_goes_on_after_the_words_that_are_settled() -> None:
    given = frames(0.3, seconds=16)
    async with two_ears(lambda _: Better()) as engine:
        events = await hear(engine, with_falls(given[:80]) + given[80:])
    said = text(events).split()
    first = said.index("better")
    assert first >= 6
    assert said == ["level3"] * first + ["better"] * (len(said) - first)


async def test_in_a_good_room_the_model_for_bad_ones_is_not_even_loaded() -> None:
    def load(_threads: int) -> LevelModel:
        raise AssertionError("it was loaded")

    async with two_ears(load) as engine:
        assert "level3" in text(await hear(engine, with_falls(frames(0.3))))


async def test_without_the_model_for_bad_rooms_the_other_goes_on() -> None:
    def load(_threads: int) -> LevelModel:
        raise RecognizerUnavailable("fetch it")

    async with two_ears(load) as engine:
        assert text(await hear(engine, frames(0.3))) == " ".join(["level3"] * 8)


def text(events: list[RecognizerEvent]) -> str:
    return " ".join(event.text for event in events if isinstance(event, Word))


async def test_the_same_file_gives_the_same_events_on_a_busy_machine_too(
    engine: EmbeddedEngine,
) -> None:
    alone = await hear(engine, frames(0.3))
    beside_others = await asyncio.gather(*(hear(engine, frames(0.3)) for _ in range(5)))
    assert beside_others == [alone] * 5


async def test_a_file_is_decoded_when_much_is_new_as_nobody_waits_for_its_words() -> None:
    policy = DecoderPolicy(file_ms=2_000)
    heard: list[int] = []

    class Noting(LevelModel):
        def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
            heard.append(len(pcm))
            return super().decode(pcm, draft)

    models = (Model("noting", ("en",), lambda _: Noting(), policy=policy),)
    async with EmbeddedEngine(models=models, load_detector=lambda: loud_is_speech) as engine:
        await hear(engine, frames(0.3, seconds=8))
    new_ms = [(after - before) // 16 for before, after in pairwise(heard)]
    assert min(new_ms[:-2]) > 2_000 - CHUNK_MS  # the last ones are of the pause


async def test_a_live_stream_that_is_far_behind_loses_no_words(engine: EmbeddedEngine) -> None:
    assert text(await hear(engine, frames(0.3), live=True)) == " ".join(["level3"] * 8)


async def test_output_of_one_stream_never_reaches_another(engine: EmbeddedEngine) -> None:
    levels = [0.2, 0.3, 0.4, 0.5, 0.6]
    heard = await asyncio.gather(*(hear(engine, frames(level)) for level in levels))
    for level, events in zip(levels, heard, strict=True):
        assert set(text(events).split()) == {f"level{round(level * 10)}"}


async def test_a_failed_decode_ends_that_stream_only(engine: EmbeddedEngine) -> None:
    async def fail() -> None:
        async with engine.open() as recognizer:
            for frame in frames(1.0):
                await recognizer.send(frame)
            async for _ in recognizer:
                pass

    other = asyncio.create_task(hear(engine, frames(0.3)))
    with pytest.raises(ModelError, match="too loud"):
        await fail()
    assert text(await other)


async def test_what_a_model_raises_that_is_no_error_of_ours_becomes_one() -> None:
    class Broken(LevelModel):
        def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
            raise MemoryError

    models = (Model("broken", ("en",), lambda _: Broken()),)
    engine = EmbeddedEngine(models=models, load_detector=lambda: loud_is_speech)
    async with engine, engine.open() as recognizer:
        for frame in frames(0.5):
            await recognizer.send(frame)
        with pytest.raises(ModelError, match="MemoryError"):
            [event async for event in recognizer]


async def test_closing_the_engine_ends_the_streams_that_are_open(engine: EmbeddedEngine) -> None:
    async with engine.open() as recognizer:
        for frame in frames(0.3)[:20]:
            await recognizer.send(frame)
        closing = asyncio.create_task(engine.close())
        with pytest.raises(ModelError, match="closed"):
            [event async for event in recognizer]
        await closing
        assert engine.streams == 0
        await recognizer.send(frames(0.3)[0])


async def test_a_stream_that_has_ended_is_not_harmed_by_closing(engine: EmbeddedEngine) -> None:
    async with engine.open() as recognizer:
        await recognizer.finish()
        events = [event async for event in recognizer]
        await engine.close()
        assert not text(events)


async def test_decodes_that_a_live_stream_leaves_out_are_counted() -> None:
    sent = threading.Event()

    def detect_when_all_is_sent(chunk: Pcm) -> float:
        sent.wait()
        return loud_is_speech(chunk)

    engine = EmbeddedEngine(models=LEVELS, load_detector=lambda: detect_when_all_is_sent)
    async with engine, engine.open() as recognizer:
        await feed(recognizer, frames(0.3))
        sent.set()
        async for _ in recognizer:
            pass
    assert engine.skipped_decodes > 0


async def test_no_decode_of_a_file_is_left_out(engine: EmbeddedEngine) -> None:
    await hear(engine, frames(0.3))
    assert engine.skipped_decodes == 0


async def test_a_flush_is_answered_while_the_stream_goes_on(engine: EmbeddedEngine) -> None:
    given = frames(0.3)
    async with engine.open() as recognizer:
        for frame in given[:50]:
            await recognizer.send(frame)
        await recognizer.flush()
        said: list[RecognizerEvent] = []
        async for event in recognizer:
            said.append(event)
            if isinstance(event, Flushed):
                break
        assert text(said)


async def test_leaving_frees_the_stream_at_once() -> None:
    freed = asyncio.Event()
    tell = asyncio.get_running_loop().call_soon_threadsafe

    class Detector:
        """Of one stream, and held by nothing else."""

        def __init__(self) -> None:
            weakref.finalize(self, tell, freed.set)

        def __call__(self, chunk: Pcm) -> float:
            return loud_is_speech(chunk)

    async with EmbeddedEngine(models=LEVELS, load_detector=Detector, threads=2) as engine:
        async with engine.open() as recognizer:
            for frame in frames(0.3):
                await recognizer.send(frame)
            async for _ in recognizer:
                break
        assert engine.streams == 0
        async with asyncio.timeout(60):  # a thread may still be in a decode for it
            await freed.wait()


async def test_a_cancelled_reader_leaves_nothing_behind(engine: EmbeddedEngine) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async with engine.open() as recognizer, asyncio.TaskGroup() as tasks:
            tasks.create_task(feed(recognizer, frames(0.3, seconds=30)))
            async for _ in recognizer:
                begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.streams == 0


async def test_a_stream_that_nobody_reads_is_bounded(engine: EmbeddedEngine) -> None:
    silence = np.zeros(FRAME_SAMPLES, np.float32)
    async with engine.open() as recognizer:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):  # ``feed`` waits for nothing but a full buffer
                await feed(recognizer, [AudioFrame(silence, n * 24_000) for n in range(100_000)])
        assert recognizer.behind_ms <= 30_000


async def test_nothing_can_be_sent_after_the_end(engine: EmbeddedEngine) -> None:
    async with engine.open() as recognizer:
        await recognizer.finish()
        with pytest.raises(ValueError, match="finish"):
            await recognizer.send(frames(0.3)[0])


@pytest.mark.parametrize("language", ["fr", "de-AT", ""])
def test_an_unknown_language_names_those_that_are_there_and_what_to_do(language: str) -> None:
    with pytest.raises(LanguageNotSupported, match=r"knows en here.*models --fetch.*Kyutai"):
        EmbeddedEngine(models=(TINY_EN,)).open(language)


def test_english_of_any_country_is_known() -> None:
    EmbeddedEngine(models=(TINY_EN,)).open("en-GB")


async def test_an_engine_is_made_without_loading_the_model() -> None:
    def load(_threads: int) -> LevelModel:
        raise RecognizerUnavailable("install it")

    engine = EmbeddedEngine(models=(Model("absent", ("en",), load),))
    with pytest.raises(RecognizerUnavailable, match="install it"):
        async with engine.open():
            pass
    await engine.close()


@pytest.fixture(scope="module")
def two_cities() -> list[AudioFrame]:
    pcm, rate = soundfile.read(model_folder().parent / "two_cities.wav", dtype="float32")
    framer = Framer(rate)
    return framer.feed(pcm[: 17 * rate]) + framer.flush()


async def test_real_speech_becomes_its_words(two_cities: list[AudioFrame]) -> None:
    async with EmbeddedEngine(models=(TINY_EN,)) as engine:
        events = await hear(engine, two_cities)
    reference = normalize(TWO_CITIES, "en")
    said = normalize(text(events), "en")[: len(reference)]
    assert wer(reference, said).rate <= 0.15


async def test_noise_becomes_no_words() -> None:
    chance = np.random.default_rng(1)
    framer = Framer()
    noise = (chance.standard_normal(SAMPLE_RATE * 10) * 0.02).astype(np.float32)
    async with EmbeddedEngine(models=(TINY_EN,)) as engine:
        events = await hear(engine, framer.feed(noise))
    assert not [event for event in events if isinstance(event, Word | Tail)]


def test_each_language_has_the_delay_of_the_model_that_serves_it() -> None:
    slow = Model("slow", ("en", "fr"), lambda _: LevelModel(), delay_ms=1_100)
    known = EmbeddedEngine(models=(*LEVELS, slow)).capabilities
    assert known.speaking("en-GB").delay_ms == LEVELS[0].delay_ms
    assert known.speaking("fr").delay_ms == 1_100


def test_no_library_tells_its_makers_what_it_does(tmp_path: Path) -> None:
    # onnxruntime 1.31 makes an identity of the device, and sends with it what it loads and runs.
    program = "import streaming.embedded.moonshine as m; m.Moonshine()"
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    del environment["ORT_DISABLE_TELEMETRY"]  # the program must do that itself
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert list(tmp_path.rglob("*onnxruntime*")) == []
