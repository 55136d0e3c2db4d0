"""How long after a word is spoken it is on the screen, through a real media server and Chromium.

    python -m benchmarks.chain [--speech FOLDER] [--clips N] [--seconds N] [--seed N]

Clips with word times are joined with pauses of 0.3 to 1.5 s and spoken in real time into a room.

- *first painted*: from the instant at which a word's last sample was handed to the publisher's
  audio source to the paint of the first update that shows it, in any revision, matched by alignment
  (eval.latency). *final*: until what is shown up to that word stays. Words that were never shown
  have no delay; their number stands beside it.
- *packet to paint*: from the event of the data channel to the event after the frame, in the page.
- *all but the model*: two histograms of the bot under the model's full load. *frame taken*: from a
  frame's arrival out of the SDK to the recogniser having taken it. *published*: from a recogniser's
  event to its packets handed to the SDK. Each is the upper edge of its bucket, so their sum is more
  than the 95th percentile of the sum. Not in them: the hop of an event from a model's thread to the
  loop, which counts as the model's.
- *CPU*: user and system time of the whole bot process, divided by the seconds of the clips without
  the pauses between them. It includes what the SDK spends on the room.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from captioner.livekit_server import find_or_build, free_port
from eval.accuracy import wer
from eval.browser import Viewer, open_chromium
from eval.chain import Chain
from eval.corpus import Clip, bundled_corpus, read_corpus
from eval.latency import Latency, latency, percentiles, share_late
from eval.stability import erasure
from eval.text import normalize, spoken_key
from eval.timeline import RefWord, Update
from eval.watching import RATE, Handed
from streaming.audio import Pcm

LEAD_S, TRAIL_S = 2.0, 2.0
PAUSE_S = (0.3, 1.5)


@dataclass(frozen=True, slots=True)
class Speech:
    """Clips joined with pauses. words: on the clock of the whole. seconds: of the clips alone."""

    sound: Pcm
    words: tuple[RefWord, ...]
    transcript: str
    seconds: float


def add_speech_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--speech", type=Path, help="a folder with manifest.tsv and words.ctm")
    parser.add_argument("--clips", type=int, default=1_000, help="at most so many")
    parser.add_argument("--seed", type=int, default=0, help="of the pauses' lengths")


def chosen_clips(arguments: argparse.Namespace) -> list[Clip]:
    """Those with word times, in the order of the manifest."""
    clips = read_corpus(arguments.speech) if arguments.speech else bundled_corpus()
    return [clip for clip in clips if clip.words][: arguments.clips]


def joined(clips: Sequence[Clip], *, seconds: float, seed: int) -> Speech:
    """The first clips that fill ``seconds``; a clip is never cut, and there is at least one."""
    chance = np.random.default_rng(seed)
    parts, words, said = [np.zeros(int(LEAD_S * RATE), np.float32)], list[RefWord](), list[str]()
    length, spoken = len(parts[0]), 0.0
    for clip in clips:
        if said and length / RATE + clip.seconds > seconds:
            break
        sound = clip.audio(RATE)
        words += [word.later(length * 1000 // RATE) for word in clip.words]
        said.append(clip.transcript)
        spoken += len(sound) / RATE
        pause = np.zeros(int(chance.uniform(*PAUSE_S) * RATE), np.float32)
        parts += [sound, pause]
        length += len(sound) + len(pause)
    parts.append(np.zeros(int(TRAIL_S * RATE), np.float32))
    return Speech(np.concatenate(parts), tuple(words), " ".join(said), spoken)


def scored(words: Sequence[RefWord], updates: Sequence[Update]) -> Latency:
    """Delays by alignment; "mister" and "Mr." are one word."""
    return latency(words, updates, key=lambda word: spoken_key(word, "en"))


def row(name: str, delays: Sequence[int]) -> str:
    """One line of a table of percentiles."""
    if not delays:
        return f"{name:<34} nothing was shown"
    found = percentiles(delays)
    figures = "".join(f"{v:9.0f}" for v in (found.p50, found.p90, found.p95, found.p99))
    return f"{name:<34}{figures}   {share_late(delays):6.1%} over 3 s"


def bucket_p95(metrics: str, name: str) -> float:
    """The upper edge, in ms, of the bucket that holds a histogram's 95th percentile."""
    for family in text_string_to_metric_families(metrics):
        if family.name == name:
            buckets = [s for s in family.samples if s.name.endswith("_bucket")]
            enough = 0.95 * buckets[-1].value
            return next(1000 * float(s.labels["le"]) for s in buckets if s.value >= enough)
    raise ValueError(f"the bot has no metric {name}")


