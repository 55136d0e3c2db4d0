"""Reads transcripts and caption files of all common formats: who said what, and when.

A malformed line does not make a file unusable: it is mended and counted, or left out and reported
with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from eval.corpus.cue_files import Block, is_timing, read_cues
from eval.corpus.layouts.plain_text import read_text_transcript
from eval.corpus.layouts.word_documents import paragraphs
from eval.corpus.nist_formats import read_ctm, read_rttm, read_stm
from eval.corpus.recogniser_output import is_table, read_json, read_table
from eval.corpus.repeated_text import mended
from eval.corpus.sounds import without_sounds
from eval.corpus.spoken_words import Turn
from eval.corpus.subtitle_formats import read_microdvd, read_sami, read_substation
from eval.corpus.textgrid import read_textgrid
from eval.corpus.transcript import (
    AS_THE_FILE_SUGGESTS,
    Choices,
    FormatError,
    Found,
    Label,
    Mending,
    Repair,
    Repaired,
    Segment,
    Skipped,
    Transcript,
)
from eval.corpus.xml_captions import read_xml

Events = Iterator[tuple[int, Block | Repaired | Skipped]]


Reader = Callable[[str, Choices], Found]


def _captions(read: Callable[[str], Events]) -> Reader:
    """Make segments of the captions of a file, after mending what concerns several of them."""

    def found(text: str, choices: Choices) -> Found:
        blocks: list[Block] = []
        for line, event in read(text):
            if isinstance(event, Block):
                blocks.append(event)
            else:
                yield line, event
        blocks, repairs = mended(blocks, choices)
        yield from repairs
        for block in blocks:
            said, lines = " ".join(block.text.split()), tuple(block.text.split("\n"))
            span = block.start_ms, block.end_ms
            yield block.line, Segment(said, block.speaker, *span, block.words, "", lines, block.id)

    return found


def _certain(read: Callable[[str], Found]) -> Reader:
    """Make a reader of one for a format that leaves nothing to choose."""
    return lambda text, _: read(text)


_cues = _captions(read_cues)
_xml = _captions(read_xml)
_json = _certain(read_json)
_table = _certain(read_table)

READERS: Mapping[str, Reader] = {
    ".txt": read_text_transcript,
    ".vtt": _cues,
    ".srt": _cues,
    ".sbv": _cues,
    ".ass": _captions(read_substation),
    ".ssa": _captions(read_substation),
    ".ttml": _xml,
    ".dfxp": _xml,
    ".xml": _xml,
    ".smi": _captions(read_sami),
    ".sub": _captions(read_microdvd),
    ".json": _json,
    ".json3": _json,
    ".tsv": _table,
    ".csv": _table,
    ".lrc": read_text_transcript,
    ".docx": read_text_transcript,
    ".md": read_text_transcript,
    ".html": read_text_transcript,
    ".htm": read_text_transcript,
    ".stm": _certain(read_stm),
    ".ctm": _certain(read_ctm),
    ".textgrid": _certain(read_textgrid),
    ".rttm": _certain(read_rttm),
}
"""Readers by the ending of a file."""

_LONG_BLANK = re.compile(r"([^\S\n]{100})[^\S\n]+")
"""Blanks of which readers need no more to tell columns."""
_ZIPPED = b"PK\x03\x04"
_ENCODINGS = {"cp1252": 2, "latin-1": 2, "mac_roman": 1, "cp850": 1}
"""How likely an encoding is; latin-1 decodes every byte."""
_WESTERN = "àâäáãåæçéèêëíìîïñóòôöõøœúùûüßÀÂÄÇÉÈÊÎÔÖÙÛÜŒ¿¡«»‘’“”–—…€°™½\xa0"
_NOT_TEXT = {
    b"%PDF": "is a PDF; save the transcript as text (.txt) or captions (.vtt, .srt)",
    b"{\\rtf": "is RTF; save it as text (.txt) or as a Word document (.docx)",
    b"\xd0\xcf\x11\xe0": "is an old Word document; save it as text (.txt) or as .docx",
    b"ooBinaryFile": "is a binary TextGrid; save it as text from Praat",
}


def read_text(path: Path) -> tuple[str, list[str]]:
    """A file's text with "\\n" line ends, and any problem with its encoding.

    Raises FormatError.
    """
    text, events = _decoded(_content(path), path)
    return text, [f"{path}: {_ABOUT[one.repair].format(one.detail)}" for one in events]


_ABOUT = {
    Repair.ENCODING: "is not UTF-8; read as {}",
    Repair.DAMAGE: "is damaged {}; what is no text in it reads \N{REPLACEMENT CHARACTER}",
    Repair.LINE_ENDS: "line ends are doubled (CR CR LF)",
}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error


def _decoded(content: bytes, path: Path) -> tuple[str, list[Repaired]]:
    """Decode by the byte order mark, as UTF-8, or else by what fits best; unpack Word's files."""
    if content.startswith(_ZIPPED):
        content = paragraphs(content, str(path)).encode()
    for begin, why in _NOT_TEXT.items():
        if content.startswith(begin):
            raise FormatError(f"{path}: {why}")
    text, odd = _text_of(content)
    if "\0" in text:
        raise FormatError(f"{path}: is not a text file; export the captions as .vtt or .srt")
    repairs = [odd] if odd else []
    if "\r\r\n" in text:
        repairs.append(Repaired(Repair.LINE_ENDS))
        text = text.replace("\r\r\n", "\n")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    return _LONG_BLANK.sub(r"\1", text), repairs


