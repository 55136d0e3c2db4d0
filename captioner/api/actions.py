"""Does what the HTTP service was asked for: by the media server, the room's bot, and the folder."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
import weakref
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from captioner.api.routes import (
    CALM_S,
    Action,
    Delete,
    Download,
    Refusal,
    RoomState,
    Set,
    Settings,
    Speaks,
    SpokenLanguage,
    Start,
    State,
    Stop,
    Transcript,
    TranscriptList,
    Transcripts,
    refusal_of,
)
from captioner.contract import VERSION
from captioner.contract_requests import LANGUAGE, SET, TRANSCRIPT
from captioner.errors import InvalidRequest, RoomUnavailable
from captioner.room.tokens import server_token
from captioner.transcript import folder
from captioner.transcript.folder import TranscriptPolicy
from captioner.transcript.journal_file import Busy
from captioner.worker.facts import STOPPED, Dispatch, Facts
from captioner.worker.livekit_api import MediaServerApi
from captioner.worker.reconcile import STARTING_MS, wish

OFFERED_MS = 2_000
"""A worker that has a free slot takes a room in a fraction of this."""

TEXT_MAX = 64 * 2**20
"""Bytes of a transcript that a bot sends in parts."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was asked for. text: WebVTT; else JSON, or nothing."""

    value: object = None
    text: str | None = None


class Actions:
    """Of one service. policy: where transcripts lie on this machine; None if nowhere."""

    def __init__(
        self,
        api: MediaServerApi,
        *,
        key: str,
        secret: str,
        agent: str,
        policy: TranscriptPolicy | None,
    ) -> None:
        self._api = api
        self._key, self._secret, self._agent = key, secret, agent
        self._policy = policy
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def do(self, action: Action) -> Done:
        """Raises Refusal."""
        try:
            return await self._do(action)
        except InvalidRequest as exc:
            raise refusal_of(exc) from exc
        except RoomUnavailable as exc:
            raise Refusal(503, str(exc), retry_s=CALM_S) from exc
        except OSError as exc:
            raise Refusal(503, "the folder of the transcripts cannot be read", retry_s=60) from exc

    async def _do(self, action: Action) -> Done:
        match action:
            case State(room):
                return Done(await self._state(room))
            case Start(room, recording):
                await self._must_be(room)
                await self.start(room, recording=recording, again=True)
                return Done(await self._state(room))
            case Stop(room):
                return await self._stop(room)
            case Set(room, change):
                asked = {k: v for k, v in asdict(change).items() if v is not None}
                return Done(_of(Settings, await self._ask(room, SET, **asked)))
            case Speaks(room, speaker, language):
                await self._must_be(room)
                if speaker not in await self._api.identities(room):
                    raise Refusal(404, "nobody called so is in the room: name an identity")
                said = await self._ask(room, LANGUAGE, speaker=speaker, language=language)
                return Done(_of(SpokenLanguage, said))
            case Transcripts(room):
                return Done(asdict(TranscriptList(tuple(await self._transcripts(room)))))
            case Download(room, file):
                return Done(text=await self._download(room, file))
            case Delete(room, file):
                return await self._delete(room, file)

    async def start(self, room: str, *, recording: str = "", again: bool = False) -> bool:
        """Dispatch captions unless that was done; whether they were dispatched now.

        again: though somebody has stopped them before. Raises RoomUnavailable.
        """
        async with self._locks.setdefault(room, asyncio.Lock()):
            dispatches = await self._api.dispatches(room)
            stopped = [one for one in dispatches if one.agent == STOPPED]
            if stopped and not again:
                return False
            for one in stopped:
                await self._api.delete(room, one.id)
            if wish(dispatches, self._agent):
                return False
            said = json.dumps({"recording": recording}) if recording else ""
            await self._api.dispatch(room, self._agent, metadata=said)
            await self._recall_all_but_one(room)
            return True

    async def start_by_rule(self, room: str) -> bool:
        """As ``start``; a hint may be about a room that is over."""
        return bool(await self._api.rooms([room])) and await self.start(room)

    async def _recall_all_but_one(self, room: str) -> None:
        """Another process may have dispatched at the same time: all keep the same one."""
        dispatches = await self._api.dispatches(room)
        kept = wish(dispatches, self._agent)
        for one in dispatches:
            if one.agent == self._agent and one is not kept:
                await self._api.delete(room, one.id)

    async def _stop(self, room: str) -> Done:
        await self._must_be(room)
        async with self._locks.setdefault(room, asyncio.Lock()):
            return await self._recall(room)

    async def _recall(self, room: str) -> Done:
        dispatches = await self._api.dispatches(room)
        ours = [one for one in dispatches if one.agent == self._agent]
        if not ours and (await self._api.people(room)).bots:
            raise Refusal(409, "the bot was not dispatched: set enabled to false")
        if not any(one.agent == STOPPED for one in dispatches):
            await self._api.dispatch(room, STOPPED)
        for one in ours:
            await self._api.delete(room, one.id)
        return Done()

    async def _must_be(self, room: str) -> None:
        if not await self._api.rooms([room]):
            raise Refusal(404, "no such room: it begins when somebody joins it")

    async def _state(self, room: str) -> dict[str, Any]:
        await self._must_be(room)
        facts = await self._api.people(room)
        asked = wish(await self._api.dispatches(room), self._agent)
        return asdict(state_of(facts, asked, round(time.time() * 1000)))

    async def _ask(self, room: str, method: str, **request: object) -> dict[str, Any]:
        """What the room's bot answers."""
        await self._must_be(room)
        bots = (await self._api.people(room)).bots
        if not bots:
            raise Refusal(409, "no caption bot is in the room: start captions, or wait for it")
        return await self._asked(room, bots[0].identity, method, self._proof(room), **request)

    def _proof(self, room: str) -> str:
        return server_token(self._key, self._secret, room=room)

    async def _asked(
        self, room: str, bot: str, method: str, proof: str, **request: object
    ) -> dict[str, Any]:
        payload = json.dumps({"v": VERSION, **request, "admin": proof})
        answer = json.loads(await self._api.ask(room, bot, method, payload))
        if not isinstance(answer, dict):
            raise Refusal(502, "the bot's answer is not understood: are versions too far apart?")
        return answer

    async def _running(self, room: str) -> tuple[str, Transcript] | None:
        """The bot that keeps a transcript of the room now, wherever it is, and which."""
        if not await self._api.rooms([room]):
            return None
        for bot in (await self._api.people(room)).bots:
            with contextlib.suppress(InvalidRequest):  # nothing is kept
                kept = await self._asked(room, bot.identity, TRANSCRIPT, self._proof(room))
                return bot.identity, Transcript(str(kept["file"]), True, kept["days"])
        return None

    async def _transcripts(self, room: str) -> list[Transcript]:
        running = await self._running(room)
        here: Mapping[str, bool] = {}
        if self._policy:
            here = await asyncio.to_thread(folder.files_of, self._policy.folder, room)
        keep_days = self._policy.keep_days if self._policy else None
        listed = [Transcript(file, busy, keep_days) for file, busy in here.items()]
        return [running[1], *listed] if running and running[1].file not in here else listed

    async def _download(self, room: str, file: str) -> str:
        if self._policy:
            found = await asyncio.to_thread(folder.text_of, self._policy.folder, room, file)
            if found is not None:
                return found
        running = await self._running(room)
        if running is None or running[1].file != file:
            raise _no_file()
        return await self._in_parts(room, running[0])

    async def _in_parts(self, room: str, bot: str) -> str:
        proof, packed, size = self._proof(room), b"", 1
        while len(packed) < size:
            part = await self._asked(room, bot, TRANSCRIPT, proof, at=len(packed))
            data, size = base64.b64decode(part["data"]), int(part["size"])
            if not data or size > TEXT_MAX:
                raise Refusal(502, "the bot did not send the whole transcript: ask again")
            packed += data
        unpacked = zlib.decompressobj().decompress(packed, TEXT_MAX)
        return unpacked.decode()

    async def _delete(self, room: str, file: str) -> Done:
        running = await self._running(room)
        if running and running[1].file == file:
            raise _running()
        try:
            if self._policy:
                found = await asyncio.to_thread(folder.delete, self._policy.folder, room, file)
                if found:
                    return Done()
        except Busy as exc:
            raise _running() from exc
        raise _no_file()


