"""Measures one clip's timeline: delays, stability, gaps, reading speed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from eval.corpus.spoken_words import RefWord, Turn
from eval.measures.accuracy import wer_of_long
from eval.measures.catalogue import STAGES
from eval.measures.latency import LATE_MS, Latency, latency
from eval.measures.presence import Span, Stalls, is_stuck, made_up, merged, silence_ms, stalls
from eval.measures.readability import is_long, is_wide, pace
from eval.measures.stability import erasure, line_jumps, revision_ages, wrapped
from eval.normalization.normalize import key_in
from eval.observation import Observation, Shown, in_order


class FinalCue(Protocol):
    """A cue's final state."""

    @property
    def text(self) -> str: ...
    @property
    def start_ms(self) -> int: ...
    @property
    def end_ms(self) -> int: ...
    @property
    def lines(self) -> tuple[str, ...] | None: ...


Voice = tuple[Sequence[Turn], Sequence[Shown]]
"""One speaker's turns, and the captions to compare with them."""


@dataclass(slots=True)
class Times:
    """Sums and values by name, as in ``eval.measures.clip_score.Score``."""

    sums: dict[str, tuple[float, float]] = field(default_factory=dict)
    values: dict[str, Sequence[float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def scored_times(clip: Observation, voices: Sequence[Voice], cues: Sequence[FinalCue]) -> Times:
    """Take all measures that need times; delays, stalls and stuck captions only in real time."""
    found = Times()
    live = not clip.fast and clip.through != "file"
    if clip.through != "file":
        _stillness(clip, found)
    if live:
        _delays(clip, voices, found)
        _stalls(voices, found)
        _stuck(clip, found)
        found.values["lag"] = [
            (change.at_ms - change.heard_ms) / 1000
            for change in clip.shown
            if change.heard_ms is not None and change.state == "open"
        ]
    _invented(clip, cues, found)
    _cutting(clip, cues, found)
    _page(clip, found)
    return found


def _page(clip: Observation, found: Times) -> None:
    """The page's own measurements, which cover all packets, not only first shows of words."""
    if "painted_ms" in clip.page:
        found.values["painting"] = [ms / 1000 for ms in clip.page["painted_ms"]]
        found.sums["long_tasks"] = (len(clip.page["long_tasks_ms"]), 1)


def _delays(clip: Observation, voices: Sequence[Voice], found: Times) -> None:
    key = key_in(clip.language)
    total = Latency()
    stages: dict[str, list[float]] = {}
    for turns, shown in voices:
        words = _words(turns)
        if not words:
            continue
        try:
            delays = latency(words, [change.update() for change in shown], key=key)
        except ValueError as error:
            found.left_out.append(f"{clip.id}: delays not measured: {error}")
            return
        total += delays
        kept = [word for word in words if key(word.text)]
        for name, seconds in _stages(kept, delays, shown):
            stages.setdefault(name, []).append(seconds)
    if total.first:
        found.values["first_show"] = [delay / 1000 for delay in total.shown]
        found.values["final_show"] = [delay / 1000 for delay in total.stayed]
        found.values.update(stages)
        found.sums["never_shown"] = (total.never_shown, len(total.first))
        late = sum(delay > LATE_MS for delay in total.shown)
        found.sums["late"] = (late, len(total.shown))


def _words(turns: Sequence[Turn]) -> list[RefWord]:
    return sorted((word for turn in turns for word in turn.words), key=lambda word: word.start_ms)


def _stages(
    words: Sequence[RefWord], delays: Latency, shown: Sequence[Shown]
) -> Iterator[tuple[str, float]]:
    """Return the parts of each word's first-show delay, in seconds, as far as observed."""
    at = {change.at_ms: change for change in reversed(shown)}
    for word, delay in zip(words, delays.first, strict=True):
        change = at.get(word.end_ms + delay) if delay is not None else None
        if change is None:
            continue
        ends = (change.said_ms, change.sent_ms, change.received_ms, change.painted_ms)
        begin, names = word.end_ms, list[str]()
        for name, end in zip(STAGES, ends, strict=True):
            names.append(name)
            if end is not None:
                if len(names) < len(STAGES):
                    yield "_".join(names), (end - begin) / 1000
                begin, names = end, []


def _stillness(clip: Observation, found: Times) -> None:
    updates = [change.update() for change in clip.shown]
    taken_back = erasure(updates)
    found.sums["erasure"] = (taken_back.erased, taken_back.final)
    found.sums["erasure_raw"] = (taken_back.raw_erased, taken_back.raw_final)
    found.values["revision_age"] = [age / 1000 for age in revision_ages(updates)]
    histories: dict[str, list[Sequence[str]]] = {}
    for change in clip.shown:
        if change.state != "deleted":
            lines = wrapped(change.text) if change.lines is None else change.lines
            histories.setdefault(change.cue, []).append(lines)
    found.sums["line_jumps"] = (sum(map(line_jumps, histories.values())), taken_back.final)


def _speech(turns: Sequence[Turn]) -> list[Span]:
    """Return when somebody spoke, by words if their times are known, else by turns."""
    spans: list[Span] = []
    for turn in turns:
        if turn.words:
            spans += [(word.start_ms, word.end_ms) for word in turn.words]
        elif turn.span:
            spans.append(turn.span)
    return spans


def _timed(turns: Sequence[Turn]) -> bool:
    return all(turn.span for turn in turns if turn.text)


def _stalls(voices: Sequence[Voice], found: Times) -> None:
    total = Stalls()
    for turns, shown in voices:
        if turns and _timed(turns):
            total += stalls(_speech(turns), _changes(shown))
    if total.speech_ms:
        found.sums["stalls"] = (total.count, 1)
        found.sums["stalled"] = (total.stalled_ms, total.speech_ms)


def _changes(shown: Sequence[Shown]) -> list[int]:
    """Return when a caption showed something new."""
    texts: dict[str, str] = {}
    changes: list[int] = []
    for change in shown:
        if change.text and texts.get(change.cue) != change.text:
            changes.append(change.at_ms)
        texts[change.cue] = change.text
    return changes


def _stuck(clip: Observation, found: Times) -> None:
    until = clip.until_ms or max((change.at_ms for change in clip.shown), default=0)
    histories: dict[str, list[Shown]] = {}
    for change in clip.shown:
        histories.setdefault(change.cue, []).append(change)
    stuck = 0
    for history in histories.values():
        closed = next((change.at_ms for change in history if change.state != "open"), None)
        stuck += is_stuck(_changes(history) or [history[0].at_ms], closed, until_ms=until)
    if histories:
        found.sums["stuck_partials"] = (stuck, len(histories))


def _invented(clip: Observation, cues: Sequence[FinalCue], found: Times) -> None:
    """Measured only if the reference says when somebody spoke, or a recording's that nobody did.

    An empty file beside captions may as well be a reference that nobody wrote.
    """
    words = clip.through != "file" or any(turn.text for turn in clip.reference)
    known = words and _timed(clip.reference)
    if clip.through == "listen" or not known:
        return
    speech = merged(_speech(clip.reference))
    wrong = _wrong_words(clip, cues)
    shown = [((cue.start_ms, cue.end_ms), wrong[number]) for number, cue in enumerate(cues)]
    quiet = silence_ms(speech, until_ms=round(clip.seconds * 1000))
    if quiet:
        found.sums["invented"] = (made_up(speech, shown), quiet / 60_000)


def _wrong_words(clip: Observation, cues: Sequence[FinalCue]) -> Counter[int]:
    """Count each cue's words without a spoken counterpart; a late correct word has one."""
    key = key_in(clip.language)
    turns = in_order(clip.reference)
    said = [found for turn in turns for word in turn.text.split() if (found := key(word))]
    shown = [
        (n, found) for n, cue in enumerate(cues) for w in cue.text.split() if (found := key(w))
    ]
    pairs = wer_of_long(said, [word for _, word in shown]).alignment
    words = (pair for pair in pairs if pair.hypothesis is not None)
    return Counter(
        number for (number, word), pair in zip(shown, words, strict=True) if pair.reference != word
    )


def _cutting(clip: Observation, cues: Sequence[FinalCue], found: Times) -> None:
    if clip.vtt_problems is not None:
        found.sums["vtt_errors"] = (len(clip.vtt_problems), 1)
    lines = [line for cue in cues if cue.lines is not None for line in cue.lines]
    if lines:
        found.sums["long_lines"] = (sum(map(is_wide, lines)), len(lines))
    cues = [cue for cue in cues if cue.end_ms > cue.start_ms]  # not for plain text
    if not cues:
        return
    paces = [pace(cue.text, cue.end_ms - cue.start_ms) for cue in cues]
    found.values["characters_a_second"] = [pace.characters_a_second for pace in paces]
    found.values["words_a_minute"] = [pace.words_a_minute for pace in paces]
    long = sum(is_long(cue.text, cue.end_ms - cue.start_ms) for cue in cues)
    found.sums["long_cues"] = (long, len(cues))
