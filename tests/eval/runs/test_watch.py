from __future__ import annotations

from eval.runs.watch import RATE, Handed


def test_holes_in_what_was_published_are_told_by_its_times() -> None:
    handed = Handed()
    assert handed.torn_ms == 0
    piece, at = RATE // 50, 3.0
    for number in range(1, 101):
        at += 0.15 if number == 40 else 0.02
        handed.note(number * piece, at)
    assert handed.torn_ms == 130
    assert handed.at_s(39 * piece) == handed.at_s(39 * piece - 1)
    assert round(handed.at_s(40 * piece) - handed.at_s(39 * piece), 3) == 0.15
