"""The records of a transcript's journal, one JSON line each, and the transcript they make.

Pure. A journal is only appended to, so a process that is killed while it writes damages at most
the last line. captioner/transcript/journal_file.py keeps one on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from captioner.captions.cues import Cue
from captioner.captions.file_layout import Layout, wrapped
from captioner.captions.webvtt import cue_block, plain, timestamp

RECORDS_MAX = 100_000
"""Limit of records in one meeting: 80 hours of one person who never pauses."""

VERSION = 1
LATEST_MS = 253_402_300_799_000
"""The last second of the year 9999."""

Ms = Annotated[int, Field(ge=0, le=LATEST_MS)]


@dataclass(frozen=True, slots=True)
class Opened:
    """The first record, which names the meeting. Other times are ms since ``origin_utc_ms``."""

    type: Literal["opened"] = field(default="opened", kw_only=True)
    room: str
    origin_utc_ms: Ms
    v: Ms = VERSION


@dataclass(frozen=True, slots=True)
class Started:
    """Speech is kept from here on. session: the bot's; cue ids are unique within it."""

    type: Literal["started"] = field(default="started", kw_only=True)
    at_ms: Ms
    session: str
    language: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A host switched the transcript off."""

    type: Literal["stopped"] = field(default="stopped", kw_only=True)
    at_ms: Ms


@dataclass(frozen=True, slots=True)
class Said:
    """A cue, and its speaker's name as shown.

    closed: whether the text is whole; else it is what was settled so far, and is replaced.
    """

    type: Literal["said"] = field(default="said", kw_only=True)
    session: str
    id: str
    speaker: str
    name: str
    start_ms: Ms
    end_ms: Ms
    text: str
    language: str
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Missed:
    """Audio that nobody heard."""

    type: Literal["missed"] = field(default="missed", kw_only=True)
    start_ms: Ms
    end_ms: Ms
    reason: str


@dataclass(frozen=True, slots=True)
class Recording:
    """The media server began, or ended, a recording of the room."""

    type: Literal["recording"] = field(default="recording", kw_only=True)
    at_ms: Ms
    running: bool


@dataclass(frozen=True, slots=True)
class Forgotten:
    """``speaker`` wants nothing kept: earlier records of this speaker are void."""

    type: Literal["forgotten"] = field(default="forgotten", kw_only=True)
    speaker: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A cue that was deleted after it was closed."""

    type: Literal["withdrawn"] = field(default="withdrawn", kw_only=True)
    session: str
    id: str


Record = Opened | Started | Stopped | Said | Missed | Recording | Forgotten | Withdrawn

_RECORD: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="type")])


def encode(record: Record) -> bytes:
    """Encode a record as one line, with its line feed."""
    return _RECORD.dump_json(record) + b"\n"


def decode(line: bytes) -> Record | None:
    """Decode one line; return None if it is damaged or of an unknown kind."""
    try:
        return _RECORD.validate_json(line, strict=True, extra="forbid")
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class Reading:
    """The contents of a journal. whole: bytes up to the end of the last complete line.

    damaged: number of lines before that which are not records.
    """

    records: tuple[Record, ...]
    whole: int
    damaged: int


def read(data: bytes) -> Reading:
    """Read a journal. Its writer died while writing a last line without an end."""
    whole = data.rfind(b"\n") + 1
    decoded = [decode(line) for line in data[:whole].splitlines()]
    records = tuple(record for record in decoded if record is not None)
    return Reading(records, whole, len(decoded) - len(records))


