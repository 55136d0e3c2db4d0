"""Where sentences end: the one rule for what is settled and for where a caption ends."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*$")
_NO_END = re.compile(
    r"^\W*(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|Mme|Mlle|M|vs|etc|e\.g|i\.e|p\.ex|cf)\.$", re.I
)


def ends_sentence(word: str) -> bool:
    """Whether a sentence ends with ``word``: closing punctuation that is no abbreviation's."""
    return bool(_END.search(word)) and not _NO_END.match(word)
