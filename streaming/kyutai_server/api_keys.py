"""API keys of a server."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from pathlib import Path

from streaming.kyutai.protocol import PUBLIC_KEY


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a server. They appear in no log and no repr."""

    keys: tuple[str, ...] = field(default=(PUBLIC_KEY,), repr=False)

    @property
    def is_public(self) -> bool:
        """Whether one of them is the public default key."""
        return PUBLIC_KEY in self.keys

    def number(self, given: str | None) -> int | None:
        """Return the index of the key that was ``given``, or None. In constant time."""
        found = None
        for number, key in enumerate(self.keys):
            if hmac.compare_digest(key.encode(), (given or "").encode("utf-8", "replace")):
                found = number
        return found


def read_keys(path: Path) -> Keys:
    """Read the keys in a file, one per line; empty lines and lines with # are skipped.

    Raises OSError, or ValueError if there is none.
    """
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    keys = tuple(line for line in lines if line and not line.startswith("#"))
    if not keys:
        raise ValueError(f"{path} holds no key")
    return Keys(keys)
