"""Measure the embedded engine: word errors, erasure, delay, word starts and processor time.

Delays are those of one live speaker on a machine that does nothing else: each decode takes as long
as the processor was busy with it, so that the load of other programs hardly matters; or, to compare
machines, as long as ``--each-s`` says.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import inf, nan

import numpy as np
from rapidfuzz.distance import Levenshtein

from benchmarks.speech import Speech, clips_of, figure, joined, parser_of, scored
from captioner.captions.segmenter import Segmenter
from eval.conditions.recipe import Recipe
from eval.corpus.manifest import Clip
from eval.corpus.spoken_words import RefWord
from eval.measures.accuracy import WordErrors, wer
from eval.measures.clip_score import Score
from eval.normalization.normalize import normalize, word_key
from eval.observation import Shown
from eval.runs.run import aligner_of, with_word_times
from eval.runs.through_engine import shown_of
from eval.runs.watch import Seen
from streaming.audio import SAMPLE_RATE, Framer, Pcm
from streaming.embedded.agreement import AgreementPolicy
from streaming.embedded.decoder import StreamDecoder
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.models import WHISPER, Model, installed
from streaming.embedded.policy import DecoderPolicy
from streaming.embedded.stream_job import SpeechModel
from streaming.recognizer import RecognizerEvent, Word
from streaming.voice.silero import SileroVoiceActivity

SETTINGS = {
    "settle at 3": DecoderPolicy(agreement=AgreementPolicy(settle=3.0)),
    "settle at 6, revise at 3": DecoderPolicy(agreement=AgreementPolicy(settle=6.0, revise=3.0)),
    "show at 1, revise at 2": DecoderPolicy(agreement=AgreementPolicy(show=1.0, revise=2.0)),
    "show at 2, settle at 3": DecoderPolicy(
        agreement=AgreementPolicy(show=2.0, settle=3.0, revise=2.0, doubt=0.5)
    ),
    "show at 4": DecoderPolicy(agreement=AgreementPolicy(show=4.0, again=0.95)),
    "as on a busy machine": DecoderPolicy(shortest_ms=None),
    "decode every 0.6 s": DecoderPolicy(intervals=((0, 600),), shortest_ms=None),
    "a vote for each decode": DecoderPolicy(agreement=AgreementPolicy(vote_ms=0)),
    "no fresh beginnings": DecoderPolicy(fresh_ms=(60_000, 60_000)),
}
WHISPER_SETTINGS = {
    "decode every 0.5 s": replace(WHISPER, intervals=((0, 500),)),
    "decode every 1 s": replace(WHISPER, intervals=((0, 1_000),)),
    "show at 1, settle at 3": replace(WHISPER, agreement=replace(WHISPER.agreement, show=1.0)),
    "show at 2, settle at 5": replace(
        WHISPER, agreement=replace(WHISPER.agreement, settle=5.0, patience=3.0)
    ),
}
HEADER = (
    f"{'':33}{'WER':>6} {'+':>6} {'erasure':>8} {'raw':>5} {'p50':>6} {'p95':>6} {'CPU':>6}"
    f"  starts within (50 %, 95 %), on average"
)

Timed = list[tuple[int, RecognizerEvent]]


@dataclass(slots=True)
class Remembering:
    """A model that caches decodes of the same audio; ``cpu_s`` counts each of them.

    other: the model for bad rooms, and its policy. better: whether that one decodes. took_s: by the
    last decode. each_s: taken by every decode instead of what it took.
    """

    model: SpeechModel
    other: tuple[SpeechModel, DecoderPolicy] | None = None
    each_s: float | None = None
    better: bool = False
    cpu_s: float = 0.0
    took_s: float = 0.0
    fresh_s: float = 0.0  # of that, without cached decodes
    _known: dict[bytes, tuple[Hypothesis, float]] = field(default_factory=dict)

    def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
        """See ``SpeechModel.decode``."""
        sound = pcm.tobytes()
        name = hash(sound).to_bytes(8, signed=True) + len(sound).to_bytes(8)
        name += bytes([self.better])
        model = self.other[0] if self.other and self.better else self.model
        if name not in self._known:
            before = time.process_time()  # Whisper has threads of its own
            answer = model.decode(pcm, draft)
            cost = time.process_time() - before
            self._known[name] = answer, cost if self.each_s is None else self.each_s
            self.fresh_s += cost
        answer, self.took_s = self._known[name]
        self.cpu_s += self.took_s
        return answer


def remembering(model: Model, language: str, *, each_s: float | None = None) -> Remembering:
    """Return a model, with the one for bad rooms if there is one. each_s: see ``Remembering``."""
    other = model.in_bad_rooms
    return Remembering(
        model.load(1).speaking(language),
        (other.load(1).speaking(language), other.policy) if other else None,
        each_s,
    )


def hear(model: Remembering, sound: Pcm, policy: DecoderPolicy) -> Timed:
    """Return all events of one live stream, each with the time in ms at which it came."""
    before = time.process_time() - model.fresh_s
    hearing = StreamDecoder(SileroVoiceActivity(), policy)
    model.better = False
    framer = Framer()
    frames = deque(framer.feed(sound) + framer.flush())
    events: Timed = []
    now_ms = 0.0
    while frames or hearing.request is not None:
        if hearing.request is None:
            now_ms = max(now_ms, frames[0].end_ms)
        # As StreamWork does it: whatever has arrived is taken before the next decode.
        while frames and frames[0].end_ms <= now_ms and not hearing.wanted:
            events += [(round(now_ms), event) for event in hearing.feed(frames.popleft())]
        now_ms += _decode(model, hearing, events, now_ms, policy)
    events += [(round(now_ms), event) for event in hearing.finish()]
    while hearing.request is not None:
        now_ms += _decode(model, hearing, events, now_ms, policy)
    model.cpu_s += time.process_time() - model.fresh_s - before
    return events


def _decode(
    model: Remembering,
    hearing: StreamDecoder,
    events: Timed,
    now_ms: float,
    policy: DecoderPolicy,
) -> float:
    """Answer the request, if there is one; return how long that takes in ms."""
    if model.other and hearing.better is not model.better:
        model.better = hearing.better
        hearing.use(model.other[1] if model.better else policy)
    if (request := hearing.request) is None:
        return 0.0
    answer = model.decode(request.pcm, request.draft)
    took_ms = model.took_s * 1000
    new = hearing.decoded(request, answer, took_ms=took_ms)
    events += [(round(now_ms + took_ms), event) for event in new]
    return took_ms


def start_errors(events: Timed, spoken: Sequence[RefWord]) -> list[int]:
    """Return for each word that was heard right by how many ms its start is late."""
    heard = [event for _, event in events if isinstance(event, Word)]
    keys = [word_key(word.text) for word in spoken], [word_key(word.text) for word in heard]
    return [
        heard[block.b + n].start_ms - spoken[block.a + n].start_ms
        for block in Levenshtein.opcodes(*keys).as_matching_blocks()
        for n in range(block.size)
    ]


def shown(events: Timed, name: str) -> Iterator[Shown]:
    """Return what the events show on screen."""
    segmenter = Segmenter("speaker", prefix=name)
    for at_ms, event in events:
        yield from (shown_of(cue, at_ms) for cue in segmenter.feed(event))
    yield from (shown_of(cue, events[-1][0]) for cue in segmenter.flush())


def whole(model: SpeechModel, clips: Sequence[Clip]) -> float:
    """Return the word errors of the model's own decoding of each whole clip."""
    pairs = (
        (clip.language, clip.transcript, model.decode(clip.audio(16_000)).text) for clip in clips
    )
    errors = (wer(normalize(said, of), normalize(heard, of)) for of, said, heard in pairs)
    return sum(errors, WordErrors()).rate


