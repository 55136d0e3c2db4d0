"""Measure whether the bot's memory stays flat, in a meeting played as fast as it is recognised.

    python -m benchmarks.memory [--minutes N] [--speech FOLDER]

One endless speaker passes through the parts of the bot: recogniser, segmenter, and publisher with
its history; packets are encoded and discarded. LiveKit's libraries are not part of it;
benchmarks.chain prints the memory of a whole bot. Resident memory is read after each minute of
audio. The slope is that of the least-squares line after a warm-up of 10 minutes, or half of a
shorter run. Part of the slope is intended: the history for late joiners, which holds 20,000
captions.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import psutil

from benchmarks.speech import chosen_clips, joined, parser_of
from captioner import engines
from captioner.captions.cues import CaptionEvent
from captioner.captions.segmenter import Segmenter
from captioner.contract import Caption
from captioner.publishing.publisher import Publisher
from captioner.publishing.room_clock import RoomClock
from captioner.settings import read_settings
from captioner.tracks.track_captioner import TrackCaptioner
from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm

WARM_UP_MINUTES = 10
MB = 2**20


class Meeting:
    """Repeat the frames of ``sound``, and read the memory after each minute."""

    def __init__(self, sound: Pcm, minutes: int) -> None:
        self.resident: list[int] = []
        self.waiting_ms = 0
        self._frames = itertools.islice(_frames(sound), minutes * 60 * SAMPLE_RATE // FRAME_SAMPLES)
        self._process = psutil.Process()
        self._started = time.monotonic()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame:
        frame = next(self._frames, None)
        if frame is None:
            raise StopAsyncIteration
        if frame.position // (60 * SAMPLE_RATE) == len(self.resident):
            self.resident.append(self._process.memory_info().rss)
            self._say()
        return frame

    def _say(self) -> None:
        minute = len(self.resident) - 1
        if minute % 5 == 0:
            took = time.monotonic() - self._started
            print(f"{minute:>8}{self.resident[-1] / MB:>10.1f}{took:>12.0f}", flush=True)


def _frames(sound: Pcm) -> Iterator[AudioFrame]:
    whole = sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    for n in itertools.count():
        yield AudioFrame(whole[n % len(whole)], n * FRAME_SAMPLES)


def slope(resident: Sequence[int]) -> float:
    """Return the slope after the warm-up, in MB per hour of audio, from one reading per minute."""
    warm = np.array(resident[min(WARM_UP_MINUTES, len(resident) // 2) :]) / MB
    if len(warm) < 3:
        return float("nan")
    return float(np.polyfit(np.arange(len(warm)) / 60, warm, 1)[0])


async def measure(arguments: argparse.Namespace) -> None:
    speech = joined(chosen_clips(arguments), seconds=600, seed=arguments.seed)
    sound = np.ascontiguousarray(speech.sound[::2])  # 48 to 24 kHz; nothing above 12 kHz
    publisher = Publisher(RoomClock.start())

    async def throw_away(_payload: bytes) -> None:
        """Discard what a room would send."""

    async def publish(event: CaptionEvent, heard_ms: int) -> None:
        await publisher.publish(Caption(event, "reader", "Reader", "TR_benchmark", heard_ms))

    publisher.attach(throw_away)
    async with engines.chosen(read_settings(engine="embedded"), live=False) as engine:
        print(f"{'minute':>8}{'MB':>10}{'took s':>12}")
        meeting = Meeting(sound, arguments.minutes)
        captioner = TrackCaptioner(
            meeting,
            engine=lambda: engine,
            segmenter=Segmenter("reader", prefix="t1", language="en"),
            publish=publish,
            recording=True,
        )
        await captioner.run()
        end = psutil.Process().memory_info().rss
    print(f"\nat start {meeting.resident[0] / MB:.0f} MB, at the end {end / MB:.0f} MB")
    print(f"slope after the warm-up: {slope(meeting.resident):+.1f} MB an hour of audio")
    kept = len(publisher.history)
    print(f"captions kept for those who come late: {kept}")


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--minutes", type=int, default=60, help="of audio (default 60)")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
