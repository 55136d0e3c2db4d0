"""Measure the time to score 100,000 utterances, and one text of two million words.

The texts are random: words of the bundled recording, as many invented ones, and a tenth of
contractions and numbers. A tenth of the captions' words is wrong, missing or doubled. All measures
that a caption file allows are taken, on all processors.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from eval.corpus.manifest import TWO_CITIES
from eval.corpus.spoken_words import Turn
from eval.measures.accuracy import wer_of_long
from eval.measures.catalogue import figures
from eval.observation import Observation, Shown
from eval.report.results import score_all

RULED = ("it's", "don't", "we're", "can't", "twenty one", "five hundred", "3", "1984", "Mr.", "uh")
_LETTERS = ("bdfkmst", "aeiou", "lnrstv", "aeo", "sn")
MADE = ["".join(letters) for letters in itertools.product(*_LETTERS)]


def drawn(count: int, chance: random.Random) -> list[str]:
    """Return so many random words."""
    kinds = chance.choices((TWO_CITIES.split(), MADE, RULED), (9, 9, 2), k=count)
    return [chance.choice(words) for words in kinds]


def heard(words: list[str], chance: random.Random) -> Iterator[str]:
    """Return the words with a tenth of them wrong."""
    for word in words:
        match chance.randrange(30):
            case 0:
                yield from drawn(1, chance)
            case 1:
                yield from (word, word)
            case 2:
                pass
            case _:
                yield word


def clip(name: str, chance: random.Random, words: int) -> Observation:
    said = drawn(words, chance)
    shown = Shown(0, "c", " ".join(heard(said, chance)), state="closed", start_ms=0, end_ms=5000)
    return Observation(name, "en", 5.0, (Turn(" ".join(said)),), (shown,), "file", fast=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    print(f"{what:50}{time.perf_counter() - began:8.1f} s", flush=True)


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--utterances", type=int, default=100_000)
    arguments.add_argument("--words", type=int, default=2_000_000, help="of the one long text")
    arguments.add_argument("--speech", help="taken for the sake of the others; unused")
    options = arguments.parse_args()
    chance = random.Random(1)
    clips = [clip(str(n), chance, chance.randint(5, 25)) for n in range(options.utterances)]
    with timed(f"{len(clips)} utterances: normalise, align, count"):
        scores = score_all(clips)
    with timed("word error rate with its interval, 1000 resamples"):
        found = figures(scores, ["wer"])["wer"]
    print(f"WER {found.value:.4f}, {found.sure}")
    with timed("all figures with their intervals"):
        figures(scores)
    said = drawn(options.words, chance)
    shown = list(heard(said, chance))
    with timed(f"one text of {options.words} words: align"):
        wer_of_long(said, shown)


if __name__ == "__main__":
    main()
