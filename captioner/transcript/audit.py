"""A record of who decided what, and when, without any speech.

The transcripts' folder has one file per day, ``audit-2026-11-22.jsonl``, with one JSON object per
line: utc, room, what, who. Without that folder nothing is written, because nothing is kept.
Reading captions is not a decision, and is never recorded.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import structlog

from captioner import metrics
from captioner.transcript.journal_file import OWNER_ONLY
from captioner.transcript.records import utc

log = structlog.get_logger()

Decision = Literal[
    "captions-on", "captions-off", "transcript-on", "transcript-off", "transcript-failed",
    "language", "own-language", "speakers-language", "engine",
    "agreed", "refused", "kept", "not-kept",
]  # fmt: skip

WAITING_MAX = 1_000
"""Notes queued for a slow disk."""

_NAME = re.compile(r"audit-(\d{4}-\d\d-\d\d)\.jsonl")


class Audit:
    """Records the decisions of one room. ``note`` never blocks; failed writes are counted.

    folder: None to record nothing.
    """

    def __init__(
        self, folder: Path | None, *, room: str, wall: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._room = room
        self._wall = wall
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(WAITING_MAX)
        self._task: asyncio.Task[None] | None = None

    def note(self, what: Decision, who: str, *, value: str = "") -> None:
        """Record that ``who`` (identity; "" for the bot) decided ``what``.

        value: the language or the engine. "own-language" is what somebody says that they speak,
        "speakers-language" what a host says of somebody.
        """
        if self._folder is None:
            return
        at = utc(round(self._wall() * 1000))
        facts = {"utc": at, "room": self._room, "what": what, "who": who}
        line = json.dumps(facts | ({"value": value} if value else {}), ensure_ascii=False)
        try:
            self._waiting.put_nowait((at[:10], line.encode() + b"\n"))
        except asyncio.QueueFull:
            metrics.AUDIT_LOST.inc()
            return
        if self._task is None:
            self._task = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Write the queued notes."""
        await self._waiting.join()
        if self._task is not None:
            self._task.cancel()

    async def _write(self) -> None:
        assert self._folder is not None
        while True:
            day, line = await self._waiting.get()
            try:
                await asyncio.to_thread(_append, self._folder / f"audit-{day}.jsonl", line)
            except OSError:
                metrics.AUDIT_LOST.inc()
                log.error("audit_not_written")
            finally:
                self._waiting.task_done()


def expire_audit(folder: Path, *, keep_days: int, now_s: float) -> int:
    """Delete the files of older days; return their number. Blocks.

    Raises OSError, after deleting the others, if one cannot be deleted.
    """
    last = datetime.fromtimestamp(now_s, UTC).date() - timedelta(days=keep_days)
    deleted, failure = 0, None
    for path in folder.glob("audit-*.jsonl"):
        if (found := _NAME.fullmatch(path.name)) is None or found[1] >= last.isoformat():
            continue
        try:
            path.unlink(missing_ok=True)
            deleted += 1
        except OSError as exc:
            failure = exc
    if failure is not None:
        raise failure
    return deleted


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
    try:
        os.write(fd, line)  # one write per line, so that lines of several bots do not mix
        os.fsync(fd)
    finally:
        os.close(fd)
