"""Reads transcripts of all common formats: who said what, and when.

A malformed line does not make a file unusable: it is left out, and reported with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from eval.corpus.caption_files import Block, read_blocks, unrolled
from eval.corpus.spoken_words import RefWord, Turn
from eval.corpus.textgrid import intervals

# In this order; the last one decodes every byte.
ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")


class FormatError(Exception):
    """A file cannot be read. The message names it and says what to do."""


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
class Transcript:
    """The contents of a file. problems: what was left out, as "file:line: why"."""

    segments: tuple[Segment, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, recording: str) -> tuple[Segment, ...]:
        """Return the segments of one recording, named with or without folder and suffix."""
        stem = Path(recording).stem
        return tuple(s for s in self.segments if Path(s.recording).stem in ("", stem))


class BadLine(ValueError):
    """A line that cannot be used. The message says why."""


def read_text(path: Path) -> tuple[str, list[str]]:
    """A file's text with "\\n" line ends, and any problem with its encoding.

    Raises FormatError.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    problems = []
    text = ""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
        if "\N{REPLACEMENT CHARACTER}" in text:
            problems.append(
                f"{path}: is damaged UTF-16; what is no text in it reads \N{REPLACEMENT CHARACTER}"
            )
    else:
        for encoding in ENCODINGS:
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError:
                continue
            if encoding != "utf-8-sig":
                problems.append(f"{path}: is not UTF-8; read as {encoding}")
            break
    return text.replace("\r\n", "\n").replace("\r", "\n"), problems


Found = Iterator[tuple[int, Segment | str]]
"""Give line numbers with a segment, or with the problem."""


def _txt(text: str) -> Found:
    said = " ".join(text.split())
    yield 1, Segment(said)


_NAMED = re.compile(r"([^\W\d_][\w.'’ -]{0,39}):\s+(?=\S)")


def _captions(text: str) -> Found:
    """WebVTT and SubRip; mere violations of WebVTT's rules are not reported here.

    Some products write "Ann Lee: Hello" instead of a voice tag; this is recognised if almost all
    cues of a file have it.
    """
    blocks = list(read_blocks(text))
    if blocks and (fresh := unrolled(blocks)):
        blocks = fresh
        yield 1, "its captions roll up: lines that were there before are read once"
    named = sum(bool(not block.speaker and _NAMED.match(block.text)) for block in blocks)
    if len(blocks) > 2 and named >= 0.8 * len(blocks):
        blocks = [_with_name(block) for block in blocks]
    for block in blocks:
        if block.start_ms is None or block.end_ms is None:
            yield block.line, "no caption: its time line cannot be read"
        else:
            said, lines = " ".join(block.text.split()), tuple(block.text.split("\n"))
            span = block.start_ms, block.end_ms
            yield block.line, Segment(said, block.speaker, *span, block.words, "", lines, block.id)


def _with_name(block: Block) -> Block:
    match = _NAMED.match(block.text)
    return replace(block, speaker=match[1], text=block.text[match.end() :]) if match else block


def _by_line(parse: Callable[[str], Segment | None]) -> Callable[[str], Found]:
    def read(text: str) -> Found:
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip() or line.startswith(";;"):  # comments in NIST's formats
                continue
            try:
                if segment := parse(line):
                    yield number, segment
            except BadLine as error:
                yield number, str(error)

    return read


def _stm_line(line: str) -> Segment:
    """NIST STM: recording channel speaker start end [<label>] text."""
    parts = line.split(maxsplit=5)
    if len(parts) < 5:
        raise BadLine("expected recording, channel, speaker, start, end and text")
    recording, _, speaker, start, end = parts[:5]
    text = re.sub(r"^<[^>]*>\s*", "", parts[5]) if len(parts) > 5 else ""
    if text.upper() == "IGNORE_TIME_SEGMENT_IN_SCORING":
        raise BadLine("to be ignored in scoring, it says")
    begin, stop = _span(start, end)
    return Segment(" ".join(text.split()), speaker, begin, stop, recording=recording)


def ctm_line(line: str) -> Segment:
    """NIST CTM: recording channel start length word [confidence]. Raises BadLine."""
    # Split from the right, because the name of the recording may contain spaces.
    for fields in (5, 6):
        match line.rsplit(maxsplit=fields - 1):
            case [recording, _, start, length, word, *_]:
                try:
                    begin = float(start)
                    end = begin + float(length)
                except ValueError:
                    continue
                said = RefWord(word, round(begin * 1000), round(end * 1000))
                return Segment(word, "", said.start_ms, said.end_ms, (said,), recording)
    raise BadLine("expected path, channel, start, length and word; start and length in seconds")


