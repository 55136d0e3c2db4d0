"""Reads a corpus without a manifest: recordings of one or several voices beside transcripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from captioner.errors import ConfigurationError
from eval.corpus.manifest import MANIFEST, Clip, Corpus, CorpusError, seconds_of, survey_manifest
from eval.corpus.spoken_words import RefWord, Turn
from eval.corpus.transcript import FormatError, Segment
from eval.corpus.transcript_formats import read_transcript

SOUNDS = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".mp4", ".mkv", ".webm", ".aac"}

# Formats with speakers and times first, then text as written, then words alone, whose times are
# used in any case.
TEXTS = (".stm", ".vtt", ".srt", ".textgrid", ".docx", ".txt", ".ctm")
WHO = ".rttm"


def survey(source: Path, *, language: str = "en") -> Corpus:
    """Return what can be measured in a manifest, or in a folder with or without one.

    Without a manifest, every recording with a transcript of the same name is a clip in
    ``language``. A transcript without such a recording is a scene if there is one recording of each
    speaker: SCENE/SPEAKER.wav, or SCENE.SPEAKER.wav (also with "-" or "_").

    Raises CorpusError if there is nothing to measure.
    """
    if not source.is_dir() or (source / MANIFEST).is_file():
        return survey_manifest(source, language=language)
    clips: list[Clip] = []
    left_out: list[str] = []
    used: set[Path] = set()
    for texts in _transcripts(source):
        try:
            clip = _clip(source, texts, language, left_out)
        except (ConfigurationError, FormatError) as error:
            left_out.append(str(error))
            used |= {path for path in _siblings(texts[0]) if path.stem == texts[0].stem}
            continue
        clips.append(clip)
        used |= {path for _, path in clip.microphones} or {clip.path}
    for path in _sounds(source):
        if path not in used and not path.with_suffix("").name.startswith("."):
            left_out.append(
                f"{path}: no transcript beside it; write what is said into {path.stem}.txt"
            )
    if not clips:
        raise CorpusError(
            left_out[0] if left_out else f"{source}: neither a {MANIFEST} nor recordings in it"
        )
    return Corpus(tuple(clips), tuple(left_out))


def _sounds(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SOUNDS and path.is_file():
            yield path


def _transcripts(folder: Path) -> Iterator[list[Path]]:
    """Group files by name, each list in the order of TEXTS, with the .rttm last."""
    groups: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in (*TEXTS, WHO) and path.is_file():
            groups.setdefault(path.with_suffix(""), []).append(path)
    for group in groups.values():
        yield sorted(group, key=lambda path: (*TEXTS, WHO).index(path.suffix.lower()))


def _clip(source: Path, texts: Sequence[Path], language: str, left_out: list[str]) -> Clip:
    main = texts[0]
    if main.suffix.lower() == WHO:
        raise CorpusError(f"{main}: says who spoke, but no transcript beside it says what")
    segments = _read(main, left_out)
    if not any(segment.text for segment in segments):
        raise CorpusError(f"{main}: holds no words; write down what is said, or remove it")
    timed = next((p for p in texts[1:] if p.suffix.lower() in (".ctm", ".textgrid")), None)
    words = _words(segments) or (_words(_read(timed, left_out)) if timed else ())
    who = _read(texts[-1], left_out) if texts[-1].suffix.lower() == WHO else ()
    turns = _turns(segments, words, who)
    speakers = list(dict.fromkeys(turn.speaker for turn in turns if turn.speaker))
    if who and not speakers:
        left_out.append(
            f"{texts[-1]}: not used: nothing tells when the words of {main.name} were said;"
            f" give their times too, in {main.stem}.ctm"
        )
    whole = next((p for p in _siblings(main) if p.stem == main.stem), None)
    microphones = _microphones(main, speakers) if len(speakers) > 1 else ()
    if whole is None and not microphones:
        raise CorpusError(
            f"{main}: no recording {main.stem}.wav (or .flac, .ogg, .mp3 …) beside it"
        )
    path = whole or microphones[0][1]
    return Clip(
        path, language, max(map(seconds_of, [path, *(p for _, p in microphones)])),
        " ".join(turn.text for turn in turns), words,
        name=main.with_suffix("").relative_to(source).as_posix(),
        turns=tuple(turns) if len(turns) > 1 or speakers else (),
        microphones=microphones, place=str(main),
    )  # fmt: skip


def _read(path: Path, left_out: list[str]) -> tuple[Segment, ...]:
    """Select this recording's segments from a file that may contain several recordings."""
    found = read_transcript(path)
    left_out += found.problems
    mine = found.of(path.stem)
    return mine or (found.segments if len({s.recording for s in found.segments}) == 1 else ())


