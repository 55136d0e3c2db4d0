"""Verifies what was signed with the API secret that we share with the media server.

A LiveKit token proves what its bearer may do; a webhook's proves that the media server sent it.
The only file that imports jwt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from dataclasses import dataclass
from typing import Any

import jwt

from captioner.errors import InvalidRequest, NotAllowed

LEEWAY_S = 60
"""How far clocks may differ."""

_UNREADABLE = ValueError, TypeError, AttributeError, ArithmeticError, RecursionError
"""What may be raised by JSON that is another than was expected; surrogates are ValueErrors."""

_CHECK = "check that it is signed with LIVEKIT_API_SECRET, has not expired, and the clocks agree"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What the media server tells of a room. metadata: the room's. created_s: since 1970."""

    id: str
    event: str
    room: str
    sid: str
    metadata: str
    created_s: int


def admin_of(token: str, *, key: str, secret: str) -> str:
    """Return the room whose administrator the bearer of ``token`` is; "" if of none.

    Raises NotAllowed if the token is not ours, or has expired.
    """
    video = _claims(token, key, secret).get("video")
    if not isinstance(video, dict) or video.get("roomAdmin") is not True:
        return ""
    return str(video.get("room", ""))


def is_admin(token: str, room: str, *, key: str, secret: str) -> bool:
    """Return whether ``token`` makes its bearer the administrator of ``room``."""
    try:
        return bool(room) and admin_of(token, key=key, secret=secret) == room
    except NotAllowed:
        return False


def check(token: str, *, key: str, secret: str) -> None:
    """Raises NotAllowed if ``token`` is not ours, or has expired."""
    _claims(token, key, secret)


def webhook_event(body: bytes, token: str, *, key: str, secret: str) -> WebhookEvent:
    """Return what a webhook tells.

    Raises NotAllowed if the media server has not signed this, InvalidRequest if it is not JSON.
    """
    claimed = str(_claims(token, key, secret).get("sha256", ""))
    hashed = base64.b64encode(hashlib.sha256(body).digest())
    if not hmac.compare_digest(claimed.encode("utf-8", "replace"), hashed):
        raise NotAllowed("the token does not belong to this body")
    try:
        said = json.loads(body)
        room = said.get("room") or {}
        texts = (
            str(said.get("id", "")), str(said.get("event", "")), str(room.get("name", "")),
            str(room.get("sid", "")), str(room.get("metadata", "")),
        )  # fmt: skip
        "".join(texts).encode()
        return WebhookEvent(*texts, created_s=int(float(said.get("createdAt", 0))))
    except _UNREADABLE as exc:
        raise InvalidRequest("the body is not a webhook of LiveKit") from exc


def _claims(token: str, key: str, secret: str) -> dict[str, Any]:
    try:
        with warnings.catch_warnings():
            # `captioner check` reports short secrets, which livekit-server --dev uses.
            warnings.filterwarnings("ignore", message="The HMAC key is")
            return jwt.decode(
                token, secret, algorithms=["HS256"], issuer=key, leeway=LEEWAY_S,
                options={"require": ["exp"]},
            )  # fmt: skip
    except (jwt.PyJWTError, *_UNREADABLE) as exc:
        raise NotAllowed(f"the token does not hold: {_CHECK}") from exc
