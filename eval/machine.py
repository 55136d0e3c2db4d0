"""On what something was measured: versions and machine, so that it can be repeated."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Sequence
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


def this_run(
    settings: dict[str, str],
    *,
    versions: dict[str, str] | None = None,
    left_out: Sequence[str] = (),
) -> Run:
    """A Run that begins now, on this machine. versions: of more than Python and PACKAGES."""
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
