"""Which language a voice speaks, from what a model thinks of its last seconds. Pure.

Each look at the voice gives every language a probability. For every language but the current one
the logarithms of its probability over the current one's add up, and never fall below 0 (Page's
cumulative sum test for a change, 1954): one doubtful look changes nothing, and evidence of long ago
does not count against a language that begins to be spoken now. Where the sum left 0 the new
language began.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from streaming.languages import Languages
from streaming.recognizer import primary


@dataclass(frozen=True, slots=True)
class EvidencePolicy:
    """When to believe a change of language; logarithms of a ratio of probabilities.

    first: for the first language of a voice. firm: for another one later. most: what one look can
    add, because a model is sometimes sure and wrong.
    """

    first: float = 1.0
    firm: float = 4.0
    most: float = 2.5


_LEAST = 1e-6  # a probability
_FAINT = 1.0  # a sum that does not tell yet where a language began


class LanguageEvidence:
    """The language of one track's voice, for as long as the track is there.

    decided: whether the voice was found to speak ``language``, rather than supposed.
    """

    def __init__(self, policy: EvidencePolicy | None = None) -> None:
        self._policy = policy or EvidencePolicy()
        self._languages = Languages("und")
        self._sums: dict[str, float] = {}
        self._begun: dict[str, int] = {}
        self._sure = 0.0  # of the current language, against every other
        self.language = "und"
        self.decided = False

    @property
    def found(self) -> bool:
        """Whether the language was found by the voice, rather than chosen or supposed."""
        return self.decided and self._languages.by_voice

    @property
    def doubted(self) -> bool:
        """Whether another language may have begun."""
        return not self.decided or any(self._sums.values())

    def begin(self, languages: Languages) -> str:
        """Give the language to begin with; what was found is forgotten if the choice is new."""
        if languages != self._languages:
            self._languages, self.language, self.decided = languages, languages.default, False
            self._sums, self._begun, self._sure = {}, {}, 0.0
        return self.language

    def feed(self, likely: Mapping[str, float], *, start: int) -> int | None:
        """Take a look at the voice since sample ``start``.

        likely: the probabilities of languages, by primary tag. Returns where another language
        began that is the current one now; None: it is the same.
        """
        current = primary(self.language)
        ours = max(likely.get(current, 0.0), _LEAST)
        others = {tag: p for tag, p in likely.items() if tag != current}
        for tag, probability in others.items():
            self._add(tag, math.log(max(probability, _LEAST) / ours), start)
        best = max(self._sums, key=lambda tag: self._sums[tag], default=None)
        if best is not None and self._sums[best] >= self._needed:
            return self._change(best)
        self._sure += self._within(math.log(ours / max(*others.values(), _LEAST, _LEAST)))
        self.decided = self.decided or self._sure >= self._policy.first
        return None

    @property
    def _needed(self) -> float:
        return self._policy.firm if self.decided else self._policy.first

    def _add(self, tag: str, ratio: float, start: int) -> None:
        before = self._sums.get(tag, 0.0)
        self._sums[tag] = max(0.0, before + self._within(ratio))
        if before < _FAINT:
            self._begun[tag] = start

    def _within(self, ratio: float) -> float:
        return max(-self._policy.most, min(self._policy.most, ratio))

    def _change(self, tag: str) -> int:
        began = self._begun[tag]
        self.language, self.decided = self._languages.tag(tag), True
        self._sums, self._begun, self._sure = {}, {}, 0.0
        return began
