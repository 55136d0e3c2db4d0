"""Observations from files: a reference and the captions of any product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from eval.corpus.nist_formats import joined
from eval.corpus.speaker_names import matched
from eval.corpus.transcript import FormatError, Mending, Segment, Transcript
from eval.corpus.transcript_formats import READERS, read_text, read_transcript, turns_of
from eval.corpus.webvtt_check import check
from eval.measures.language import closest_language, likely_language
from eval.measures.offset import offset_ms
from eval.normalization.french import inclusive
from eval.normalization.mojibake import mojibake
from eval.observation import Doubt, Observation, Shown
from eval.runs.choices import read_pair
from eval.runs.clip_audio import check_sound
from eval.runs.passages import passages
from streaming.recognizer import primary

FEW = 20
"""Fewer recordings than this are cut into passages."""
NAMED = 6
"""The most names in one doubt."""
_DOCUMENTS = (".md", ".html", ".htm")
SHIFTED_MS = 3000
"""Captions that begin so much later or earlier than what they hold are said to."""
MANY = 2000
"""Segments by which a language is told."""
SOME_WORDS = 30
"""Words whose language should be told."""
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Compared:
    """The contents of two files or folders.

    left_out: a sentence for each unusable part. doubts: why figures may not be trusted.
    language: tags, separated by commas. cut: whether there are more clips than recordings.
    """

    clips: tuple[Observation, ...] = ()
    left_out: tuple[str, ...] = ()
    repairs: tuple[Mending, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    language: str = DEFAULT_LANGUAGE
    cut: bool = False


def compared(
    reference: Path, captions: Path, *, language: str | None = None, audio: Path | None = None
) -> Compared:
    """Read two files, or two folders whose files have the same names except for the suffix.

    language: what is spoken; told or guessed from the words if None. audio: of the one recording,
    for the report. Raises FormatError if nothing can be compared, and ConfigurationError if the
    audio is none.
    """
    if reference.is_dir() != captions.is_dir():
        raise FormatError(
            f"{reference} and {captions}: one is a folder, the other is not; give two files, or "
            "two folders with files of the same names"
        )
    reading = _Reading(language)
    pairs: list[tuple[Path, Path | None]] = [(reference, captions)]
    if reference.is_dir():
        pairs = list(_pairs(reference, captions, reading))
    if not any(theirs for _, theirs in pairs):
        reasons = "; ".join(reading.left_out[:3]) or "no file in both"
        raise FormatError(f"{reference} and {captions}: nothing to compare ({reasons})")
    read: list[tuple[Path, Path | None, Transcript, Transcript]] = []
    lost: list[str] = []
    for ours, theirs in pairs:
        try:
            read.append((ours, theirs, *_read(ours, theirs, reading)))
        except FormatError as error:
            if len(pairs) == 1:
                raise
            reading.left_out.append(str(error))
            lost.append(ours.stem)
    if lost:
        reading.doubt("unreadable", n=len(lost), names=_few(lost))
    spoken = reading.languages([(ours.stem, said, shown) for ours, _, said, shown in read])
    clips = [
        clip
        for one, tongue in zip(read, spoken, strict=True)
        for clip in _clips(*one, tongue, reading)
    ]
    if not clips:
        raise FormatError(
            f"{reference} and {captions}: nothing to compare ({'; '.join(reading.left_out[:3])})"
        )
    if audio:
        if len(clips) > 1:
            raise FormatError(
                f"{audio}: is the sound of one recording, and these are {len(clips)}; leave out"
                " --audio, or score one recording"
            )
        check_sound(audio)
        clips = [replace(clips[0], path=str(audio))]
    recordings = len(clips)
    if recordings < FEW:
        clips = [passage for clip in clips for passage in passages(clip)]
    return Compared(
        tuple(clips), tuple(reading.left_out), tuple(reading.repairs), reading.all_doubts(),
        ", ".join(sorted(set(spoken))), len(clips) > recordings,
    )  # fmt: skip


class _Reading:
    """What is said about the files while they are read. asked: the language, if it was given."""

    def __init__(self, asked: str | None) -> None:
        self.asked = asked
        self.left_out: list[str] = []
        self.repairs: list[Mending] = []
        self.doubts: list[Doubt] = []
        self.empty: list[str] = []
        self.foreign: dict[tuple[str, str], list[str]] = {}
        self.shifts: dict[str, dict[str, float]] = {}

    def doubt(self, name: str, **facts: object) -> None:
        self.doubts.append(Doubt(name, {key: str(value) for key, value in facts.items()}))

    def files(self, reference: Path, captions: Path | None) -> tuple[Transcript, Transcript]:
        """Read a reference and its captions, if there are any. Raises FormatError."""
        if captions is None:
            return self._noted(reference, read_transcript(reference)), Transcript()
        said, shown, doubts = read_pair(reference, captions)
        both = self._noted(reference, said), self._noted(captions, shown)
        self.doubts += doubts
        return both

    def _noted(self, path: Path, found: Transcript) -> Transcript:
        if found.unreadable:
            why = found.problems[0].removeprefix(f"{path}:")
            raise FormatError(
                f"{path}: can hardly be read at all (line {why}); save it again, as .vtt, .srt or"
                " .txt, with the program that made it"
            )
        self.left_out += found.problems
        self.repairs += found.mendings
        if found.doubtful:
            self.doubt("not_understood", file=path.name, n=found.unread, all=found.lines)
        if example := mojibake(_words(found.segments)):
            self.doubt("mojibake", file=path.name, shown=example[0], meant=example[1])
        return found

    def languages(self, read: Sequence[tuple[str, Transcript, Transcript]]) -> list[str]:
        """Return what is spoken in each: as asked, else by the words; and doubt what is unsure.

        read: names, references, captions, whose words tell the language of a short reference.
        """
        texts = [_words(said.segments[:MANY]) for _, said, _ in read]
        whole = " ".join(texts)
        likely, together = [likely_language(text) for text in texts], likely_language(whole)
        told = {one for one in (*likely, together) if one}
        if self.asked is not None:
            for other in sorted(told - {primary(self.asked)}):
                names = [name for (name, *_), one in zip(read, likely, strict=True) if one == other]
                names = names or [name for name, *_ in read]
                self.doubt("language_unlikely", asked=self.asked, likely=other, names=_few(names))
            return [self.asked] * len(read)
        guess = together or (min(told) if len(told) == 1 else None)
        rest = guess or (not told and closest_language(whole)) or DEFAULT_LANGUAGE
        short = [len(text.split()) < SOME_WORDS for text in texts]
        unsure = [
            name
            for (name, *_), one, few in zip(read, likely, short, strict=True)
            if one is None and not few
        ]
        if not told and len(whole.split()) >= SOME_WORDS:
            self.doubt("language_unknown", likely=rest)
        elif unsure and len(told) > 1:
            self.doubt("languages_unknown", names=_few(unsure), likely=rest)
        return [
            one or (few and likely_language(_words(shown.segments[:MANY]))) or rest
            for (_, _, shown), one, few in zip(read, likely, short, strict=True)
        ]

    def tongues(self, name: str, sides: tuple[Sequence[Segment], Sequence[Segment]]) -> None:
        """Note captions in another language than what is said, where both are certain."""
        said, shown = (likely_language(_words(side[:MANY])) for side in sides)
        spoken = said or (self.asked and primary(self.asked))
        if spoken and shown and shown != spoken:
            self.foreign.setdefault((spoken, shown), []).append(name)

    def all_doubts(self) -> tuple[Doubt, ...]:
        """Return them with those of several recordings, each once."""
        if self.empty:
            self.doubt("no_reference", names=_few(self.empty))
        for (spoken, likely), names in self.foreign.items():
            self.doubt("captions_language", names=_few(names), spoken=spoken, likely=likely)
        for name, recordings in self.shifts.items():
            self.doubt(name, names=_few(list(recordings)), s=median(recordings.values()))
        return tuple(self.doubts)


def _words(segments: Sequence[Segment]) -> str:
    return " ".join(one.text or "" for one in segments)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _pairs(ours: Path, theirs: Path, reading: _Reading) -> Iterator[tuple[Path, Path | None]]:
    """Pair files by name, "talk.txt" also with "talk.en.vtt"; a reference may have no captions."""
    captions: dict[str, Path] = {}
    for path in _transcripts(theirs, ours):
        if path.stem in captions:
            reading.left_out.append(f"{path}: not used; {captions[path.stem].name} is of that name")
        captions.setdefault(path.stem, path)
    for path in _transcripts(ours, theirs):
        like = [name for name in captions if name.partition(".")[0] == path.stem]
        name = path.stem if path.stem in captions else like[0] if len(like) == 1 else None
        yield path, captions.pop(name) if name is not None else None
    reading.left_out += (f"{p}: no reference of that name in {ours}" for p in captions.values())


def _transcripts(folder: Path, other: Path) -> list[Path]:
    """Return its transcripts; documents may be notes, unless the other folder has their name."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in READERS)
    names = {path.stem for path in other.iterdir()}
    return [path for path in files if path.suffix.lower() not in _DOCUMENTS or path.stem in names]


