"""What pages ask the bot by RPC, the caption contract's other half: JSON ⇄ values. Pure.

    captions.hello    {v, want, lang?, session?, after_seq?}        I read captions, or no longer;
                      "you" of the answer is null until the media server has said who asks
    captions.history  {session, after_seq | cursor | older}         what I missed; what was before
    captions.set      {v, enabled?, language?, engine?, transcript?}  hosts only
    captions.consent  {v, captioned, kept}                          about the caller's own speech

What is refused is an InvalidRequest with a RequestCode. Unknown keys are ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from captioner.contract import VERSION
from captioner.errors import InvalidRequest, RequestCode

HELLO, HISTORY = "captions.hello", "captions.history"
SET, CONSENT = "captions.set", "captions.consent"

REQUEST_MAX = 4_096
"""Bytes of a request; the largest one that makes sense has some 200."""

SENTENCE_MAX = 256
"""Bytes of a refusal's sentence."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A page says whether its user reads captions, and what it has already."""

    want: bool
    session: str | None = None
    after_seq: int | None = None


@dataclass(frozen=True, slots=True)
class After:
    """A page asks for what it missed: the cues that changed after ``seq``."""

    session: str
    seq: int


@dataclass(frozen=True, slots=True)
class Older:
    """A page that came late asks for the closed cues before those that it has."""

    session: str
    seq: int


@dataclass(frozen=True, slots=True)
class Change:
    """A host switches; None leaves as it is."""

    enabled: bool | None = None
    language: str | None = None
    engine: str | None = None
    transcript: bool | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether somebody's speech is captioned, and whether it may be kept in a transcript."""

    captioned: bool
    kept: bool


def decode_hello(payload: str) -> Hello:
    """Raises InvalidRequest."""
    request = _decode(payload)
    session = request.get("session")
    if session is not None and not isinstance(session, str):
        raise InvalidRequest('"session" must be a string')
    after = _count(request, "after_seq") if "after_seq" in request else None
    return Hello(_truth(request, "want"), session, after)


def decode_history(payload: str) -> After | Older:
    """Raises InvalidRequest."""
    request = _decode(payload)
    session = request.get("session")
    if not isinstance(session, str):
        raise InvalidRequest('"session" must be a string')
    if request.get("older") is not None:
        return Older(session, _cursor(request, "older"))
    if request.get("cursor") is not None:
        return After(session, _cursor(request, "cursor"))
    return After(session, _count(request, "after_seq"))


def decode_set(payload: str) -> Change:
    """Raises InvalidRequest."""
    request = _decode(payload)
    given = {key for key, value in request.items() if value is not None}
    flags = {key: _truth(request, key) for key in {"enabled", "transcript"} & given}
    names = {key: _name(request, key) for key in {"language", "engine"} & given}
    return Change(
        flags.get("enabled"), names.get("language"), names.get("engine"), flags.get("transcript")
    )


def decode_consent(payload: str) -> Consent:
    """Raises InvalidRequest."""
    request = _decode(payload)
    return Consent(_truth(request, "captioned"), _truth(request, "kept"))


def sentence(text: str) -> str:
    """``text`` within SENTENCE_MAX bytes."""
    return text.encode()[:SENTENCE_MAX].decode(errors="ignore")


def _decode(payload: str) -> dict[str, Any]:
    if len(payload) > REQUEST_MAX or len(payload.encode("utf-8", "replace")) > REQUEST_MAX:
        raise InvalidRequest(
            f"the request is longer than {REQUEST_MAX} bytes", code=RequestCode.TOO_LARGE
        )
    try:
        request = json.loads(payload)
    except (ValueError, RecursionError):
        raise InvalidRequest("the request is no JSON") from None
    if not isinstance(request, dict):
        raise InvalidRequest("the request must be a JSON object")
    if request.get("v", VERSION) != VERSION:
        raise InvalidRequest(
            f'"v" must be {VERSION}: this bot knows no other version',
            code=RequestCode.UNKNOWN_VERSION,
        )
    return request


def _truth(request: Mapping[str, Any], key: str) -> bool:
    value = request.get(key)
    if not isinstance(value, bool):
        raise InvalidRequest(f'"{key}" must be true or false')
    return value


def _name(request: Mapping[str, Any], key: str) -> str:
    value = request[key]
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidRequest(f'"{key}" must be a short name of letters, digits and hyphens')
    return value


def _count(request: Mapping[str, Any], key: str) -> int:
    value = request.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidRequest(f'"{key}" must be a number, 0 or more')
    return value


def _cursor(request: Mapping[str, Any], key: str) -> int:
    value = request[key]
    if not isinstance(value, str) or not _CURSOR.fullmatch(value):
        raise InvalidRequest(f'"{key}" must be one that an answer of ours gave')
    return int(value)


_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")
_CURSOR = re.compile(r"[0-9]{1,15}")
