"""Cues as WebVTT (W3C, https://www.w3.org/TR/webvtt1/): escaping, cue blocks, whole files."""

from __future__ import annotations

import re
from collections.abc import Iterable

from captioner.captions.cues import Cue

NAME_MAX = 64
"""A speaker's name is cut to so many code points."""

_BREAKS_AND_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def plain(text: str) -> str:
    """``text`` on one line: control characters and line breaks as single spaces, ends trimmed."""
    return " ".join(_BREAKS_AND_CONTROLS.sub(" ", text).split(" ")).strip()


def escape(text: str) -> str:
    """``text`` as WebVTT cue text: one line, and nothing in it is markup (nor ``-->``)."""
    return re.sub("[&<>]", lambda found: _ENTITIES[found[0]], plain(text))


def voice_name(name: str, *, identity: str, limit: int = NAME_MAX) -> str:
    """The name that stands in ``<v …>``, unescaped: the participant's, else its identity.

    Never empty, one line, at most ``limit`` code points.
    """
    return (plain(name) or plain(identity) or "?")[:limit].strip() or "?"


def timestamp(ms: int) -> str:
    """``ms`` as ``HH:MM:SS.mmm``."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"


def cue_block(cue: Cue, *, name: str, tagged: bool = False) -> str:
    """One valid cue block, id line first, no line break at its end. tagged: with its language."""
    times = f"{timestamp(cue.start_ms)} --> {timestamp(cue.end_ms)}"
    text = escape(cue.text)
    if tagged and cue.language != "und":
        text = f"<lang {escape(cue.language)}>{text}</lang>"
    return f"{cue.id}\n{times}\n<v {escape(name)}>{text}"


def document(cues: Iterable[tuple[Cue, str]], *, notes: Iterable[str] = ()) -> str:
    """A whole WebVTT file of (cue, speaker's name) pairs, sorted by start as the format demands."""
    blocks = [f"NOTE {plain(note).replace('-->', '->')}" for note in notes]
    ordered = sorted(cues, key=lambda pair: (pair[0].start_ms, pair[0].end_ms, pair[0].id))
    blocks += [cue_block(cue, name=name) for cue, name in ordered]
    return "\n\n".join(["WEBVTT", *blocks]) + "\n"
