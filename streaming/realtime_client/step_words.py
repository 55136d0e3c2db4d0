"""From the text of steps to words. Pure."""

from __future__ import annotations

import re

from streaming.recognizer import Word

_PIECES = re.compile(r"\s*\S+|\s+")


class StepWords:
    """Reads one utterance: the texts of its steps, in order.

    A word is whole when the next one begins, or when a step brings no text. What comes later
    without a space before it continues it.
    """

    def __init__(self) -> None:
        self._text = ""  # of the word that is being written
        self._step = 0  # at which it began
        self._spaced = True  # before it
        self._said = ""

    @property
    def writing(self) -> bool:
        """Whether a word is not whole yet."""
        return bool(self._text)

    def feed(self, text: str, step: int) -> list[tuple[Word, int]]:
        """Take the text of a step; words that are whole, each with the step of its beginning.

        They have no times yet.
        """
        self._said += text
        whole = [] if text else self._whole()
        for piece in _PIECES.findall(text):
            if piece[0].isspace():
                whole += self._whole()
                self._spaced = True
            if not self._text:
                self._step = step
            self._text += piece.strip()
        return whole

    def flush(self, text: str, step: int) -> list[tuple[Word, int]]:
        """The utterance is over. text: all of it, of which steps may be missing."""
        missing = text[len(self._said) :] if text.startswith(self._said) else ""
        return self.feed(missing, step) + self._whole()

    def _whole(self) -> list[tuple[Word, int]]:
        # Half a character cannot be shown; its other half comes as half a character too.
        text = self._text.replace("\ufffd", "")
        word = Word(text, 0, joined=not self._spaced)
        if self._text:
            self._text, self._spaced = "", False
        return [(word, self._step)] if text else []
