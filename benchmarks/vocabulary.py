"""Measure what a list of names and terms does: rare words heard with it, others made up.

    python -m benchmarks.vocabulary --speech FOLDER [--language fr] [--rare 100] [--clips N]

Rare words are those of the most tokens that are said once. A meeting is as many recordings as have
MEETING of them; its list holds these, and WRONG that are said in other meetings. Whisper base.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from tokenizers import Tokenizer

from benchmarks.engine import Remembering, hear, shown
from benchmarks.speech import clips_of, joined, parser_of
from eval.corpus.manifest import Clip
from eval.measures.accuracy import WordErrors, wer
from eval.measures.clip_score import cues_of
from eval.normalization.normalize import normalize
from streaming.audio import SAMPLE_RATE
from streaming.embedded import weights
from streaming.embedded.models import BASE
from streaming.embedded.stream_job import SpeechModel, TakesVocabulary

MEETING, WRONG = 30, 6
RUNS = ("live, told nothing", "live, told", "whole, told nothing", "whole, told")


@dataclass(slots=True)
class Found:
    """Of many recordings. right: rare words heard where they are said. made_up: words of the list
    that nobody said."""

    right: int = 0
    said: int = 0
    made_up: int = 0
    errors: WordErrors = field(default_factory=WordErrors)

    def count(self, clip: Clip, text: str, rare: set[str], listed: set[str]) -> None:
        """Add what was heard of one recording. rare: words that are said in it."""
        errors = wer(normalize(clip.transcript, clip.language), normalize(text, clip.language))
        pairs = errors.alignment
        self.said += len(rare)
        self.right += len(rare & {p.reference for p in pairs if p.reference == p.hypothesis})
        wrong = (p.hypothesis for p in pairs if p.reference != p.hypothesis)
        self.made_up += sum(word in listed for word in wrong)
        self.errors += errors

    def __str__(self) -> str:
        return f"{self.right:4} of {self.said}   {self.errors.rate:6.1%}   {self.made_up:7}"


def live(model: SpeechModel, clip: Clip) -> str:
    """Return what stays of the captions of a live stream."""
    sound = joined([clip], seconds=inf, seed=0, rate=SAMPLE_RATE).sound
    events = hear(Remembering(model), sound, BASE.policy)
    return " ".join(cue.text for cue in cues_of(list(shown(events, clip.path.name))))


def rarest(clips: Sequence[Clip], count: int) -> list[set[str]]:
    """Return those of the ``count`` rarest words that each recording has, normalised."""
    tokenizer = Tokenizer.from_file(str(weights.checked_folder() / "tokenizer.json"))
    words = [normalize(clip.transcript, clip.language) for clip in clips]
    times = Counter(word for some in words for word in some)
    once = [word for word, n in times.items() if n == 1 and word.isalpha()]
    once.sort(key=lambda word: -len(tokenizer.encode(f" {word}", add_special_tokens=False).ids))
    return [set(some).intersection(once[:count]) for some in words]


def meetings(clips: Sequence[Clip], rare: Sequence[set[str]]) -> Iterator[list[int]]:
    """Group recordings, by index, so that each group has about MEETING rare words."""
    group, has = list[int](), 0
    for n in range(len(clips)):
        group.append(n)
        has += len(rare[n])
        if has >= MEETING or n == len(clips) - 1:
            yield group
            group, has = [], 0


def main() -> None:
    """Print a line for a model that is told nothing, and one for a model that is.

    They are printed after each meeting, of all so far, because a folder may take an hour.
    """
    parser = parser_of(__doc__)
    parser.add_argument("--rare", type=int, default=100)
    options = parser.parse_args()
    clips = clips_of(options)
    rare = rarest(clips, options.rare)
    base = BASE.load(1).speaking(options.language)
    assert isinstance(base, TakesVocabulary)
    found = {name: Found() for name in RUNS}
    for group in meetings(clips, rare):
        mine = sorted(set().union(*(rare[n] for n in group)))
        others = sorted(set().union(*(rare[n] for n in range(len(clips)) if n not in group)))
        listed = [*mine, *others[:: max(1, len(others) // WRONG)][:WRONG]]
        told = base.expecting(listed)
        for n in group:
            sound = clips[n].audio(16_000)
            heard = (
                live(base, clips[n]),
                live(told, clips[n]),
                base.decode(sound).text,
                told.decode(sound).text,
            )
            for one, text in zip(found.values(), heard, strict=True):
                one.count(clips[n], text, rare[n], set(listed))
        print(f"{f'{group[-1] + 1} recordings':22}{'rare words':>12}{'WER':>9}{'made up':>10}")
        for name, one in found.items():
            print(f"{name:22}{one}", flush=True)


if __name__ == "__main__":
    main()
