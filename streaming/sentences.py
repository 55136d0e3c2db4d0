"""Finds ends of sentences, for settling words and for ending captions."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?…。．！？｡।॥؟۔։።។၊။]+[\"'”’»)\]」』）】》]*$")
_NO_END = re.compile(
    r"^\W*(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Mme|Mlle|M|vs|etc|e\.g|i\.e|p\.ex|cf)\.$", re.I
)


def ends_sentence(word: str) -> bool:
    """Return whether ``word`` ends a sentence: with closing punctuation not of an abbreviation."""
    return bool(_END.search(word)) and not _NO_END.match(word)