def _rttm_line(line: str) -> Segment | None:
    """NIST RTTM: SPEAKER recording channel start length <NA> <NA> speaker …"""
    parts = line.split()
    if parts[0] != "SPEAKER":
        return None
    if len(parts) < 8:
        raise BadLine("expected SPEAKER, recording, channel, start, length, <NA>, <NA>, speaker")
    start = _seconds(parts[3])
    begin, end = round(start * 1000), round((start + _seconds(parts[4])) * 1000)
    return Segment(None, parts[7], begin, end, recording=parts[1])


def _textgrid(text: str) -> Found:
    """Praat: a tier named "words" or "… - words" has words, any other has a speaker's turns."""
    try:
        found = list(intervals(text))
    except ValueError as error:
        yield 1, f"is not a TextGrid in Praat's long or short text format ({error})"
        return
    for line, tier, start_ms, end_ms, said in found:
        speaker, is_words = _tier(tier)
        if said.strip() and tier.lower() not in ("phones", "phonemes"):
            words = (RefWord(said.strip(), start_ms, end_ms),) if is_words else ()
            yield line, Segment(" ".join(said.split()), speaker, start_ms, end_ms, words)


def _tier(name: str) -> tuple[str, bool]:
    """Return the speaker in a tier's name, and whether its intervals are words."""
    match = re.fullmatch(r"(?:(.*?)\s*[-–_:]\s*)?(words?|mots?)", name.strip(), re.IGNORECASE)
    return (match[1] or "", True) if match else (name.strip(), False)


def _span(start: str, end: str) -> tuple[int, int]:
    begin, stop = _seconds(start), _seconds(end)
    if stop < begin:
        raise BadLine(f"ends ({end}) before it starts ({start})")
    return round(begin * 1000), round(stop * 1000)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadLine(f"{text!r} is not a time in seconds") from error


READERS: Mapping[str, Callable[[str], Found]] = {
    ".txt": _txt,
    ".vtt": _captions,
    ".srt": _captions,
    ".stm": _by_line(_stm_line),
    ".ctm": _by_line(ctm_line),
    ".textgrid": _textgrid,
    ".rttm": _by_line(_rttm_line),
}


def turns_of(segments: Iterable[Segment]) -> tuple[Turn, ...]:
    """Return the segments as turns; a speaker's words within TURN_MS of each other become one turn.

    Segments without text are left out, because they only say who spoke when.
    """
    turns: list[Turn] = []
    for segment in segments:
        if segment.text is None:
            continue
        last = turns[-1] if turns else None
        if last and len(segment.words) == 1 and last.words and _follows(last, segment):
            turns[-1] = replace(
                last,
                text=f"{last.text} {segment.text}",
                end_ms=segment.end_ms,
                words=last.words + segment.words,
            )
        else:
            turns.append(
                Turn(segment.text, segment.speaker, segment.start_ms, segment.end_ms, segment.words)
            )
    return tuple(turns)


TURN_MS = 800


def _follows(turn: Turn, segment: Segment) -> bool:
    return (
        turn.speaker == segment.speaker
        and turn.end_ms is not None
        and segment.start_ms is not None
        and segment.start_ms - turn.end_ms < TURN_MS
    )


def tsv_rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Return the rows of a tab-separated table with a header, with their line numbers.

    The column "" has values beyond the columns of the header.
    """
    header, *lines = text.split("\n")
    names = header.split("\t")
    for number, line in enumerate(lines, start=2):
        fields = line.split("\t")
        yield number, dict(zip(names, fields, strict=False)) | {"": "".join(fields[len(names) :])}


def read_transcript(path: Path) -> Transcript:
    """Read .txt, .vtt, .srt, .stm, .ctm, .TextGrid or .rttm, by the file's suffix.

    The encoding is that of a BOM, UTF-8, or else Windows-1252 (reported as a problem). All line
    endings are accepted. Raises FormatError.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise FormatError(
            f"{path}: the ending {path.suffix!r} is unknown; give one of {', '.join(READERS)}"
        )
    text, problems = read_text(path)
    segments: list[Segment] = []
    for number, found in reader(text):
        if isinstance(found, Segment):
            segments.append(found)
        else:
            problems.append(f"{path}:{number}: {found}")
    return Transcript(tuple(segments), tuple(problems))
