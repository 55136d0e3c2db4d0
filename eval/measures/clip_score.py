"""Scores one clip: its contribution to every figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from eval.corpus.spoken_words import Turn
from eval.measures.accuracy import WordErrors, cer, wer_of_long
from eval.measures.attribution import NoAttribution, Utterance, attribution
from eval.measures.clip_times import Times, scored_times
from eval.measures.error_kinds import FUNCTION_WORDS, KINDS, is_cased, kinds, names_in, spelling
from eval.normalization.normalize import NoNormalizer, normalizer_of
from eval.observation import Observation, Shown, in_order
from streaming.recognizer import primary

_LONG_CER = 4000  # words; longer ones are aligned by words alone


@dataclass(frozen=True, slots=True)
class Score:
    """A scored clip. ``sums`` and ``values``: by the names in ``eval.measures.catalogue``.

    speakers: word errors and words of each speaker whom reference and captions name equally.
    errors: the counts behind the word error rate, or None without a reference.
    """

    clip: Observation
    sums: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    values: Mapping[str, Sequence[float]] = field(default_factory=dict)
    speakers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    errors: WordErrors | None = None
    left_out: tuple[str, ...] = ()

    @property
    def words(self) -> int:
        """The number of reference words, as far as they could be compared."""
        return self.errors.reference_words if self.errors else 0


_NAMES = {"path", "seconds", "transcript", "source", "licence", "license", "lang", "id"}


def columns_of(scores: Sequence[Score]) -> list[str]:
    """The columns that group clips: condition, language, and those of the corpus."""
    known = dict.fromkeys(name for one in scores for name in one.clip.columns)
    return ["condition", "language", *(name for name in known if name not in _NAMES)]


def value_in(column: str, clip: Observation) -> str:
    """Return the clip's group; "" if the corpus has no value."""
    match column:
        case "condition":
            return clip.condition
        case "language":
            return clip.language
    return clip.columns.get(column, "")


@dataclass(frozen=True, slots=True)
class ScoredCue:
    """A cue's final state. Its own times, or else those of its first and last change."""

    speaker: str
    text: str
    start_ms: int
    end_ms: int
    lines: tuple[str, ...] | None = None


def cues_of(shown: Sequence[Shown]) -> list[ScoredCue]:
    """Return the cues that stayed, ordered by start."""
    histories: dict[str, list[Shown]] = {}
    for change in shown:
        histories.setdefault(change.cue, []).append(change)
    cues = [_cue(history) for history in histories.values() if history[-1].state != "deleted"]
    return sorted((cue for cue in cues if cue.text.strip()), key=lambda cue: cue.start_ms)


def _cue(history: Sequence[Shown]) -> ScoredCue:
    last = history[-1]
    start = history[0].at_ms if last.start_ms is None else last.start_ms
    end = last.at_ms if last.end_ms is None else last.end_ms
    return ScoredCue(last.speaker, last.text, start, end, last.lines)


@dataclass(frozen=True, slots=True)
class Part:
    """One speaker's turns, and the captions to compare with them."""

    speaker: str
    turns: tuple[Turn, ...]
    cues: tuple[ScoredCue, ...]
    shown: tuple[Shown, ...]

    @property
    def said(self) -> str:
        """Return the whole reference."""
        return " ".join(turn.text for turn in self.turns)

    @property
    def captions(self) -> str:
        """Return all text that stayed."""
        return " ".join(cue.text for cue in self.cues)


def parts_of(clip: Observation) -> list[Part]:
    """Split by speaker if every caption has one of the reference's names; else one part."""
    turns = in_order(clip.reference)
    cues = cues_of(clip.shown)
    ours = {turn.speaker for turn in turns}
    theirs = {cue.speaker for cue in cues}
    if len(ours) < 2 or not theirs or not theirs <= ours or "" in ours:
        name = next(iter(ours)) if len(ours) == 1 else ""
        return [Part(name, tuple(turns), tuple(cues), clip.shown)]
    return [
        Part(
            name,
            tuple(turn for turn in turns if turn.speaker == name),
            tuple(cue for cue in cues if cue.speaker == name),
            tuple(change for change in clip.shown if change.speaker == name),
        )
        for name in sorted(ours | theirs)
    ]