def _text_of(content: bytes) -> tuple[str, Repaired | None]:
    """Return the text, and whether its encoding had to be guessed or is damaged."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" not in content:
        content = content[2:]  # a mark that does not belong to it
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
        lost = "\N{REPLACEMENT CHARACTER}" in text
        return text, Repaired(Repair.DAMAGE, "UTF-16") if lost else None
    for encoding, odd in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros = content[odd::2].count(0)
        if len(content) > 3 and zeros > 0.4 * len(content) / 2:
            text = content.decode(encoding, errors="replace")
            return text, Repaired(Repair.ENCODING, "UTF-16")
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        pass
    text = content.decode("utf-8-sig", errors="replace")
    whole = len(re.findall("[\u0080-\ufffc]", text))
    if whole > text.count("\N{REPLACEMENT CHARACTER}"):
        return text, Repaired(Repair.DAMAGE, "UTF-8")
    encoding = max(_ENCODINGS, key=lambda encoding: _usual(content, encoding))
    return content.decode(encoding), Repaired(Repair.ENCODING, encoding)


def _usual(content: bytes, encoding: str) -> int:
    """Return how well content reads in an encoding, by the letters of Western languages."""
    try:
        return _ENCODINGS[encoding] * sum(map(content.decode(encoding).count, _WESTERN))
    except UnicodeDecodeError:
        return -1


def _reader(suffix: str, text: str) -> tuple[Reader, Repaired | None]:
    """Choose the reader by the ending, or by the content where it is certainly another format."""
    own = READERS[suffix]
    found = _by_content(text)
    if found is None or READERS[found] is own or suffix in (".stm", ".ctm", ".rttm"):
        return own, None
    return READERS[found], Repaired(Repair.CONTENT, found)


def _by_content(text: str) -> str | None:
    begin = text.lstrip()[:400]
    if begin.startswith("WEBVTT"):
        return ".vtt"
    if re.match(r"\[script info\]", begin, re.IGNORECASE):
        return ".ass"
    if re.match(r"<sami\b", begin, re.IGNORECASE):
        return ".smi"
    if re.match(r"(?:<\?xml[^>]*>\s*)?<(?:[\w]+:)?(?:tt|timedtext|transcript)\b", begin):
        return ".ttml"
    if re.match(r'File type = "ooTextFile|"ooTextFile|"Praat chrono', begin):
        return ".textgrid"
    if re.match(r"\{\d+\}\{\d*\}", begin):
        return ".sub"
    if re.match(r"[\[{]\s*[\"{]", begin):
        return ".json"
    if is_table(text):
        return ".tsv"
    lines = [line for line in text.split("\n", 20)[:20] if line.strip()]
    return ".srt" if any(map(is_timing, lines)) else None


def read_transcript(path: Path, choices: Choices = AS_THE_FILE_SUGGESTS) -> Transcript:
    """Read a file of one of READERS, by its content and the ending of its name.

    The encoding is that of a BOM, UTF-8, or else what fits best (reported as a problem). All line
    endings are accepted. Raises FormatError.
    """
    if path.suffix.lower() not in READERS:
        raise FormatError(
            f"{path}: the ending {path.suffix!r} is unknown; give one of {', '.join(READERS)}"
        )
    return transcript_of(path, _content(path), choices)


def transcript_of(
    path: Path, content: bytes, choices: Choices = AS_THE_FILE_SUGGESTS
) -> Transcript:
    """Read the content of a file of that name. Raises FormatError."""
    text, odd = _decoded(content, path)
    suffix = path.suffix.lower()
    if content.startswith(_ZIPPED) and suffix != ".docx":
        suffix = ".docx"
        odd.append(Repaired(Repair.CONTENT, "read as .docx"))
    read, other = _reader(suffix, text)
    found = without_sounds(read(text, choices), choices.names)
    return _collected(path, text, found, [*odd, *([other] if other else [])])


_STRAY_TIMES = re.compile(r"\d:\d\d[.,]\d+\s*-->|-->\s*\d+:\d\d")


def _collected(path: Path, text: str, events: Found, odd: Iterable[Repaired]) -> Transcript:
    segments: list[Segment] = []
    problems: list[str] = []
    labels: list[Label] = []
    unread = 0
    repairs: dict[Repair, list[tuple[int, str]]] = {}
    for one in odd:
        repairs.setdefault(one.repair, []).append((0, one.detail))
    for number, found in events:
        match found:
            case Segment():
                segments.append(found)
                if _STRAY_TIMES.search(found.text or ""):
                    problems.append(f"{path}:{number}: holds times inside its text")
                    unread += 1
            case Skipped(why, lines):
                problems.append(f"{path}:{number}: {why}")
                unread += lines
            case Repaired(repair, detail):
                repairs.setdefault(repair, []).append((number, detail))
            case Label():
                labels.append(found)
    if text.strip() and not problems and all(one.text == "" for one in segments):
        problems.append(f"{path}: nothing that was said could be read in it")
    mendings = [
        Mending(
            str(path), repair, len(places), places[0][0],
            tuple(detail for detail in dict.fromkeys(detail for _, detail in places) if detail),
        )
        for repair, places in repairs.items()
    ]  # fmt: skip
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    return Transcript(
        tuple(segments), tuple(problems), tuple(mendings), lines, unread, tuple(labels)
    )


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
