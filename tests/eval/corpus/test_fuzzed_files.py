"""Files of each tool with random faults: no traceback, and nothing lost in silence.

`make fuzz-captions` tries 100,000 of each format, `make test` some hundred.
"""

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval.corpus.transcript import FormatError, Repair, Transcript
from eval.corpus.transcript_formats import READERS, transcript_of
from eval.measures.clip_score import score
from eval.runs.from_files import compared

COUNT = int(os.environ.get("FUZZED_FILES", "200"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
FILES = sorted((Path(__file__).parent.parent / "files_of_tools").iterdir())
BY_LINE = {".vtt", ".srt", ".sbv", ".ass", ".ssa", ".sub", ".stm"}
SCORED = 50
"""One in so many is scored as well."""
TOKENS = [
    b"-->", b"\n\n", b"\n", b"\r", b"\r\r\n", b" ", b"\t", b"<", b">", b"</v>", b"<v ", b"{\\",
    b"}", b"{", b"&", b"&amp;", b"&#99999999999;", b'"', b"'", b"[", b"]", b":", b",", b".", b"0",
    b"9" * 400, b"-1", b"nan", b"1e999", b"infinity", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\xe2\x80",
    b"\xe2\x80\xa8", b"WEBVTT", b"NOTE\n", b"STYLE", b"00:00:01.000 --> 00:00:02.000\n", b"null",
    b"Dialogue: ", b"Format: Text\n", b"<ALT>", b"<br>", b"Note: ", b"0:00\n", b"<p>",
    b"<!DOCTYPE ",
]  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.randint(1, 12))
        lines = bytes(data).split(b"\n")
        line = chance.randrange(len(lines))
        match chance.randrange(9):
            case 0 if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = chance.choice(TOKENS)
            case 3:
                data[at:at] = data[at:end]
            case 4:
                del data[at:]
            case 5:
                del lines[line]
                data = bytearray(b"\n".join(lines))
            case 6:
                lines.insert(chance.randrange(len(lines)), lines[line])
                data = bytearray(b"\n".join(lines))
            case 7:
                lines[line] = chance.choice(TOKENS)
                data = bytearray(b"\n".join(lines))
            case _:
                other = chance.randrange(len(lines))
                lines[line], lines[other] = lines[other], lines[line]
                data = bytearray(b"\n".join(lines))
    return bytes(data)


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z]+", text)


def lost(path: Path, before: bytes, after: bytes, found: Transcript) -> Iterator[str]:
    """Lines of speech that are still there as they were, and of which no word was read."""
    said = {word for one in found.segments for word in words(one.text or "")}
    intact = {*before.decode("utf-8-sig").split("\n")}
    spoken = ("need", "people", "today", "plan", "good", "send")
    for line in after.decode("utf-8", errors="replace").split("\n"):
        known = [word for word in words(line) if word in spoken]
        if line in intact and known and not said & {*known}:
            yield line


COMMENTS = re.compile(rb"NOTE|;;|STYLE|REGION|Comment:|\{\\p|\\p1|\x00|<ALT|[<\[{]", re.IGNORECASE)


def check(path: Path, before: bytes, after: bytes) -> None:
    try:
        found = transcript_of(path, after)
    except FormatError:
        return
    for segment in found.segments:
        assert segment.text is not None
        assert segment.start_ms is None or 0 <= segment.start_ms <= (segment.end_ms or 0) < 10**11
        leaked = re.search(r"\d:\d\d[.,]\d{3}\s*-->|-->\s*\d\d:\d\d:\d\d", segment.text)
        assert not leaked or found.problems, segment.text
    if path.suffix in BY_LINE:
        gone = [line for line in lost(path, before, after, found) if not COMMENTS.search(after)]
        told = found.problems or any(one.repair is Repair.CONTENT for one in found.mendings)
        assert len(gone) * 100 <= found.lines or told, gone
    if not any(segment.text for segment in found.segments):
        assert found.problems or found.lines == 0


@pytest.mark.parametrize("ending", sorted({path.suffix for path in FILES}))
def test_a_damaged_file_is_read_or_named_and_never_a_traceback(ending: str, tmp_path: Path) -> None:
    assert ending.lower() in READERS
    chance = random.Random(f"{SEED}{ending}")
    seeds = [(path, path.read_bytes()) for path in FILES if path.suffix == ending]
    (tmp_path / "said.txt").write_text("We don't need nine people for this today.")
    for number in range(COUNT):
        path, before = seeds[number % len(seeds)]
        after = mutated(before, chance)
        try:
            check(path, before, after)
            if number % SCORED == 0:
                shown = tmp_path / path.name
                shown.write_bytes(after)
                for clip in compared(tmp_path / "said.txt", shown).clips:
                    score(clip)
        except FormatError:
            pass
        except Exception as error:
            raise AssertionError(f"file {number} of {path.name}: {after!r}") from error