def _read(
    reference: Path, captions: Path | None, reading: _Reading
) -> tuple[Transcript, Transcript]:
    """Read reference and captions; captions that are not there are empty."""
    said, shown = reading.files(reference, captions)
    if all(segment.text is None for segment in said.segments) and said.segments:
        raise FormatError(f"{reference}: holds no words to compare with; give a transcript")
    if not any(segment.text for segment in said.segments):
        reading.empty.append(reference.name)
        reading.left_out.append(
            f"{reference}:1: holds no words, so word errors are not counted; if somebody speaks in"
            " this recording, write down what is said"
        )
    return said, shown


def _clips(
    reference: Path,
    captions: Path | None,
    said: Transcript,
    shown: Transcript,
    language: str,
    reading: _Reading,
) -> Iterator[Observation]:
    """Return a clip for each recording in the reference."""
    problems = None
    if captions and captions.suffix.lower() == ".vtt":
        problems = tuple(f"{captions}:{n}: {why}" for n, why in check(read_text(captions)[0]))
    for name, ours, theirs in _recordings(said, shown, captions, reading):
        title = name or reference.stem
        if any(one.text for one in ours) and not any(one.text for one in theirs):
            reading.doubt("no_captions", recording=title)
        reading.tongues(title, (ours, theirs))
        words = _words(ours)
        unheard = inclusive(words) if primary(language) == "fr" else []
        if 100 * len(unheard) > len(words.split()):
            reading.doubt("inclusive", names=_few(list(dict.fromkeys(unheard))), n=len(unheard))
        clip = _clip(title, ours, _renamed(ours, theirs, reading), language, problems)
        if abs(ms := offset_ms(clip) or 0) > SHIFTED_MS:
            reading.shifts.setdefault("late" if ms > 0 else "early", {})[title] = abs(ms) / 1000
        yield clip
        problems = None  # of the file, not of each recording in it


