"""What one decode of a model says of a piece of sound."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word of one decode: its text with punctuation, and how sure the model is (0–1).

    probability: of its least likely token. token: the number of its first one.
    """

    text: str
    probability: float
    token: int = 0


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What one decode made of a piece of sound.

    tokens: to be given as the next draft. complete: the model ended it by itself, rather than
    being stopped at the most tokens that speech can have.
    """

    words: tuple[HeardWord, ...]
    tokens: tuple[int, ...]
    complete: bool = True

    def after(self, words: int) -> Hypothesis:
        """What follows the first so many words."""
        if words >= len(self.words):
            return Hypothesis((), ())
        first = self.words[words].token
        kept = tuple(replace(word, token=word.token - first) for word in self.words[words:])
        return Hypothesis(kept, self.tokens[first:], self.complete)

    @property
    def text(self) -> str:
        """The words with spaces between them."""
        return " ".join(word.text for word in self.words)
