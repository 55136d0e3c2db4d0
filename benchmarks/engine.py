"""Measure the embedded engine: word errors, erasure, delay and processor time.

Delays are those of one live speaker on a machine that does nothing else: each decode takes as long
as the processor was busy with it, so that the load of other programs hardly matters.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from benchmarks.places import with_places
from benchmarks.speech import Speech, clips_of, figure, joined, parser_of, scored
from captioner.captions.segmenter import Segmenter
from eval.corpus.manifest import Clip
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
from streaming.embedded.models import WHISPER, Model, installed
from streaming.embedded.stream_job import SpeechModel
from streaming.recognizer import RecognizerEvent
from streaming.voice.silero import SileroVoiceActivity

SETTINGS = {
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
WHISPER_SETTINGS = {
    "decode every 0.5 s": replace(WHISPER, intervals=((0, 500),)),
    "decode every 1 s": replace(WHISPER, intervals=((0, 1_000),)),
    "no beam": replace(WHISPER, thorough=False),
    "show at 2, settle at 3": replace(
        WHISPER, agreement=AgreementPolicy(show=2.0, settle=3.0, revise=2.0, doubt=0.5)
    ),
    "show at 1, settle at 3": replace(
        WHISPER, agreement=AgreementPolicy(show=1.0, settle=3.0, revise=2.0, doubt=0.5)
    ),
}
HEADER = f"{'':33}{'WER':>6} {'+':>6} {'erasure':>8} {'raw':>5} {'p50':>6} {'p95':>6} {'CPU':>6}"

Timed = list[tuple[int, RecognizerEvent]]


@dataclass(slots=True)
class Remembering:
    """A model that caches decodes of the same audio; ``cpu_s`` counts each of them.

    took_s: by the last one.
    """

    model: SpeechModel
    cpu_s: float = 0.0
    took_s: float = 0.0
    fresh_s: float = 0.0  # of that, without cached decodes
    _known: dict[bytes, tuple[Hypothesis, float]] = field(default_factory=dict)

    def decode(self, pcm: Pcm, draft: Sequence[int] = (), *, thorough: bool = False) -> Hypothesis:
        """See ``SpeechModel.decode``."""
        sound = pcm.tobytes()
        name = hash(sound).to_bytes(8, signed=True) + len(sound).to_bytes(8) + bytes([thorough])
        if name not in self._known:
            before = time.process_time()  # Whisper has threads of its own
            answer = self.model.decode(pcm, draft, thorough=thorough)
            cost = time.process_time() - before
            self._known[name] = answer, cost
            self.fresh_s += cost
        answer, self.took_s = self._known[name]
        self.cpu_s += self.took_s
        return answer


def hear(model: Remembering, sound: Pcm, policy: DecoderPolicy) -> Timed:
    """Return all events of one live stream, each with the time in ms at which it came."""
    before = time.process_time() - model.fresh_s
    hearing = StreamDecoder(SileroVoiceActivity(), policy)
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
        now_ms += _decode(model, hearing, events, now_ms)
    events += [(round(now_ms), event) for event in hearing.finish()]
    while hearing.request is not None:
        now_ms += _decode(model, hearing, events, now_ms)
    model.cpu_s += time.process_time() - model.fresh_s - before
    return events


def _decode(model: Remembering, hearing: StreamDecoder, events: Timed, now_ms: float) -> float:
    """Answer the request, if there is one; return how long that takes in ms."""
    if (request := hearing.request) is None:
        return 0.0
    answer = model.decode(request.pcm, request.draft, thorough=request.thorough)
    took_ms = model.took_s * 1000
    new = hearing.decoded(request, answer)
    events += [(round(now_ms + took_ms), event) for event in new]
    return took_ms


def shown(events: Timed, name: str) -> Iterator[Shown]:
    """Return what the events show on screen."""
    segmenter = Segmenter("speaker", prefix=name)
    for at_ms, event in events:
        yield from (shown_of(cue, at_ms) for cue in segmenter.feed(event))
    yield from (shown_of(cue, events[-1][0]) for cue in segmenter.flush())


def whole(model: SpeechModel, clips: Sequence[Clip]) -> float:
    """Return the word errors of the model's own decoding of each whole clip."""
    pairs = (
        (clip.language, clip.transcript, model.decode(clip.audio(16_000), thorough=True).text)
        for clip in clips
    )
    errors = (wer(normalize(said, of), normalize(heard, of)) for of, said, heard in pairs)
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
            self.scores.append(scored({"": piece}, seen, "engine", language=piece.language))
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
    model: Remembering,
    clips: Sequence[Clip],
    settings: Mapping[str, DecoderPolicy],
    seeds: Sequence[int],
) -> None:
    """Print the lines of each setting: clips alone, joined by each seed, all seeds together."""
    against = whole(model.model, clips)
    print(f"model's own decode of {len(clips)} whole clips: WER {against:.1%}\n{HEADER}")
    alone = [joined([clip], seconds=inf, seed=0, rate=SAMPLE_RATE) for clip in clips]
    for name, policy in settings.items():
        heard, total = Heard(), Heard()
        heard.hear(model, alone, policy)
        print(f"{name + ', alone':33}{heard.row(against)}", flush=True)
        for seed in seeds:
            one = Heard()
            one.hear(model, [joined(clips, seconds=inf, seed=seed, rate=SAMPLE_RATE)], policy)
            print(f"{f'  joined, pauses of seed {seed}':33}{one.row(against)}", flush=True)
            total = Heard(
                total.scores + one.scores, total.cpu_s + one.cpu_s, total.seconds + one.seconds
            )
        print(f"{f'{name}, joined, {len(seeds)} seeds':33}{total.row(against)}", flush=True)


def served(language: str) -> list[Model]:
    """Return the models that serve ``language``, the one that is used first."""
    return [model for model in installed() if model.knows(language)]


def main() -> None:
    """Print the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--curve", action="store_true", help="other settings too")
    parser.add_argument("--seeds", type=int, default=1, help="so many draws of the pauses")
    parser.add_argument("--model", default="", help="as CAPTIONER_MODEL")
    options = parser.parse_args()
    clips = with_places(clips_of(options))
    [used, *_] = installed(options.model) if options.model else served(options.language)
    settings = {"default": used.policy}
    if options.curve:
        settings |= WHISPER_SETTINGS if used.policy is WHISPER else SETTINGS
    model = Remembering(used.load(1).speaking(options.language))
    print(f"{used.name}, {options.language}")
    table(model, clips, settings, range(options.seed, options.seed + options.seeds))


if __name__ == "__main__":
    main()
