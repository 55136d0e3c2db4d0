"""The RPC requests of pages to the bot, the other half of the caption contract. Pure.

    captions.hello    {v, want, lang?, session?, after_seq?, wish?, before?}
                      the user reads captions, or not; wish: what the user chose of what
                      captions.consent takes, or "none"; before: another session was here;
                      "you" of the answer is null until the media server has said who asks
    captions.history  {session, after_seq | cursor | older}         missed captions, or older ones
    captions.set      {v, enabled?, language?, engine?, transcript?, vocabulary?}  hosts only;
                      vocabulary: names and terms that may be said, in place of those before; the
                      answer has those that count, and the number of the first that are used
    captions.consent  {v, captioned, kept}                          for the caller's own speech
    captions.language {v, language, speaker?}  what the caller speaks, or for hosts the speaker (an
                      identity): "fr", "auto:fr,en" (found by voice among those), "auto" (among
                      all), "" (as the room does)
    captions.remove   {v}             the captions of who refuses, from every page and history
    captions.transcript  {v, at?}                                   hosts only: what is kept:
                      {file, days}; with at, a part of it too: {size, at, data}, data: base64 of
                      a deflated file

With admin, a LiveKit token that makes its bearer the administrator of the room (``roomAdmin``),
the requests of hosts may come from a back end that is in no room, by the media server's PerformRpc.

Between two bots, of which one is about to leave (its attribute ``captions.successor`` is "*"):

    captions.handover {v, step}       step "look": what the leaving bot hears, and its room time;
                      "take": its successor hears all of it now, so it comes to the end of what is
                      being said, and answers up to when it heard each speaker; "taken": it may go

A refusal is an InvalidRequest with a RequestCode. Unknown keys are ignored.

Some cannot be answered, or cannot ask. They get packets of their own on the topic
``captions.answers``, which nobody else does:

    {v, session, reply, again_ms, answer | error, message, data}
                      to a hidden participant, whom the media server does not name: its request has
                      reply: {to, id}, its own identity and any number; it says hello every again_ms
    {v, session, …}   to a participant who may send nothing: what hello and history would answer
    {v, session, you} to a page whose "you" has changed
"""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from captioner.contract import VERSION
from captioner.errors import InvalidRequest, RequestCode
from streaming.embedded.vocabulary import ENTRIES_MAX, ENTRY_MAX
from streaming.languages import PATTERN

HELLO, HISTORY = "captions.hello", "captions.history"
SET, CONSENT, REMOVE = "captions.set", "captions.consent", "captions.remove"
TRANSCRIPT, LANGUAGE = "captions.transcript", "captions.language"
HANDOVER = "captions.handover"
ANSWERS = "captions.answers"
"""The topic of packets that only one participant, or a few, get."""

REQUEST_MAX = 12_288
"""Bytes of a request; LiveKit takes 15 KiB. One with a vocabulary may be that long."""

SENTENCE_MAX = 256
"""Bytes of a refusal's sentence."""


Name = Annotated[str, Field(pattern="^[A-Za-z0-9-]{1,40}$")]
LanguageChoice = Annotated[str, Field(pattern=PATTERN, max_length=200)]
Identity = Annotated[str, Field(min_length=1, max_length=512)]
Entry = Annotated[str, Field(max_length=ENTRY_MAX)]
Token = Annotated[str, Field(min_length=1, max_length=2_000)]
Cursor = Annotated[str, Field(pattern="^[0-9]{1,15}$")]
Count = Annotated[int, Field(ge=0)]
T = TypeVar("T")

_MUST_BE = {
    "v": f"{VERSION}: this bot knows no other version",
    "session": "a string",
    "after_seq": "a number, 0 or more",
    "at": "a number, 0 or more",
    "cursor": "one that an answer of ours gave",
    "older": "one that an answer of ours gave",
    "language": "a tag such as fr, or auto:fr,en for what is found by voice",
    "speaker": "the identity of a participant",
    "vocabulary": f"a list of at most {ENTRIES_MAX} texts of at most {ENTRY_MAX} characters",
    "engine": "a short name of letters, digits and hyphens",
    "wish": '"none", or what captions.consent takes',
    "step": "look, take or taken",
    "admin": "a LiveKit token with roomAdmin",
    "reply": "the identity of who asks and a number",
}
"""What a value must be, by key, for all keys that are not flags."""


@dataclass(frozen=True, slots=True)
class _Request:
    """The fields of every request."""

    _: KW_ONLY
    v: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Consent(_Request):
    """Whether somebody's speech is captioned, and whether it may be kept in a transcript."""

    captioned: bool
    kept: bool


@dataclass(frozen=True, slots=True)
class Hello(_Request):
    """A page's user reads captions, or not; and what the page has already.

    wish: what its user chose for the own speech, "none" if nothing; an older page does not say.
    before: the page has had another session in this room.
    """

    want: bool
    session: str | None = None
    after_seq: Count | None = None
    wish: Consent | Literal["none"] | None = None
    before: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """Where the answer to a hidden participant goes: its identity, by its own word; any number."""

    to: Identity
    id: Count


