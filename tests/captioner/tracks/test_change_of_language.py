"""A track whose voice changes its language; a recogniser hears nonsense in the wrong one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from captioner.captions.cues import CaptionEvent, Cue, CueClosed, CueDeleted, CueUpdated
from captioner.captions.segmenter import Segmenter
from captioner.tracks.engine import Engine
from captioner.tracks.language_evidence import LanguageEvidence
from captioner.tracks.track_captioner import TrackCaptioner
from streaming.audio import FRAME_MS, FRAME_SAMPLES, AudioFrame, Pcm
from streaming.recognizer import Capabilities, Flushed, Heard, RecognizerEvent, Word, WordEnd

LEVELS = {"fr": 0.1, "en": 0.2}
WORD = 5  # frames
PAUSE = 10


def spoken(*pieces: tuple[str, int]) -> list[AudioFrame]:
    """So many words in each language, with a pause after each piece; each word has a number."""
    levels: list[float] = []
    for language, words in pieces:
        levels += [LEVELS[language]] * WORD * words + [0.0] * PAUSE
    return [
        AudioFrame(np.full(FRAME_SAMPLES, level, np.float32), n * FRAME_SAMPLES)
        for n, level in enumerate(levels)
    ]


class Hearing:
    """Says a word for every five frames of voice: its number, as ``fr12``, or ``mumble``."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._out: asyncio.Queue[RecognizerEvent | None] = asyncio.Queue()
        self._voice: list[AudioFrame] = []
        self._heard_ms = 0

    async def send(self, frame: AudioFrame) -> None:
        if frame.pcm[0] > 0.01:
            self._voice.append(frame)
        if len(self._voice) == WORD:
            first = self._voice[0]
            right = abs(first.pcm[0] - LEVELS[self._language]) < 0.01
            text = self._language if right else "mumble"
            self._out.put_nowait(Word(text, first.start_ms))
            self._out.put_nowait(WordEnd(self._voice[-1].end_ms))
            self._voice = []
        self._heard_ms = frame.end_ms
        self._out.put_nowait(Heard(frame.end_ms))

    async def flush(self) -> None:
        self._out.put_nowait(Flushed(self._heard_ms))

    async def finish(self) -> None:
        self._out.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        while (event := await self._out.get()) is not None:
            yield event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._out.put_nowait(None)


class HearingEngine:
    capabilities = Capabilities("hearing", ("en", "fr"), True, 0)

    def open(self, language: str, *, live: bool = True) -> Hearing:
        return Hearing(language)


async def detect(pcm: Pcm, _among: Sequence[str]) -> Mapping[str, float]:
    """Sure of what most of the voice is."""
    voice = pcm[pcm > 0.01]
    english = float(np.mean(voice > 0.15))
    await asyncio.sleep(0)
    return {"en": min(max(english, 0.02), 0.98), "fr": min(max(1 - english, 0.02), 0.98)}


class Frames:
    def __init__(self, frames: list[AudioFrame]) -> None:
        self._left = frames
        self.waiting_ms = 0

    def __aiter__(self) -> AsyncIterator[AudioFrame]:
        return self

    async def __anext__(self) -> AudioFrame:
        for _ in range(10):
            await asyncio.sleep(0)
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop(0)


async def captioned(
    frames: list[AudioFrame], language: str = "auto:fr,en", *, recording: bool = True
) -> tuple[list[Cue], list[tuple[str, bool]], list[CaptionEvent]]:
    """The cues that stay, what was told of the language, and all events."""
    cues: dict[str, Cue] = {}
    told: list[tuple[str, bool]] = []
    events: list[CaptionEvent] = []

    async def publish(event: CaptionEvent, _heard_ms: int) -> None:
        events.append(event)
        if isinstance(event, CueDeleted):
            cues.pop(event.id, None)
        else:
            cues[event.cue.id] = event.cue

    async def speaks(evidence: LanguageEvidence) -> None:
        told.append((evidence.language, evidence.found))

    engine = Engine(
        language, (HearingEngine(),), load_voice=lambda: lambda frame: bool(frame.pcm[0] > 0.01),
        detect=detect,
    )  # fmt: skip
    await TrackCaptioner(
        Frames(frames), engine=lambda: engine, segmenter=Segmenter("anna", prefix="t1"),
        publish=publish, speaks=speaks, recording=recording,
    ).run()  # fmt: skip
    return sorted(cues.values(), key=lambda cue: cue.start_ms), told, events


def words(cues: list[Cue]) -> list[str]:
    return [word for cue in cues for word in cue.text.split()]


async def test_a_voice_that_speaks_the_other_language_is_heard_again_in_it() -> None:
    cues, told, _ = await captioned(spoken(("en", 20)))
    assert words(cues) == ["en"] * 20
    assert {cue.language for cue in cues} == {"en"}
    assert told == [("fr", False), ("en", True)]


async def test_a_change_between_sentences_is_followed_and_nothing_is_lost_or_left() -> None:
    for recording in (True, False):
        frames = spoken(("fr", 12), ("en", 15), ("fr", 15))
        cues, told, _ = await captioned(frames, recording=recording)
        assert words(cues) == ["fr"] * 12 + ["en"] * 15 + ["fr"] * 15
        assert all(word == cue.language for cue in cues for word in cue.text.split())
        assert [language for language, found in told if found] == ["fr", "en", "fr"]


async def test_the_change_is_shown_within_five_seconds_of_speech() -> None:
    _, _, events = await captioned(spoken(("fr", 12), ("en", 30)))
    english = next(e for e in events if isinstance(e, CueUpdated) and e.cue.language == "en")
    begun_ms = (12 * WORD + PAUSE) * FRAME_MS
    assert english.cue.end_ms - begun_ms <= 5_000
    deleted = [n for n, e in enumerate(events) if isinstance(e, CueDeleted)]
    assert deleted
    assert max(deleted) < events.index(english)


async def test_what_is_heard_last_in_the_wrong_language_is_never_shown_as_final() -> None:
    """A deleted caption that was open is gone from a page; a file or a terminal has closed ones."""
    for recording in (True, False):
        _, _, events = await captioned(spoken(("en", 20)), recording=recording)
        final = [e.cue for e in events if isinstance(e, CueClosed)]
        assert {cue.language for cue in final} == {"en"}


async def test_a_language_that_is_chosen_is_never_doubted() -> None:
    cues, told, events = await captioned(spoken(("en", 20)), language="fr")
    assert set(words(cues)) == {"mumble"}
    assert told == [("fr", False)]
    assert not any(isinstance(event, CueDeleted) for event in events)


async def test_what_was_closed_is_deleted_or_stays_as_it_is() -> None:
    _, _, events = await captioned(spoken(("fr", 10), ("en", 10), ("fr", 10), ("en", 10)))
    closed: set[str] = set()
    for event in events:
        if isinstance(event, CueUpdated | CueClosed):
            assert event.cue.id not in closed
        if isinstance(event, CueClosed):
            closed.add(event.cue.id)


pieces = st.lists(st.tuples(st.sampled_from(["fr", "en"]), st.integers(10, 25)), max_size=5)


@given(pieces)
@settings(max_examples=8)
def test_whoever_speaks_long_enough_is_captioned_in_their_language(
    said: list[tuple[str, int]],
) -> None:
    cues, _, _ = asyncio.run(captioned(spoken(*said)))
    assert words(cues) == [language for language, count in said for _ in range(count)]
