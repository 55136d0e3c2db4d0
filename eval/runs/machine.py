"""Records the circumstances of a run, for repetition: versions, machine, load."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from eval.observation import Run

PACKAGES = (
    "live-captions",
    "meeteval",
    "rapidfuzz",
    "whisper-normalizer",
    "text2num",
    "numpy",
    "livekit",
    "moonshine-voice",
    "onnxruntime",
    "playwright",
)


OTHERS_MOST = 0.15
"""Share of the processors taken by other work above which delays are doubtful."""


@dataclass(frozen=True, slots=True)
class Work:
    """Processor time up to an instant, in seconds: total, and of this process with its ended
    children. average: load average over the last minute."""

    at_s: float
    all_s: float
    own_s: float
    average: float


def work_so_far() -> Work:
    """Read it while no child runs: before anything is started, and after it has ended."""
    times = psutil.cpu_times()
    own = os.times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # included in user
    return Work(time.monotonic(), sum(times) - idle - guest, sum(own[:4]), psutil.getloadavg()[0])


def load_between(begin: Work, end: Work) -> dict[str, float]:
    """Return the load as in ``Run.load``."""
    others = (end.all_s - begin.all_s) - (end.own_s - begin.own_s)
    most = (end.at_s - begin.at_s) * (psutil.cpu_count() or 1)
    return {
        "average_at_start": round(begin.average, 2),
        "average_at_end": round(end.average, 2),
        "others": round(min(max(others / most, 0.0), 1.0), 3) if most else 0.0,
    }


def this_run(
    settings: dict[str, str],
    *,
    versions: dict[str, str] | None = None,
    left_out: Sequence[str] = (),
) -> Run:
    """Return a Run that begins now. versions: in addition to those of Python and PACKAGES."""
    return Run(
        command=shlex.join(["caption-eval", *sys.argv[1:]]),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"python": platform.python_version(), **_packages(), **(versions or {})},
        machine={
            "processor": _processor(),
            "processors": str(len(os.sched_getaffinity(0)))
            if hasattr(os, "sched_getaffinity")
            else str(os.cpu_count()),
            "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        },
        settings=settings,
        left_out=tuple(left_out),
    )


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
