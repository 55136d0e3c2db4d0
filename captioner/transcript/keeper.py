"""Keeps one meeting's transcript: off until a host switches it on, and never blocking captions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from captioner import metrics
from captioner.captions.cues import Cue, CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption, Missing, Published
from captioner.errors import InvalidRequest, RequestCode
from captioner.transcript.folder import Kept, TranscriptPolicy, base_name
from captioner.transcript.journal_file import Busy, JournalFile, disk_failure
from captioner.transcript.journal_writer import JournalWriter
from captioner.transcript.records import (
    Forgotten,
    Missed,
    Opened,
    Record,
    Recording,
    Said,
    Started,
    Stopped,
    Withdrawn,
    utc,
)

log = structlog.get_logger()

GUARD_MS = 500
"""Word times are estimates: cues that begin this soon after the switch are left out."""

BUSY_TRIES, BUSY_S = 10, 0.1

REMEMBERED_MAX = 1_000
"""Limit of kept stretches, and of speakers who agreed late, in one meeting."""


class TranscriptKeeper:
    """One meeting's transcript. Belongs to the event loop; only coroutines wait for the disk.

    on: the state that the room sees. why: why it went off by itself, in a word, else "".
    A cue that began before the transcript was switched on, or ended after it was switched off, is
    left out whole.
    """

    def __init__(
        self,
        policy: TranscriptPolicy,
        *,
        room: str,
        origin_utc_ms: int,
        session: str,
        kept: Callable[[str], bool],
        refused: Callable[[str], bool],
        changed: Callable[[], None] = lambda: None,
        recording: str = "",
    ) -> None:
        """kept: whether what a speaker (identity) says may be kept now. refused: whether what is
        written of one has to go. changed: called when the transcript went off by itself.
        recording: the name of the recording, if any.
        """
        self.on = False
        self.why = ""
        self._policy = policy
        self._meeting = Opened(room, origin_utc_ms)
        self._base = base_name(policy.name, room=room, utc=utc(origin_utc_ms), recording=recording)
        self._session = session
        self._kept, self._refused = kept, refused
        self._changed = changed
        self._stretches: list[tuple[int, int | None]] = []  # room times: from, until
        self._not_before: dict[str, int] = {}  # speaker → room time
        self._open: dict[str, Said] = {}  # by cue id: what is settled of it
        self._settled: dict[str, Said] = {}  # of those, what was passed on
        self._recording: Recording | None = None
        self._writer: JournalWriter | None = None
        self._looked = False  # whether ``_written`` is all that is on disk
        self._written: set[str] = set()  # speakers
        self._busy = asyncio.Lock()

    @property
    def lost(self) -> int:
        """Cues since the last switch-on that should have been kept but were not."""
        return self._writer.lost if self._writer else 0

    async def open(self) -> None:
        """Make sure that it can be written, before anybody is told that it is on.

        Raises InvalidRequest (NOT_AVAILABLE) without any change.
        """
        async with self._busy:
            if self.on:
                return
            if self.why:
                await self._let_go()
            try:
                await self._begin_writing()
            except (OSError, TimeoutError) as exc:
                await self._let_go()
                message = f"no transcript can be kept: {disk_failure(exc)[1]}"
                raise InvalidRequest(message, code=RequestCode.NOT_AVAILABLE) from None

    def start(self, at_ms: int, language: str, *, again: bool = False) -> None:
        """Keep speech from ``at_ms`` on. Call after ``open``.

        again: it was on before a restart of the bot, so that no speech is from before the switch.
        """
        if self.on:
            return
        if self.why:  # it failed, so speech since then was shown as not kept
            self._stretches = []
        since_ms = at_ms - GUARD_MS if again else at_ms
        self._stretches = [*self._stretches[-REMEMBERED_MAX:], (since_ms, None)]
        self.on, self.why = True, ""
        self._put(Started(max(at_ms, 0), self._session, language))
        if self._recording is not None and self._recording.running:
            self._put(self._recording)
        log.info("transcript_on")

    def stop(self, at_ms: int) -> None:
        """Keep no speech after ``at_ms``."""
        if not self.on:
            return
        self.on = False
        self._stretches[-1] = (self._stretches[-1][0], at_ms)
        self._put(Stopped(max(at_ms, 0)))
        log.info("transcript_off")

    @property
    def unerased(self) -> bool:
        """Whether something may be on disk that has to go."""
        return not self._looked or any(map(self._refused, self._written))

    def publish(self, event: Published) -> None:
        """Keep a cue that is finished, if it and its speaker may be kept, and what is missing."""
        match event:
            case Caption():
                self._take(event)
            case Missing(start_ms, end_ms, reason) if self.on:
                self._put(Missed(max(start_ms, 0), max(end_ms, 0), reason))

    def _take(self, caption: Caption) -> None:
        match caption.event:
            case CueUpdated(cue, _, settled) if text := cue.text[:settled].strip():
                self._open[cue.id] = self._said(caption, replace(cue, text=text), closed=False)
            case CueClosed(cue):
                self._open.pop(cue.id, None)
                was_settled = self._settled.pop(cue.id, None)
                if self._may_keep(caption.speaker, cue.start_ms, cue.end_ms):
                    self._put(self._said(caption, cue, closed=True))
                elif was_settled:
                    self._put(Withdrawn(self._session, cue.id))
            case CueDeleted(cue_id):
                self._open.pop(cue_id, None)
                known = self._writer and self._writer.file.minutes.has(self._session, cue_id)
                if self._settled.pop(cue_id, None) or known:
                    self._put(Withdrawn(self._session, cue_id))

    def settle(self) -> None:
        """Keep what is settled of the open cues, so that it survives a kill of the process.

        Whoever calls it decides how often an open cue is written.
        """
        for cue_id, said in self._open.items():
            before = self._settled.get(cue_id)
            if before is not None and before.text == said.text:
                continue
            if self._may_keep(said.speaker, said.start_ms, said.end_ms):
                self._settled[cue_id] = said
                self._put(said)

    def recording(self, at_ms: int, *, running: bool) -> None:
        """Record that the media server's recording began or ended."""
        self._recording = Recording(max(at_ms, 0), running)
        if self.on:
            self._put(self._recording)

    async def erase(self) -> None:
        """Erase what is written of everybody who refuses. Raises InvalidRequest (NOT_AVAILABLE)."""
        async with self._busy:
            if self.why:  # a failed writer writes no more
                await self._let_go()
            try:
                if writer := await self._begin_writing(create=False):
                    for speaker in list(filter(self._refused, self._written)):
                        await self._forget(writer, speaker)
            except (OSError, TimeoutError) as exc:
                message = (
                    "nothing is kept from now on, but what was kept before cannot be erased:"
                    f" {disk_failure(exc)[1]}; tell the operator"
                )
                raise InvalidRequest(message, code=RequestCode.NOT_AVAILABLE) from None

    def allow(self, speaker: str, at_ms: int) -> None:
        """Keep cues of ``speaker``, who agrees again, that begin after ``at_ms``."""
        self._not_before.pop(speaker, None)
        if len(self._not_before) >= REMEMBERED_MAX:
            self._not_before.pop(next(iter(self._not_before)))
        self._not_before[speaker] = at_ms + GUARD_MS

    async def close(self) -> None:
        """Close the transcript, once everything passed on is on the disk."""
        async with self._busy:
            self.on = False
            await self._let_go()

    async def read(self) -> Kept:
        """Return what is kept so far. Raises InvalidRequest (NOT_AVAILABLE)."""
        async with self._busy:
            try:
                writer = await self._begin_writing(create=False)
            except (OSError, TimeoutError) as exc:
                message = f"the transcript cannot be read: {disk_failure(exc)[1]}"
                raise InvalidRequest(message, code=RequestCode.NOT_AVAILABLE) from None
            if writer is None:
                message = "nothing is kept of this meeting"
                raise InvalidRequest(message, code=RequestCode.NOT_AVAILABLE)
            name = writer.file.path.with_suffix(".vtt").name
            return Kept(name, self._policy.keep_days, writer.file.text)

    def _said(self, caption: Caption, cue: Cue, *, closed: bool) -> Said:
        return Said(
            self._session, cue.id, caption.speaker,
            caption.shown_name(),
            cue.start_ms, cue.end_ms, cue.text, cue.language, closed,
        )  # fmt: skip

    async def _forget(self, writer: JournalWriter, speaker: str) -> None:
        self._written.discard(speaker)  # who agrees meanwhile may be written again
        try:
            await writer.on_disk(Forgotten(speaker))
        except BaseException:
            self._written.add(speaker)
            raise

    def _may_keep(self, speaker: str, start_ms: int, end_ms: int) -> bool:
        return (
            self._kept(speaker)
            and start_ms >= self._not_before.get(speaker, 0)
            and any(
                start_ms >= since + GUARD_MS and (until is None or end_ms <= until)
                for since, until in reversed(self._stretches)
            )
        )

    def _put(self, record: Record) -> None:
        if isinstance(record, Said):
            self._written.add(record.speaker)
        if self._writer is not None:
            self._writer.put(record)
        elif isinstance(record, Said) and record.closed:
            metrics.TRANSCRIPT_LOST.inc()

    async def _begin_writing(self, *, create: bool = True) -> JournalWriter | None:
        if self._writer is not None or (self._looked and not create):
            return self._writer
        file = await self._file(create=create)
        if file is None:
            self._looked = True
            return None  # nothing was ever kept of this meeting
        records = file.minutes.records()
        self._written |= {record.speaker for record in records if isinstance(record, Said)}
        self._writer = writer = JournalWriter(file, failed=self._went_wrong).start()
        try:
            await writer.brought()
        except BaseException:
            await self._let_go()
            raise
        self._looked = True
        return writer

    async def _file(self, *, create: bool) -> JournalFile | None:
        folder, meeting = self._policy.folder, self._meeting
        for left in reversed(range(BUSY_TRIES)):
            try:
                return await asyncio.to_thread(
                    JournalFile.open, folder, self._base, meeting, create=create
                )
            except Busy:
                if not left:
                    raise
                await asyncio.sleep(BUSY_S)  # another process may be rebuilding it
        return None

    def _went_wrong(self, exc: OSError) -> None:
        self.why = disk_failure(exc)[0]
        metrics.TRANSCRIPT_FAILURES.inc()
        log.error("transcript_failed", why=self.why)
        was_on, self.on = self.on, False
        if was_on:
            self._changed()

    async def _let_go(self) -> None:
        writer, self._writer, self._looked = self._writer, None, False
        if writer is not None:
            await asyncio.to_thread(writer.close)
