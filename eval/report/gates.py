"""Rules such as "wer>0.15": gates for programs, thresholds for people, and profiles."""

from __future__ import annotations

import operator
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eval.measures.catalogue import MEASURES, Figure

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_RULE = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(<=|>=|<|>)\s*(-?\d+(?:[.,]\d+)?)\s*(%|s)?\s*")

_UNITS = {"share": "%", "s": "s"}
"""How the units of measures may be written."""
_ABOVE_ONE = ("erasure", "erasure_raw")
"""Shares that are often above 1."""


class RuleError(ValueError):
    """A rule or a profile is malformed. The message says what is possible."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on a figure. limit: in the measure's unit; shares as fractions."""

    measure: str
    comparison: str
    limit: float

    def holds(self, value: float) -> bool:
        """Return whether the condition is true for ``value``."""
        return _OPERATORS[self.comparison](value, self.limit)

    def __str__(self) -> str:
        share = MEASURES[self.measure].unit == "share" and self.limit > 1
        limit = f"{100 * self.limit:g}%" if share else f"{self.limit:g}"
        return f"{self.measure}{self.comparison}{limit}"


def read_rule(text: str) -> Rule:
    """Parse "NAME>NUMBER", with >, >=, < or <=; 15% is 0.15. Raises RuleError.

    A share above 1 needs its %, since it is more likely to be one without it.
    """
    match = _RULE.fullmatch(text)
    if not match:
        raise RuleError(f"{text!r} is not a rule; write NAME>NUMBER, as in wer>0.15 (or >=, <, <=)")
    name, comparison, number, unit = match.groups()
    if name not in MEASURES:
        raise RuleError(f"{name!r} is not a measure; there are {', '.join(MEASURES)}")
    of = MEASURES[name].unit
    if unit not in (None, _UNITS.get(of)):
        raise RuleError(f"{text!r}: {name} is not counted in {unit}; leave that out")
    limit = float(number.replace(",", "."))
    if of == "share" and unit is None and limit > 1 and name not in _ABOVE_ONE:
        raise RuleError(f"{text!r} is {limit:.0%}; write {name}{comparison}{number}%")
    return Rule(name, comparison, limit / (100 if unit == "%" else 1))


def broken_gates(gates: Sequence[Rule], figures: Mapping[str, Figure]) -> list[str]:
    """Return a sentence for each closed gate: its condition is true, or was not measured."""
    found = []
    for gate in gates:
        figure = figures.get(gate.measure)
        if figure is None:
            found.append(f"{gate}: {gate.measure} was not measured in this run")
        elif gate.holds(figure.value):
            sure = figure.sure
            within = f" (95 % interval {sure.low:.4g} to {sure.high:.4g})" if sure else ""
            found.append(f"{gate}: {gate.measure} is {figure.value:.4g}{within}")
    return found


@dataclass(frozen=True, slots=True)
class Profile:
    """Rules that good captions satisfy. source: the origin of the limits, for a custom profile."""

    name: str
    rules: tuple[Rule, ...]
    source: str = ""


def _profile(name: str, *rules: str) -> tuple[str, Profile]:
    return name, Profile(name, tuple(map(read_rule, rules)))


# The origin of their limits: [source] in eval/templates.
PROFILES: Mapping[str, Profile] = dict(
    (
        _profile(
            "aims",
            "ner_like>=0.98",
            "first_show_p50<=1",
            "first_show_p95<=2",
            "erasure<=0.10",
            "revision_age_p95<=1",
            "line_jumps<=0",
            "stalls<=0",
            "stuck_partials<=0",
        ),
        _profile("ofcom", "ner_like>=0.98", "first_show_p50<=3", "words_a_minute_p50<=180"),
        _profile("en301549", "page_p95<=0.1"),
    )
)


def read_profile(path: Path) -> Profile:
    """Read a custom profile: TOML with ``thresholds = ["wer<=0.15", …]``, ``name``, ``source``.

    Raises RuleError.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RuleError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RuleError(f"{path}: is not TOML ({error})") from error
    rules = found.get("thresholds")
    if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
        raise RuleError(f'{path}: has no list of rules; write thresholds = ["wer<=0.15", …]')
    try:
        read = tuple(map(read_rule, rules))
    except RuleError as error:
        raise RuleError(f"{path}: {error}") from error
    return Profile(str(found.get("name", path.stem)), read, str(found.get("source", path.name)))


State = Literal["met", "missed", "unsure", "unmeasured"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule is satisfied. "unsure": the limit is within the 95 % interval."""

    rule: Rule
    figure: Figure | None
    state: State


def judge(rules: Sequence[Rule], figures: Mapping[str, Figure]) -> list[Verdict]:
    """Return a verdict for each rule. Without an interval the figure alone decides."""
    return [_verdict(rule, figures.get(rule.measure)) for rule in rules]


def judged(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts for which something was measured."""
    return [verdict for verdict in verdicts if verdict.state != "unmeasured"]


def _verdict(rule: Rule, figure: Figure | None) -> Verdict:
    if figure is None:
        return Verdict(rule, None, "unmeasured")
    sure = figure.sure
    if sure and rule.holds(sure.low) != rule.holds(sure.high):
        return Verdict(rule, figure, "unsure")
    return Verdict(rule, figure, "met" if rule.holds(figure.value) else "missed")
