"""Writes WebVTT (W3C, https://www.w3.org/TR/webvtt1/): escaping, cue blocks, whole files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from captioner.captions.cues import Cue

NAME_MAX = 64
"""Limit of a speaker's name, in code points."""

_BREAKS_AND_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def plain(text: str) -> str:
    """Return ``text`` on one line: control characters and line breaks become single spaces."""
    return " ".join(_BREAKS_AND_CONTROLS.sub(" ", text).split(" ")).strip()


def escape(text: str) -> str:
    """Return ``text`` as WebVTT cue text: one line, without markup or ``-->``."""
    return re.sub("[&<>]", lambda found: _ENTITIES[found[0]], plain(text))


def one_line_name(name: str) -> str:
    """Return ``name`` on one line, without controls that turn the text around it to the left."""
    return plain(_BIDI_CONTROLS.sub("", name))


def voice_name(name: str, *, identity: str, label: str = "", limit: int = NAME_MAX) -> str:
    """Return the name for ``<v …>``, unescaped: the participant's, else its identity; then label.

    It is one line, never empty, and has at most ``limit`` code points, unless the label has more.
    """
    text = one_line_name(name) or one_line_name(identity) or "?"
    longest = max(limit - len(label), 1)
    if len(text) > longest:
        text = text[: longest - 1].strip() + "…" if longest > 1 else text[:1]
    return (text.strip() or "?") + label


def timestamp(ms: int) -> str:
    """Format ``ms`` as ``HH:MM:SS.mmm``."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"


def cue_block(
    cue: Cue, *, name: str, tagged: bool = False, lines: Callable[[str], list[str]] | None = None
) -> str:
    """Return a cue block that starts with its id and ends without a line break.

    tagged: with its language. lines: breaks the text into lines.
    """
    times = f"{timestamp(cue.start_ms)} --> {timestamp(cue.end_ms)}"
    text = "\n".join(map(escape, lines(plain(cue.text)) if lines else [cue.text]))
    if tagged and cue.language != "und":
        text = f"<lang {escape(cue.language)}>{text}</lang>"
    return f"{cue.id}\n{times}\n<v {escape(name)}>{text}"


def document(
    cues: Iterable[tuple[Cue, str]],
    *,
    notes: Iterable[str] = (),
    lines: Callable[[str], list[str]] | None = None,
) -> str:
    """Return a WebVTT file of (cue, speaker's name) pairs, sorted by start.

    Where there are several languages each cue says its own.
    """
    blocks = [f"NOTE {plain(note).replace('-->', '->')}" for note in notes]
    ordered = sorted(cues, key=lambda pair: (pair[0].start_ms, pair[0].end_ms, pair[0].id))
    tagged = len({cue.language for cue, _ in ordered}) > 1
    blocks += [cue_block(cue, name=name, tagged=tagged, lines=lines) for cue, name in ordered]
    return "\n\n".join(["WEBVTT", *blocks]) + "\n"
