from __future__ import annotations

import pytest

from streaming.command_line import WARNINGS_MAX, unknown_variables

KNOWN = ("ASR_MODEL", "ASR_PORT")


def warnings(*names: str) -> list[str]:
    return list(unknown_variables(names, prefix="ASR_", known=KNOWN))


def test_an_unknown_variable_is_named_with_the_nearest_known_one() -> None:
    assert warnings("ASR_MODLE") == ["unknown variable ASR_MODLE: did you mean ASR_MODEL?"]


def test_a_variable_that_is_like_no_known_one_is_named_alone() -> None:
    assert warnings("ASR_QUITE_ANOTHER_THING") == ["unknown variable ASR_QUITE_ANOTHER_THING"]


@pytest.mark.parametrize("name", [*KNOWN, "PATH", "MODEL", "CAPTIONER_ASR_MODLE"])
def test_known_and_foreign_variables_are_left_alone(name: str) -> None:
    assert warnings(name) == []


def test_many_unknown_variables_are_counted_not_listed() -> None:
    said = warnings(*(f"ASR_X{number}" for number in range(1_000)))
    assert len(said) == WARNINGS_MAX + 1
    assert said[-1].startswith(f"{1_000 - WARNINGS_MAX} more")


def test_a_name_that_is_long_or_not_printable_is_bounded_and_escaped() -> None:
    [said] = warnings("ASR_\x1b[31m" + "X" * 100_000)
    assert said.isprintable()
    assert len(said) < 200
