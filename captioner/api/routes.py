"""What the HTTP service can be asked, and what each request is. Pure.

A request becomes one action, or raises Refusal with the status of its answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as fields_of
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from captioner.contract_requests import Change, LanguageChoice, decode_set, sentence
from captioner.errors import InvalidRequest, RequestCode

ROOM = "/v1/rooms/{room}"
BODY_MAX = 16_384
NAME_MAX = 512
FILE_MAX = 251
"""Its journal's name is 4 bytes longer, and file systems take 255."""

CALM_S = 1
"""When to try again what was refused for being too much, or could not be reached."""


class Refusal(Exception):
    """An answer that is not what was asked for. status: of HTTP. retry_s: when to try again."""

    def __init__(self, status: int, message: str, *, retry_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_s = retry_s


@dataclass(frozen=True, slots=True)
class State:
    """How the captions of a room are."""

    room: str


@dataclass(frozen=True, slots=True)
class Start:
    """Dispatch captions to a room, if that was not done. recording: names its transcript."""

    room: str
    recording: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Recall what was dispatched: the bot leaves."""

    room: str


@dataclass(frozen=True, slots=True)
class Set:
    """Change settings, as a host does."""

    room: str
    change: Change


@dataclass(frozen=True, slots=True)
class Speaks:
    """Say what somebody speaks, as a host does; "" for what the room does."""

    room: str
    speaker: str
    language: str


@dataclass(frozen=True, slots=True)
class Transcripts:
    """What is kept of a room's meetings."""

    room: str


@dataclass(frozen=True, slots=True)
class Download:
    """One transcript, as WebVTT."""

    room: str
    file: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the transcript of a meeting that is over."""

    room: str
    file: str


Action = State | Start | Stop | Set | Speaks | Transcripts | Download | Delete

Match = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StartBody:
    """recording: the name of the meeting's recording, for the transcript's file name."""

    recording: Annotated[str, Field(max_length=200)] = ""


@dataclass(frozen=True, slots=True)
class SpeaksBody:
    """language: a tag, ``auto:fr,en`` for what is found by voice, or "" for the room's."""

    language: LanguageChoice | Annotated[str, Field(max_length=0)]


_START, _SPEAKS = TypeAdapter(StartBody), TypeAdapter(SpeaksBody)
_OBJECT = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of request. body, answer: types of the JSON; None for none, str for WebVTT.

    asks: the room's bot. refusals: what else but 400, 401, 403, 429 and 503 may be answered, and
    when; 408 and 413 too where there is a body, 502 where a bot is asked.
    """

    method: str
    path: str
    summary: str
    action: Callable[[Match, bytes], Action]
    status: int = 200
    body: Any = None
    answer: Any = None
    asks: bool = False
    refusals: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoomState:
    """How the captions of a room are.

    state: none (not asked for), empty (asked for, nobody is in the room), starting, waiting (for a
    free recogniser), or what the bot says: off, starting, idle (nobody reads), on, interrupted,
    unavailable, encrypted, no-language. The rest is what the bot says, if there is one.
    """

    state: str
    dispatched: bool
    session: str = ""
    language: str = ""
    auto: str = ""
    engine: str = ""
    engines: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    transcript: bool = False
    consent: str = ""
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds now. stored: whether it outlives a restart of the bot; vocabulary never does."""

    state: str
    enabled: bool
    language: str
    engine: str
    transcript: bool
    stored: bool
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpokenLanguage:
    """What somebody speaks, and by whose choice: speaker, host, token, room or voice."""

    language: str
    by: str
    stored: bool


@dataclass(frozen=True, slots=True)
class Transcript:
    """One transcript. running: its meeting goes on. keep_days: null for ever."""

    file: str
    running: bool
    keep_days: int | None = None


@dataclass(frozen=True, slots=True)
class TranscriptList:
    """Those of meetings that are over are listed only where CAPTIONER_TRANSCRIPTS has them."""

    transcripts: tuple[Transcript, ...]


def _start(match: Match, body: bytes) -> Action:
    body = body or b"{}"
    start = _body(_START, body)
    _only(StartBody, body)
    return Start(match["room"], start.recording)


def _set(match: Match, body: bytes) -> Action:
    try:
        change = decode_set(body.decode("utf-8", "replace"))
    except InvalidRequest as exc:
        raise Refusal(413 if exc.code is RequestCode.TOO_LARGE else 400, str(exc)) from None
    _only(Change, body)
    return Set(match["room"], change)


def _speaks(match: Match, body: bytes) -> Action:
    speaks = _body(_SPEAKS, body)
    _only(SpeaksBody, body)
    return Speaks(match["room"], match["identity"], speaks.language)


def _only(kind: type, body: bytes) -> None:
    """Raises Refusal: a field that is mistyped would change nothing, in silence."""
    fields = [field.name for field in fields_of(kind)]
    for name in _body(_OBJECT, body):
        if name not in fields:
            there_are = ", ".join(fields)
            raise Refusal(400, sentence(f'there is no field "{name[:80]}", only {there_are}'))


_GONE = "no such room"
_NO_BOT = "no caption bot is in the room"
_NO_FILE = "no such transcript of this room here"

ROUTES = (
    Route("GET", f"{ROOM}/captions", "How the captions of a room are",
          lambda match, _: State(match["room"]), answer=RoomState, refusals={404: _GONE}),
    Route("PUT", f"{ROOM}/captions", "Start captions: dispatch a bot, once",
          _start, body=StartBody, answer=RoomState, refusals={404: _GONE}),
    Route("DELETE", f"{ROOM}/captions", "Stop captions: recall the dispatch, and the bot leaves",
          lambda match, _: Stop(match["room"]), status=204,
          refusals={404: _GONE, 409: "the bot was not dispatched: set enabled to false"}),
    Route("PATCH", f"{ROOM}/captions", "Change settings, as a host does",
          _set, body=Change, answer=Settings, asks=True,
          refusals={404: _GONE, 409: _NO_BOT}),
    Route("PUT", f"{ROOM}/speakers/{{identity}}/language", "Say what somebody speaks",
          _speaks, body=SpeaksBody, answer=SpokenLanguage, asks=True,
          refusals={404: "no such room, or nobody called so in it", 409: _NO_BOT}),
    Route("GET", f"{ROOM}/transcripts", "List what is kept of a room's meetings",
          lambda match, _: Transcripts(match["room"]), answer=TranscriptList, asks=True),
    Route("GET", f"{ROOM}/transcripts/{{file}}", "Download a transcript",
          lambda match, _: Download(match["room"], match["file"]), answer=str, asks=True,
          refusals={404: _NO_FILE}),
    Route("DELETE", f"{ROOM}/transcripts/{{file}}", "Delete the transcript of a meeting",
          lambda match, _: Delete(match["room"], match["file"]), status=204, asks=True,
          refusals={404: _NO_FILE, 409: "the meeting goes on"}),
)  # fmt: skip


def action_of(route: Route, match: Match, body: bytes) -> Action:
    """What a request asks for. match: the names in its path. Raises Refusal."""
    if len(body) > BODY_MAX:
        raise Refusal(413, f"the body is longer than {BODY_MAX} bytes")
    for name, most in (("room", NAME_MAX), ("identity", NAME_MAX), ("file", FILE_MAX)):
        if not 0 < len(match.get(name, "x").encode("utf-8", "replace")) <= most:
            raise Refusal(400, f"{name} must have 1 to {most} bytes")
        if "\0" in match.get(name, ""):
            raise Refusal(400, f"{name} must have no NUL")
    return route.action(match, body)


_STATUS = {
    RequestCode.NOT_ALLOWED: 403,
    RequestCode.UNKNOWN_VERSION: 502,
    RequestCode.TOO_MANY_REQUESTS: 429,
    RequestCode.TOO_LARGE: 413,
    RequestCode.NOT_STORED: 503,
    RequestCode.NOT_AVAILABLE: 409,
}


def refusal_of(exc: InvalidRequest) -> Refusal:
    """What the bot refuses, as an answer of HTTP."""
    status = _STATUS.get(exc.code, 400)
    return Refusal(status, str(exc), retry_s=CALM_S if status in (429, 503) else None)


def problem(refusal: Refusal) -> dict[str, object]:
    """The body of a refusal, application/problem+json (RFC 9457)."""
    title = HTTPStatus(refusal.status).phrase
    return {"status": refusal.status, "title": title, "detail": str(refusal)}


def _body(kind: TypeAdapter[Any], body: bytes) -> Any:
    try:
        return kind.validate_json(body, strict=True)
    except ValidationError as exc:
        error = exc.errors()[0]
        where = ".".join(str(part) for part in error["loc"][:1]) or "the body"
        raise Refusal(400, f"{where}: {error['msg']}") from None


def as_json(value: object) -> bytes:
    """Encode an answer."""
    return json.dumps(value, ensure_ascii=False).encode()