@dataclass(slots=True)
class Heard:
    """The result of one setting for some audio, with a stream for each piece."""

    scores: list[Score] = field(default_factory=list)
    cpu_s: float = 0.0
    seconds: float = 0.0
    late_ms: list[float] = field(default_factory=list)

    def hear(self, model: Remembering, pieces: Sequence[Speech], policy: DecoderPolicy) -> None:
        """Add the results of these clips."""
        before = model.cpu_s
        for piece in pieces:
            events = hear(model, piece.sound, policy)
            seen = Seen(list(shown(events, str(len(self.scores)))), events[-1][0])
            self.scores.append(scored({"": piece}, seen, "engine", language=piece.language))
            self.seconds += len(piece.sound) / SAMPLE_RATE
            self.late_ms += start_errors(events, piece.words)
        self.cpu_s += model.cpu_s - before

    def row(self, against: float) -> str:
        """One line of the table."""
        of = {
            name: figure(name, *self.scores)
            for name in ("wer", "erasure", "erasure_raw", "first_show_p50", "first_show_p95")
        }
        half, most = np.percentile(np.abs(self.late_ms or [nan]), (50, 95))
        return (
            f"{of['wer']:6.1%} {100 * (of['wer'] - against):+6.1f} "
            f"{of['erasure']:8.3f} {of['erasure_raw']:5.2f} {of['first_show_p50']:5.2f}s "
            f"{of['first_show_p95']:5.2f}s {self.cpu_s / self.seconds:6.3f}"
            f"  {half:3.0f} {most:4.0f} ms, {np.mean(self.late_ms or [nan]):+4.0f} ms"
        )


