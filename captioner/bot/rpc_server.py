"""Answers what pages ask of the bot, and sees to it that what is decided is kept and done."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from captioner.bot.transcript_parts import TranscriptParts
from captioner.contract import VERSION, encode
from captioner.contract_requests import (
    ANSWERS,
    CONSENT,
    HELLO,
    HISTORY,
    LANGUAGE,
    REMOVE,
    SET,
    TRANSCRIPT,
    Consent,
    Hello,
    decode_admin,
    decode_consent,
    decode_hello,
    decode_history,
    decode_language,
    decode_part,
    decode_remove,
    decode_reply,
    decode_set,
    sentence,
)
from captioner.controls.controls import Controls
from captioner.controls.decision_writer import DecisionWriter
from captioner.controls.decisions import Known
from captioner.controls.rate_limit import RateLimit
from captioner.errors import InvalidRequest, RequestCode
from captioner.publishing.publisher import Publisher
from captioner.room.protocol import Kind, Person, Room, RpcAnswer
from captioner.transcript.folder import Kept

KNOWN_S = 5.0
"""How long a host's wish waits until it is known who asks: newcomers are told of every 3 s."""

BACK_END = Person("", kind=Kind.BACK_END)

_BACK_ENDS = "\0"
"""No participant's identity."""

NOT_STORED = "this is done, but may be forgotten at a restart: it could not be stored"


