"""The result of decoding a piece of audio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word of one decode: its text with punctuation, and its probability (0–1).

    probability: of its least likely token. span: its start and end in ms, of the audio that was
    decoded, or of the stream. token: index of its first token.
    joined: it continues the previous word without a space.
    """

    text: str
    probability: float
    span: tuple[int, int]
    token: int = 0
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The result of decoding a piece of audio.

    tokens: to pass as the next draft. complete: the model ended it by itself, rather than at the
    limit of tokens for speech of this length.
    """

    words: tuple[HeardWord, ...]
    tokens: tuple[int, ...]
    complete: bool = True

    def after(self, words: int) -> Hypothesis:
        """Return the hypothesis without its first words."""
        if words >= len(self.words):
            return Hypothesis((), ())
        first = self.words[words].token
        kept = tuple(replace(word, token=word.token - first) for word in self.words[words:])
        return Hypothesis(kept, self.tokens[first:], self.complete)

    def reaches(self, ms: int) -> bool:
        """Return whether a word may have been said after ``ms``."""
        return any(word.span[1] > ms for word in self.words)

    def placed(self, spans: Sequence[tuple[int, int]]) -> Hypothesis:
        """Return the hypothesis with a place for each of its words."""
        words = zip(self.words, spans, strict=True)
        return replace(self, words=tuple(replace(word, span=span) for word, span in words))

    @property
    def text(self) -> str:
        """The words, with the spaces between them."""
        return spaced((word.text, word.joined) for word in self.words)


def spaced(words: Iterable[tuple[str, bool]]) -> str:
    """Return words as a text: each with whether it continues the previous one without a space."""
    text = ""
    for word, joined in words:
        text += word if joined or not text else f" {word}"
    return text
