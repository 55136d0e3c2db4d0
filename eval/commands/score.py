"""``caption-eval score``: captions of any product against a reference.

One long recording is cut where reference and captions certainly agree, so that resampling the
passages gives an interval for each figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path

import click

from eval.commands.plain_errors import plainly
from eval.corpus.caption_files import check
from eval.corpus.spoken_words import Turn
from eval.corpus.transcript_formats import (
    READERS,
    FormatError,
    Segment,
    Transcript,
    read_text,
    read_transcript,
    turns_of,
)
from eval.measures.accuracy import wer_of_long
from eval.normalization.normalize import word_key
from eval.observation import Observation, Shown, in_order, write_all
from eval.report.conclude import ReportOptions, conclude, report_options
from eval.runs.machine import this_run

PASSAGE = 50
"""The least number of reference words in a passage."""
FILE = click.Path(path_type=Path)

FEW = 20
"""Fewer recordings than this are cut into passages."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The contents of two files or folders. left_out: a sentence for each unusable part.

    cut: whether there are more clips than recordings.
    """

    clips: tuple[Observation, ...] = ()
    left_out: tuple[str, ...] = ()
    cut: bool = False


@click.command()
@click.argument("reference", type=click.Path(path_type=Path, exists=True))
@click.argument("captions", type=click.Path(path_type=Path, exists=True))
@click.option("--language", default="en", show_default=True, help="What is spoken: en, fr, …")
@click.option(
    "--audio", type=click.Path(path_type=Path), help="The recording, to be heard in the report."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A folder for report.html, results.json and clips.csv.",
)
@report_options
@plainly
def score(
    reference: Path,
    captions: Path,
    language: str,
    audio: Path | None,
    out: Path | None,
    report: ReportOptions,
) -> None:
    """Compare CAPTIONS of any product with a REFERENCE.

    Both are files (.vtt .srt .txt .stm .ctm .TextGrid), or folders with files of the same names.
    """
    found = compared(reference, captions, language=language, audio=audio)
    settings = {"reference": str(reference), "captions": str(captions), "language": language}
    if found.cut:
        settings["passages"] = str(len(found.clips))
    run = this_run(settings, left_out=found.left_out)
    if out is not None:
        write_all(out, run, found.clips)
    conclude(run, found.clips, out, report)


def compared(
    reference: Path, captions: Path, *, language: str, audio: Path | None = None
) -> Compared:
    """Read two files, or two folders whose files have the same names except for the suffix.

    audio: the audio of the one recording, for the report. Raises FormatError if nothing can be
    compared.
    """
    if reference.is_dir() != captions.is_dir():
        raise FormatError(
            f"{reference} and {captions}: one is a folder, the other is not; give two files, or "
            "two folders with files of the same names"
        )
    left_out: list[str] = []
    pairs = [(reference, captions)]
    if reference.is_dir():
        pairs = list(_pairs(reference, captions, left_out))
    clips: list[Observation] = []
    for ours, theirs in pairs:
        try:
            clips += _read(ours, theirs, language, left_out)
        except FormatError as error:
            if len(pairs) == 1:
                raise
            left_out.append(str(error))
    if not clips:
        reasons = "; ".join(left_out[:3])
        raise FormatError(f"{reference} and {captions}: nothing to compare ({reasons})")
    if audio and len(clips) == 1:
        clips = [replace(clips[0], path=str(audio))]
    recordings = len(clips)
    if recordings < FEW:
        clips = [passage for clip in clips for passage in passages(clip)]
    return Compared(tuple(clips), tuple(left_out), len(clips) > recordings)


def _pairs(ours: Path, theirs: Path, left_out: list[str]) -> Iterator[tuple[Path, Path]]:
    captions = {path.stem: path for path in _transcripts(theirs)}
    for path in _transcripts(ours):
        if path.stem in captions:
            yield path, captions.pop(path.stem)
        else:
            left_out.append(f"{path}: no captions of that name in {theirs}")
    left_out += (f"{path}: no reference of that name in {ours}" for path in captions.values())


def _transcripts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in READERS)


def _read(
    reference: Path, captions: Path, language: str, left_out: list[str]
) -> Iterator[Observation]:
    """Return a clip for each recording in the file."""
    said, shown = read_transcript(reference), read_transcript(captions)
    left_out += (*said.problems, *shown.problems)
    if all(segment.text is None for segment in said.segments):
        raise FormatError(f"{reference}: holds no words to compare with; give a transcript")
    if not any(segment.text for segment in said.segments):
        left_out.append(
            f"{reference}:1: holds no words, so word errors are not counted; if somebody speaks in"
            " this recording, write down what is said"
        )
    problems = None
    if captions.suffix.lower() == ".vtt":
        problems = tuple(f"{captions}:{n}: {why}" for n, why in check(read_text(captions)[0]))
    known = {segment.recording for segment in shown.segments}
    for name in dict.fromkeys(segment.recording for segment in said.segments):
        if name not in known and known != {""}:
            left_out.append(f"{reference}: no captions of {name!r} in {captions}")
            continue
        yield _clip(
            name or reference.stem, _only(said, name), _only(shown, name), language, problems
        )
        problems = None  # of the file, not of each recording in it


def _only(transcript: Transcript, name: str) -> list[Segment]:
    return [segment for segment in transcript.segments if segment.recording in ("", name)]


def _clip(
    name: str,
    said: Sequence[Segment],
    shown: Sequence[Segment],
    language: str,
    problems: tuple[str, ...] | None,
) -> Observation:
    changes = [
        Shown(
            at_ms=segment.start_ms or 0,
            cue=f"{number} {segment.cue}",  # ids of other products are not always unique
            text=segment.text or "",
            speaker=segment.speaker,
            state="closed",
            settled=len(segment.text or ""),
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
            lines=segment.lines if len(segment.lines) > 1 else None,
        )
        for number, segment in enumerate(shown)
    ]
    ends = [segment.end_ms or 0 for segment in (*said, *shown)]
    words = any(segment.words for segment in said)
    return Observation(
        id=name,
        language=language,
        seconds=max(ends, default=0) / 1000,
        reference=turns_of(said),
        shown=tuple(sorted(changes, key=lambda change: change.at_ms)),
        through="file",
        word_times="given" if words else None,
        fast=True,
        vtt_problems=problems,
    )


def passages(clip: Observation) -> list[Observation]:
    """Cut the clip where a caption begins with a correct word, every PASSAGE words or more.

    Each has a clock of its own, and its own captions and turns; a turn may be cut.
    """
    turns = in_order(clip.reference)
    # If times and words do not match one to one, they cannot be cut together.
    turns = [t if len(t.words) == len(t.text.split()) else replace(t, words=()) for t in turns]
    said = [(turn, n, word) for turn in turns for n, word in enumerate(turn.text.split())]
    spoken = [word for _, _, word in said]
    cuts = list(_cuts(spoken, clip.shown))
    if not cuts:
        return [clip]
    end = (len(said), len(clip.shown), round(clip.seconds * 1000))
    return [
        _passage(clip, said[a[0] : b[0]], clip.shown[a[1] : b[1]], (a[2], b[2]), number)
        for number, (a, b) in enumerate(pairwise([(0, 0, 0), *cuts, end]), start=1)
    ]


def _cuts(said: Sequence[str], shown: Sequence[Shown]) -> Iterator[tuple[int, int, int]]:
    """Count the reference words, captions and ms before each cut."""
    captions = [(n, word) for n, cue in enumerate(shown) for word in cue.text.split()]
    begins = {at for at, (n, _) in enumerate(captions) if at == 0 or captions[at - 1][0] != n}
    keys = [[word_key(word) for word in words] for words in (said, (w for _, w in captions))]
    i = j = last = 0
    for pair in wer_of_long(keys[0], keys[1]).alignment:
        right = pair.reference == pair.hypothesis
        if right and j in begins and i - last >= PASSAGE and len(said) - i >= PASSAGE:
            last = i
            yield i, captions[j][0], shown[captions[j][0]].start_ms or 0
        i += pair.reference is not None
        j += pair.hypothesis is not None


def _passage(
    clip: Observation,
    said: Sequence[tuple[Turn, int, str]],
    shown: Sequence[Shown],
    span: tuple[int, int],
    number: int,
) -> Observation:
    begin, end = span
    parts = ([*words] for _, words in groupby(said, key=lambda place: id(place[0])))
    at = f"{begin // 60_000}:{begin // 1000 % 60:02}" if end else f"part {number}"
    return replace(
        clip,
        id=f"{clip.id} {at}",
        seconds=max(end - begin, 0) / 1000,
        offset_ms=clip.offset_ms + begin,
        reference=tuple(_cut_turn(words, span) for words in parts),
        shown=tuple(
            replace(
                cue,
                at_ms=cue.at_ms - begin,
                start_ms=_moved(cue.start_ms, begin),
                end_ms=_moved(cue.end_ms, begin),
            )
            for cue in shown
        ),
        vtt_problems=clip.vtt_problems if number == 1 else None,
        left_out=clip.left_out if number == 1 else (),
    )


def _cut_turn(said: Sequence[tuple[Turn, int, str]], span: tuple[int, int]) -> Turn:
    """Return the words of one turn as (turn, index, word), on a clock that starts with the span."""
    (turn, first, _), (_, last, _) = said[0], said[-1]
    begin, end = span
    words = tuple(word.later(-begin) for word in turn.words[first : last + 1])
    start, stop = turn.start_ms, turn.end_ms
    if start is not None and stop is not None:
        start, stop = max(start, begin) - begin, min(stop, end) - begin
        stop = max(start, stop)
    return Turn(" ".join(word for _, _, word in said), turn.speaker, start, stop, words)


def _moved(ms: int | None, by: int) -> int | None:
    return None if ms is None else ms - by