def table(
    model: Remembering,
    clips: Sequence[Clip],
    settings: Mapping[str, DecoderPolicy],
    seeds: Sequence[int],
    condition: Recipe,
) -> None:
    """Print the lines of each setting: clips alone, joined by each seed, all seeds together."""
    against = whole(model.model, clips)
    print(f"model's own decode of {len(clips)} whole clips: WER {against:.1%}\n{HEADER}")

    def spoken(some: Sequence[Clip], seed: int) -> Speech:
        speech = joined(some, seconds=inf, seed=seed, rate=SAMPLE_RATE)
        made = condition.made(speech.sound, SAMPLE_RATE, some[0].name, ())
        return replace(speech, sound=made)

    alone = [spoken([clip], 0) for clip in clips]
    for name, policy in settings.items():
        heard, total = Heard(), Heard()
        heard.hear(model, alone, policy)
        print(f"{name + ', alone':33}{heard.row(against)}", flush=True)
        for seed in seeds:
            one = Heard()
            one.hear(model, [spoken(clips, seed)], policy)
            print(f"{f'  joined, pauses of seed {seed}':33}{one.row(against)}", flush=True)
            total = Heard(
                total.scores + one.scores, total.cpu_s + one.cpu_s, total.seconds + one.seconds,
                total.late_ms + one.late_ms,
            )  # fmt: skip
        print(f"{f'{name}, joined, {len(seeds)} seeds':33}{total.row(against)}", flush=True)


def with_words(clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips with word times where they can be found."""
    find = cache(aligner_of)
    found = [with_word_times(clip, find)[0] for clip in clips]
    return [
        replace(clip, words=tuple(word for turn in turns for word in turn.words))
        for clip, turns in zip(clips, found, strict=True)
    ]


def served(language: str) -> list[Model]:
    """Return the models that serve ``language``, the one that is used first."""
    return [model for model in installed() if model.knows(language)]


def main() -> None:
    """Print the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--curve", action="store_true", help="other settings too")
    parser.add_argument("--seeds", type=int, default=1, help="so many draws of the pauses")
    parser.add_argument("--model", default="", help="as CAPTIONER_MODEL")
    parser.add_argument("--noise", type=float, help="pink noise, so many dB below the voice")
    parser.add_argument("--reverb", type=float, help="a room with this reverberation time in s")
    parser.add_argument("--each-s", type=float, help="taken by every decode, by calculation")
    options = parser.parse_args()
    clips = with_words(clips_of(options))
    [used, *_] = installed(options.model) if options.model else served(options.language)
    settings = {"default": used.policy}
    if options.curve:
        settings |= WHISPER_SETTINGS if used.policy is WHISPER else SETTINGS
    noise = None if options.noise is None else (options.noise, "pink")
    condition = Recipe(reverb_s=options.reverb, noise=noise)
    print(f"{used.names}, {options.language}, {condition.name}")
    seeds = range(options.seed, options.seed + options.seeds)
    model = remembering(used, options.language, each_s=options.each_s)
    table(model, clips, settings, seeds, condition)


if __name__ == "__main__":
    main()
