"""Tells English from French by their function words."""

from __future__ import annotations

from eval.measures.error_kinds import FUNCTION_WORDS
from eval.normalization.normalize import word_key

_FEWEST = 5
"""Words that must be function words of a language before it is told."""
_TIMES = 3


def likely_language(text: str) -> str | None:
    """Return "en" or "fr" if the text is certainly in one of them; None if that cannot be told."""
    words = [word_key(part) for word in text.split() for part in word.replace("’", "'").split("'")]
    counts = {}
    for language, known in FUNCTION_WORDS.items():
        others = {w for other, some in FUNCTION_WORDS.items() if other != language for w in some}
        own = {word for word in known if len(word) > 1} - others
        counts[language] = sum(word in own for word in words)
    best, second = sorted(counts, key=lambda language: -counts[language])[:2]
    enough = counts[best] >= max(_FEWEST, 0.12 * len(words))
    return best if enough and counts[best] >= _TIMES * counts[second] else None
