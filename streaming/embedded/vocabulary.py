"""Names and terms that a model is told to expect. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from streaming.embedded.alignment import key
from streaming.embedded.hypothesis import HeardWord

ENTRIES_MAX = 200
"""More entries than this are left out."""

ENTRY_MAX = 60
"""Characters of an entry; a longer one is left out."""

BYTES_MAX = 8_000
"""Of all entries; more are left out."""

PROMPT_TOKENS = 220
"""What Whisper can be told: half of the 448 tokens of a text."""

_LEAST = 0.002  # of what is heard where it is said; what the prompt suggests alone has less
_UNWANTED = re.compile(r"<\|.*?\|>|[<>|,;]")


def entries(given: Iterable[str]) -> tuple[str, ...]:
    """Return the entries that count: clean, each once, the first ENTRIES_MAX of them.

    Nothing in them is a mark of a model's own, such as ``<|endoftext|>``.
    """
    kept: dict[str, str] = {}
    size = 0
    for text in given:
        plain = _UNWANTED.sub(" ", unicodedata.normalize("NFC", text))
        entry = " ".join("".join(c if c.isprintable() else " " for c in plain).split())
        if entry.casefold() in kept or len(entry) > ENTRY_MAX or not any(map(str.isalnum, entry)):
            continue
        size += len(entry.encode())
        if len(kept) >= ENTRIES_MAX or size > BYTES_MAX:
            break
        kept[entry.casefold()] = entry
    return tuple(kept.values())


def fitting(kept: Sequence[str]) -> tuple[str, ...]:
    """Return the first entries, as many as a model can surely be told.

    Names have at most a token for two ASCII characters, and nearly one for another byte.
    """
    tokens = 0.0
    for n, entry in enumerate(kept):
        other = sum(len(c.encode()) for c in entry if not c.isascii())
        tokens += 2 + sum(map(str.isascii, entry)) / 2 + other
        if tokens > PROMPT_TOKENS:
            return tuple(kept[:n])
    return tuple(kept)


def made_up(heard: Iterable[HeardWord], vocabulary: Sequence[str]) -> bool:
    """Return whether a word of ``vocabulary`` was heard that the sound does not support."""
    expected = {key(word) for entry in vocabulary for word in entry.split()}
    return any(word.probability < _LEAST and key(word.text) in expected for word in heard)
