"""``caption-eval run``: plays a corpus clip by clip, and writes each result at once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
import soxr

from captioner.audio_file import duration_s, read_audio
from captioner.captions.cues import Cue
from captioner.captions.webvtt import document
from captioner.errors import ConfigurationError
from eval.conditions.recipe import CLEAN, Recipe
from eval.corpus.attention_times import AttentionAligner
from eval.corpus.forced_alignment import LANGUAGE, Aligner, NotAligned
from eval.corpus.forced_alignment import RATE as ALIGNED_RATE
from eval.corpus.manifest import Clip, Corpus, CorpusError
from eval.corpus.spoken_words import RefWord, Turn
from eval.corpus.webvtt_check import check
from eval.observation import (
    Observation,
    ObservationError,
    Run,
    Shown,
    WordTimes,
    observed,
    read_run,
    write_observation,
    write_run,
)
from eval.runs.clip_audio import RATE as KEPT_RATE
from eval.runs.clip_audio import write_sound
from eval.runs.machine import load_between, this_run, work_so_far
from eval.runs.progress import Progress
from eval.runs.watch import RATE, Performance, Watch
from streaming.audio import Pcm
from streaming.errors import RecognizerError
from streaming.recognizer import primary

WHERE = Literal["engine", "room", "browser"]

SAME = ("corpus", "clips", "engine", "asr", "through", "fast", "language", "condition", "seed")
"""Settings in which a resumed run must not differ."""

FindAligner = Callable[[str], Aligner | AttentionAligner]
"""Returns the aligner of a language, by its primary tag. Raises NotAligned."""

OpenWatch = Callable[[], AbstractAsyncContextManager[Watch]]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What to measure, and how. settings: how it was chosen, for the report."""

    corpus: Corpus
    recipe: Recipe
    through: WHERE
    fast: bool
    out: Path
    settings: dict[str, str]
    limit: int | None = None

    @property
    def clips(self) -> Sequence[Clip]:
        """Return the clips to measure."""
        return self.corpus.clips[: self.limit]


