"""What a soak does to the machine under a bot."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from captioner.errors import ConfigurationError
from eval.simulation.machine import (
    MovableClock,
    SmallDisk,
    Usage,
    children,
    clock_library,
    starved,
    stopped,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

CLOCKS = "import time; print(time.time(), time.monotonic())"


def test_what_a_process_has_of_the_machine_is_told() -> None:
    usage = Usage.of(os.getpid())
    assert usage.rss_mb > 10
    assert usage.files > 2
    assert usage.threads >= 1


def test_a_small_disk_is_full_until_it_is_emptied(tmp_path: Path) -> None:
    try:
        with SmallDisk(tmp_path / "disk") as disk:
            disk.fill()
            with pytest.raises(OSError, match="No space"):
                (disk.folder / "more").write_bytes(bytes(100_000))
            disk.empty()
            (disk.folder / "more").write_bytes(bytes(100_000))
    except ConfigurationError:
        pytest.skip("only root may mount a disk")


def test_a_clock_is_moved_and_no_other(tmp_path: Path) -> None:
    try:
        clock = MovableClock(tmp_path / "clock", clock_library())
    except ConfigurationError:
        pytest.skip("libfaketime is not installed")
    clock.set(-3_600)
    code = [sys.executable, "-c", CLOCKS]
    told = subprocess.run(
        code, env=os.environ | dict(clock.environment), capture_output=True, check=True
    )
    wall_s, monotonic_s = map(float, told.stdout.split())
    assert 3_500 < time.time() - wall_s < 3_700
    assert abs(time.monotonic() - monotonic_s) < 60


def until_stopped(pid: int) -> None:
    until = time.monotonic() + 30
    while "stopped" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < until
        time.sleep(0.01)


async def test_a_process_stands_still_and_goes_on() -> None:
    process = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        assert process.pid in children(os.getpid())
        async with stopped(process.pid):
            await asyncio.to_thread(until_stopped, process.pid)
        async with starved(process.pid):
            assert len(os.sched_getaffinity(process.pid)) == 1
        assert os.sched_getaffinity(process.pid) == os.sched_getaffinity(0)
    finally:
        process.kill()
        await process.wait()
