from pathlib import Path

import pytest

from eval.measures.bootstrap import Interval
from eval.measures.catalogue import MEASURES, PARTS, STAGES, Figure
from eval.report.gates import (
    PROFILES,
    Rule,
    RuleError,
    broken_gates,
    judge,
    read_profile,
    read_rule,
)


def figure(name: str, value: float, sure: Interval | None = None) -> dict[str, Figure]:
    return {name: Figure(name, value, sure, 9)}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("wer>0.15", Rule("wer", ">", 0.15)),
        (" wer > 15 % ", Rule("wer", ">", 0.15)),
        ("first_show_p95>=2.0s", Rule("first_show_p95", ">=", 2.0)),
        ("ner_like<98%", Rule("ner_like", "<", 0.98)),
        ("wer<=12,5 %", Rule("wer", "<=", 0.125)),
        ("wer>150%", Rule("wer", ">", 1.5)),
        ("erasure>1.5", Rule("erasure", ">", 1.5)),
    ],
)
def test_a_rule_is_read(text: str, rule: Rule) -> None:
    assert read_rule(text) == rule
    assert read_rule(str(rule)) == rule


def test_an_unknown_measure_is_answered_with_the_list_of_names() -> None:
    with pytest.raises(RuleError) as error:
        read_rule("word_error_rate>0.1")
    assert all(name in str(error.value) for name in MEASURES)


@pytest.mark.parametrize("text", ["wer", "wer=0.1", "wer>x", "", "0.1<wer"])
def test_what_is_no_rule_is_named(text: str) -> None:
    with pytest.raises(RuleError, match="is not a rule; write NAME>NUMBER"):
        read_rule(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("wer<10", "'wer<10' is 1000%; write wer<10%"),
        ("ner_like>=98", "write ner_like>=98%"),
        ("first_show_p95<=2%", "first_show_p95 is not counted in %; leave that out"),
        ("wer<=1s", "wer is not counted in s"),
        ("stalls<=1%", "stalls is not counted in %"),
    ],
)
def test_a_limit_in_another_unit_than_the_figure_is_refused(text: str, why: str) -> None:
    with pytest.raises(RuleError, match=why):
        read_rule(text)


def test_a_gate_is_shut_by_what_it_forbids_and_by_what_was_not_measured() -> None:
    gates = [read_rule("wer>0.1")]
    assert broken_gates(gates, figure("wer", 0.1)) == []
    assert broken_gates(gates, figure("wer", 0.11, Interval(0.09, 0.13))) == [
        "wer>0.1: wer is 0.11 (95 % interval 0.09 to 0.13)"
    ]
    assert broken_gates(gates, {}) == ["wer>0.1: wer was not measured in this run"]


@pytest.mark.parametrize(
    ("value", "sure", "state"),
    [
        (0.08, Interval(0.06, 0.09), "met"),
        (0.08, Interval(0.06, 0.11), "unsure"),
        (0.12, Interval(0.11, 0.15), "missed"),
        (0.12, None, "missed"),
    ],
)
def test_an_interval_over_the_limit_leaves_it_open(
    value: float, sure: Interval | None, state: str
) -> None:
    (verdict,) = judge([read_rule("wer<=0.1")], figure("wer", value, sure))
    assert verdict.state == state


def test_what_was_not_measured_has_no_verdict() -> None:
    assert judge([read_rule("wer<=0.1")], {})[0].state == "unmeasured"


def test_a_profile_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text('name = "ours"\nsource = "us"\nthresholds = ["wer<=10%", "late<=0.05"]\n')
    found = read_profile(path)
    assert (found.name, found.source) == ("ours", "us")
    assert found.rules == (Rule("wer", "<=", 0.1), Rule("late", "<=", 0.05))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("x =", "is not TOML"),
        ("name = 'x'", "has no list of rules"),
        ("thresholds = ['oops']", r"mine\.toml: 'oops' is not a rule"),
    ],
)
def test_a_broken_profile_is_named(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(RuleError, match=why):
        read_profile(path)


def test_a_missing_profile_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"none\.toml: cannot be read"):
        read_profile(tmp_path / "none.toml")


def test_the_documentation_has_every_measure() -> None:
    text = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    names = {measure.of for measure in MEASURES.values()} - (set(PARTS) - set(STAGES))
    assert [name for name in names if f"`{name}" not in text] == []


def test_every_built_in_profile_says_in_both_languages_where_it_is_from() -> None:
    from eval.report.wording import TONGUES, wording

    for tongue in TONGUES:
        assert set(wording(tongue).texts["source"]) == set(PROFILES)