def score(clip: Observation) -> Score:
    """Measure one clip.

    What cannot be measured is left out, with a sentence; the contents of a corpus or of captions
    never raise an exception.
    """
    if clip.error is not None:
        return Score(clip, left_out=(*clip.left_out, clip.error))
    parts = parts_of(clip)
    left_out = list(clip.left_out)
    times = scored_times(clip, [(part.turns, part.shown) for part in parts], cues_of(clip.shown))
    left_out += times.left_out
    try:
        found = _accuracy(clip, parts)
    except NoNormalizer as error:
        left_out.append(f"{clip.id}: word errors not counted: {error}")
        found = Score(clip)
    who, why = dict[str, tuple[float, float]](), ""
    named = any(change.speaker for change in clip.shown)
    if named and found.errors and len({turn.speaker for turn in clip.reference}) > 1:
        by_name = found.errors.errors if len(parts) > 1 else None
        try:
            who = _who_said_what(clip, by_name)
        except NoAttribution as error:
            why = f"{clip.id}: {error}"
    left_out += [why] if why else []
    return _together(clip, found, times, who, tuple(left_out))


def _together(
    clip: Observation,
    found: Score,
    times: Times,
    who: Mapping[str, tuple[float, float]],
    left_out: tuple[str, ...],
) -> Score:
    sums = {**found.sums, **times.sums, **who}
    return Score(clip, sums, times.values, found.speakers, found.errors, left_out)


def _accuracy(clip: Observation, parts: Sequence[Part]) -> Score:
    if not clip.reference:
        return Score(clip)
    sums: dict[str, tuple[float, float]] = {}
    speakers: dict[str, tuple[int, int]] = {}
    total = WordErrors()
    sides = (" ".join(side) for side in zip(*((p.said, p.captions) for p in parts), strict=True))
    words = normalizer_of(sides, clip.language)
    for part in parts:
        said, shown = words(part.said), words(part.captions)
        errors = wer_of_long(said, shown)
        total += replace(errors, alignment=())
        if part.speaker:
            speakers[part.speaker] = (errors.errors, errors.reference_words)
        letters = cer(said, shown) if len(said) < _LONG_CER else None
        _add(sums, _figures_of_words(part, clip.language, errors, letters))
    return Score(clip, sums, {}, speakers, total)


_LONG_WHO = 20_000  # words; the time that it takes grows with their square


def _figures_of_words(
    part: Part, language: str, errors: WordErrors, letters: WordErrors | None
) -> dict[str, tuple[float, float]]:
    count = errors.reference_words
    written = spelling(part.said, part.captions)
    found: dict[str, tuple[float, float]] = {
        "wer": (errors.errors, count),
        "missing": (errors.deletions, count),
    }
    if primary(language) in FUNCTION_WORDS:
        wrong = kinds(errors.alignment, language, names=names_in(part.said, language))
        found["ner_like"] = (max(0.0, count - wrong.weight), count)
        found |= {f"{kind}_errors": (wrong.errors.get(kind, 0), count) for kind in KINDS}
        if not is_cased(part.said):
            del found["name_errors"]  # undecidable
    if letters is not None:
        found["cer"] = (letters.errors, letters.reference_words)
    if written.words:
        found["case_errors"] = (written.cased_wrong, written.words)
    if written.marks or written.marks_wrong:
        found["punctuation_errors"] = (written.marks_wrong, written.marks)
    return found


def _who_said_what(clip: Observation, by_name: int | None) -> dict[str, tuple[float, float]]:
    """by_name: errors when captions are compared by name; None if names differ."""
    cues = cues_of(clip.shown)
    sides = (" ".join(one.text for one in side) for side in (clip.reference, cues))
    normalized = normalizer_of(sides, clip.language)

    def utterance(speaker: str, text: str, span: tuple[int, int] | None) -> Utterance:
        return Utterance(speaker, tuple(normalized(text)), *(span or (None, None)))

    said = [utterance(turn.speaker, turn.text, turn.span) for turn in clip.reference]
    shown = [utterance(cue.speaker, cue.text, (cue.start_ms, cue.end_ms)) for cue in cues]
    if max(sum(len(one.words) for one in side) for side in (said, shown)) > _LONG_WHO:
        raise NoAttribution(
            f"who said what was not measured: more than {_LONG_WHO:,} words that cannot be cut into"
            " passages, since captions and reference hardly agree; do they belong together?"
        )
    found = attribution(said, shown)
    wrong = found.misattributed if by_name is None else max(0, by_name - found.di) / 2
    sums = {"cpwer": (found.cp, found.words), "misattribution": (wrong, found.words)}
    if found.tcp is not None:
        sums["tcpwer"] = (found.tcp, found.words)
    if found.tcorc is not None:
        sums["tcorcwer"] = (found.tcorc, found.words)
    return {name: (float(top), float(words)) for name, (top, words) in sums.items()}


def _add(total: dict[str, tuple[float, float]], more: Mapping[str, tuple[float, float]]) -> None:
    for name, (top, bottom) in more.items():
        before = total.get(name, (0.0, 0.0))
        total[name] = (before[0] + top, before[1] + bottom)
