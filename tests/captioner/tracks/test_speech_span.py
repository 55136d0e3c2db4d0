from __future__ import annotations

import numpy as np

from captioner.tracks.speech_span import SETTLE_MS, SpeechSpan
from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame
from streaming.recognizer import Heard


def frame(at_s: int) -> AudioFrame:
    return AudioFrame(np.zeros(FRAME_SAMPLES, np.float32), at_s * SAMPLE_RATE)


def test_words_come_for_a_while_after_their_sound_was_heard() -> None:
    """So a bot that is killed then, or captions that are switched off, may owe them."""
    span = SpeechSpan([frame(10)])
    assert span.unsettled_ms == 10_000
    span.place(frame(12))
    span.take(Heard(100))
    assert span.unsettled_ms == 10_000
    span.take(Heard(2_080))
    assert (span.behind_ms, span.unsettled_ms) == (0, 12_080 - SETTLE_MS)


def test_where_nobody_speaks_no_words_come() -> None:
    assert SpeechSpan([]).unsettled_ms is None
