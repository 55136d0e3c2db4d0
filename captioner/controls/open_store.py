"""Chooses where decisions are kept: a folder of this machine, or the Redis of several."""

from __future__ import annotations

from pathlib import Path

from captioner.controls.redis_store import RedisStore
from captioner.controls.sqlite_store import SqliteStore

_SCHEMES = "redis://", "rediss://"


def is_redis(place: str) -> bool:
    """Whether ``place`` is an address of Redis, rather than a folder."""
    return place.startswith(_SCHEMES)


def open_store(place: str, *, owner: str, secret: str) -> SqliteStore | RedisStore:
    """The store at ``place``, which is reached when it is first used.

    owner: identity of the bot that uses it. secret: LiveKit's, which all machines have.
    Raises ConfigurationError.
    """
    if is_redis(place):
        return RedisStore(place, owner=owner, secret=secret)
    return SqliteStore(Path(place))
