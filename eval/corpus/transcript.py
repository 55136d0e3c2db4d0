"""What a transcript or caption file holds, and what had to be done to read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path

from eval.corpus.spoken_words import RefWord


class FormatError(Exception):
    """A file cannot be read. The message names it and says what to do."""


class BadLine(ValueError):
    """A line that cannot be used. The message says why."""


class Repair(StrEnum):
    """A fault that is mended while reading.

    eval/templates has each in words for people, and docs/evaluation.md lists them.
    """

    ENCODING = auto()
    DAMAGE = auto()
    LINE_ENDS = auto()
    CONTENT = auto()
    TIMES = auto()
    FRAMES = auto()
    ENDS = auto()
    RESTART = auto()
    ORDER = auto()
    NO_SEPARATOR = auto()
    SPACES = auto()
    GAP = auto()
    DOUBLED = auto()
    ROLL_UP = auto()
    GROWING = auto()
    TAGS = auto()
    BREAKS = auto()
    ENTITIES = auto()
    NAMES = auto()
    PRODUCT_LINES = auto()
    SOUNDS = auto()
    SILENCE = auto()
    ALTERNATIVES = auto()
    COLUMNS = auto()


LONGEST_MS = 10**10
"""No recording is so long: a later time is no time, or was read at a false rate."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one speaker's speech.

    recording: in formats with several, otherwise "". speaker: "" if nobody is named.
    text: None in a format that says only who spoke when. Times in ms, if the format has them.
    lines: the text with the file's line breaks, if any. cue: the identifier of a caption, if any.
    """

    text: str | None
    speaker: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    words: tuple[RefWord, ...] = ()
    recording: str = ""
    lines: tuple[str, ...] = ()
    cue: str = ""


@dataclass(frozen=True, slots=True)
class Repaired:
    """One fault that was mended. detail: what a reader must see to agree, such as names."""

    repair: Repair
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines that were not understood, and why. lines: how many, without blank ones."""

    why: str
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Label:
    """What was said, or else only written: a speaker's name before a colon, a title, a sound.

    before, after: some words around it. named: whether the file by itself takes it for no speech.
    repair: how it counts if it is none.
    """

    name: str
    before: str
    after: str
    named: bool
    repair: Repair = Repair.NAMES


@dataclass(frozen=True, slots=True)
class Choices:
    """How to read what a file does not decide.

    names: the labels that were not said; None: as the file suggests. said_again: whether text that
    comes again was said again; otherwise captions that look rolled up or grown are read once.
    written: as names, of labels that pages and titles added.
    """

    names: frozenset[str] | None = None
    said_again: bool = False
    written: frozenset[str] | None = None


AS_THE_FILE_SUGGESTS = Choices()


Found = Iterator[tuple[int, Segment | Repaired | Skipped | Label]]
"""What a reader gives, with line numbers from 1."""


@dataclass(frozen=True, slots=True)
class Mending:
    """All repairs of one kind in one file. first_line: from 1, or 0 for the file as a whole.

    details: what a reader must see to agree, each once: names, an encoding.
    """

    file: str
    repair: Repair
    count: int
    first_line: int
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """The contents of a file.

    problems: what was left out, as "file:line: why". mendings: what was repaired.
    lines: all that are not blank; unread: those of them that were not understood.
    labels: what may not have been said, such as a name in front of a text.
    """

    segments: tuple[Segment, ...] = ()
    problems: tuple[str, ...] = ()
    mendings: tuple[Mending, ...] = ()
    lines: int = 0
    unread: int = 0
    labels: tuple[Label, ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether so much was not understood that figures are not to be trusted: over 1 %."""
        return 100 * self.unread > self.lines

    @property
    def unreadable(self) -> bool:
        """Whether the file has lines, of which hardly any was understood."""
        held = sum(one.text != "" for one in self.segments)
        most = 10 * self.unread >= 9 * self.lines and held < self.unread
        return self.unread > 0 and (not held or most)

    def of(self, recording: str) -> tuple[Segment, ...]:
        """Return the segments of one recording, named with or without folder and suffix."""
        stem = Path(recording).stem
        return tuple(s for s in self.segments if Path(s.recording).stem in ("", stem))
