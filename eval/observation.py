"""The observations of a run, and its folder: the interface between measuring and scoring.

    REPORT/
      run.json            how it was measured: Run
      clips/0001.json …   one Observation a clip
      results.json, clips.csv, report.html     computed from these by ``caption-eval report REPORT``

A measuring command writes ``run.json`` first, and each clip as soon as it is done; existing clips
are not measured again. All times are in ms on the clip's own clock: 0 is the instant at which its
first sample was passed on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from captioner import atomic_file
from eval.corpus.spoken_words import Turn, Update
from eval.corpus.transcript import Mending

VERSION = 1

T = TypeVar("T")

Through = Literal["engine", "room", "browser", "file", "listen"]
"""Where the captions were observed; "file": no run, captions from a file."""

State = Literal["open", "closed", "deleted"]

WordTimes = Literal["given", "aligned", "attention"]
"""The origin of the reference's word times; "aligned": by forced alignment; "attention": by that of
a speech model, which is less exact."""


class ObservationError(Exception):
    """A run's folder cannot be read or written. The message names the file and what to do."""


def in_order(turns: Iterable[Turn]) -> list[Turn]:
    """Sort turns by start; those of unknown times first, in their order."""
    return sorted(turns, key=lambda turn: turn.span or (0, 0))


@dataclass(frozen=True, slots=True)
class Shown:
    """A cue shows ``text`` from ``at_ms`` on; "" when it is deleted.

    at_ms: when it was observed: given by the engine, received, or painted.
    settled: number of code points of the text that will not change any more.
    start_ms, end_ms: the cue's own times.
    heard_ms: end of the audio behind this text. said_ms: when the engine gave it; sent_ms: when the
    bot sent it; received_ms, painted_ms: when a page received it and showed it.
    lines: the cue's whole text in the page's lines; None if not observed.
    """

    at_ms: int
    cue: str
    text: str
    speaker: str = ""
    state: State = "open"
    settled: int = 0
    start_ms: int | None = None
    end_ms: int | None = None
    heard_ms: int | None = None
    said_ms: int | None = None
    sent_ms: int | None = None
    received_ms: int | None = None
    painted_ms: int | None = None
    lines: tuple[str, ...] | None = None

    def update(self) -> Update:
        """Convert for the measures."""
        return Update(self.at_ms, self.cue, None if self.state == "deleted" else self.text)


@dataclass(frozen=True, slots=True)
class Observation:
    """One clip: its reference, and what was shown.

    id: the clip's name in reports and for pairing two runs; with ``condition`` it is unique.
    path: of the audio, as in the corpus, absolute or relative to the working folder of the run;
    audio: of what was played, relative to the run's folder, if it differs from that file.
    offset_ms: where in that audio the clip begins.
    columns: everything else that the corpus says about it: accent, sex, device, …
    fast: not played in real time, so there are no delays to measure.
    until_ms: how long it was observed.
    vtt_problems: violations of WebVTT in the captions; None if not checked.
    left_out: one sentence for each part of the clip that could not be used.
    page: the cost of the captions for their page, by its own clock (``browser.Measures``): lists of
    ms by name; empty if there was no page.
    error: why the whole clip was left out, starting with its place in the corpus or its name; its
    measures are not taken then.
    """

    id: str
    language: str
    seconds: float
    reference: tuple[Turn, ...]
    shown: tuple[Shown, ...]
    through: Through
    path: str = ""
    audio: str | None = None
    offset_ms: int = 0
    condition: str = "clean"
    columns: Mapping[str, str] = field(default_factory=dict)
    word_times: WordTimes | None = None
    fast: bool = False
    until_ms: int | None = None
    vtt_problems: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    page: Mapping[str, Sequence[float]] = field(default_factory=dict)
    error: str | None = None
    version: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the figures of a run may mislead. name: of its sentence in [doubt] of eval/templates."""

    name: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """How a run was made, so that it can be repeated.

    command: as typed. started: ISO 8601, UTC. versions: of packages and programs; machine:
    processor, memory, system; settings: all choices; left_out: rows of the corpus
    without a clip, each as a sentence with file and line. repairs: of files. doubts: on figures.
    product: whose captions were measured; "" if nobody said it.
    load: average_at_start and average_at_end: load averages over a minute; others: the share of the
    processors that other work took in between; each the worst of the parts of a resumed run. Empty
    if nothing was played.
    """

    command: str = ""
    started: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    repairs: tuple[Mending, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    product: str = ""
    load: Mapping[str, float] = field(default_factory=dict)
    version: Literal[1] = 1


_RUN, _OBSERVATION = TypeAdapter(Run), TypeAdapter(Observation)


def write_run(folder: Path, run: Run) -> None:
    """Create a run's folder, or record what has changed. Raises ObservationError."""
    write_files({folder / "run.json": _json(_RUN, run)})


def read_run(folder: Path) -> Run:
    """Raises ObservationError."""
    _must_hold_a_run(folder)
    return _read(_RUN, folder / "run.json")


def write_observation(folder: Path, number: int, observation: Observation) -> None:
    """Write clip ``number`` (from 1) of a run atomically. Raises ObservationError."""
    write_files({_clip_file(folder, number): _json(_OBSERVATION, observation)})


def write_all(folder: Path, run: Run, clips: Sequence[Observation]) -> None:
    """Write a whole run at once, replacing an earlier one. Raises ObservationError."""
    files = {_clip_file(folder, number): clip for number, clip in enumerate(clips, start=1)}
    write_files({path: _json(_OBSERVATION, clip) for path, clip in files.items()})
    for path in (folder / "clips").glob("*.json"):
        if path not in files:
            path.unlink()
    write_run(folder, run)


def _clip_file(folder: Path, number: int) -> Path:
    return folder / "clips" / f"{number:04}.json"


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write all of them or none. Raises ObservationError."""
    try:
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
        atomic_file.write_files(files)
    except OSError as error:
        raise ObservationError(
            f"{error.filename}: cannot be written ({error.strerror}); what was there before is as"
            " it was. Make room, or choose another folder, and give the same command again"
        ) from error


def observed(folder: Path) -> dict[int, Observation]:
    """Read the existing clips of a run, by number. Raises ObservationError."""
    return {int(path.stem): read_observation(path) for path in _clip_files(folder)}


def read_observation(path: Path) -> Observation:
    """Read one clip's file. Raises ObservationError."""
    return _read(_OBSERVATION, path)


def _must_hold_a_run(folder: Path) -> None:
    if not (folder / "run.json").is_file():
        raise ObservationError(
            f"{folder}: holds no run (no run.json); give the folder that `caption-eval run` wrote"
        )


def _clip_files(folder: Path) -> Iterator[Path]:
    _must_hold_a_run(folder)
    found = (path for path in (folder / "clips").glob("*.json") if path.stem.isdecimal())
    yield from sorted(found, key=lambda path: int(path.stem))


def _json(kind: TypeAdapter[T], thing: T) -> bytes:
    return kind.dump_json(thing, exclude_none=True) + b"\n"


def _read(kind: TypeAdapter[T], path: Path) -> T:
    try:
        return kind.validate_json(path.read_bytes(), strict=True, extra="forbid")
    except OSError as error:
        raise ObservationError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first, *_ = error.errors()
        if any(one["loc"] == ("version",) for one in error.errors()):
            raise ObservationError(
                f"{path}: was not written by this version of caption-eval (it reads version "
                f"{VERSION}); measure again, or use the version that wrote it"
            ) from error
        place = ".".join(map(str, first["loc"]))
        raise ObservationError(
            f"{path}: is not what a run writes ({place} {first['msg']}); measure it again"
        ) from error
