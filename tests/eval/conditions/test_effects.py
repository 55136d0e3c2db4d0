import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.conditions.codec import through_opus
from eval.conditions.effects import (
    at_level,
    babble,
    decibels,
    impulse_response,
    mixed,
    overlapped,
    pink_noise,
    reverberant,
    speech_level,
    with_losses,
)
from eval.corpus.manifest import bundled_corpus
from streaming.audio import Pcm

RATE = 16_000


@pytest.fixture(scope="module")
def voice() -> Pcm:
    return bundled_corpus()[0].audio(RATE)[: 12 * RATE]


def chance(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_pauses_do_not_lower_the_level_of_a_voice(voice: Pcm) -> None:
    with_pause = np.concatenate([voice, np.zeros(30 * RATE, np.float32)])
    assert speech_level(with_pause, RATE) == pytest.approx(speech_level(voice, RATE), abs=0.01)
    assert speech_level(np.zeros(RATE, np.float32), RATE) == -np.inf


@given(level=st.floats(-60, -20))
def test_a_voice_is_given_the_level_asked_for(level: float) -> None:
    tone = np.sin(np.arange(RATE) / 7).astype(np.float32)
    assert speech_level(at_level(tone, RATE, level), RATE) == pytest.approx(level, abs=0.05)


def test_what_is_over_full_scale_is_clipped(voice: Pcm) -> None:
    assert np.abs(at_level(voice, RATE, 0.0)).max() == 1.0


@pytest.mark.parametrize("snr", [-5.0, 0.0, 10.0, 30.0])
def test_noise_lies_as_far_below_the_voice_as_asked_for(voice: Pcm, snr: float) -> None:
    noise = pink_noise(len(voice), RATE, chance())
    added = mixed(voice, RATE, noise, snr).astype(np.float64) - voice
    found = speech_level(voice, RATE) - decibels(float(np.mean(added**2)))
    assert found == pytest.approx(snr, abs=0.1)


def test_silence_has_no_signal_to_noise_ratio_and_stays_silent() -> None:
    silence = np.zeros(RATE, np.float32)
    assert not mixed(silence, RATE, pink_noise(RATE, RATE, chance()), 10).any()
    assert not at_level(silence, RATE, -20).any()


def test_pink_noise_has_as_much_power_in_each_octave() -> None:
    noise = pink_noise(60 * RATE, RATE, chance())
    power = np.abs(np.fft.rfft(noise)) ** 2
    at = np.fft.rfftfreq(len(noise), 1 / RATE)
    octaves = [
        power[(at >= low) & (at < 2 * low)].sum() for low in (100, 200, 400, 800, 1600, 3200)
    ]
    assert max(octaves) / min(octaves) < 1.1


def test_babble_holds_every_voice_at_the_same_level() -> None:
    time = np.arange(4 * RATE) / RATE
    loud, faint = np.sin(2 * np.pi * 200 * time), 0.01 * np.sin(2 * np.pi * 900 * time)
    crowd = babble([loud.astype(np.float32), faint.astype(np.float32)], 4 * RATE, chance())
    spectrum = np.abs(np.fft.rfft(crowd))
    assert spectrum[800] == pytest.approx(spectrum[3600], rel=0.01)


@pytest.mark.parametrize("t60", [0.3, 0.8, 1.5])
def test_a_room_loses_60_db_in_its_reverberation_time(t60: float) -> None:
    tail = impulse_response(RATE, t60, chance())[1:]
    left = np.cumsum(tail[::-1] ** 2)[::-1]  # Schroeder's backward integration, 1965
    decay = 10 * np.log10(left / left[0])
    span = (decay < -5) & (decay > -25)
    slope, _ = np.polyfit(np.flatnonzero(span) / RATE, decay[span], 1)
    assert -60 / slope == pytest.approx(t60, rel=0.05)


def test_half_of_what_is_heard_in_a_room_is_the_direct_sound() -> None:
    room = impulse_response(RATE, 0.6, chance())
    assert np.sum(room[1:] ** 2) == pytest.approx(room[0] ** 2)


def test_reverberation_keeps_level_length_and_the_place_of_the_first_sound(voice: Pcm) -> None:
    heard = reverberant(voice, RATE, 0.5, chance())
    assert len(heard) == len(voice)
    assert np.sum(heard**2) == pytest.approx(np.sum(voice**2), rel=1e-3)
    click = np.zeros(RATE, np.float32)
    click[4000] = 1
    echoed = reverberant(click, RATE, 0.5, chance())
    assert np.flatnonzero(np.abs(echoed) > 1e-3)[0] == 4000


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_somebody_else_is_heard_for_the_share_of_the_time(voice: Pcm, share: float) -> None:
    other = np.sin(np.arange(2 * RATE) / 9).astype(np.float32)
    both = overlapped(voice, RATE, other, share=share, level_db=-6, chance=chance())
    added = both - voice
    heard = np.flatnonzero(np.abs(added) > 1e-6)
    span = heard[-1] - heard[0] + 1 if len(heard) else 0
    assert span / len(voice) == pytest.approx(share, abs=0.001)
    if share:
        part = added[heard[0] : heard[-1]]
        assert speech_level(part, RATE) - speech_level(voice, RATE) == pytest.approx(-6, abs=0.1)


@given(share=st.floats(0, 1), seed=st.integers(0, 99))
def test_the_share_of_lost_packets_is_exact(share: float, seed: int) -> None:
    heard = with_losses(np.ones(200 * 320 + 7, np.float32), RATE, share, chance(seed))
    silent = sum(not heard[at : at + 320].any() for at in range(0, len(heard), 320))
    assert silent == round(share * 201)
    assert set(np.unique(heard)) <= {0.0, 1.0}


def test_the_same_seed_makes_the_same_sound(voice: Pcm) -> None:
    for make in (
        lambda c: reverberant(voice, RATE, 0.4, c),
        lambda c: with_losses(voice, RATE, 0.1, c),
        lambda c: pink_noise(RATE, RATE, c),
        lambda c: overlapped(voice, RATE, voice[::-1], share=0.3, level_db=0, chance=c),
    ):
        assert np.array_equal(make(chance(3)), make(chance(3)))
        assert not np.array_equal(make(chance(3)), make(chance(4)))


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_opus_keeps_length_and_place_and_loses_more_with_fewer_bits(voice: Pcm, rate: int) -> None:
    sound = voice if rate == RATE else bundled_corpus()[0].audio(rate)[: 12 * rate]
    coarse, fine = (through_opus(sound, rate, bits) for bits in (8_000, 64_000))
    assert coarse.dtype == np.float32
    assert len(coarse) == len(fine) == len(sound)
    both = np.fft.rfft(fine, 2 * len(sound)) * np.conj(np.fft.rfft(sound, 2 * len(sound)))
    shift = int(np.fft.irfft(both).argmax())
    assert min(shift, 2 * len(sound) - shift) <= rate // 1000  # within a millisecond
    lost = [float(np.mean((heard - sound) ** 2)) for heard in (coarse, fine)]
    assert lost[0] > lost[1] > 0


def test_a_clip_of_nothing_passes_through_everything() -> None:
    nothing = np.zeros(0, np.float32)
    assert not len(through_opus(nothing, RATE, 24_000))
    assert not len(with_losses(nothing, RATE, 0.5, chance()))
    assert not len(at_level(nothing, RATE, -20))
