"""Measure who said what when people speak at once, compared with one after the other.

    python -m benchmarks.overlap --speech FOLDER [--seconds N] [--least N] [--most N]

Two to four people in a real room with the embedded engine, each with clips in an order of their
own, in real time: all at once, then one by one. cpWER: word errors of all speakers together, each
speaker's captions compared with their own words, so that a word under another name counts twice.
3-grams: three words in a row that are more frequent in a speaker's captions than in their speech.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.chain import ALWAYS
from benchmarks.speech import Speech, chosen_clips, parser_of, played, speeches_of
from eval.measures.attribution import Utterance, attribution
from eval.measures.clip_score import cues_of
from eval.normalization.normalize import normalize
from eval.observation import Shown
from eval.runs.through_room import through_room

Words = tuple[str, ...]


def captions_of(shown: Sequence[Shown], speaker: str) -> Words:
    """Return the final text under one name, in the order in which its cues began."""
    mine = (cue.text for cue in cues_of(shown) if cue.speaker == speaker)
    return tuple(normalize(" ".join(mine), "en"))


def doubled(said: Words, shown: Words) -> int:
    """Count 3-grams that are shown more often than they were said."""
    extra = Counter(zip(shown, shown[1:], shown[2:], strict=False))
    twice = {gram for gram, count in extra.items() if count > 1}
    extra.subtract(Counter(zip(said, said[1:], said[2:], strict=False)))
    return sum(count for gram, count in extra.items() if count > 0 and gram in twice)


async def captions(speeches: Mapping[str, Speech], *, together: bool) -> list[Words]:
    """Return the captions by speaker."""
    groups = [speeches] if together else [{name: one} for name, one in speeches.items()]
    async with through_room(ALWAYS, browser=False, tell=print) as watch:
        shown = [one for group in groups for one in (await watch.observe(played(group))).shown]
    return [captions_of(shown, name) for name in speeches]


async def measure(speeches: Mapping[str, Speech]) -> None:
    """Print a line of the table."""
    said = [tuple(normalize(speech.transcript, "en")) for speech in speeches.values()]

    def rate(shown: Sequence[Words]) -> float:
        utterances = [
            [Utterance(f"s{n}", words) for n, words in enumerate(of)] for of in (said, shown)
        ]
        found = attribution(*utterances)
        return found.cp / found.words

    at_once = await captions(speeches, together=True)
    alone = await captions(speeches, together=False)
    twice = sum(doubled(*pair) for pair in zip(said, at_once, strict=True))
    print(
        f"{len(speeches):>8}{sum(map(len, said)):>8}{rate(alone):>10.1%}{rate(at_once):>10.1%}"
        f"{(rate(at_once) - rate(alone)) * 100:>+12.2f}{twice:>16}",
        flush=True,
    )


async def measure_all(arguments: argparse.Namespace) -> None:
    clips = chosen_clips(arguments)
    print(f"{'speakers':>8}{'words':>8}{'alone':>10}{'at once':>10}", end="")
    print(f"{'points more':>12}{'doubled 3-grams':>16}")
    for speakers in range(arguments.least, arguments.most + 1):
        await measure(speeches_of(clips, speakers, seconds=arguments.seconds, seed=arguments.seed))


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="that each speaks")
    parser.add_argument("--least", type=int, default=2, help="begin with so many speakers")
    parser.add_argument("--most", type=int, default=4, help="end with so many")
    asyncio.run(measure_all(parser.parse_args()))


if __name__ == "__main__":
    main()