class RpcServer:
    """One bot's. ``open`` for each stay in the room.

    erase, transcript: see Outputs. review, expect: see CaptionService. told: takes what a page was
    told of its own user. is_admin: whether a token makes its bearer the administrator of a room.
    leaves: whether another bot decides from now on.
    """

    def __init__(
        self,
        publisher: Publisher,
        controls: Controls,
        writer: DecisionWriter,
        *,
        erase: Callable[[], Coroutine[Any, Any, None]],
        review: Callable[[], Awaitable[None]],
        expect: Callable[[Sequence[str] | None], tuple[Sequence[str], int]],
        told: Callable[[str, Mapping[str, Any]], None],
        transcript: Callable[[], Awaitable[Kept]],
        is_admin: Callable[[str, str], bool],
        leaves: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher = publisher
        self._controls = controls
        self._writer = writer
        self._erase = erase
        self._review = review
        self._expect = expect
        self._told = told
        self._is_admin, self._leaves = is_admin, leaves
        self._clock = clock
        self._rate = RateLimit()
        self._parts = TranscriptParts(transcript)
        self._came = asyncio.Event()

    def open(self, room: Room) -> None:
        """Answer in this room from now on."""

        def limited(answer: RpcAnswer) -> RpcAnswer:
            async def one(caller: str, payload: str) -> str:
                self._rate.take(caller, self._clock())
                if not caller:
                    return await self._answer_unseen(room, answer, payload)
                return await answer(caller, payload)

            return one

        def decided(answer: RpcAnswer) -> RpcAnswer:
            async def one(caller: str, payload: str) -> str:
                if self._leaves():
                    raise InvalidRequest(
                        "another bot takes over just now: ask again in some seconds",
                        code=RequestCode.NOT_AVAILABLE,
                    )
                return await answer(caller, payload)

            return limited(one)

        room.answer(HELLO, limited(partial(self._hello, room)))
        room.answer(HISTORY, limited(self._history))
        room.answer(SET, decided(partial(self._set, room)))
        room.answer(CONSENT, decided(self._consent))
        room.answer(LANGUAGE, decided(partial(self._language, room)))
        room.answer(REMOVE, decided(self._remove))
        room.answer(TRANSCRIPT, decided(partial(self._transcript, room)))

    async def _answer_unseen(self, room: Room, answer: RpcAnswer, payload: str) -> str:
        """The media server names no hidden participant: LiveKit's own answer reaches none."""
        reply = decode_reply(payload)
        envelope = {
            "v": VERSION, "session": self._publisher.session, "reply": reply.id,
            "again_ms": self._controls.again_ms,
        }  # fmt: skip
        try:
            envelope |= {"answer": json.loads(await answer("", payload))}
        except InvalidRequest as exc:
            envelope |= {"error": exc.code, "message": sentence(str(exc)), "data": exc.data}
        await room.send(encode(envelope), topic=ANSWERS, to=[reply.to])
        return "{}"

    def people_changed(self) -> None:
        """Somebody came, who may be one that has asked already."""
        self._came.set()
        self._came = asyncio.Event()

    async def _who(self, room: Room, caller: str, payload: str) -> Person:
        """Who asks, who may be a back end: that proves itself, however the request came."""
        token = decode_admin(payload)
        if token is None:
            return await self._known(room, caller)
        if not self._is_admin(token, room.name):
            raise InvalidRequest(
                '"admin" must be a token with roomAdmin of this room, signed with the API secret',
                code=RequestCode.NOT_ALLOWED,
            )
        self._rate.take(_BACK_ENDS, self._clock())  # each of their calls has a caller of its own
        return BACK_END

    async def _known(self, room: Room, identity: str) -> Person:
        """Who asks. The media server may tell of newcomers after it brings their requests."""
        try:
            async with asyncio.timeout(KNOWN_S):
                while (person := _person(room, identity)) is None:
                    await self._came.wait()
                return person
        except TimeoutError:
            raise InvalidRequest(
                "the media server says that you are not in this room; join again",
                code=RequestCode.NOT_ALLOWED,
            ) from None

    async def _hello(self, room: Room, caller: str, payload: str) -> str:
        """Without a wait: who is not known yet reads all the same, and asks again who they are."""
        request = decode_hello(payload)
        self._controls.hello(caller, request, self._clock())
        self._hear_wish(caller, request)
        await self._review()
        person = _person(room, caller)
        you = None if person is None else self._controls.you(person)
        if caller:
            self._told(caller, you or {})
        return self._publisher.hello(request, caller=caller, you=you)

    def _hear_wish(self, caller: str, request: Hello) -> None:
        """Pages know what was decided in sessions before this one, and this bot may not."""
        wish = request.wish if caller and isinstance(request.wish, Consent) else None
        unknown = request.before and not self._controls.goes_on
        if (unknown or wish) and self._controls.decided.known is Known.PERHAPS:
            self._writer.know(Known.LOST)
        if wish is not None and wish != self._controls.said(caller):
            self._writer.decide(self._controls.agree(caller, wish))

    async def _history(self, caller: str, payload: str) -> str:
        return self._publisher.page(decode_history(payload), caller=caller)

    async def _set(self, room: Room, caller: str, payload: str) -> str:
        person = await self._who(room, caller, payload)
        change = decode_set(payload)
        deciding = self._writer.decide(self._controls.change(person, change))
        vocabulary, used = self._expect(change.vocabulary)
        stored = await asyncio.shield(deciding)
        decided = self._controls.decided
        facts = {
            "state": str(self._publisher.state),
            "enabled": decided.enabled,
            "language": decided.language,
            "engine": decided.engine,
            "transcript": decided.transcript,
            "vocabulary": vocabulary,
            "used": used,
        }
        return _answer(stored, facts)

    async def _transcript(self, room: Room, caller: str, payload: str) -> str:
        request = decode_part(payload)
        self._controls.require_host(await self._who(room, caller, payload))
        at, parts = request.at, self._parts
        copy = decode_admin(payload) or caller
        facts = await (parts.facts() if at is None else parts.part(copy, at))
        return encode({"v": VERSION, **facts}).decode()

    async def _consent(self, caller: str, payload: str) -> str:
        if not caller:
            raise InvalidRequest(
                "the media server does not say who you are, because you are hidden",
                code=RequestCode.NOT_ALLOWED,
            )
        deciding = self._writer.decide(self._controls.agree(caller, decode_consent(payload)))
        erasing = None if self._controls.keeps(caller) else self._writer.own(self._erase())
        stored = await asyncio.shield(deciding)
        if erasing is not None:
            self._parts.forget()
            await asyncio.shield(erasing)
        captioned, kept = self._controls.captions(caller), self._controls.keeps(caller)
        return _answer(stored, {"captioned": captioned, "kept": kept})

    async def _language(self, room: Room, caller: str, payload: str) -> str:
        person, request = await self._who(room, caller, payload), decode_language(payload)
        speaker = person
        if person is BACK_END and request.speaker is None:
            raise InvalidRequest('"speaker" must be the identity of a participant')
        if request.speaker is not None:
            self._controls.require_host(person)
            speaker = await self._known(room, request.speaker)
        deciding = self._writer.decide(self._controls.speak(person, request))
        stored = await asyncio.shield(deciding)
        spoken = self._controls.spoken(speaker)
        return _answer(stored, {"language": spoken.language, "by": str(spoken.by)})

    async def _remove(self, caller: str, payload: str) -> str:
        """Whoever goes on being captioned cannot make others forget what they read."""
        decode_remove(payload)
        if not caller or self._controls.captions(caller):
            raise InvalidRequest(
                "only those who refuse to be captioned may remove what they said",
                code=RequestCode.NOT_ALLOWED,
            )
        await asyncio.shield(self._writer.own(self._publisher.remove(caller)))
        return encode({"v": VERSION}).decode()


def _answer(stored: bool, facts: Mapping[str, object]) -> str:
    warning = {} if stored else {"warning": NOT_STORED}
    return encode({"v": VERSION, **facts, "stored": stored, **warning}).decode()


def _person(room: Room, identity: str) -> Person | None:
    return next((person for person in room.people() if person.identity == identity), None)
