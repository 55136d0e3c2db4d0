"""What laws and guidelines ask of captions, with the figures that bear on it.

The words are in eval/templates: [rule_…] has what is asked and what no figure can say.
"""

from __future__ import annotations

from dataclasses import dataclass

from eval.report.results import Results
from eval.report.wording import Wording

_LIVE = ("fcc", "ofcom", "wcag_live", "en_live", "rgaa_live")
_RECORDED = ("fcc", "ofcom", "wcag_recorded", "en_recorded", "rgaa")
_FIGURES: dict[str, dict[str, tuple[str, ...]]] = {
    "fcc": {
        "accurate": ("wer", "number_errors", "name_errors", "punctuation_errors", "cpwer"),
        "synchronous": ("first_show_p50", "first_show_p95", "late", "tcpwer"),
        "complete": ("missing", "never_shown", "stalled"),
        "placed": ("line_jumps", "long_lines"),
    },
    "ofcom": {
        "accuracy": ("ner_like", "wer"),
        "latency": ("first_show_p50", "late"),
        "speed": ("words_a_minute_p50", "words_a_minute_p95"),
    },
    "wcag_live": {"live": ("missing", "never_shown", "misattribution", "stalled")},
    "wcag_recorded": {"recorded": ("missing", "wer", "misattribution")},
    "en_live": {
        "captions": ("missing", "never_shown"),
        "synchronised": ("page_p95", "painting_p95"),
        "characteristics": (),
    },
    "en_recorded": {"captions": ("missing", "wer"), "synchronised": ()},
    "rgaa": {"4_3": ("missing", "long_cues"), "4_4": ("wer", "number_errors", "name_errors",
                                                      "negation_errors", "misattribution")},
    "rgaa_live": {"4_3": ()},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand: its name, what it asks, our figures as sentences, and what these cannot say."""

    name: str
    asks: str
    figures: tuple[str, ...]
    cannot: str


@dataclass(frozen=True, slots=True)
class Framework:
    """The demands of one law or guideline."""

    title: str
    rules: tuple[Rule, ...]


def rules_of(results: Results, words: Wording) -> list[Framework]:
    """Return those for live captions, or for recordings if the captions came from a file."""
    recorded = all(one.clip.through == "file" for one in results.measured)
    return [
        Framework(
            words.texts["framework"][name],
            tuple(_rule(f"rule_{name}_{key}", some, results, words)
                  for key, some in _FIGURES[name].items()),
        )
        for name in (_RECORDED if recorded else _LIVE)
    ]  # fmt: skip


def _rule(key: str, names: tuple[str, ...], results: Results, words: Wording) -> Rule:
    figures = [results.figures[name] for name in names if name in results.figures]
    text = words.texts[key]
    shown = (f"{words.label(f.name)}{words.colon}{words.value(f.name, f.value)}" for f in figures)
    return Rule(text["name"], text["asks"], tuple(shown), text["cannot"])
