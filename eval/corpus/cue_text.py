"""The text of a caption without its markup, whichever format the markup is from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from eval.corpus.spoken_words import RefWord
from eval.corpus.transcript import Repair

_BREAK = re.compile(r"<\s*/?\s*(?:br|p|div)\b[^<>]*>|\\[Nn]", re.IGNORECASE)
_HARD_SPACE = re.compile(r"\\h")
_INLINE = re.compile(r"<((?:\d{1,4}:)?\d\d:\d\d[.,]\d{1,3})>")
_WEBVTT_TAG = re.compile(r"</?(?:c|i|b|u|ruby|rt|v|lang)(?:[\s.][^<>]*)?>")
# HTML and TTML elements, SubStation's overrides, MicroDVD's codes; never "x < 5".
_OTHER_TAG = re.compile(r"</?[A-Za-z][^<>]*>|</>|\{\\[^{}]*\}|\{[A-Za-z]:[^{}]*\}")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|nbsp|#\d+);", re.IGNORECASE)
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?(?:\s+([^>]*))?>")


def plain(body: str) -> tuple[str, set[Repair]]:
    """Return a caption's text with "\\n" at its line breaks, and what was mended in it."""
    repairs: set[Repair] = set()
    text, breaks = _BREAK.subn("\n", body)
    text = _WEBVTT_TAG.sub("", _INLINE.sub("", _HARD_SPACE.sub(" ", text)))
    text, tags = _OTHER_TAG.subn("", text)
    text = unescape(text)
    if _ENTITY.search(text):
        repairs.add(Repair.ENTITIES)
        text = unescape(text)
        text, more = _OTHER_TAG.subn("", text)
        tags += more
    repairs |= {Repair.BREAKS} if breaks else set()
    repairs |= {Repair.TAGS} if tags else set()
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line), repairs


def voices(body: str) -> Iterator[tuple[str, str]]:
    """Return the speaker and the text, with its tags, of each WebVTT voice."""
    at, speaker = 0, ""
    for match in _VOICE.finditer(body):
        if body[at : match.start()].strip():
            yield speaker, body[at : match.start()]
        at, speaker = match.end(), " ".join(unescape(match[1] or "").split())
    yield speaker, body[at:]


def timed_words(body: str, start: int, end: int) -> tuple[RefWord, ...]:
    """Return the words of a text that contains times; each time applies to what follows it."""
    if not _INLINE.search(body):
        return ()
    parts = _INLINE.split(body)
    begins = [start, *(clock_ms(time) or start for time in parts[1::2])]
    words: list[RefWord] = []
    for begin, stop, said in zip(begins, [*begins[1:], end], parts[::2], strict=True):
        words += [RefWord(word, begin, max(begin, stop)) for word in plain(said)[0].split()]
    return tuple(words)


_CLOCK = re.compile(r"(?:(?:(\d{1,4}):)?(\d{1,3}):)?(\d{1,7})(?:[.,;](\d{1,9}))?")


def clock_ms(text: str) -> int | None:
    """Read "1:02:03.4", "02:03,456" or "3.5" in ms; None if it is no time."""
    match = _CLOCK.fullmatch(text.strip())
    if not match or not text.isascii():
        return None
    hours, minutes, seconds, fraction = match.groups()
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds)
    return whole * 1000 + int((fraction or "").ljust(3, "0")[:3])
