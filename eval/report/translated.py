"""Translates what readers of files say of them; the English sentence is the key, as in gettext."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

_PLACE = r"(?P<place>(?:.*?:(?: |\d+: ))?)"
"""A file or recording, and its line."""


def translated(sentence: str, tongue: str) -> str:
    """Return the sentence in a language, with what it quotes; as it is if there is none there."""
    for pattern, told in _sentences(tongue):
        if match := pattern.fullmatch(sentence):
            parts = {name: translated(part, tongue) for name, part in match.groupdict().items()}
            place = match["place"]
            return place + told.format_map(parts)
    return sentence


@cache
def _sentences(tongue: str) -> list[tuple[re.Pattern[str], str]]:
    path = files("eval").joinpath("templates", f"sentences.{tongue}.toml")
    if not path.is_file():
        return []
    found: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))
    return [(_pattern(english), told) for english, told in found.items()]


def _pattern(english: str) -> re.Pattern[str]:
    words = re.sub(r"\\\{([a-z]+)\\\}", r"(?P<\1>.+?)", re.escape(english))
    return re.compile(_PLACE + words, re.DOTALL)
