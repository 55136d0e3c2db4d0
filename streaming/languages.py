"""What a voice may speak: one language, or whichever of several is found by the voice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from streaming.recognizer import primary

AUTO = "auto"

DEFAULT = "en"
"""The language of a voice that may speak any, until it is found."""

AMONG_MAX = 8
"""Languages that are told apart by voice: among more, too many are mistaken."""

_TAG = "[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}"

PATTERN = f"^({_TAG}|{AUTO}(:{_TAG}(,{_TAG}){{0,{AMONG_MAX - 1}}})?)$"
"""What ``Languages.parse`` reads."""


@dataclass(frozen=True, slots=True)
class Languages:
    """The languages of a voice, as BCP 47 tags.

    default: the only one, or the one that counts until another is found. by_voice: whether it is
    found by the voice. among: what may be found; empty: every language that can be told apart.
    """

    default: str
    by_voice: bool = False
    among: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``fr``, ``auto`` or ``auto:fr,en``. Raises ValueError that says what to write."""
        if not re.fullmatch(PATTERN, text):
            raise ValueError(
                f"{text[:80]!r} is no language: write a tag such as fr, or auto:fr,en for what is"
                f" found by voice among those (at most {AMONG_MAX}), or auto for all"
            )
        if text == AUTO:
            return cls(DEFAULT, True)
        if not text.startswith(f"{AUTO}:"):
            return cls(text)
        among = tuple(dict.fromkeys(text.partition(":")[2].split(",")))
        return cls(among[0], len(among) > 1, among if len(among) > 1 else ())

    def tag(self, found: str) -> str:
        """Return the tag of a language that was found: "fr-CA", if that is among them, for "fr"."""
        return next((tag for tag in self.among if primary(tag) == found), found)

    @property
    def known(self) -> tuple[str, ...]:
        """The languages that are named."""
        return self.among or (self.default,)