class Minutes:
    """The meeting so far: takes records, and gives the WebVTT file.

    forgets: whether the journal has records that must be removed.
    lost: records left out because there were more than ``limit``.
    """

    def __init__(self, records: Iterable[Record] = (), *, limit: int = RECORDS_MAX) -> None:
        self.forgets = False
        self.lost = 0
        self._limit = limit
        self._records: list[Record] = []
        self._layout = Layout()
        self._blocks: dict[tuple[Cue, str], str] = {}  # as they were written last
        self._kept: dict[tuple[str, str], tuple[Said, Cue]] = {}
        self._sessions: dict[str, int] = {}
        for record in records:
            self.feed(record)

    def feed(self, record: Record) -> None:
        """Take the next record. A known cue is not added twice."""
        match record:
            case Forgotten(speaker):
                self._drop(lambda said: said.speaker == speaker)
            case Withdrawn(session, cue_id):
                self._drop(lambda said: (said.session, said.id) == (session, cue_id))
            case _ if len(self._records) >= self._limit and not self._replaces(record):
                self.lost += 1
            case Said(session, cue_id):
                before, cue = self._kept.get((session, cue_id), (None, None))
                if before is None or cue is None:
                    self._say(record)
                elif not before.closed:
                    self._records.remove(before)
                    self._layout.take(cue, before.name)
                    self._say(record)
            case _:
                if isinstance(record, Started):
                    self._sessions.setdefault(record.session, len(self._sessions) + 1)
                self._records.append(record)

    @property
    def cues(self) -> int:
        """The number of cues that are kept."""
        return len(self._kept)

    def has(self, session: str, cue_id: str) -> bool:
        """Return whether this cue is kept."""
        return (session, cue_id) in self._kept

    def has_voice(self, speaker: str) -> bool:
        """Return whether anything by ``speaker`` is kept."""
        return any(isinstance(r, Said) and r.speaker == speaker for r in self._records)

    def records(self) -> list[Record]:
        """Return the records of an equal journal without withdrawn ones."""
        return list(self._records)

    def vtt(self) -> str:
        """Return the whole WebVTT file, sorted by start, its cues laid out for a file."""
        head = "WEBVTT"
        if language := self._language():
            head += f"\nLanguage: {language}"
        notes = [f"NOTE {note}" for note in self._notes()]
        known, tongue = self._blocks, self._language()
        self._blocks = {
            (cue, name): known.get((cue, name))
            or cue_block(cue, name=name, tagged=cue.language != tongue, lines=wrapped)
            for cue, name in self._layout.cues()
        }
        return "\n\n".join([head, *notes, *self._blocks.values()]) + "\n"

    def _say(self, said: Said) -> None:
        self._records.append(said)
        cue = self._cue(said)
        self._kept[said.session, said.id] = said, cue
        self._layout.put(cue, said.name)

    def _replaces(self, record: Record) -> bool:
        return isinstance(record, Said) and (record.session, record.id) in self._kept

    def _cue(self, said: Said) -> Cue:
        number = self._sessions.get(said.session, 1)
        cue_id = said.id if number == 1 else f"s{number}-{said.id}"
        return Cue(cue_id, said.speaker, said.start_ms, said.end_ms, said.text, said.language)

    def _drop(self, void: Callable[[Said], bool]) -> None:
        left = [r for r in self._records if not (isinstance(r, Said) and void(r))]
        if len(left) == len(self._records):
            return
        self._records, self._kept = [], {}
        self._layout, self._blocks = Layout(), {}
        for record in left:
            self.feed(record)
        self.forgets = True

    def _language(self) -> str:
        """The language of the first kept stretch; cues in others are tagged."""
        first = next((r for r in self._records if isinstance(r, Started)), None)
        return plain(first.language) if first and first.language != "und" else ""

    def _notes(self) -> list[str]:
        notes = [note for record in self._records if (note := _note(record)) is not None]
        return [text.replace("-->", "->") for _, text in sorted(notes, key=lambda note: note[0])]


def _note(record: Record) -> tuple[int, str] | None:
    """Return a note for a record that is not a cue, and its time for sorting."""
    match record:
        case Opened(origin_utc_ms=origin):
            return -1, f"Captions made by a machine. Time 0 is {utc(origin)}."
        case Started(at_ms):
            return at_ms, f"Kept from {timestamp(at_ms)}."
        case Stopped(at_ms):
            return at_ms, f"Not kept from {timestamp(at_ms)}."
        case Missed(start_ms, end_ms, reason):
            times = f"{timestamp(start_ms)} to {timestamp(end_ms)}"
            return start_ms, f"Gap from {times}: nothing was heard ({plain(reason)})."
        case Recording(at_ms, running):
            verb = "begins" if running else "ends"
            return at_ms, f"The recording {verb} at {timestamp(at_ms)}."
    return None


def utc(ms: int) -> str:
    """Format ms since 1970 as ``2026-11-22T05:42:06.123Z``."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"
