"""How many people may speak at once: the delay of the first show, the machine's time included.

Everybody speaks at the same time, each from another place in the recordings, in real time.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.engine import Piece, Timed, joined, shown
from eval.corpus import bundled_corpus, read_corpus
from eval.latency import Latency, latency, percentiles
from eval.text import spoken_key
from eval.timeline import RefWord
from streaming.audio import SAMPLE_RATE, AudioFrame, Framer
from streaming.embedded import EmbeddedEngine, EmbeddedRecognizer


def turned(piece: Piece, by_s: float, seconds: float) -> Piece:
    """``seconds`` of the piece from ``by_s`` on, and from its beginning again after its end."""
    sound = np.roll(piece.sound, -round(by_s * SAMPLE_RATE))[: round(seconds * SAMPLE_RATE)]
    length = len(piece.sound) * 1000 // SAMPLE_RATE
    words = []
    for word in piece.words:
        start = (word.start_ms - round(by_s * 1000)) % length
        end = start + word.end_ms - word.start_ms
        if end <= seconds * 1000:
            words.append(RefWord(word.text, start, end))
    return Piece(sound, "", tuple(sorted(words, key=lambda word: word.start_ms)))


async def speak(recognizer: EmbeddedRecognizer, frames: list[AudioFrame], began: float) -> None:
    """Send the frames when their time has come."""
    for frame in frames:
        await asyncio.sleep(max(0.0, began + frame.end_ms / 1000 - time.monotonic()))
        await recognizer.send(frame)
    await recognizer.finish()


async def listen(engine: EmbeddedEngine, piece: Piece) -> Latency:
    """The delays of one speaker's words."""
    framer = Framer()
    frames = framer.feed(piece.sound) + framer.flush()
    events: Timed = []
    async with engine.open() as recognizer, asyncio.TaskGroup() as tasks:
        began = time.monotonic()
        tasks.create_task(speak(recognizer, frames, began))
        async for event in recognizer:
            events.append((round((time.monotonic() - began) * 1000), event))
    return latency(piece.words, shown(events, "a"), key=partial(spoken_key, language="en"))


async def row(piece: Piece, speakers: int, seconds: float) -> str:
    """One line of the table."""
    step = len(piece.sound) / SAMPLE_RATE / speakers
    async with EmbeddedEngine() as engine:
        await asyncio.to_thread(engine.load)
        cpu = time.process_time()
        pieces = [turned(piece, n * step, seconds) for n in range(speakers)]
        delays = sum(await asyncio.gather(*(listen(engine, p) for p in pieces)), Latency())
        cpu = (time.process_time() - cpu) / seconds
    first = percentiles(delays.shown)
    return f"{speakers:8} {first.p50 / 1000:6.2f}s {first.p95 / 1000:6.2f}s {cpu:8.2f}"


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--speech", type=Path, help="a folder with manifest.tsv and words.ctm")
    arguments.add_argument("--speakers", type=int, nargs="+", default=[1, 2, 4, 6, 8])
    arguments.add_argument("--seconds", type=float, default=40.0, help="that each speaks")
    options = arguments.parse_args()
    clips = read_corpus(options.speech) if options.speech else bundled_corpus()
    piece = joined([clip for clip in clips if clip.words])[0]
    print(f"{'speakers':>8} {'p50':>7} {'p95':>7} {'CPU/s':>8}")
    for speakers in options.speakers:
        print(asyncio.run(row(piece, speakers, options.seconds)), flush=True)


if __name__ == "__main__":
    main()
