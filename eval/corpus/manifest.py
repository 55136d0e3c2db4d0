"""Recorded speech with its transcript: what was said, when, and by whom."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from captioner.audio_file import duration_s, read_audio
from captioner.errors import ConfigurationError
from eval.corpus.spoken_words import RefWord, Turn
from eval.corpus.transcript import FormatError
from eval.corpus.transcript_formats import read_text, read_transcript, tsv_rows
from streaming.audio import Pcm
from streaming.recognizer import primary

MANIFEST = "manifest.tsv"
WORD_TIMES = "words.ctm"
COLUMNS = ("path", "lang", "transcript")
SPEAKER = "speaker"
"""The column that says who speaks, which nobody else of the corpus is."""

_LIBRISPEECH = re.compile(r"(\d+)-\d+-\d+")  # speaker, chapter, number: so its files are named


class CorpusError(ConfigurationError):
    """A corpus cannot be read. The message names file and line, and says what to do."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording. ``words`` is empty if word times are unknown.

    language: BCP 47. transcript: as its source spells it; ``eval.normalization`` makes it
    comparable.
    turns: who said what, if the corpus has it. microphones: the audio of each speaker, if each has
    a file; otherwise ``path`` has everybody. place: "file:line" in the corpus.
    columns: everything else that the corpus says about it.
    """

    path: Path
    language: str
    seconds: float
    transcript: str
    words: tuple[RefWord, ...] = ()
    name: str = ""
    turns: tuple[Turn, ...] = ()
    microphones: tuple[tuple[str, Path], ...] = ()
    place: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> tuple[Turn, ...]:
        """Return who said what; a single turn without a speaker if nothing else is known."""
        return self.turns or (Turn(self.transcript, words=self.words),)

    def audio(self, rate: int = 24_000) -> Pcm:
        """Return the audio: float32[samples] at ``rate`` Hz, mixed down to one channel.

        Raises ConfigurationError.
        """
        return read_audio(self.path, rate=rate)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What can be measured. left_out: a sentence with file and line for each part that cannot.

    not_chosen: a sentence for what was not requested, such as clips in another language.
    """

    clips: tuple[Clip, ...]
    left_out: tuple[str, ...] = ()
    not_chosen: tuple[str, ...] = ()


def read_corpus(source: Path, *, language: str = "en") -> list[Clip]:
    """Like ``survey_manifest``, but fail if anything is left out. Raises CorpusError."""
    corpus = survey_manifest(source, language=language)
    if corpus.left_out:
        raise CorpusError(corpus.left_out[0])
    return list(corpus.clips)


def survey_manifest(source: Path, *, language: str = "en") -> Corpus:
    """Return the clips of one language in a manifest, or in a folder with a manifest.tsv.

    A manifest is a table with a header and tab-separated columns: path (relative to the manifest),
    lang, transcript, optionally seconds and speaker, and any others. A words.ctm beside it has the
    word times: one line per word with path, channel, start and length in seconds, and the word
    (NIST CTM).

    Raises CorpusError if there is nothing to measure.
    """
    manifest = source / MANIFEST if source.is_dir() else source
    if not manifest.is_file():
        raise CorpusError(
            f"{manifest}: no such file; give a manifest, or a folder with a {MANIFEST} in it"
        )
    clips: list[Clip] = []
    others = Counter[str]()
    try:
        text, left_out = read_text(manifest)  # left out, such as an encoding that had to be guessed
        times = _read_ctm(manifest.with_name(WORD_TIMES), left_out)
    except FormatError as error:
        raise CorpusError(str(error)) from error
    for place, row in _rows(manifest, text):
        if row["lang"] and not _speaks(row["lang"], language):
            others[row["lang"]] += 1
            continue
        try:
            clips.append(_clip(place, row, manifest.parent, times))
        except CorpusError as error:
            left_out.append(str(error))
    if not clips and left_out:
        raise CorpusError(left_out[0])
    has = ", ".join(f"{name} ({count})" for name, count in sorted(others.items()))
    if not clips:
        has = has or "nothing"
        raise CorpusError(f"{manifest}: no clip in the language {language!r}; it has {has}")
    rest = f"{manifest}: clips in other languages than {language!r}, which was chosen: {has}"
    return Corpus(tuple(clips), tuple(left_out), (rest,) if others else ())


