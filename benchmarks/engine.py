"""How well the embedded engine hears: word errors, erasure, delay and processor time.

Delay is of audio time alone: what the machine needs is not in it, so it is the same everywhere.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from captioner.segmenter import Segmenter
from eval.accuracy import WordErrors, wer
from eval.corpus import Clip, bundled_corpus, read_corpus
from eval.latency import Latency, latency, percentiles
from eval.stability import Erasure, erasure
from eval.text import normalize, spoken_key
from eval.timeline import RefWord, Update, update_of
from streaming.agreement import AgreementPolicy
from streaming.audio import SAMPLE_RATE, Framer, Pcm
from streaming.hearing import Hearing, HearingPolicy
from streaming.moonshine import Hypothesis, Moonshine
from streaming.recognizer import RecognizerEvent, Word
from streaming.vad import SileroVoiceActivity

SETTINGS = {
    "default": HearingPolicy(),
    "settle at 3": HearingPolicy(agreement=AgreementPolicy(settle=3.0)),
    "settle at 6": HearingPolicy(agreement=AgreementPolicy(settle=6.0)),
    "show at 1, revise at 2": HearingPolicy(agreement=AgreementPolicy(show=1.0, revise=2.0)),
    "show at 2, settle at 3": HearingPolicy(
        agreement=AgreementPolicy(show=2.0, settle=3.0, revise=2.0, doubt=0.5)
    ),
    "show at 4, settle at 6": HearingPolicy(
        agreement=AgreementPolicy(show=4.0, settle=6.0, sure=0.95)
    ),
    "decode every 0.6 s": HearingPolicy(intervals=((0, 600),)),
    "no fresh beginnings": HearingPolicy(fresh_ms=(60_000, 60_000)),
}
HEADER = f"{'':33}{'WER':>6} {'+':>6} {'erasure':>8} {'raw':>5} {'p50':>6} {'p95':>6} {'CPU':>6}"

Timed = list[tuple[int, RecognizerEvent]]


@dataclass(slots=True)
class Remembering:
    """A model that decodes the same sound once; ``cpu_s`` counts it each time."""

    model: Moonshine = field(default_factory=Moonshine)
    cpu_s: float = 0.0
    fresh_s: float = 0.0  # of it, what was not known yet
    _known: dict[bytes, tuple[Hypothesis, float]] = field(default_factory=dict)

    def decode(self, pcm: Pcm, draft: Sequence[int]) -> Hypothesis:
        """As ``Moonshine.decode``."""
        sound = pcm.tobytes()
        name = hash(sound).to_bytes(8, signed=True) + len(sound).to_bytes(8)
        if name not in self._known:
            before = time.thread_time()
            answer = self.model.decode(pcm, draft)
            cost = time.thread_time() - before
            self._known[name] = answer, cost
            self.fresh_s += cost
        answer, cost = self._known[name]
        self.cpu_s += cost
        return answer


def hear(model: Remembering, sound: Pcm, policy: HearingPolicy) -> Timed:
    """All events of one stream, each with the audio time in ms at which it was known."""
    before = time.thread_time() - model.fresh_s
    hearing = Hearing(SileroVoiceActivity(), policy)
    framer = Framer()
    events: Timed = []

    def take(at_ms: int, new: list[RecognizerEvent]) -> None:
        while (request := hearing.request) is not None:
            new += hearing.decoded(request, model.decode(request.pcm, request.draft))
        events.extend((at_ms, event) for event in new)

    at_ms = 0
    for frame in framer.feed(sound) + framer.flush():
        at_ms = frame.end_ms
        take(at_ms, hearing.feed(frame))
    take(at_ms, hearing.finish())
    model.cpu_s += time.thread_time() - model.fresh_s - before
    return events


def shown(events: Timed, name: str) -> list[Update]:
    """What the events put on the screen."""
    segmenter = Segmenter("speaker", prefix=name)
    updates = [update_of(cue, at) for at, event in events for cue in segmenter.feed(event)]
    return updates + [update_of(cue, events[-1][0]) for cue in segmenter.flush()]


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound at 24 kHz, what is said in it, and when."""

    sound: Pcm
    transcript: str
    words: tuple[RefWord, ...]


