"""Words as chords: what is said is what is heard, wherever the frames are cut."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.simulation.testbed import HEARING
from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm
from streaming.kyutai.protocol import Word
from streaming.testing.scripted_server import Ears
from streaming.testing.tone_words import WORDS, chord, has_tone, hear, word

numbers = st.integers(0, WORDS - 1)


def heard(said: list[int], *, cut: int, noise: float = 0.0) -> list[str]:
    pcm = np.concatenate([np.zeros(cut), *map(chord, said), np.zeros(2 * FRAME_SAMPLES)])
    pcm = (pcm + noise * np.random.default_rng(1).standard_normal(len(pcm))).astype(np.float32)
    return listen(pcm)


def listen(pcm: Pcm) -> list[str]:
    ears = Ears(delay_frames=0, heads=False, hearing=HEARING)
    frames = pcm[: len(pcm) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    return [m.text for frame in frames for m in ears.step(frame) if isinstance(m, Word)]


@settings(max_examples=40)
@given(said=st.lists(numbers, max_size=4, unique=True), cut=st.integers(0, FRAME_SAMPLES))
def test_every_word_is_heard_once_wherever_the_frames_are_cut(said: list[int], cut: int) -> None:
    assert heard(said, cut=cut) == [word(n) for n in said]


@settings(max_examples=40)
@given(number=numbers)
def test_noise_between_the_words_is_no_word(number: int) -> None:
    assert heard([number, number ^ 1], cut=700, noise=0.005) == [word(number), word(number ^ 1)]


@settings(max_examples=40)
@given(first=numbers, second=numbers)
def test_two_words_at_once_are_never_a_third(first: int, second: int) -> None:
    mixed = (chord(first) + chord(second))[2000:][:FRAME_SAMPLES]
    assert hear(mixed) in {None, word(first), word(second)}


@settings(max_examples=40)
@given(number=numbers, cut=st.integers(0, FRAME_SAMPLES), gap=st.integers(1, 5_000))
def test_a_word_that_the_network_tore_apart_is_still_one(number: int, cut: int, gap: int) -> None:
    whole = chord(number)
    torn = [np.zeros(cut), whole[:4_000], np.zeros(gap), whole[4_000:], np.zeros(4 * FRAME_SAMPLES)]
    assert listen(np.concatenate(torn).astype(np.float32)) == [word(number)]


def through_celt(pcm: Pcm, bits_per_second: int) -> Pcm:
    """Opus as it encodes what it takes for music, with few bits."""
    written = io.BytesIO()
    with av.open(written, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=SAMPLE_RATE)
        stream.bit_rate, stream.options = bits_per_second, {"application": "lowdelay"}
        samples = (pcm * 32_767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    written.seek(0)
    resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
    with av.open(written) as back:
        heard = [
            piece.to_ndarray()[0]
            for frame in back.decode(audio=0)
            for piece in resampler.resample(frame)
        ]
    return np.concatenate(heard)


def test_words_survive_an_encoder_that_has_few_bits_for_high_frequencies() -> None:
    said = [10, 0x0F0F, 51, 0xFEDC, 0x7E1, 0xABCD, 63, 54]
    pcm = np.concatenate([np.zeros(SAMPLE_RATE), *map(chord, said), np.zeros(SAMPLE_RATE)])
    pcm += np.random.default_rng(1).normal(0, 1e-3, len(pcm))
    assert listen(through_celt(pcm.astype(np.float32), 10_000)) == [word(n) for n in said]


def test_only_a_word_is_voice() -> None:
    assert has_tone(AudioFrame(chord(7)[:FRAME_SAMPLES], 0))
    assert not has_tone(AudioFrame(np.full(FRAME_SAMPLES, 0.005, np.float32), 0))


def test_there_is_no_word_beyond_the_last() -> None:
    with pytest.raises(ValueError, match="65535"):
        word(WORDS)
