"""When a stream of the embedded engine is decoded, and how much of it: data for each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from streaming.embedded.agreement import AgreementPolicy
from streaming.embedded.hallucinations import Limits
from streaming.embedded.segments import CHUNK_MS, chunks


@dataclass(frozen=True, slots=True)
class HandOverPolicy:
    """When a better model may decode a stream, as to the load of the machine; in ms.

    ready_ms: a decode, with its wait for a thread, takes the quick model no longer where there is
    room for the better one. late_ms: a decode takes the better one longer where there is no room
    any more. rest_ms: of sound, until it is tried again.
    """

    ready_ms: int = 200
    late_ms: int = 1_500
    rest_ms: int = 30_000


class HandOver:
    """Which model decodes a stream. better: the better one, rather than the quick one."""

    def __init__(self, policy: HandOverPolicy | None = None) -> None:
        self._policy = policy or HandOverPolicy()
        self._not_before_ms = 0
        self.better = False

    def feed(self, *, bad_room: bool, took_ms: float, now_ms: int) -> None:
        """Take what is known after a decode. took_ms: by it; now_ms: sound heard so far."""
        if self.better and took_ms > self._policy.late_ms:
            self._not_before_ms = now_ms + self._policy.rest_ms
        ready = self.better or took_ms <= self._policy.ready_ms
        self.better = bad_room and ready and now_ms >= self._not_before_ms


@dataclass(frozen=True, slots=True)
class DecoderPolicy:
    """When to decode, when a segment ends, how much of it is kept.

    onset, offset: probabilities of speech at which voice begins and continues.
    lead_ms: audio before the onset that the model gets too.
    intervals: (length of the segment, time between decodes) in ms, growing, on a busy machine.
    shortest_ms: between decodes where the machine has room; None: as on a busy one. Frames are
    80 ms long, so that other times than multiples of that are rounded up.
    share: of a processor, the most that the decodes of one stream take in order to be sooner.
    file_ms: between decodes of a stream that is not live; None: as of a live one, with room.
    closing_ms: silence that ends a segment.
    longest_ms: a longer segment loses its oldest audio, cut where that does least harm;
    context_ms: the most and the least of it that is then kept. The model needs context: ending
    segments at shorter silences instead costs 1 to 2 points of word error.
    fresh_ms: (pause, length) in ms: once this length was spoken since such a pause, the audio
    before the pause is dropped too. On two samples of joined clips (with different voices) this
    saves 0.3 points of word error and 0.015 CPU-seconds per second.
    deaf_ms: the same where no word was heard since the pause: the model may end with a sentence
    and leave out what follows. None: never.
    pause_ms: silence after which everything is decoded and shown, and a Pause is given.
    """

    onset: float = 0.5
    offset: float = 0.35
    lead_ms: int = 500
    intervals: Sequence[tuple[int, int]] = ((0, 280), (4000, 350), (8000, 450))
    shortest_ms: int | None = 160
    share: float = 0.5
    file_ms: int | None = None
    closing_ms: int = 1_200
    longest_ms: int = 12_000
    context_ms: tuple[int, int] = (8_000, 5_000)
    fresh_ms: tuple[int, int] = (600, 3_000)
    deaf_ms: tuple[int, int] | None = None
    pause_ms: int = 350
    agreement: AgreementPolicy = field(default_factory=AgreementPolicy)
    limits: Limits = field(default_factory=Limits)

    @property
    def for_files(self) -> DecoderPolicy:
        """The same for a stream that is not live: nobody waits for its words.

        A decode that has heard more is more often right, and costs no more.
        """
        if self.file_ms is None:
            return self
        return replace(self, intervals=((0, self.file_ms),), shortest_ms=None)

    def interval(self, length: int, *, took_ms: float) -> int:
        """Return the chunks between decodes of a segment of ``length`` chunks.

        took_ms: by the last decode, with its wait for a thread.
        """
        usual_ms = self._usual_ms(length)
        if self.shortest_ms is None:
            return chunks(usual_ms)
        return chunks(min(usual_ms, max(self.shortest_ms, round(took_ms / self.share))))

    def longest_interval(self, length: int) -> int:
        """Return the same on a busy machine."""
        return chunks(self._usual_ms(length))

    def _usual_ms(self, length: int) -> int:
        return [ms for least_ms, ms in self.intervals if length * CHUNK_MS >= least_ms][-1]