@dataclass(frozen=True, slots=True)
class _Unseen(_Request):
    reply: Reply


@dataclass(frozen=True, slots=True)
class _Admin(_Request):
    admin: Token | None = None


@dataclass(frozen=True, slots=True)
class _History(_Request):
    session: str
    older: Cursor | None = None
    cursor: Cursor | None = None
    after_seq: Count = 0


@dataclass(frozen=True, slots=True)
class After:
    """A page asks for what it missed: the cues that changed after ``seq``."""

    session: str
    seq: int


@dataclass(frozen=True, slots=True)
class Older:
    """A late page asks for the closed cues before those that it has."""

    session: str
    seq: int


@dataclass(frozen=True, slots=True)
class Change(_Request):
    """A host changes settings; None leaves one unchanged."""

    enabled: bool | None = None
    language: LanguageChoice | None = None
    engine: Name | None = None
    transcript: bool | None = None
    vocabulary: Annotated[list[Entry], Field(max_length=ENTRIES_MAX)] | None = None


@dataclass(frozen=True, slots=True)
class Speaks(_Request):
    """What somebody speaks: the caller, or for a host ``speaker``; "" for what the room does."""

    language: LanguageChoice | Literal[""]
    speaker: Identity | None = None


class Step(StrEnum):
    """Of a handover between two bots."""

    LOOK = "look"
    TAKE = "take"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class _Handover(_Request):
    step: Step


@dataclass(frozen=True, slots=True)
class Part(_Request):
    """A host asks for the kept transcript from byte ``at`` on, as it is packed to be sent.

    Without ``at``, only where it lies and for how long.
    """

    at: Count | None = None


_HELLO, _HISTORY = TypeAdapter(Hello), TypeAdapter(_History)
_CHANGE, _CONSENT = TypeAdapter(Change), TypeAdapter(Consent)
_ADMIN, _HANDOVER = TypeAdapter(_Admin), TypeAdapter(_Handover)
_UNSEEN, _REMOVE = TypeAdapter(_Unseen), TypeAdapter(_Request)
_PART, _SPEAKS = TypeAdapter(Part), TypeAdapter(Speaks)


def decode_hello(payload: str) -> Hello:
    """Raises InvalidRequest."""
    return _decode(_HELLO, payload)


def decode_history(payload: str) -> After | Older:
    """Raises InvalidRequest."""
    request = _decode(_HISTORY, payload)
    if request.older is not None:
        return Older(request.session, int(request.older))
    return After(request.session, int(request.cursor or request.after_seq))


def decode_set(payload: str) -> Change:
    """Raises InvalidRequest."""
    return _decode(_CHANGE, payload)


def decode_consent(payload: str) -> Consent:
    """Raises InvalidRequest."""
    return _decode(_CONSENT, payload)


def decode_language(payload: str) -> Speaks:
    """Raises InvalidRequest."""
    return _decode(_SPEAKS, payload)


def decode_remove(payload: str) -> None:
    """Raises InvalidRequest."""
    _decode(_REMOVE, payload)


def decode_reply(payload: str) -> Reply:
    """Of any request of a hidden participant. Raises InvalidRequest."""
    return _decode(_UNSEEN, payload).reply


def decode_admin(payload: str) -> str | None:
    """The token of a back end, of any request; None if there is none. Raises InvalidRequest."""
    return _decode(_ADMIN, payload).admin


def decode_handover(payload: str) -> Step:
    """Raises InvalidRequest."""
    return _decode(_HANDOVER, payload).step


def decode_part(payload: str) -> Part:
    """Raises InvalidRequest."""
    return _decode(_PART, payload)


def answers_hello(answer: str | None, *, session: str) -> bool:
    """Return whether this is how the caption bot of ``session`` answers hello."""
    try:
        said = json.loads(answer or "")
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and (said.get("v"), said.get("session")) == (VERSION, session)


def sentence(text: str) -> str:
    """Return ``text`` within SENTENCE_MAX bytes."""
    return text.encode()[:SENTENCE_MAX].decode(errors="ignore")


def _decode(kind: TypeAdapter[T], payload: str) -> T:
    data = payload.encode("utf-8", "replace")
    if len(data) > REQUEST_MAX:
        raise InvalidRequest(
            f"the request is longer than {REQUEST_MAX} bytes", code=RequestCode.TOO_LARGE
        )
    try:
        return kind.validate_json(data, strict=True)
    except ValidationError as exc:
        raise _refused(exc) from None


def _refused(invalid: ValidationError) -> InvalidRequest:
    errors = {error["loc"]: error["type"] for error in invalid.errors()}
    if () in errors:
        wrong = "is not JSON" if errors[()] == "json_invalid" else "must be a JSON object"
        return InvalidRequest(f"the request {wrong}")
    version = ("v",) in errors
    key = "v" if version else str(next(iter(errors))[0])
    return InvalidRequest(
        f'"{key}" must be {_MUST_BE.get(key, "true or false")}',
        code=RequestCode.UNKNOWN_VERSION if version else RequestCode.BAD_REQUEST,
    )