def _recordings(
    said: Transcript, shown: Transcript, captions: Path | None, reading: _Reading
) -> Iterator[tuple[str, Sequence[Segment], Sequence[Segment]]]:
    """Pair recordings by name; where one side names none, or both have one, there is one."""
    ours, theirs = (_by_recording(transcript.segments) for transcript in (said, shown))
    alone = len(ours) <= 1 and len(theirs) <= 1
    if alone or "" in ours or "" in theirs:
        if max(len(ours), len(theirs)) > 1:
            reading.doubt("joined", n=max(len(ours), len(theirs)))
        yield "", joined(said.segments), joined(shown.segments)
        return
    yield from ((name, segments, theirs.pop(name, ())) for name, segments in ours.items())
    reading.left_out += (f"{captions}: no reference for the recording {name!r}" for name in theirs)


def _by_recording(segments: Sequence[Segment]) -> dict[str, list[Segment]]:
    """Group segments by recording, named with or without folder and suffix."""
    found: dict[str, list[Segment]] = {}
    for segment in segments:
        name = segment.recording
        found.setdefault(Path(name).stem if name else "", []).append(segment)
    return found


def _renamed(
    said: Sequence[Segment], shown: Sequence[Segment], reading: _Reading
) -> Sequence[Segment]:
    """Give captions the names that the reference has for the same people."""
    ours = {segment.speaker for segment in said}
    same = matched(ours, [segment.speaker for segment in shown])
    strange = {segment.speaker for segment in shown} - same.keys() - {""}
    if len(ours) > 1 and same and strange:
        reading.doubt("names_differ", names=_few(sorted(strange)))
    return [replace(one, speaker=same.get(one.speaker, one.speaker)) for one in shown]


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
