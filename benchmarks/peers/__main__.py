"""Put the embedded engine beside other streaming recognisers.

    python -m benchmarks.peers [NAME …] [--speech FOLDER] [--language fr] [--seconds N]

The same clips with pauses between them, in real time, one product after the other, scored alike.
A word is shown when the product's program first tells it; network and page are in none of the
figures. CPU and memory are those of the product's process and its children. Whatever is not in our
own environment is installed by ``make peers``, and left out with a sentence where it is not there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soxr

from benchmarks.speech import Speech, clips_of, figure, joined, parser_of, scored
from eval.observation import Shown, State
from eval.runs.watch import RATE, Seen
from streaming.embedded.models import installed

TRAIL_S = 12.0
"""Silence after the last word, in which a slow product may still show it."""

BLOCK_S = 0.08
LOOK_S = 0.5
OTHERS = Path(".venv-peers/bin/python")


@dataclass(frozen=True, slots=True)
class Peer:
    """name: as in the table. command: what runs it. languages: empty for any."""

    name: str
    command: tuple[str, ...]
    languages: tuple[str, ...] = ()


def program(name: str) -> tuple[str, str]:
    return ("-m", f"benchmarks.peers.run_{name}")


def peers(language: str) -> dict[str, Peer]:
    """Return those that can be put beside ours, by a short name."""
    own = sys.executable
    (base,) = (model for model in installed("base") if model.name == "base")
    return {
        "ours": Peer("ours, embedded", (own, *program("ours"), language)),
        "moonshine": Peer(
            "moonshine-voice 0.0.73, its own stream, tiny-en",
            (own, *program("moonshine"), "0.5"), ("en",),
        ),
        "whisperlivekit": Peer(
            "WhisperLiveKit 0.2.26, faster-whisper base, LocalAgreement",
            (str(OTHERS), *program("whisperlivekit"), language, str(base.folder())),
        ),
    }  # fmt: skip


@dataclass(slots=True)
class Cost:
    """cpu_s: user and system time while it heard. memory: the most resident bytes seen."""

    cpu_s: float = 0.0
    memory: int = 0


def heard(peer: Peer, speech: Speech) -> tuple[Seen, Cost]:
    """Play the speech to a peer in real time; what it showed and what it cost.

    Raises RuntimeError with the end of its stderr if it fails.
    """
    with subprocess.Popen(
        peer.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=Path.cwd(),
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert process.stderr
        complaints: list[bytes] = []
        listening = threading.Thread(target=lambda: complaints.extend(process.stderr or ()))
        listening.start()
        first = process.stdout.readline()
        if not first:
            listening.join()
            raise RuntimeError(b"".join(complaints[-8:]).decode(errors="replace").strip())
        rate = int(json.loads(first)["rate"])
        sound = soxr.resample(speech.sound, RATE, rate)
        sound = np.concatenate([sound, np.zeros(int(TRAIL_S * rate), np.float32)])
        began, before, cost = time.monotonic(), _work(process.pid), Cost()
        shown: list[Shown] = []

        def read() -> None:
            for line in process.stdout or ():
                told = json.loads(line)
                at_ms = round((time.monotonic() - began) * 1000)
                state: State = "open" if told["text"] else "deleted"
                shown.append(Shown(at_ms, told["line"], told["text"], "speaker", state))

        reading = threading.Thread(target=read)
        reading.start()
        size = round(rate * BLOCK_S)
        looked = 0.0
        for number, start in enumerate(range(0, len(sound), size)):
            time.sleep(max(0.0, began + (number + 1) * BLOCK_S - time.monotonic()))
            process.stdin.write(sound[start : start + size].astype("<f4").tobytes())
            process.stdin.flush()
            if time.monotonic() - looked > LOOK_S:
                looked = time.monotonic()
                now = _work(process.pid)
                cost = Cost(now.cpu_s - before.cpu_s, max(cost.memory, now.memory))
        process.stdin.close()
        reading.join()
        listening.join()
    until_ms = round((time.monotonic() - began) * 1000)
    return Seen(_closed(shown, until_ms), until_ms), cost


def _work(pid: int) -> Cost:
    """The time and the memory of a process and its children."""
    cost = Cost()
    parent = psutil.Process(pid)
    for process in [parent, *parent.children(recursive=True)]:
        times = process.cpu_times()
        cost.cpu_s += times.user + times.system
        cost.memory += process.memory_info().rss
    return cost


def _closed(shown: Sequence[Shown], until_ms: int) -> list[Shown]:
    """Close every line at the end: nobody but ours says when a line is final."""
    last = {one.cue: one for one in shown}
    ends = [
        Shown(until_ms, one.cue, one.text, one.speaker, "closed", len(one.text))
        for one in last.values()
        if one.state == "open"
    ]
    return [*shown, *ends]


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="ours, moonshine, whisperlivekit")
    parser.add_argument("--seconds", type=float, default=100, help="of speech, pauses included")
    arguments = parser.parse_args()
    speech = joined(clips_of(arguments), seconds=arguments.seconds, seed=arguments.seed)
    offered = peers(arguments.language)
    print(f"{speech.seconds:.0f} s of speech, language {arguments.language}\n")
    print("| | wrong words | end of word → shown, p50 / p95 | erasure | CPU-s a second | memory |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in arguments.names or list(offered):
        peer = offered[name]
        if peer.languages and arguments.language not in peer.languages:
            continue
        if not Path(peer.command[0]).exists():
            print(f"{peer.name} is left out: make peers installs it", file=sys.stderr)
            continue
        seen, cost = heard(peer, speech)
        found = scored({"speaker": speech}, seen, "engine", language=arguments.language)
        p50, p95 = (figure(f"first_show_p{p}", found) for p in (50, 95))
        delay = f"{p50:.2f} / {p95:.2f} s" if speech.words else "no word times"
        print(
            f"| {peer.name} | {figure('wer', found):.1%} | {delay} | {figure('erasure', found):.2f}"
            f" | {cost.cpu_s / speech.seconds:.2f} | {cost.memory / 2**20:.0f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
