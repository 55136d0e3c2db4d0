"""Who said what when people speak at the same time, beside the same speech one after the other.

    python -m benchmarks.overlap --speech FOLDER [--seconds N] [--least N] [--most N]

Two to four people in a real room with the embedded engine, each with clips of their own order, in
real time: all at once, then one by one. cpWER: word errors of all speakers together, each one's
captions against their own words, so that a word under another name counts twice. 3-grams: three
words in a row that a speaker's captions have more often than the speaker said them.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.chain import Speech, add_speech_arguments, chosen_clips
from benchmarks.chain_speakers import speak, speech_of, updates_of
from captioner.livekit_server import find_or_build
from eval.attribution import Utterance, attribution
from eval.chain import Chain, Listener
from eval.text import normalize

Words = tuple[str, ...]


def captions_of(listener: Listener, speaker: str) -> Words:
    """What stands under one name in the end, in the order in which it began."""
    last = {update.cue: update.text for update in updates_of(listener, speaker)}
    return tuple(normalize(" ".join(text for text in last.values() if text), "en"))


def doubled(said: Words, shown: Words) -> int:
    """3-grams that are there more often than they were said."""
    extra = Counter(zip(shown, shown[1:], shown[2:], strict=False))
    extra.subtract(Counter(zip(said, said[1:], said[2:], strict=False)))
    return sum(count for gram, count in extra.items() if count > 0 and gram in _grams_twice(shown))


def _grams_twice(words: Words) -> set[Words]:
    counts = Counter(zip(words, words[1:], words[2:], strict=False))
    return {gram for gram, count in counts.items() if count > 1}


async def played(speeches: Sequence[Speech], *, together: bool) -> list[Words]:
    """What the captions were, by speaker."""
    names = [f"speaker-{n}" for n in range(len(speeches))]
    async with Chain(find_or_build(print)) as chain, chain.listener() as listener:
        talks = [(chain, name, speech) for name, speech in zip(names, speeches, strict=True)]
        if together:
            start = time.monotonic() + 2
            await asyncio.gather(*(speak(*talk, start) for talk in talks))
        else:
            for talk in talks:
                await speak(*talk, time.monotonic() + 1)
        await chain.bot.logged("track_ended", times=len(speeches))
        await asyncio.sleep(0.5)  # the last packets are on their way
        return [captions_of(listener, name) for name in names]


async def measure(speeches: Sequence[Speech]) -> None:
    """Print a line of the table."""
    said = [tuple(normalize(speech.transcript, "en")) for speech in speeches]

    def rate(shown: Sequence[Words]) -> float:
        utterances = [
            [Utterance(f"s{n}", words) for n, words in enumerate(of)] for of in (said, shown)
        ]
        found = attribution(*utterances)
        return found.cp / found.words

    at_once = await played(speeches, together=True)
    alone = await played(speeches, together=False)
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
        await measure([speech_of(clips, n, speakers, arguments) for n in range(speakers)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_speech_arguments(parser)
    parser.add_argument("--seconds", type=float, default=60, help="that each speaks")
    parser.add_argument("--least", type=int, default=2, help="begin with so many speakers")
    parser.add_argument("--most", type=int, default=4, help="end with so many")
    asyncio.run(measure_all(parser.parse_args()))


if __name__ == "__main__":
    main()
