from __future__ import annotations

import random
import statistics
from collections import Counter

import pytest

from streaming.kyutai_client.engine import free_slots
from streaming.remote.balance import CHOICES, FIRST_S, LATE_FRAMES, LATE_S, WELL_S, Balance, Seat

SERVERS = [f"s{n}" for n in range(8)]


def balance() -> Balance:
    made = Balance(random.Random(1))
    made.forget(SERVERS)
    return made


def chosen(balance: Balance, now: float, free: dict[str, int | None] | None = None) -> str:
    usable = [one for one in balance.order(SERVERS, now) if balance.is_usable(one, now)]
    return balance.ranked(usable[:CHOICES] if free else usable, free or {})[0]


def end(seat: Seat, now: float, *, failed: bool = False) -> None:
    seat.end(now, delay_s=0.6, failed=failed)


def spread(streams: Counter[str]) -> float:
    counts = [streams[server] for server in SERVERS]
    return (max(counts) - min(counts)) / (sum(counts) / len(counts))


def late(seat: Seat, now: float) -> None:
    """A second of sound whose words are a bit too late."""
    for n in range(LATE_FRAMES):
        seat.sent(80 * n, now + 0.08 * n)
    for n in range(LATE_FRAMES):
        seat.heard(80 * n, 0.6, now + 0.08 * n + 0.6 + LATE_S + 0.1)


def test_many_who_know_nothing_of_each_other_fill_servers_evenly_where_these_tell() -> None:
    streams: Counter[str] = Counter()
    held: list[str] = []
    spreads: list[float] = []
    chance = random.Random(2)
    apart = [Balance(random.Random(n)) for n in range(40)]
    for n in range(2_000):
        if len(held) >= 200:
            streams[held.pop(chance.randrange(len(held)))] -= 1
        server = chosen(apart[n % len(apart)], 0.0, {one: 64 - streams[one] for one in SERVERS})
        streams[server] += 1
        held.append(server)
        spreads.append(spread(streams) if n > 400 else 0)
    assert statistics.quantiles(spreads, n=20)[-1] <= 0.15  # by chance alone it is 0.5


def test_where_servers_tell_nothing_the_one_with_fewer_of_our_streams_is_taken() -> None:
    one = balance()
    seats: list[Seat] = []
    for n in range(200):
        seats.append(one.begin(chosen(one, float(n)), float(n)))
    assert spread(Counter(seat.server for seat in seats)) <= 0.15


def test_of_two_servers_the_sooner_one_is_taken_whoever_has_more_streams() -> None:
    one = balance()
    slow, quick = one.begin("s0", 0.0), one.begin("s1", 0.0)
    one.begin("s1", 0.0)
    for n in range(20):
        for seat, lag_s in ((slow, 1.5), (quick, 0.1)):
            seat.sent(80 * n, 0.08 * n)
            seat.heard(80 * n, 0.6, 0.08 * n + 0.6 + lag_s)
    assert one.ranked(["s0", "s1"], {}) == ["s1", "s0"]
    assert one.ranked(["s0", "s1"], {"s0": 3, "s1": None}) == ["s0", "s1"]
    assert one.ranked(["s0", "s1"], {"s0": 0, "s1": None}) == ["s1", "s0"]
    assert one.ranked(["s0", "s1"], {"s0": 3, "s1": 2}) == ["s0", "s1"]


def test_a_server_whose_words_are_late_is_left_if_there_is_another() -> None:
    one = balance()
    seat = one.begin("s0", 0.0)
    late(seat, 0.0)
    assert seat.should_leave(3.0)
    alone = Balance()
    alone.forget(["s0"])
    seat = alone.begin("s0", 0.0)
    late(seat, 0.0)
    assert not seat.should_leave(3.0)


def test_words_that_are_late_for_a_moment_or_after_a_silence_are_no_reason() -> None:
    one = balance()
    seat = one.begin("s0", 0.0)
    seat.sent(80, 0.0)
    seat.heard(80, 0.6, 5.0)
    for n in range(1, 40):
        seat.sent(80 * (n + 1), 5.0 + 0.08 * n)
        seat.heard(80 * n, 0.6, 5.0 + 0.08 * n)
    assert not seat.should_leave(10.0)
    seat.asked(60.0)
    seat.sent(80 * 41, 60.0)  # nobody spoke for a minute
    seat.heard(80 * 41, 0.6, 60.7)
    assert not seat.should_leave(60.7)


def test_a_server_that_failed_is_avoided_longer_each_time_and_then_used_again_gently() -> None:
    one = balance()
    now = 0.0
    for penalty_s in (FIRST_S, 2 * FIRST_S, 4 * FIRST_S):
        seat = one.begin("s0", now)
        seat.sent(80, now)
        end(seat, now, failed=True)
        assert one.order(SERVERS, now + penalty_s - 0.1)[-1] == "s0"
        now += penalty_s + 0.1
        assert one.is_usable("s0", now)
    trial = one.begin("s0", now)
    assert not one.is_usable("s0", now)  # for the others, until it was in time for a while
    trial.sent(80, now + WELL_S)
    trial.heard(80, 0.6, now + WELL_S + 0.7)
    assert one.is_usable("s0", now + WELL_S + 0.7)


def test_a_trial_that_ends_early_lets_another_stream_try() -> None:
    one = balance()
    one.failed("s0", 0.0)
    trial = one.begin("s0", FIRST_S + 0.1)
    end(trial, FIRST_S + 0.2)
    assert one.is_usable("s0", FIRST_S + 0.3)
    one.begin("s0", FIRST_S + 0.3)
    assert not one.is_usable("s0", FIRST_S + 0.3)


def test_many_streams_that_fail_at_once_are_one_failure() -> None:
    one = balance()
    seats = [one.begin("s0", 0.0) for _ in range(20)]
    for seat in seats:
        seat.sent(80, 0.0)
        end(seat, 0.0, failed=True)
    assert one.is_usable("s0", FIRST_S + 0.1)


def test_a_server_that_owes_nothing_may_hang_up_and_one_that_owes_much_has_failed() -> None:
    one = balance()
    end(one.begin("s0", 0.0), 1.0, failed=True)
    assert one.is_usable("s0", 1.0)
    silent = one.begin("s0", 1.0)
    silent.sent(80, 1.0)
    end(silent, 6.0)
    assert not one.is_usable("s0", 6.0)


def test_when_all_are_to_be_avoided_the_soonest_is_tried_first() -> None:
    one = balance()
    for n, server in enumerate(SERVERS):
        one.failed(server, n / 100)
    assert one.order(SERVERS, 0.1) == SERVERS


def test_what_is_no_server_any_more_is_forgotten_when_its_last_stream_ends() -> None:
    one = balance()
    seat = one.begin("s0", 0.0)
    late(seat, 0.0)
    one.forget(["s1"])
    assert seat.should_leave(3.0)
    end(seat, 3.0)
    one.forget(["s0"])
    assert not one.others("s0", 3.0)


@pytest.mark.parametrize(
    ("told", "free"),
    [
        (b'[{"type":"batched_asr","used_slots":"3","total_slots":"16"}]', 13),
        (b'[{"used_slots":3,"total_slots":16},{"used_slots":0,"total_slots":2}]', 13),
        (b"[]", None),
        (b'{"status":"ok"}', None),
        (b'[{"used_slots":"many"}]', None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_free_slots_are_read_where_they_are_told(told: bytes, free: int | None) -> None:
    assert free_slots(told) == free