def alone(clips: Sequence[Clip]) -> list[Piece]:
    """Each clip by itself, with a silence behind it."""
    quiet = np.zeros(SAMPLE_RATE * 3 // 2, np.float32)
    return [Piece(np.concatenate([c.audio(), quiet]), c.transcript, c.words) for c in clips]


def joined(clips: Sequence[Clip], seed: int = 1) -> list[Piece]:
    """All clips one after the other, with pauses of 0.3 to 1.5 s drawn by ``seed``."""
    chance = random.Random(seed)
    parts: list[Pcm] = []
    words: list[RefWord] = []
    length = 0
    for clip in clips:
        pause = np.zeros(round(chance.uniform(0.3, 1.5) * SAMPLE_RATE), np.float32)
        words += [word.later(length * 1000 // SAMPLE_RATE) for word in clip.words]
        parts += [clip.audio(), pause]
        length = sum(map(len, parts))
    transcript = " ".join(clip.transcript for clip in clips)
    return [Piece(np.concatenate(parts), transcript, tuple(words))]


def whole(model: Moonshine, clips: Sequence[Clip]) -> WordErrors:
    """The model's own decode of each whole clip at once."""
    return sum(
        (_errors(c.transcript, model.decode(c.audio(16_000)).text) for c in clips), WordErrors()
    )


@dataclass(frozen=True, slots=True)
class Score:
    """What one setting does to some sound. Scores add up: no rate is a mean of rates."""

    errors: WordErrors = field(default_factory=WordErrors)
    stability: Erasure = field(default_factory=Erasure)
    delays: Latency = field(default_factory=Latency)
    cpu_s: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.errors + other.errors,
            self.stability + other.stability,
            self.delays + other.delays,
            self.cpu_s + other.cpu_s,
            self.seconds + other.seconds,
        )

    def row(self, against: float) -> str:
        """One line of the table."""
        first = percentiles(self.delays.shown)
        return (
            f"{self.errors.rate:6.1%} {100 * (self.errors.rate - against):+6.1f} "
            f"{self.stability.rate:8.3f} {self.stability.raw_rate:5.2f} {first.p50 / 1000:5.2f}s "
            f"{first.p95 / 1000:5.2f}s {self.cpu_s / self.seconds:6.3f}"
        )


def score(model: Remembering, pieces: Sequence[Piece], policy: HearingPolicy) -> Score:
    """How well ``pieces`` are heard, each by a stream of its own."""
    total = Score()
    for number, piece in enumerate(pieces):
        cpu_before = model.cpu_s
        events = hear(model, piece.sound, policy)
        said = " ".join(event.text for _, event in events if isinstance(event, Word))
        updates = shown(events, str(number))
        total += Score(
            _errors(piece.transcript, said),
            erasure(updates),
            latency(piece.words, updates, key=partial(spoken_key, language="en")),
            model.cpu_s - cpu_before,
            len(piece.sound) / SAMPLE_RATE,
        )
    return total


def _errors(reference: str, hypothesis: str) -> WordErrors:
    return replace(wer(normalize(reference, "en"), normalize(hypothesis, "en")), alignment=())


def table(
    model: Remembering, clips: Sequence[Clip], names: Sequence[str], seeds: Sequence[int]
) -> None:
    """Print the lines of each setting: clips alone, joined by each seed, all seeds together."""
    against = whole(model.model, clips).rate
    print(f"model's own decode of {len(clips)} whole clips: WER {against:.1%}\n{HEADER}")
    for name in names:
        policy = SETTINGS[name]
        print(f"{name + ', alone':33}{score(model, alone(clips), policy).row(against)}", flush=True)
        total = Score()
        for seed in seeds:
            one = score(model, joined(clips, seed), policy)
            print(f"{f'  joined, pauses of seed {seed}':33}{one.row(against)}", flush=True)
            total += one
        print(f"{f'{name}, joined, {len(seeds)} seeds':33}{total.row(against)}", flush=True)


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--speech", type=Path, help="a folder with manifest.tsv and words.ctm")
    arguments.add_argument("--curve", action="store_true", help="other settings too")
    arguments.add_argument(
        "--seeds", type=int, default=1, help="draws of the pauses between joined clips"
    )
    arguments.add_argument("--first-seed", type=int, default=1, help="to measure with others")
    options = arguments.parse_args()
    clips = read_corpus(options.speech) if options.speech else bundled_corpus()
    names = list(SETTINGS) if options.curve else ["default"]
    seeds = range(options.first_seed, options.first_seed + max(1, options.seeds))
    table(Remembering(), clips, names, seeds)


if __name__ == "__main__":
    main()
