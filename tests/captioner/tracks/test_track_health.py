from __future__ import annotations

from captioner.contract import TrackState
from captioner.tracks.track_health import LATE_MS, LOST_MS, STALL_MS, Health


def test_what_happens_to_a_speaker_is_told_once() -> None:
    now = [0.0]
    health = Health(lambda: now[0])

    def judge(behind_ms: int, *, voice_ms: int = 0, waiting: bool = False) -> object:
        now[0] += 2
        return health.judge(
            behind_ms, delay_ms=500, voice_ms=voice_ms, still_s=voice_ms / 1000, waiting=waiting
        )

    assert judge(500, waiting=True) is None
    assert judge(500) == (TrackState.ON, 0)
    assert judge(600) is None
    assert judge(LATE_MS) == (TrackState.DELAYED, LATE_MS)
    assert judge(LATE_MS + 100) is None
    assert judge(LATE_MS + 2_000) == (TrackState.DELAYED, LATE_MS + 2_000)
    assert judge(LOST_MS) == (TrackState.UNAVAILABLE, LOST_MS)
    assert judge(LATE_MS - 100) == (TrackState.DELAYED, LATE_MS - 100)
    assert judge(1_000) == (TrackState.ON, 0)
    assert judge(1_000, voice_ms=STALL_MS) == (TrackState.STALLED, 0)
    assert judge(1_000, voice_ms=80) == (TrackState.ON, 0)