def _rows(manifest: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Return the rows of a manifest, each with "file:line"."""
    header = text.split("\n", 1)[0].split("\t")
    if missing := [name for name in COLUMNS if name not in header]:
        raise CorpusError(
            f"{manifest}: its first line lacks the column {missing[0]!r}; "
            f"name the columns {', '.join(COLUMNS)}, separated by tabs"
        )
    for line, row in tsv_rows(text):
        if any(row.values()):
            yield f"{manifest}:{line}", dict.fromkeys(COLUMNS, "") | row


def _speaks(theirs: str, asked: str) -> bool:
    """Return whether a clip is in the requested language: "en-GB" is in "en"."""
    return asked.lower() in (theirs.lower(), primary(theirs))


def _clip(place: str, row: dict[str, str], folder: Path, times: dict[str, list[RefWord]]) -> Clip:
    if row.pop("", ""):
        raise CorpusError(
            f"{place}: has more columns than the first line; is there a tab too many?"
        )
    if lacking := [name for name in COLUMNS if not row[name].strip()]:
        raise CorpusError(f"{place}: nothing in the column {lacking[0]!r}; fill it in")
    path = folder / row["path"]
    if not path.is_file():
        raise CorpusError(f"{place}: no file {path}; put it there or remove the row")
    try:
        seconds = float(row["seconds"]) if row.get("seconds") else seconds_of(path)
    except ValueError as error:
        raise CorpusError(f"{place}: {row['seconds']!r} is not a length in seconds") from error
    except ConfigurationError as error:
        raise CorpusError(f"{place}: {error}") from error
    columns = {k: v for k, v in row.items() if k not in (*COLUMNS, "seconds")}
    if not columns.get(SPEAKER) and (named := _LIBRISPEECH.fullmatch(path.stem)):
        columns[SPEAKER] = named[1]
    words = tuple(times.get(row["path"], ()))
    return Clip(
        path, row["lang"], seconds, row["transcript"], words,
        name=row["path"], place=place, columns=columns,
    )  # fmt: skip


def seconds_of(path: Path) -> float:
    """Return a recording's duration. Raises ConfigurationError."""
    if found := duration_s(path):
        return found
    return len(read_audio(path, rate=8_000)) / 8_000


def _read_ctm(path: Path, left_out: list[str]) -> dict[str, list[RefWord]]:
    """Return word times by the clip's path; none if there is no such file."""
    times: dict[str, list[RefWord]] = {}
    if not path.is_file():
        return times
    found = read_transcript(path)
    left_out += found.problems
    for segment in found.segments:
        times.setdefault(segment.recording, []).extend(segment.words)
    return times


# Charles Dickens, A Tale of Two Cities, 1859, its first sentence; public domain.
TWO_CITIES = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, "
    "it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, "
    "it was the season of Light, it was the season of Darkness, it was the spring of hope, "
    "it was the winter of despair, we had everything before us, we had nothing before us, "
    "we were all going direct to Heaven, we were all going direct the other way. In short, "
    "the period was so far like the present period, that some of its noisiest authorities "
    "insisted on its being received, for good or for evil, in the superlative degree of "
    "comparison only."
)
# Start and end of each of its words in the recording, in ms, by forced alignment with the acoustic
# model of pocketsphinx 5.1.1 (in steps of 10 ms; not corrected by hand).
_TWO_CITIES_TIMES = """
1170-1350 1350-1610 1610-1670 1670-2030 2030-2130 2130-2850 2960-3090 3090-3290 3290-3360
3360-3770 3770-3870 3870-4580 5010-5090 5090-5270 5270-5370 5370-5630 5630-5750 5750-6200
6660-6740 6740-6920 6920-7010 7010-7260 7260-7330 7330-8220 8800-8900 8900-9080 9080-9250
9250-9620 9620-9720 9720-10320 10750-10830 10830-11050 11050-11300 11300-11690 11690-11790
11790-12750 13460-13600 13600-13740 13740-13800 13800-14200 14200-14300 14300-14820
15120-15240 15240-15410 15410-15470 15470-15860 15860-15960 15960-16720 17550-17640
17640-17840 17840-17900 17900-18240 18240-18350 18350-18750 18970-19100 19100-19260
19260-19330 19330-19660 19660-19850 19850-20440 21230-21330 21330-21540 21540-21940
21940-22320 22320-22630 22630-22800 22800-22970 22970-23340 23340-23680 23680-24040
24630-24720 24720-24850 24850-24960 24960-25210 25210-25510 25510-25580 25580-25970
26560-26660 26660-26770 26770-26960 26960-27240 27240-27640 27640-27770 27770-27930
27930-28250 29100-29220 29220-29610 29900-29990 29990-30400 30400-30540 30540-30770
30770-31110 31110-31360 31360-31430 31430-31830 31830-32280 32660-32870 32870-33060
33060-33170 33170-33360 33360-33990 33990-34700 34700-35230 35230-35500 35500-35730
35730-36000 36000-36590 36890-37060 37060-37580 37580-37760 37760-37880 37880-38330
38690-38790 38790-38880 38880-39830 39830-40190 40190-40320 40320-41070 41140-41630
"""


def bundled_corpus() -> list[Clip]:
    """Return the recording that moonshine-voice contains: one reader, 44 s of English.

    Raises CorpusError if that package is not installed.
    """
    # Located without an import, which needs PortAudio.
    spec = find_spec("moonshine_voice")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "assets" / "two_cities.wav"
        if path.is_file():
            return [Clip(path, "en", seconds_of(path), TWO_CITIES, _two_cities_words(), path.name)]
    raise CorpusError(
        "the package moonshine-voice 0.0.73 with its recordings is not installed; "
        "install the project's requirements, or give a corpus of your own"
    )


def _two_cities_words() -> tuple[RefWord, ...]:
    spans = (tuple(map(int, span.split("-"))) for span in _TWO_CITIES_TIMES.split())
    return tuple(
        RefWord(word, start, end)
        for word, (start, end) in zip(TWO_CITIES.split(), spans, strict=True)
    )
