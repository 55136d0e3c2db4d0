"""From a Kyutai server's words to ours: which count, and which continue the one before."""

from __future__ import annotations

import re

from streaming.kyutai import protocol
from streaming.recognizer import Word

_CLOSING = re.compile(r"[.,;:!?…%)\]}»”’]+")
_NEXT_MS = 160  # 80 ms that say "a word starts", 80 ms for its one piece


class WordReader:
    """Reads one stream's words in order.

    Our own server says whether a word continues the one before. From the others comes only text
    without its space, so a word is taken for a continuation where nothing else is likely: closing
    punctuation, and digits that the model wrote right behind digits, with no step between them
    ("4" "00"). Digits spoken one by one ("4 0 0") are further apart.
    """

    def __init__(self) -> None:
        self._before: Word | None = None

    def read(self, word: protocol.Word, start_ms: int) -> Word | None:
        """The word, which began at ``start_ms`` of stream time; None if there is nothing in it.

        Half a character (U+FFFD) is left out: its other half comes as half a character too, and
        the bytes of neither can be had any more.
        """
        text = word.text.replace("\ufffd", "").strip()
        if not text:
            return None
        before = self._before
        start_ms = max(start_ms, before.start_ms if before else 0)
        joined = _continues(before, text, start_ms) if word.joined is None else word.joined
        self._before = Word(text, start_ms, joined and before is not None)
        return self._before


def _continues(before: Word | None, text: str, start_ms: int) -> bool:
    if before is None:
        return False
    if _CLOSING.fullmatch(text):
        return True
    digits = before.text[-1].isdigit() and text[0].isdigit()
    return digits and start_ms - before.start_ms <= _NEXT_MS
