"""Writes simulated meetings as a corpus: what each person said and when, and their microphones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from captioner.audio_file import read_audio
from eval.conditions.meeting import MeetingRecipe, Part, overlapped_share, planned, voiced
from eval.corpus.manifest import SPEAKER, Clip, CorpusError
from eval.observation import write_files
from eval.runs.clip_audio import RATE, write_sound
from streaming.audio import Pcm


def write_meetings(
    folder: Path, clips: Sequence[Clip], recipe: MeetingRecipe, *, count: int, one_microphone: bool,
    tell: Callable[[str], None],
) -> None:  # fmt: skip
    """Write ``meeting-1`` and so on: an STM, and a FLAC for each person or one for all.

    Raises CorpusError, ObservationError.
    """
    sound = cache(lambda path: read_audio(path, rate=RATE))
    for number in range(1, count + 1):
        one = replace(recipe, seed=recipe.seed * 1_000 + number)
        parts = planned(_voices(clips, one), one)
        microphones = voiced(parts, _sounds(parts, sound), RATE, seed=one.seed)
        name = f"meeting-{number}"
        if one_microphone:
            whole: Pcm = np.clip(sum(microphones.values()), -1, 1)
            write_sound(folder / f"{name}.flac", whole)
        for person, pcm in {} if one_microphone else microphones.items():
            write_sound(folder / name / f"{person}.flac", pcm)
        write_files({folder / f"{name}.stm": _stm(name, parts).encode()})
        tell(f"{name}: {_summary(parts)}")


def _voices(clips: Sequence[Clip], recipe: MeetingRecipe) -> dict[str, list[Clip]]:
    """Return the recordings of so many people: another choice for each meeting.

    Where the corpus names too few speakers, each recording without one counts as another voice.
    """
    by_voice: dict[str, list[Clip]] = {}
    for clip in clips:
        by_voice.setdefault(clip.columns.get(SPEAKER, ""), []).append(clip)
    unknown = by_voice.pop("", [])
    if len(by_voice) < recipe.people:
        by_voice |= {f"#{number}": [clip] for number, clip in enumerate(unknown)}
    if len(by_voice) < recipe.people:
        raise CorpusError(
            f"a meeting of {recipe.people} needs as many voices, and the corpus has"
            f" {len(by_voice)}: give --people {max(1, len(by_voice))}, or more recordings"
        )
    order = np.random.default_rng(recipe.seed).permutation(list(by_voice))
    people: dict[str, list[Clip]] = {f"person-{n + 1}": [] for n in range(recipe.people)}
    # One recording each would be said again and again: unknown voices are shared out.
    chosen = order if any(name.startswith("#") for name in by_voice) else order[: recipe.people]
    for number, name in enumerate(chosen):
        people[f"person-{number % recipe.people + 1}"] += by_voice[name]
    return people


def _sounds(parts: Sequence[Part], sound: Callable[[Path], Pcm]) -> Mapping[str, Pcm]:
    return {part.clip.name: sound(part.clip.path) for part in parts}


def _stm(name: str, parts: Sequence[Part]) -> str:
    turns = [part.turn for part in parts]
    return "".join(
        f"{name} 1 {turn.speaker} {(turn.start_ms or 0) / 1000:.3f} {(turn.end_ms or 0) / 1000:.3f}"
        f" <o> {' '.join(turn.text.split())}\n"
        for turn in turns
    )


def _summary(parts: Sequence[Part]) -> str:
    people = len({part.speaker for part in parts})
    short = sum(part.cut_ms is not None for part in parts)
    return (
        f"{people} people, {max(part.end_s for part in parts):.0f} s,"
        f" {overlapped_share(parts):.0%} of the speech overlapped, {short} back-channels"
    )
