"""The state store in Redis: decisions follow a room from machine to machine.

    captions:RM_…        hash: key, state, alive; as in ``sqlite_store.py``
    captions:RM_…:bot    the identity of the bot that has the room, for LEASE_S after its last sign

Participants are known by an HMAC under LiveKit's API secret, which all machines have and Redis has
not. What is saved is as durable as that Redis is. The only file that imports redis, an extra.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from captioner.controls.state_store import Stored
from captioner.errors import ConfigurationError, StateDamaged, StateError
from captioner.publishing.room_clock import SignOfLife

if TYPE_CHECKING:
    import redis

KEEP_S = 30 * 86_400
"""A room without a sign of life for so long is forgotten."""

LEASE_S = 10
ANSWER_S = 1.5
"""Below the time after which the store counts as silent (``decision_writer.py``)."""

_CLAIM = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
_LIVE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'alive', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
_STATE = TypeAdapter(Stored)
_ALIVE = TypeAdapter(SignOfLife)


class RedisStore:
    """States in the Redis at ``url``, redis:// or rediss://, on behalf of the bot ``owner``.

    A bot that is started again under the same identity has its rooms at once; any other has to
    wait until the lease of a dead one is over. secret: makes pseudonyms. Raises
    ConfigurationError if something is missing, or ``url`` is none.
    """

    def __init__(self, url: str, *, owner: str, secret: str) -> None:
        if not secret:
            raise ConfigurationError("CAPTIONER_STATE in Redis needs LIVEKIT_API_SECRET")
        try:
            import redis
        except ImportError:
            raise ConfigurationError(
                "CAPTIONER_STATE is in Redis: install live-captions[redis]"
            ) from None
        self._errors = redis.RedisError
        try:
            self._redis: redis.Redis = redis.Redis.from_url(
                url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
            )
        except ValueError as exc:
            raise ConfigurationError(f"CAPTIONER_STATE: {exc}") from None
        self._owner = owner
        self._key = secret.encode()
        self._saved: dict[str, Stored] = {}

    def claim(self, room: str) -> bool:
        """Take the room; False if another bot has it."""
        with self._connected() as server:
            return bool(server.eval(_CLAIM, 1, _bot(room), self._owner, LEASE_S))

    def release(self, room: str) -> None:
        """Let another bot have the room."""
        self._saved.pop(room, None)
        with self._connected() as server:
            server.eval(_RELEASE, 1, _bot(room), self._owner)

    def pseudonym(self, identity: str) -> str:
        """The HMAC of an identity; the same on every machine of this installation."""
        return hmac.digest(self._key, f"captions:{identity}".encode(), "sha256").hex()[:32]

    def load(self, room: str) -> Stored | None:
        """What was saved last. Raises StateDamaged if it cannot be understood."""
        with self._connected() as server:
            found: dict[bytes, Any] = server.hgetall(_room(room))  # type: ignore[assignment]
        if not found:
            return None
        try:
            if found[b"key"].decode() != self.pseudonym(""):
                raise ValueError("written under another key")
            stored = _STATE.validate_json(found[b"state"], strict=True)
            alive = found.get(b"alive")
            return replace(stored, alive=alive and _ALIVE.validate_json(alive, strict=True))
        except (ValueError, KeyError) as exc:
            raise StateDamaged(
                f"Redis: the decisions of a room cannot be read ({type(exc).__name__}): only who"
                " agrees is captioned there"
            ) from None

    def save(self, room: str, stored: Stored) -> None:
        """Keep a state."""
        with self._connected() as server:
            fields: Any = {"key": self.pseudonym(""), "state": _STATE.dump_json(stored)}
            with server.pipeline() as together:
                together.hset(_room(room), mapping=fields)
                together.expire(_room(room), KEEP_S)
                together.execute()
        self._saved[room] = stored

    def live(self, room: str, alive: SignOfLife) -> None:
        """Give a sign of life; and again what was saved, if that Redis has lost it."""
        sign = _ALIVE.dump_json(alive)
        with self._connected() as server:
            server.eval(_CLAIM, 1, _bot(room), self._owner, LEASE_S)
            if not server.eval(_LIVE, 1, _room(room), sign, KEEP_S) and room in self._saved:
                self.save(room, self._saved[room])
                server.eval(_LIVE, 1, _room(room), sign, KEEP_S)

    def probe(self) -> None:
        """Write something, and take it away again. Raises StateError."""
        with self._connected() as server:
            server.set(_room("probe"), "", ex=1)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[redis.Redis]:
        try:
            yield self._redis
        except self._errors as exc:
            raise StateError(
                f"Redis does not do what it should ({type(exc).__name__}). Start it, or correct"
                " CAPTIONER_STATE"
            ) from exc


def _room(sid: str) -> str:
    return f"captions:{sid}"


def _bot(sid: str) -> str:
    return f"captions:{sid}:bot"
