"""What of a meeting goes elsewhere: transcript, audit, segments for other clients' pages."""

from __future__ import annotations

import asyncio
import time

import structlog

from captioner.bot.output_settings import OutputSettings
from captioner.contract import Caption, GapReason
from captioner.contract_requests import Consent
from captioner.controls.decisions import Controls, Decided
from captioner.errors import ConfigurationError, InvalidRequest, RequestCode
from captioner.publishing.publisher import Publisher
from captioner.publishing.segment_sender import SegmentSender
from captioner.room.protocol import Person, Room
from captioner.transcript.audit import Audit
from captioner.transcript.folder import TranscriptPolicy, tidy
from captioner.transcript.keeper import TranscriptKeeper

log = structlog.get_logger()

MISSED_MAX = 100
Missing = tuple[int, int, GapReason]

TIDY_S = 3_600.0
"""How often transcripts that are too old are looked for."""


class Outputs:
    """One bot's, for all its stays in the room."""

    def __init__(self, publisher: Publisher, controls: Controls, extras: OutputSettings) -> None:
        self._publisher = publisher
        self._controls = controls
        self._extras = extras
        self._segments = SegmentSender(
            session=publisher.session, legacy=extras.legacy, streams=extras.text_streams
        )
        self._keeper: TranscriptKeeper | None = None
        self._audit = Audit(None, room="")
        self._room: Room | None = None
        self._recorded = False
        self._caller = ""
        self._unerased: set[str] = set()  # who no longer agrees, and the disk failed
        self._missed: list[Missing] = []  # before there was a room to keep a transcript of
        publisher.watchers.append(self._take)
        publisher.gap_watchers.append(self._miss)

    @property
    def keeps(self) -> bool:
        """Whether a transcript is being kept: not if the disk put an end to it."""
        return self._keeper is not None and self._keeper.on

    async def run(self) -> None:
        """For ever: send segments, delete what is too old."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._segments.run())
            if self._extras.transcripts is not None:
                tasks.create_task(_keep_tidy(self._extras.transcripts))

    async def enter(self, room: Room | None) -> None:
        """The bot is in this room now, or in none. Goes on with a transcript that was on."""
        self._room = room
        self._segments.attach(room)
        if room is not None and self._extras.transcripts is not None:
            if self._keeper is None:
                self._audit = Audit(self._extras.transcripts.folder, room=room.name)
                self._keeper = self._keeper_of(room, self._extras.transcripts)
                await self._go_on(self._keeper)
            self.review()

    def review(self) -> None:
        """Keep what is settled by now; look whether the media server records the room."""
        if self._keeper is not None:
            self._keeper.settle()
        if self._keeper is None or self._room is None or self._room.recorded == self._recorded:
            return
        self._recorded = self._room.recorded
        self._keeper.recording(self._publisher.clock.now_ms(), running=self._recorded)

    async def prepare(self, caller: Person, decided: Decided) -> None:
        """Whatever may fail of a decision, before it is stored. Raises InvalidRequest."""
        self._caller = caller.identity
        if decided.transcript and not self._controls.decided.transcript:
            await self._open()

    def switch(self, before: Decided) -> None:
        """Begin or end what was decided, and write down by whom."""
        decided = self._controls.decided
        if decided == before:
            return
        self._note(before, decided)
        now_ms = self._publisher.clock.now_ms()
        if self._keeper and decided.transcript != before.transcript:
            if decided.transcript:
                self._keeper.start(now_ms, decided.language)
            else:
                self._keeper.stop(now_ms)
        for identity, consent in _changed(before, decided):
            if not consent.captioned:
                self._segments.forget(identity)
            if self._keeper and consent.kept:
                self._keeper.allow(identity, now_ms)

    async def erase(self, before: Decided) -> None:
        """Erase what is written of those who no longer agree. Raises InvalidRequest."""
        decided = self._controls.decided
        # Who asks again, without a change, is not told that it is done if it is not.
        asked = set() if before is decided else {self._caller}
        for identity, consent in _changed(before, decided):
            asked.add(identity)
            (self._unerased.discard if consent.kept else self._unerased.add)(identity)
        for identity in asked & self._unerased:
            if self._keeper:
                await self._keeper.forget(identity)
            self._unerased.discard(identity)

    async def close(self) -> None:
        """The end of the bot: all that is to be written is."""
        if self._keeper:
            await self._keeper.close()
        await self._audit.close()

    def _keeper_of(self, room: Room, policy: TranscriptPolicy) -> TranscriptKeeper:
        return TranscriptKeeper(
            policy,
            room=room.name,
            origin_utc_ms=self._publisher.clock.origin_utc_ms,
            session=self._publisher.session,
            kept=self._controls.keeps,
            changed=lambda: self._audit.note("transcript-failed", ""),
            recording=self._extras.recording,
        )

    async def _open(self) -> None:
        if self._keeper is None:
            raise InvalidRequest(
                "no transcripts here: the operator must set CAPTIONER_TRANSCRIPTS",
                code=RequestCode.NOT_AVAILABLE,
            )
        encrypted = self._extras.encrypted or (self._room is not None and self._room.encrypted)
        if encrypted and not self._extras.transcribe_encrypted:
            raise InvalidRequest(
                "no transcripts of encrypted rooms here: the operator must set"
                " CAPTIONER_TRANSCRIBE_ENCRYPTED",
                code=RequestCode.NOT_AVAILABLE,
            )
        await self._keeper.open()

    async def _go_on(self, keeper: TranscriptKeeper) -> None:
        """Where a bot before this one left off, killed in the middle of whatever it did."""
        decided = self._controls.decided
        try:
            for identity, consent in decided.consents.items():
                if not consent.kept:
                    await keeper.forget(identity)
            if decided.transcript:
                await self._open()
                keeper.start(self._publisher.clock.now_ms(), decided.language, again=True)
        except InvalidRequest as exc:
            log.error("transcript_not_taken_up", reason=str(exc))
        for start_ms, end_ms, reason in self._missed:
            keeper.gap(start_ms, end_ms, reason)
        self._missed = []

    def _take(self, caption: Caption) -> None:
        if self._keeper is not None:
            self._keeper.take(caption)
        self._segments.take(caption)

    def _miss(self, start_ms: int, end_ms: int, reason: GapReason) -> None:
        if self._keeper is not None:
            self._keeper.gap(start_ms, end_ms, reason)
        elif len(self._missed) < MISSED_MAX:
            self._missed.append((start_ms, end_ms, reason))

    def _note(self, before: Decided, decided: Decided) -> None:
        who, note = self._caller, self._audit.note
        if decided.enabled != before.enabled:
            note("captions-on" if decided.enabled else "captions-off", who)
        if decided.transcript != before.transcript:
            note("transcript-on" if decided.transcript else "transcript-off", who)
        if decided.language != before.language:
            note("language", who, value=decided.language)
        if decided.engine != before.engine:
            note("engine", who, value=decided.engine)
        for identity, consent in _changed(before, decided):
            note("agreed" if consent.captioned else "refused", identity)
            note("kept" if consent.kept else "not-kept", identity)


def _changed(before: Decided, decided: Decided) -> list[tuple[str, Consent]]:
    return [
        (identity, consent)
        for identity, consent in decided.consents.items()
        if before.consents.get(identity) != consent
    ]


async def _keep_tidy(policy: TranscriptPolicy) -> None:
    while True:
        try:
            done = await asyncio.to_thread(tidy, policy, now_s=time.time())
        except ConfigurationError:
            pass  # nothing was ever kept: there is no folder yet
        else:
            counts = {"rebuilt": len(done.rebuilt), "deleted": done.deleted, "failed": done.failed}
            if any(counts.values()):
                log.info("transcripts_tidied", **counts)
        await asyncio.sleep(TIDY_S)
