"""Measure the embedded engine: word errors, erasure, delay and processor time.

Delay is in audio time, without computation, so it is the same on every machine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf

from benchmarks.speech import Speech, figure, joined, parser_of, scored
from captioner.captions.segmenter import Segmenter
from eval.corpus.manifest import Clip, bundled_corpus, read_corpus
from eval.measures.accuracy import WordErrors, wer
from eval.measures.clip_score import Score
from eval.normalization.normalize import normalize
from eval.observation import Shown
from eval.runs.through_engine import shown_of
from eval.runs.watch import Seen
from streaming.audio import SAMPLE_RATE, Framer, Pcm
from streaming.embedded.agreement import AgreementPolicy
from streaming.embedded.decoder import DecoderPolicy, StreamDecoder
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.moonshine import Moonshine
from streaming.recognizer import RecognizerEvent
from streaming.voice.silero import SileroVoiceActivity

SETTINGS = {
    "default": DecoderPolicy(),
    "settle at 3": DecoderPolicy(agreement=AgreementPolicy(settle=3.0)),
    "settle at 6": DecoderPolicy(agreement=AgreementPolicy(settle=6.0)),
    "show at 1, revise at 2": DecoderPolicy(agreement=AgreementPolicy(show=1.0, revise=2.0)),
    "show at 2, settle at 3": DecoderPolicy(
        agreement=AgreementPolicy(show=2.0, settle=3.0, revise=2.0, doubt=0.5)
    ),
    "show at 4, settle at 6": DecoderPolicy(
        agreement=AgreementPolicy(show=4.0, settle=6.0, sure=0.95)
    ),
    "decode every 0.6 s": DecoderPolicy(intervals=((0, 600),)),
    "no fresh beginnings": DecoderPolicy(fresh_ms=(60_000, 60_000)),
}
HEADER = f"{'':33}{'WER':>6} {'+':>6} {'erasure':>8} {'raw':>5} {'p50':>6} {'p95':>6} {'CPU':>6}"

Timed = list[tuple[int, RecognizerEvent]]


@dataclass(slots=True)
class Remembering:
    """A model that caches decodes of the same audio; ``cpu_s`` counts each of them."""

    model: Moonshine = field(default_factory=Moonshine)
    cpu_s: float = 0.0
    fresh_s: float = 0.0  # of that, without cached decodes
    _known: dict[bytes, tuple[Hypothesis, float]] = field(default_factory=dict)

    def decode(self, pcm: Pcm, draft: Sequence[int]) -> Hypothesis:
        """See ``Moonshine.decode``."""
        sound = pcm.tobytes()
        name = hash(sound).to_bytes(8, signed=True) + len(sound).to_bytes(8)
        if name not in self._known:
            before = time.thread_time()
            answer = self.model.decode(pcm, draft)
            cost = time.thread_time() - before
            self._known[name] = answer, cost
            self.fresh_s += cost
        answer, cost = self._known[name]
        self.cpu_s += cost
        return answer


def hear(model: Remembering, sound: Pcm, policy: DecoderPolicy) -> Timed:
    """Return all events of one stream, each with the audio time in ms at which it came."""
    before = time.thread_time() - model.fresh_s
    hearing = StreamDecoder(SileroVoiceActivity(), policy)
    framer = Framer()
    events: Timed = []

    def take(at_ms: int, new: list[RecognizerEvent]) -> None:
        while (request := hearing.request) is not None:
            new += hearing.decoded(request, model.decode(request.pcm, request.draft))
        events.extend((at_ms, event) for event in new)

    at_ms = 0
    for frame in framer.feed(sound) + framer.flush():
        at_ms = frame.end_ms
        take(at_ms, hearing.feed(frame))
    take(at_ms, hearing.finish())
    model.cpu_s += time.thread_time() - model.fresh_s - before
    return events


def shown(events: Timed, name: str) -> Iterator[Shown]:
    """Return what the events show on screen, in audio time."""
    segmenter = Segmenter("speaker", prefix=name)
    for at_ms, event in events:
        yield from (shown_of(cue, at_ms) for cue in segmenter.feed(event))
    yield from (shown_of(cue, events[-1][0]) for cue in segmenter.flush())


def whole(model: Moonshine, clips: Sequence[Clip]) -> float:
    """Return the word errors of the model's own decoding of each whole clip."""
    pairs = ((clip.transcript, model.decode(clip.audio(16_000)).text) for clip in clips)
    errors = (wer(*(normalize(text, "en") for text in pair)) for pair in pairs)
    return sum(errors, WordErrors()).rate


@dataclass(slots=True)
class Heard:
    """The result of one setting for some audio, with a stream for each piece."""

    scores: list[Score] = field(default_factory=list)
    cpu_s: float = 0.0
    seconds: float = 0.0

    def hear(self, model: Remembering, pieces: Sequence[Speech], policy: DecoderPolicy) -> None:
        """Add the results of these clips."""
        before = model.cpu_s
        for piece in pieces:
            events = hear(model, piece.sound, policy)
            seen = Seen(list(shown(events, str(len(self.scores)))), events[-1][0])
            self.scores.append(scored({"": piece}, seen, "engine"))
            self.seconds += len(piece.sound) / SAMPLE_RATE
        self.cpu_s += model.cpu_s - before

    def row(self, against: float) -> str:
        """One line of the table."""
        of = {
            name: figure(name, *self.scores)
            for name in ("wer", "erasure", "erasure_raw", "first_show_p50", "first_show_p95")
        }
        return (
            f"{of['wer']:6.1%} {100 * (of['wer'] - against):+6.1f} "
            f"{of['erasure']:8.3f} {of['erasure_raw']:5.2f} {of['first_show_p50']:5.2f}s "
            f"{of['first_show_p95']:5.2f}s {self.cpu_s / self.seconds:6.3f}"
        )


def table(
    model: Remembering, clips: Sequence[Clip], names: Sequence[str], seeds: Sequence[int]
) -> None:
    """Print the lines of each setting: clips alone, joined by each seed, all seeds together."""
    against = whole(model.model, clips)
    print(f"model's own decode of {len(clips)} whole clips: WER {against:.1%}\n{HEADER}")
    alone = [joined([clip], seconds=inf, seed=0, rate=SAMPLE_RATE) for clip in clips]
    for name in names:
        heard, total = Heard(), Heard()
        heard.hear(model, alone, SETTINGS[name])
        print(f"{name + ', alone':33}{heard.row(against)}", flush=True)
        for seed in seeds:
            one = Heard()
            one.hear(
                model, [joined(clips, seconds=inf, seed=seed, rate=SAMPLE_RATE)], SETTINGS[name]
            )
            print(f"{f'  joined, pauses of seed {seed}':33}{one.row(against)}", flush=True)
            total = Heard(
                total.scores + one.scores, total.cpu_s + one.cpu_s, total.seconds + one.seconds
            )
        print(f"{f'{name}, joined, {len(seeds)} seeds':33}{total.row(against)}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--curve", action="store_true", help="other settings too")
    parser.add_argument("--seeds", type=int, default=1, help="so many draws of the pauses")
    options = parser.parse_args()
    clips = (read_corpus(options.speech) if options.speech else bundled_corpus())[: options.clips]
    names = list(SETTINGS) if options.curve else ["default"]
    table(Remembering(), clips, names, range(options.seed, options.seed + max(1, options.seeds)))


if __name__ == "__main__":
    main()