def fingerprint(clips: Sequence[Clip]) -> str:
    """Return a fingerprint that is equal for equal clips with equal words."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.name}\n{clip.transcript}\n{clip.path.stat().st_size}\n".encode())
    return f"{len(clips)} clips, {digest.hexdigest()[:12]}"


def todo(plan: RunPlan) -> list[tuple[int, Clip]]:
    """Return the clips that are not done yet, with their numbers from 1.

    Raises ObservationError if the folder holds another run.
    """
    if not (plan.out / "run.json").exists():
        return list(enumerate(plan.clips, 1))
    before = read_run(plan.out).settings
    changed = [name for name in SAME if before.get(name, "") != plan.settings.get(name, "")]
    if changed:
        what = "; ".join(
            f"{name} was {before.get(name) or 'nothing'!r}, now {plan.settings.get(name)!r}"
            for name in changed
        )
        raise ObservationError(
            f"{plan.out}: holds a run with other settings ({what}); give another --out or remove it"
        )
    done = {number for number, one in observed(plan.out).items() if one.error is None}
    return [(number, clip) for number, clip in enumerate(plan.clips, 1) if number not in done]


async def measure(
    plan: RunPlan, left: Sequence[tuple[int, Clip]], open_watch: OpenWatch, progress: Progress
) -> None:
    """Play ``left``. A clip that cannot be played is recorded with the reason.

    Raises ObservationError, WatchFailed, and what ``open_watch`` raises. May be cancelled.
    """
    if not left:
        return
    before = dict(read_run(plan.out).load) if (plan.out / "run.json").exists() else {}
    begin = work_so_far()
    run: Run | None = None
    try:
        async with open_watch() as watch:
            run = this_run(
                plan.settings,
                versions=dict(watch.versions),
                left_out=(*plan.corpus.left_out, *plan.corpus.not_chosen),
            )
            await asyncio.to_thread(write_run, plan.out, replace(run, load=before))
            await _play(plan, left, watch, progress)
    finally:
        if run:
            now = load_between(begin, work_so_far())
            worst = {name: max(load, before.get(name, 0.0)) for name, load in now.items()}
            write_run(plan.out, replace(run, load=worst))


async def _play(
    plan: RunPlan, left: Sequence[tuple[int, Clip]], watch: Watch, progress: Progress
) -> None:
    find = cache(aligner_of)
    done_s = 0.0
    for number, clip in left:
        ticking = asyncio.create_task(_tick(progress, done_s, clip))
        try:
            observation = await _observe(plan, watch, number, clip, find)
        finally:
            ticking.cancel()
        write_observation(plan.out, number, observation)
        done_s += clip.seconds


async def _tick(progress: Progress, done_s: float, clip: Clip) -> None:
    """Report progress while a clip plays."""
    started = time.monotonic()
    while True:
        progress(done_s + min(time.monotonic() - started, clip.seconds), clip.name)
        await asyncio.sleep(1)


async def _observe(
    plan: RunPlan, watch: Watch, number: int, clip: Clip, find: FindAligner
) -> Observation:
    blank = Observation(
        clip.name or clip.path.name, clip.language, clip.seconds, clip.reference, (), plan.through,
        path=str(clip.path.resolve()), condition=plan.recipe.name, columns=clip.columns,
        fast=plan.fast,
    )  # fmt: skip
    try:
        played = await asyncio.to_thread(_played, plan, clip)
        turns, times, notes = await asyncio.to_thread(with_word_times, clip, find)
        audio = await asyncio.to_thread(_keep, plan, number, clip, played)
        seen = await watch.observe(played)
    except (ConfigurationError, RecognizerError, ValueError) as error:
        return replace(blank, error=f"{clip.place or clip.name}: {error}")
    return replace(
        blank,
        reference=tuple(map(seen.as_handed, turns)),
        shown=tuple(seen.shown),
        audio=audio,
        word_times=times,
        until_ms=seen.until_ms,
        vtt_problems=tuple(f"line {line}: {what}" for line, what in check(_as_vtt(seen.shown))),
        left_out=(*notes, *seen.left_out),
        page=seen.page,
    )


def _played(plan: RunPlan, clip: Clip) -> Performance:
    """Return each microphone's audio under the run's conditions. Raises ConfigurationError."""
    others = [
        partial(read_audio, other.path, rate=RATE)
        for other in plan.corpus.clips
        if other is not clip
    ]
    microphones = clip.microphones or ((clip.turns[0].speaker if _alone(clip) else "", clip.path),)
    return Performance(
        {
            name: plan.recipe.made(_whole(clip, path), RATE, f"{clip.name}/{name}", others)
            for name, path in microphones
        }
    )


def _whole(clip: Clip, path: Path) -> Pcm:
    """Read one of its files at RATE. Raises ConfigurationError, also for a truncated file."""
    pcm = read_audio(path, rate=RATE)
    seconds = max(duration_s(path) or 0.0, 0.0 if clip.microphones else clip.seconds)
    told = path.suffix.lower() not in (
        ".mp3",
        ".aac",
    )  # otherwise it may be a guess by the bit rate
    if told and len(pcm) / RATE < 0.95 * seconds - 0.5:
        raise CorpusError(
            f"{path}: breaks off after {len(pcm) / RATE:.1f} s; by its header or the manifest it"
            f" has {seconds:.1f} s; get the whole file, or correct the column seconds"
        )
    return pcm


def _alone(clip: Clip) -> bool:
    return len({turn.speaker for turn in clip.turns}) == 1


def _keep(plan: RunPlan, number: int, clip: Clip, played: Performance) -> str | None:
    """Write what was played beside the clip, unless it is the corpus's own file."""
    if plan.recipe.name == CLEAN and not clip.microphones:
        return None
    name = f"audio/{number:04}.ogg"
    both = np.zeros(max(map(len, played.microphones.values())), np.float32)
    for pcm in played.microphones.values():
        both[: len(pcm)] += pcm
    write_sound(plan.out / name, np.asarray(soxr.resample(both, RATE, KEPT_RATE), np.float32))
    return name


def aligner_of(language: str) -> Aligner | AttentionAligner:
    """Return what finds words in sound: a FindAligner."""
    return Aligner() if language == LANGUAGE else AttentionAligner(language)


def with_word_times(
    clip: Clip, find: FindAligner
) -> tuple[Sequence[Turn], WordTimes | None, tuple[str, ...]]:
    """Return turns with word times: as given, else by alignment."""
    if all(turn.words for turn in clip.reference):
        return clip.reference, "given", ()
    sounds = dict(clip.microphones)
    turns = list(clip.reference)
    try:
        aligner = find(primary(clip.language))
        for name in dict.fromkeys(turn.speaker if sounds else "" for turn in turns):
            mine = [n for n, turn in enumerate(turns) if not sounds or turn.speaker == name]
            pcm = read_audio(sounds.get(name, clip.path), rate=ALIGNED_RATE)
            words = deque(aligner.align(pcm, " ".join(turns[n].text for n in mine)))
            for n in mine:
                turns[n] = replace(turns[n], words=tuple(_of_turn(turns[n], words)))
    except NotAligned as error:
        return clip.reference, None, (f"{clip.name}: no word times, so no delays: {error}",)
    return turns, "aligned" if isinstance(aligner, Aligner) else "attention", ()


def _of_turn(turn: Turn, words: deque[RefWord]) -> Iterator[RefWord]:
    """Take the words of the turn; tokens without letters are none."""
    for token in turn.text.split():
        if words and words[0].text == token:
            yield words.popleft()


def _as_vtt(shown: Sequence[Shown]) -> str:
    """Return the final captions as the product writes them into a file."""
    last = {one.cue: one for one in shown}
    cues = [
        Cue(one.cue, one.speaker, max(one.start_ms, 0), one.end_ms, one.text, "und")
        for one in last.values()
        if one.text and one.start_ms is not None and one.end_ms is not None and one.end_ms > 0
    ]
    return document((cue, cue.speaker or "Speaker") for cue in cues)