def _no_file() -> Refusal:
    return Refusal(
        404,
        "no such transcript of this room here: those of meetings that are over are on the machine"
        " whose bot wrote them, or where CAPTIONER_TRANSCRIPTS is shared",
    )


def _running() -> Refusal:
    return Refusal(409, "the meeting goes on: its transcript can be deleted when it is over")


def state_of(facts: Facts, asked: Dispatch | None, utc_ms: int) -> RoomState:
    """How the captions of a room are, by what the media server knows of it."""
    if not facts.bots:
        return RoomState(_without_bot(facts, asked, utc_ms), asked is not None)
    said = facts.bots[0].attributes

    def of(name: str) -> str:
        return said.get(f"captions.{name}", "")

    def many(name: str) -> tuple[str, ...]:
        return tuple(filter(None, of(name).split(",")))

    return RoomState(
        of("state"), asked is not None, of("session"), of("lang"), of("auto"), of("engine"),
        many("engines"), many("languages"), of("transcript") == "on", of("consent"),
        int(of("delay_ms") or 0),
    )  # fmt: skip


def _without_bot(facts: Facts, asked: Dispatch | None, utc_ms: int) -> str:
    if asked is None:
        return "none"
    if not facts.people:
        return "empty"
    taken = asked.given_ms is not None
    since_ms = asked.given_ms if asked.given_ms is not None else asked.created_ms
    return "starting" if utc_ms - since_ms < (STARTING_MS if taken else OFFERED_MS) else "waiting"


def _of(kind: type[Settings] | type[SpokenLanguage], said: Mapping[str, Any]) -> dict[str, Any]:
    """The answer without what is not the caller's."""
    return {name: said[name] for name in kind.__dataclass_fields__ if name in said}
