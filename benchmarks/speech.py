"""What the benchmarks play, and how they measure it: by eval, as in its reports."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.corpus.manifest import Clip, bundled_corpus, read_corpus
from eval.corpus.spoken_words import RefWord, Turn
from eval.measures.catalogue import MEASURES
from eval.measures.clip_score import Score, score
from eval.observation import Observation, Through
from eval.runs.watch import RATE, Performance, Seen
from streaming.audio import Pcm

LEAD_S, TRAIL_S = 2.0, 2.0
PAUSE_S = (0.3, 1.5)


def parser_of(doc: str | None) -> argparse.ArgumentParser:
    """The options of every benchmark on speech."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--speech", type=Path, help="a folder with manifest.tsv and words.ctm")
    parser.add_argument("--language", default="en", help="of the clips of that folder")
    parser.add_argument("--clips", type=int, default=1_000, help="at most so many")
    parser.add_argument("--seed", type=int, default=0, help="of the pauses' lengths")
    return parser


def clips_of(arguments: argparse.Namespace) -> list[Clip]:
    """Return the clips in the order of the manifest."""
    if arguments.speech is None:
        return bundled_corpus()[: arguments.clips]
    return read_corpus(arguments.speech, language=arguments.language)[: arguments.clips]


def chosen_clips(arguments: argparse.Namespace) -> list[Clip]:
    """Return the clips with word times, in the order of the manifest."""
    clips = read_corpus(arguments.speech) if arguments.speech else bundled_corpus()
    return [clip for clip in clips if clip.words][: arguments.clips]


@dataclass(frozen=True, slots=True)
class Speech:
    """Clips joined with pauses. words: on the clock of the whole. seconds: of the clips alone."""

    sound: Pcm
    words: tuple[RefWord, ...]
    transcript: str
    seconds: float
    language: str = "en"


def joined(clips: Sequence[Clip], *, seconds: float, seed: int, rate: int = RATE) -> Speech:
    """Return the first clips that fill ``seconds``: whole clips, and at least one."""
    chance = np.random.default_rng(seed)
    parts, words, said = [np.zeros(int(LEAD_S * rate), np.float32)], list[RefWord](), list[str]()
    length, spoken = len(parts[0]), 0.0
    for clip in clips:
        if said and length / rate + clip.seconds > seconds:
            break
        sound = clip.audio(rate)
        words += [word.later(length * 1000 // rate) for word in clip.words]
        said.append(clip.transcript)
        spoken += len(sound) / rate
        pause = np.zeros(int(chance.uniform(*PAUSE_S) * rate), np.float32)
        parts += [sound, pause]
        length += len(sound) + len(pause)
    parts.append(np.zeros(int(TRAIL_S * rate), np.float32))
    sound = np.concatenate(parts)
    return Speech(sound, tuple(words), " ".join(said), spoken, clips[0].language)


def speeches_of(
    clips: Sequence[Clip], speakers: int, *, seconds: float, seed: int
) -> dict[str, Speech]:
    """Return what several people say; each starts with a different clip, or pause."""
    found = {}
    for speaker in range(speakers):
        order = deque(clips)
        order.rotate(-(len(clips) * speaker // speakers))
        repeated = list(order) * (1 + int(seconds // sum(clip.seconds for clip in clips)))
        found[f"speaker {speaker}"] = joined(repeated, seconds=seconds, seed=seed + speaker)
    return found


def played(speeches: Mapping[str, Speech]) -> Performance:
    """Each with a microphone."""
    return Performance({name: speech.sound for name, speech in speeches.items()})


def scored(
    speeches: Mapping[str, Speech], seen: Seen, through: Through, *, language: str = "en"
) -> Score:
    """Take all of eval's measures, comparing each speaker with the captions under their name."""
    turns = [Turn(one.transcript, name, words=one.words) for name, one in speeches.items()]
    return score(
        Observation(
            "speech", language, seen.until_ms / 1000, tuple(map(seen.as_handed, turns)),
            tuple(seen.shown), through, word_times="given", until_ms=seen.until_ms,
        )
    )  # fmt: skip


def figure(name: str, *scores: Score) -> float:
    """Return one of eval's figures over all clips, or nan if it was not measured."""
    found = MEASURES[name].value(scores)
    return float("nan") if found is None else found