async def measure(speech: Speech) -> None:
    port = free_port()
    chain = Chain(find_or_build(print), environment={"CAPTIONER_METRICS_PORT": str(port)})
    async with chain, open_chromium() as chromium:
        viewer = await chromium.open(chain.url, "Viewer")
        offset_ms, half_ms = await viewer.clock()
        print(f"Chromium {chromium.version}; its clock is {offset_ms:+.1f} ms from ours, ", end="")
        print(f"known to ± {half_ms:.1f} ms")
        bot, handed = chain.bot.process, Handed()
        memory, before = bot.memory_info().rss, bot.cpu_times()
        async with chain.speaker("reader", "Reader") as reader:
            await reader.play([speech.sound], handed.note)
            after = bot.cpu_times()
        await chain.bot.logged("track_ended")
        await asyncio.sleep(0.5)  # the last packets are on their way to the page
        address = f"http://127.0.0.1:{port}/metrics"
        metrics = (await asyncio.to_thread(urllib.request.urlopen, address)).read().decode()
        cpu_s = after.user + after.system - before.user - before.system
        await report(speech, handed, viewer, offset_ms)
        frame, publish = (
            bucket_p95(metrics, f"captioner_{name}_seconds") for name in ("frame", "publish")
        )
        print(f"all but the model, p95: frame taken ≤ {frame:g} ms + published ≤ {publish:g} ms")
        print(f"CPU-seconds a second of speech: {cpu_s / speech.seconds:.3f}")
        now = bot.memory_info().rss
        print(f"memory of the bot: {memory / 2**20:.0f} MB at start, {now / 2**20:.0f} MB at end")


async def report(speech: Speech, handed: Handed, viewer: Viewer, offset_ms: float) -> None:
    wall_s = time.time() - time.monotonic()
    words = [handed.on_wall(word, wall_s) for word in speech.words]
    paintings = await viewer.paintings()
    updates = [painting.update(offset_ms) for painting in paintings]
    delays, shown = scored(words, updates), await viewer.cues()
    errors = wer(
        normalize(speech.transcript, "en"),
        normalize(" ".join(cue["text"] for cue in shown), "en"),
    )
    print(f"{speech.seconds:.0f} s of speech, {len(words)} words, {len(paintings)} paintings\n")
    print(f"{'ms':<34}{'p50':>9}{'p90':>9}{'p95':>9}{'p99':>9}")
    print(row("end of a word → first painted", delays.shown))
    print(row("end of a word → final", delays.stayed))
    print(row("packet received → painted", [round(p.painted - p.received) for p in paintings]))
    print(f"\nnever shown: {delays.never_shown} of {len(words)} words; WER {errors.rate:.1%}")
    erased = erasure(updates)
    print(f"erasure {erased.rate:.3f}, raw {erased.raw_rate:.3f}")
    gaps = [after - before for before, after in pairwise(handed.at)]
    print(f"longest gap between two pieces of 20 ms handed over: {max(gaps) * 1000:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsWritten)
    add_speech_arguments(parser)
    parser.add_argument("--seconds", type=float, default=600, help="play at most so long")
    arguments = parser.parse_args()
    speech = joined(chosen_clips(arguments), seconds=arguments.seconds, seed=arguments.seed)
    asyncio.run(measure(speech))


_AsWritten = argparse.RawDescriptionHelpFormatter

if __name__ == "__main__":
    main()
