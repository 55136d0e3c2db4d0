"""Measure how soon a change of language is followed, and how often one is seen where there is none.

    python -m benchmarks.languages --speech FOLDER [--among fr,en] [--clips N] [--pause S]

Recordings of the folder's manifest, of a language drawn anew for each, follow each other as one
voice, with a pause between. What is counted is voice, not time, from the first sound in the other
language until the decision; the recogniser then hears that sound again.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np

from captioner.tracks.language_evidence import LanguageEvidence
from captioner.tracks.language_watch import LanguageWatch
from eval.corpus.manifest import Clip, read_corpus
from streaming.audio import FRAME_MS, SAMPLE_RATE, Framer, Pcm
from streaming.embedded.engine import EmbeddedEngine
from streaming.languages import Languages
from streaming.recognizer import primary
from streaming.voice.gate import VoiceGate, sensitive_voice


@dataclass
class Followed:
    """What became of the changes. after_ms: voice until each was followed."""

    after_ms: list[int] = field(default_factory=list)
    missed: int = 0
    wrong: int = 0
    looks: int = 0
    voice_ms: int = 0

    def __str__(self) -> str:
        after_s = sorted(ms / 1000 for ms in self.after_ms) or [0.0]
        return (
            f"{len(self.after_ms)} of {len(self.after_ms) + self.missed} changes followed,"
            f" after {median(after_s):.1f} s of voice (median), {after_s[-1]:.1f} s at most;"
            f" {self.wrong} wrong changes, {self.looks} looks in {self.voice_ms / 1000:.0f} s"
        )


def drawn(speech: Path, among: Sequence[str], count: int, seed: int) -> list[Clip]:
    """Return at most ``count`` recordings, the language of each drawn at random."""
    chance = random.Random(seed)
    left = {tag: read_corpus(speech, language=tag) for tag in among}
    for clips in left.values():
        chance.shuffle(clips)
    taken = (left[chance.choice(among)] for _ in range(count))
    return [clips.pop() for clips in taken if clips]


async def follow(clips: Sequence[Clip], among: Sequence[str], pause_s: float) -> Followed:
    """Listen to the recordings as one voice."""
    followed, gate, framer = Followed(), VoiceGate(sensitive_voice()), Framer()
    evidence, languages = LanguageEvidence(), Languages.parse(f"auto:{','.join(among)}")
    evidence.begin(languages)

    async def found() -> None:
        """Nobody is told."""

    async with EmbeddedEngine() as engine:

        async def detect(pcm: Pcm, tags: Sequence[str]) -> Mapping[str, float]:
            followed.looks += 1
            return await engine.detect_language(pcm, tags)

        watch = LanguageWatch(evidence, languages, detect, found=found, waits=True)
        for clip in clips:
            spoken = primary(clip.language)
            silence = np.zeros(round(pause_s * SAMPLE_RATE), np.float32)
            heard_ms, due = 0, evidence.language != spoken
            for frame in framer.feed(np.concatenate([clip.audio(SAMPLE_RATE), silence])):
                before, voiced = evidence.language, gate.feed(frame)
                heard_ms += FRAME_MS * voiced
                await watch.feed(replace(frame, voiced=voiced))
                if evidence.language == before:
                    continue
                if due and evidence.language == spoken:
                    followed.after_ms.append(heard_ms)
                    due = False
                else:
                    followed.wrong += evidence.language != spoken
            followed.missed += due
            followed.voice_ms += heard_ms
    return followed


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--speech", type=Path, required=True, help="a folder with manifest.tsv")
    parser.add_argument("--among", default="fr,en", help="the languages that the room allows")
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--pause", type=float, default=0.5, help="between recordings, in seconds")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    among = options.among.split(",")
    clips = drawn(options.speech, among, options.clips, options.seed)
    print(asyncio.run(follow(clips, among, options.pause)))


if __name__ == "__main__":
    main()
