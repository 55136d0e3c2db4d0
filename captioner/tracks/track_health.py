"""Whether a speaker's captions come, come late, or do not come. Pure."""

from __future__ import annotations

from collections.abc import Callable

from captioner.contract import TrackState

LATE_MS, IN_TIME_MS = 3_000, 2_000
"""Captions so far behind the voice are delayed, until they are less than that behind."""

LOST_MS = 29_000
"""So far behind, captions do not help any more; of sound without a slot 30 s are kept."""

STALL_MS = 4_000
"""So much speech without a caption is a stall."""

TELL_S = 1.0
"""A lag that changes is told so often at most."""


class Health:
    """One track's state as everybody sees it; ``clock`` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._state: TrackState | None = None
        self._lag_ms = 0
        self._told_at = 0.0

    def judge(
        self, behind_ms: int, *, delay_ms: int, voice_ms: int, still_s: float, waiting: bool
    ) -> tuple[TrackState, int] | None:
        """What there is to tell: (state, ms behind), or None if that is known.

        behind_ms: sound that no recogniser has dealt with. delay_ms: what the engine has by
        nature. voice_ms: voice since the last word. still_s: since the last caption. waiting:
        for a recogniser, or for its first answer.
        """
        state = self._judge(behind_ms, delay_ms, voice_ms, still_s)
        if waiting and state is TrackState.ON:
            if self._state is None or self._state is TrackState.ON:
                return None
            state = self._state
        lag_ms = behind_ms if state in (TrackState.DELAYED, TrackState.UNAVAILABLE) else 0
        now = self._clock()
        if state is self._state and (
            abs(lag_ms - self._lag_ms) < 1_000 or now - self._told_at < TELL_S
        ):
            return None
        self._state, self._lag_ms, self._told_at = state, lag_ms, now
        return state, lag_ms

    def _judge(self, behind_ms: int, delay_ms: int, voice_ms: int, still_s: float) -> TrackState:
        was_late = self._state in (TrackState.DELAYED, TrackState.UNAVAILABLE)
        late_ms = IN_TIME_MS if was_late else LATE_MS
        if behind_ms >= LOST_MS:
            return TrackState.UNAVAILABLE
        if behind_ms >= max(late_ms, delay_ms + 2_000):
            return TrackState.DELAYED
        if voice_ms >= STALL_MS and still_s * 1000 >= STALL_MS:
            return TrackState.STALLED
        return TrackState.ON
