"""The outputs beside the pages: transcript, record of decisions, other clients' segments."""

from __future__ import annotations

import asyncio
import time

import structlog

from captioner.bot.output_settings import OutputSettings
from captioner.controls.controls import Controls
from captioner.controls.decisions import Choices, Decided, Decision
from captioner.errors import ConfigurationError, InvalidRequest, RequestCode
from captioner.publishing.erasure import ErasureMeter
from captioner.publishing.publisher import Publisher
from captioner.publishing.segment_sender import SegmentSender
from captioner.room.protocol import Room
from captioner.transcript.audit import Audit
from captioner.transcript.folder import Kept, TranscriptPolicy, tidy
from captioner.transcript.keeper import TranscriptKeeper
from streaming.languages import Languages

log = structlog.get_logger()

TIDY_S = 3_600.0
"""How often transcripts that are too old are looked for."""

ERASE_S = 5.0
"""How long the disk may take to erase before whoever asked for it is told that it does not."""

RETRY_S = 5.0
"""How often erasing is tried again on a disk that fails."""


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
        self._erase = asyncio.Event()
        self._entered = asyncio.Event()
        self._erasing: list[asyncio.Future[None]] = []
        publisher.sinks.append(ErasureMeter())
        publisher.sinks.append(self._segments)

    @property
    def keeps(self) -> bool:
        """Whether a transcript is being kept: not if the disk put an end to it."""
        return self._keeper is not None and self._keeper.on

    async def run(self) -> None:
        """For ever: send segments, erase what may not stay, delete what is too old."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._segments.run())
            tasks.create_task(self._keep_erasing())
            if self._extras.transcripts is not None:
                tasks.create_task(self._keep_tidy(self._extras.transcripts))

    async def enter(self, room: Room | None, *, since_ms: int | None = None) -> None:
        """The bot is in this room now, or in none. Goes on with a transcript that was on.

        since_ms: the room time at which the bot before it ended; None: not known.
        """
        self._room = room
        self._segments.attach(room)
        if room is not None and self._extras.transcripts is not None:
            if self._keeper is None:
                self._audit = Audit(self._extras.transcripts.folder, room=room.name)
                self._keeper = self._keeper_of(room, self._extras.transcripts)
                self._publisher.sinks.append(self._keeper)
                await self._go_on(self._keeper, since_ms)
                self._entered.set()
            self.review()

    def review(self) -> None:
        """Keep what is settled by now; look whether the media server records the room."""
        if self._keeper is not None:
            self._keeper.settle()
        if self._keeper is None or self._room is None or self._room.recorded == self._recorded:
            return
        self._recorded = self._room.recorded
        self._keeper.recording(self._publisher.clock.now_ms(), running=self._recorded)

    async def prepare(self, decided: Decided) -> None:
        """Whatever may fail of a decision, before it is stored. Raises InvalidRequest."""
        if decided.transcript and not self._controls.decided.transcript:
            await self._open()

    def apply(self, decision: Decision) -> None:
        """Begin or end what was decided, and write down by whom."""
        before, after, caller = decision.before, decision.after, decision.caller
        now_ms = self._publisher.clock.now_ms()
        if self._keeper and after.transcript != before.transcript:
            if after.transcript:
                self._keeper.start(now_ms, Languages.parse(after.language).default)
            else:
                self._keeper.stop(now_ms)
        if self._keeper and self._has_spoken(decision) and self._controls.keeps(caller):
            self._keeper.allow(caller, now_ms)
        self._note(decision)

    async def erase(self) -> None:
        """Erase what is written of everybody who refuses.

        Raises InvalidRequest if that is not done within ERASE_S; it is tried until it is.
        """
        done = asyncio.get_running_loop().create_future()
        self._erasing.append(done)
        self._erase.set()
        try:
            async with asyncio.timeout(ERASE_S):
                await done
        except TimeoutError:
            message = (
                "nothing is kept from now on, but what was kept before is not erased yet: the disk"
                " does not answer; tell the operator"
            )
            raise InvalidRequest(message, code=RequestCode.NOT_AVAILABLE) from None

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
            refused=self._refuses,
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

    async def transcript(self) -> Kept:
        """Return what is kept of this meeting so far. Raises InvalidRequest (NOT_AVAILABLE)."""
        if self._keeper is None:
            raise InvalidRequest("no transcripts here", code=RequestCode.NOT_AVAILABLE)
        return await self._keeper.read()

    def _refuses(self, identity: str) -> bool:
        said = self._controls.said(identity)
        return said is not None and not said.kept

    async def _go_on(self, keeper: TranscriptKeeper, since_ms: int | None) -> None:
        """Where a bot before this one left off, killed in the middle of whatever it did."""
        try:
            await self.erase()
            if self._controls.decided.transcript:
                await self._open()
                at_ms = self._publisher.clock.now_ms() if since_ms is None else since_ms
                default = Languages.parse(self._controls.decided.language).default
                keeper.start(at_ms, default, again=True)
        except InvalidRequest as exc:
            log.error("transcript_not_taken_up", reason=str(exc))

    async def _keep_erasing(self) -> None:
        while True:
            try:
                async with asyncio.timeout(RETRY_S):
                    await self._erase.wait()
            except TimeoutError:
                if self._keeper is None or not self._keeper.unerased:
                    continue
            self._erase.clear()
            asked, self._erasing = self._erasing, []
            failure: InvalidRequest | None = None
            try:
                if self._keeper:
                    await self._keeper.erase()
            except InvalidRequest as exc:
                failure = exc
            for done in asked:
                if done.done():  # whoever asked waits no more
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(failure)

    def _has_spoken(self, decision: Decision) -> bool:
        """Whether the decision is one about the caller's own speech."""
        key = self._controls.pseudonym(decision.caller)
        return decision.before.consents.get(key) != decision.after.consents.get(key)

    def _note(self, decision: Decision) -> None:
        before, after, who = decision.before, decision.after, decision.caller
        note = self._audit.note
        if after.enabled != before.enabled:
            note("captions-on" if after.enabled else "captions-off", who)
        if after.transcript != before.transcript:
            note("transcript-on" if after.transcript else "transcript-off", who)
        if after.language != before.language:
            note("language", who, value=after.language)
        if after.engine != before.engine:
            note("engine", who, value=after.engine)
        for one in after.spoken.keys() | before.spoken.keys():
            was, now = (said.spoken.get(one, Choices()) for said in (before, after))
            if was.own != now.own:
                note("own-language", who, value=now.own)
            if was.host != now.host:
                note("speakers-language", who, value=now.host)
        if self._has_spoken(decision):
            note("agreed" if self._controls.captions(who) else "refused", who)
            note("kept" if self._controls.keeps(who) else "not-kept", who)

    async def _keep_tidy(self, policy: TranscriptPolicy) -> None:
        # Not before: then our own meeting's is locked, and not too old, whatever the clock says.
        await self._entered.wait()
        while True:
            try:
                done = await asyncio.to_thread(tidy, policy, now_s=time.time())
            except ConfigurationError:
                pass  # nothing was ever kept: there is no folder yet
            else:
                counts = {
                    "rebuilt": len(done.rebuilt), "deleted": done.deleted, "failed": done.failed
                }  # fmt: skip
                if any(counts.values()):
                    log.info("transcripts_tidied", **counts)
            await asyncio.sleep(TIDY_S)
