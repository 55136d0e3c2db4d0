from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from captioner.tracks.language_evidence import LanguageEvidence
from captioner.tracks.language_watch import (
    KEEP_MS,
    LATER_MS,
    LEAD_MS,
    LOOK_MS,
    LanguageWatch,
    VoiceWindows,
    Window,
)
from streaming.audio import FRAME_MS, FRAME_SAMPLES, AudioFrame, Pcm
from streaming.errors import ModelError
from streaming.languages import Languages

BOTH = Languages.parse("auto:fr,en")


def frame(number: int, *, voiced: bool) -> AudioFrame:
    return AudioFrame(np.full(FRAME_SAMPLES, voiced, np.float32), number * FRAME_SAMPLES, voiced)


def looks(voiced: Sequence[bool], *, doubted: bool = False) -> list[tuple[int, Window]]:
    """Give the windows, each with the number of the frame after which it is looked at."""
    windows, found = VoiceWindows(), list[tuple[int, Window]]()
    for number, one in enumerate(voiced):
        windows.feed(frame(number, voiced=one))
        if window := windows.due(doubted=doubted):
            found.append((number, window))
    return found


def ms(frames: int) -> int:
    return frames * FRAME_MS


def test_a_voice_is_looked_at_soon_then_now_and_then() -> None:
    at = [ms(number + 1) for number, _ in looks([True] * 100)]
    assert at[0] <= 1_100
    assert all(b - a <= LATER_MS + FRAME_MS for a, b in pairwise(at))
    assert len(at) <= 4


def test_a_voice_in_doubt_is_looked_at_every_second() -> None:
    assert len(looks([True] * 100, doubted=True)) in (7, 8)


def test_a_short_answer_is_looked_at_in_the_pause_after_it() -> None:
    assert len(looks([True] * 8 + [False] * 20)) == 1
    assert looks([True] * 4 + [False] * 20) == []


def test_what_was_said_before_a_pause_is_not_looked_at_again() -> None:
    found = looks([True] * 20 + [False] * 10 + [True] * 20)
    _, last = found[-1]
    assert last.start >= 30 * FRAME_SAMPLES - LEAD_MS * 24
    assert last.start % FRAME_SAMPLES == 0


@given(st.lists(st.booleans(), max_size=300), st.booleans())
def test_a_window_is_bounded_and_ends_with_voice(voiced: list[bool], doubted: bool) -> None:
    for number, window in looks(voiced, doubted=doubted):
        begun = window.start // FRAME_SAMPLES
        taken = voiced[begun : begun + len(window.pcm) // FRAME_SAMPLES]
        assert sum(taken) <= LOOK_MS // FRAME_MS
        assert taken[-1]
        assert begun + len(taken) <= number + 1
        assert number - begun < KEEP_MS // FRAME_MS


async def watched(
    likely: Mapping[str, float] | Exception, count: int, *, languages: Languages = BOTH
) -> tuple[list[AudioFrame], LanguageEvidence, int]:
    """Feed so many frames of voice, until there is something to hear again."""
    evidence, asked = LanguageEvidence(), list[tuple[str, ...]]()

    async def detect(_: Pcm, among: Sequence[str]) -> Mapping[str, float]:
        asked.append(tuple(among))
        await asyncio.sleep(0)
        if isinstance(likely, Exception):
            raise likely
        return likely

    async def found() -> None:
        asked.append(("found",))

    evidence.begin(languages)
    watch = LanguageWatch(evidence, languages, detect, found=found, waits=True)
    for number in range(count):
        if again := await watch.feed(frame(number, voiced=True)):
            return again, evidence, len(asked)
    watch.close()
    return [], evidence, len(asked)


async def test_sound_in_another_language_is_heard_again_from_where_that_began() -> None:
    again, evidence, _ = await watched({"en": 0.98, "fr": 0.02}, 40)
    assert again[0].position == 0
    assert len(again) < 20
    assert evidence.language == "en"


async def test_a_language_that_is_what_was_supposed_is_told_once() -> None:
    again, evidence, asked = await watched({"fr": 0.98, "en": 0.02}, 100)
    assert again == []
    assert evidence.found
    assert 3 <= asked <= 6


async def test_nobody_looks_where_the_language_is_chosen() -> None:
    _, evidence, asked = await watched({"en": 1.0}, 100, languages=Languages.parse("fr"))
    assert (evidence.language, asked) == ("fr", 0)


async def test_a_model_that_fails_leaves_the_language_as_it_is() -> None:
    again, evidence, _ = await watched(ModelError("no"), 100)
    assert again == []
    assert (evidence.language, evidence.decided) == ("fr", False)
