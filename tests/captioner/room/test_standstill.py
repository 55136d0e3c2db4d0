from __future__ import annotations

from dataclasses import replace

import pytest

from captioner.room.standstill import UNDER_WAY_MS, Clocks, Standstills, standstill_s

NOW = Clocks(monotonic=100.0, boot=500.0, wall=1_800_000_000.0)


def later(monotonic: float, boot: float, wall: float) -> Clocks:
    return Clocks(NOW.monotonic + monotonic, NOW.boot + boot, NOW.wall + wall)


@pytest.mark.parametrize(
    ("after", "length_s"),
    [
        pytest.param(later(0.1, 0.1, 0.1), 0, id="nothing"),
        pytest.param(later(0.9, 0.9, 0.9), 0, id="a busy machine"),
        pytest.param(later(2.0, 2.0, 2.0), 2, id="stopped for 2 s"),
        pytest.param(later(60.1, 60.1, 60.1), 60.1, id="stopped for a minute"),
        pytest.param(later(0.1, 15.1, 15.1), 15.1, id="suspended"),
        pytest.param(later(0.1, 30_000.1, 30_000.1), 30_000.1, id="suspended over night"),
        pytest.param(later(0.1, 0.1, 15.1), 15.1, id="paused as a virtual machine"),
        pytest.param(later(0.1, 0.1, -3_600), 0, id="wall clock set back"),
        pytest.param(later(0.1, 0.1, 3_600), 0, id="wall clock set forward"),
        pytest.param(later(5.0, 5.0, -3_600), 5, id="stopped, and the wall clock set back"),
    ],
)
def test_whichever_clock_leaps_shows_a_standstill(after: Clocks, length_s: float) -> None:
    assert standstill_s(NOW, after) == pytest.approx(length_s)


def test_time_goes_on_through_a_standstill_whichever_clocks_stopped() -> None:
    clocks = [NOW]
    standstills = Standstills(lambda: clocks[0])
    began_s = standstills.now_s()
    with standstills.watched():
        clocks[0] = replace(NOW, boot=NOW.boot + 15, wall=NOW.wall + 15)
        assert standstills.now_s() == pytest.approx(began_s + 15)
        clocks[0] = later(15, 30, 30)
        assert standstills.now_s() == pytest.approx(began_s + 30)


def test_whoever_began_before_a_standstill_is_told_how_long_ago_all_was_well() -> None:
    clocks = [NOW]
    standstills = Standstills(lambda: clocks[0])
    with standstills.watched():
        before = standstills.from_now()
        assert before() is None
        clocks[0] = later(15, 15, 15)
        assert before() == 15_000 + UNDER_WAY_MS
        after = standstills.from_now()
        clocks[0] = later(16, 16, 16)
        assert before() == 16_000 + UNDER_WAY_MS
        clocks[0] = later(36, 36, 36)
        assert before() == 36_000 + UNDER_WAY_MS
        assert after() == 20_000 + UNDER_WAY_MS


def test_nothing_is_found_while_nobody_watches() -> None:
    clocks = [NOW]
    standstills = Standstills(lambda: clocks[0])
    ago_ms = standstills.from_now()
    clocks[0] = later(60, 60, 60)
    assert ago_ms() is None
    with standstills.watched():
        assert ago_ms() is None