def _words(segments: Sequence[Segment]) -> tuple[RefWord, ...]:
    words = (word for segment in segments for word in segment.words)
    return tuple(sorted(words, key=lambda word: word.start_ms))


def _turns(
    segments: Sequence[Segment], words: Sequence[RefWord], who: Sequence[Segment]
) -> list[Turn]:
    """Return the transcript's turns or, for timed words alone, one per stretch of speech."""
    if all(len(s.words) == 1 and s.text == s.words[0].text for s in segments):
        spans = list(who) or [Segment(None, speaker) for speaker in _named(segments)]
        if who:
            return list(_by_span(spans, words))
        return [
            _told(name, [s for s in segments if s.speaker == name]) for name in _named(segments)
        ]
    if who and not any(segment.speaker for segment in segments):
        if all(segment.start_ms is not None for segment in segments):
            segments = [replace(one, speaker=_speaker(one, who)) for one in segments]
        elif words:
            return list(_by_span(who, _as_written(segments, words)))
    times = list(words) if not any(segment.words for segment in segments) else []
    turns: list[Turn] = []
    for one in segments:
        inside = [w for w in times if _inside(w, one)] if one.start_ms is not None else []
        turns.append(
            Turn(one.text or "", one.speaker, one.start_ms, one.end_ms, one.words or tuple(inside))
        )
    if len(turns) == 1 and times:
        turns = [Turn(turns[0].text, turns[0].speaker, words=tuple(times))]
    return turns


def _speaker(one: Segment, who: Sequence[Segment]) -> str:
    """Return the speaker of most of the span."""

    def shared(span: Segment) -> int:
        begin = max(one.start_ms or 0, span.start_ms or 0)
        return max(0, min(one.end_ms or 0, span.end_ms or 0) - begin)

    most = max(who, key=shared)
    return most.speaker if shared(most) else ""


def _as_written(segments: Sequence[Segment], words: Sequence[RefWord]) -> Sequence[RefWord]:
    """Spell timed words as the text does, if it has the same number of words."""
    said = " ".join(segment.text or "" for segment in segments).split()
    if len(said) != len(words):
        return words
    return [word._replace(text=text) for word, text in zip(words, said, strict=True)]


def _named(segments: Sequence[Segment]) -> list[str]:
    return list(dict.fromkeys(segment.speaker for segment in segments))


def _told(name: str, segments: Sequence[Segment]) -> Turn:
    said = _words(segments)
    return Turn(" ".join(w.text for w in said), name, said[0].start_ms, said[-1].end_ms, said)


def _by_span(spans: Sequence[Segment], words: Sequence[RefWord]) -> Iterator[Turn]:
    """Assign each word to the first span that contains its middle, if any."""
    left = list(words)
    for span in spans:
        mine = tuple(word for word in left if _inside(word, span))
        left = [word for word in left if not _inside(word, span)]
        if mine:
            text = " ".join(word.text for word in mine)
            yield Turn(text, span.speaker, span.start_ms, span.end_ms, mine)
    if left:
        yield Turn(" ".join(word.text for word in left), words=tuple(left))


def _inside(word: RefWord, span: Segment) -> bool:
    middle = (word.start_ms + word.end_ms) // 2
    return (span.start_ms or 0) <= middle <= (span.end_ms or 0)


def _siblings(main: Path) -> list[Path]:
    return [path for path in sorted(main.parent.iterdir()) if path.suffix.lower() in SOUNDS]


def _microphones(main: Path, speakers: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """Return the recording of each speaker, or nothing if one of them has none."""
    inside = main.with_suffix("")
    own = {path.stem: path for path in inside.iterdir()} if inside.is_dir() else {}
    beside = {path.stem: path for path in _siblings(main)}
    found: list[tuple[str, Path]] = []
    for speaker in speakers:
        names = [f"{main.stem}{sign}{speaker}" for sign in ".-_"]
        path = own.get(speaker) or next((beside[name] for name in names if name in beside), None)
        if path is None:
            return ()
        found.append((speaker, path))
    return tuple(found)
