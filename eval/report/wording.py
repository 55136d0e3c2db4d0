"""The text of reports, in English and French: eval/templates/en.toml and fr.toml."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast, get_args

from eval.corpus.transcript import Mending
from eval.measures.bootstrap import Interval
from eval.measures.catalogue import MEASURES, STAGES, Figure, Unit
from eval.observation import Doubt
from eval.report.gates import Profile, Verdict, judged
from eval.report.translated import translated
from streaming.recognizer import primary

Tongue = Literal["en", "fr"]
TONGUES: tuple[Tongue, ...] = get_args(Tongue)


DETAILS = 6
"""Names shown with one kind of repair."""


_PLACE = re.compile(r"\{(\w+)\}|\[([^\[\]|]*)\|([^\[\]|]*)\]")
_COUNTS = ("n", "all")
"""Facts of doubts that are numbers."""
_LANGUAGES = ("asked", "likely", "spoken")
"""Facts of doubts that are languages."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is shown, and its value, which decides between singular and plural."""

    shown: str
    value: float


@dataclass(frozen=True, slots=True)
class Wording:
    """The text of one language; ``page`` is that of the report's page."""

    tongue: Tongue
    texts: Mapping[str, Mapping[str, str]]

    @property
    def page(self) -> Mapping[str, str]:
        """Headings and explanations."""
        return self.texts["page"]

    def label(self, name: str) -> str:
        """Return a measure's name for people: "Word spoken → shown, 95 %"."""
        labels, of = self.texts["label"], MEASURES[name].of
        quantile = MEASURES[name].quantile
        known = labels.get(of) or self._part(of)
        return known if quantile is None else f"{known}, {self.percent(quantile, 0)}"

    def _part(self, of: str) -> str:
        """Name a part of the delay that spans several stages."""
        names = [stage for stage in STAGES if stage in of.split("_")]
        before, _ = self.texts["label"][names[0]].split(":")
        own = [self.texts["label"][name].split(":")[1].strip() for name in names]
        return f"{before}: {' + '.join(own)}"

    def value(self, name: str, value: float) -> str:
        """Format a figure with its unit in this language."""
        unit: Unit = MEASURES[name].unit
        match unit:
            case "share" if name.startswith("erasure"):
                return self.number(value, 2)
            case "share":
                return self.percent(value, 2 if abs(value) < 0.0095 and value else 1)
            case "s":
                return self._seconds(value)
            case "count":
                return self.number(value, 0)
        return f"{self.number(value, 1)} {self.texts['unit'][unit]}"

    def _seconds(self, value: float, digits: int = 2) -> str:
        space = "\N{NO-BREAK SPACE}" if self.tongue == "fr" else " "
        return f"{self.number(value, digits)}{space}s"

    def _length(self, seconds: float) -> str:
        """Format as "5.0 s", or from a minute on as "1:00:00 h"."""
        return (
            f"{timedelta(seconds=round(seconds))} h" if seconds >= 60 else self._seconds(seconds, 1)
        )

    def number(self, value: float, digits: int) -> str:
        """Format a number with a point or comma, and thin spaces or commas between thousands."""
        text = f"{value:,.{digits}f}"
        if self.tongue == "fr":
            return text.replace(",", "\u202f").replace(".", ",")
        return text

    def percent(self, share: float, digits: int) -> str:
        """Format 0.121 as "12.1 %"."""
        return f"{self.number(100 * share, digits)}\u00a0%"

    def sentence(self, name: str, value: float) -> str:
        """Describe a figure."""
        measure = MEASURES[name]
        says = self.texts["says"].get(name) or self.texts["says"].get(measure.of)
        shown = self.value(name, value)
        if not says:
            return f"{self.label(name)}{self.colon}{shown}."
        return self.fill(says, x=Number(shown, round(value, 2)))

    def range(self, figure: Figure) -> str:
        """Describe its interval."""
        if figure.sure is None:
            return self.page["no_range"]
        return self.between(figure.name, figure.sure)

    def between(self, name: str, sure: Interval) -> str:
        """Describe an interval of a figure."""
        short = MEASURES[name].unit in ("share", "s", "count")
        low, high = (
            self.value(name, end) if short else self.number(end, 1) for end in (sure.low, sure.high)
        )
        return self.fill(self.page["range"], low=low, high=high)

    def over_speakers(self, figure: Figure) -> str:
        """Describe its interval over speakers; "" if there is none."""
        if figure.over_speakers is None:
            return ""
        between = self.between(figure.name, figure.over_speakers)
        return self.fill(self.page["over_speakers"], range=between, n=figure.speakers or 0)

    def fill(self, sentence: str, **facts: str | float | Number) -> str:
        """Put facts in for {name}; "[error|errors]" is in the number of the fact before it."""
        latest = 0.0

        def part(match: re.Match[str]) -> str:
            nonlocal latest
            if match[1] is None:
                return match[2] if self._is_one(latest) else match[3]
            match facts[match[1]]:
                case Number(shown, value):
                    latest = value
                    return shown
                case str() as fact:
                    return fact
                case value:
                    latest = float(value)
                    return self.number(value, 0)

        return _PLACE.sub(part, sentence)

    def _is_one(self, number: float) -> bool:
        return 0 <= number < 2 if self.tongue == "fr" else number == 1

    def setting(self, name: str) -> str:
        """Name a setting or a fact about a run for people."""
        return self.texts["setting"].get(name, name.replace("_", " "))

    def doubt(self, doubt: Doubt) -> str:
        """Say why figures may mislead."""
        known = self.texts["language"]
        facts: dict[str, str | float] = {
            name: float(fact) if name in _COUNTS
            else self._length(float(fact)) if name == "s"
            else known.get(primary(fact), fact) if name in _LANGUAGES
            else fact
            for name, fact in doubt.facts.items()
        }  # fmt: skip
        return self.fill(self.texts["doubt"][doubt.name], **facts)

    def told(self, sentence: str) -> str:
        """Translate what a reader of files says: "FILE:12: no caption: …"."""
        return translated(sentence, self.tongue)

    def mending(self, mending: Mending) -> str:
        """Name one kind of repair: where, how often, and what must be seen to agree."""
        details = ", ".join(mending.details[:DETAILS])
        details += ", …" if len(mending.details) > DETAILS else ""
        row = self.fill(
            self.page["repair_row" if mending.first_line else "repair_file"],
            what=self.texts["repair"][mending.repair].replace("`", ""),
            file=Path(mending.file).name, n=mending.count,
        )  # fmt: skip
        if mending.first_line:
            row += f" ({self.fill(self.page['first_line'], n=mending.first_line)})"
        return f"{row}{self.colon}{details}" if details else row

    def day(self, started: str) -> str:
        """Format the date of an ISO 8601 instant: "28 November 2026"; "" if there is none."""
        try:
            day = datetime.fromisoformat(started)
        except ValueError:
            return ""
        number = "1er" if self.tongue == "fr" and day.day == 1 else str(day.day)
        return f"{number} {self.page['months'].split()[day.month - 1]} {day.year}"

    def outcome(self, outcome: str) -> str:
        """Return better, worse, or can't tell."""
        return self.texts["outcome"][outcome]

    def change(self, name: str, change: Interval | None) -> str:
        """Format the range of a difference, with signs."""
        if change is None:
            return self.page["no_range"]
        low, high = (self._signed(name, end) for end in (change.low, change.high))
        return self.fill(self.page["change"], low=low, high=high)

    def _signed(self, name: str, value: float) -> str:
        shown, none = self.value(name, abs(value)), self.value(name, 0)
        if MEASURES[name].unit == "share" and not name.startswith("erasure"):
            points = self.texts["unit"]["points"]
            shown, none = (f"{self.number(100 * one, 1)} {points}" for one in (abs(value), 0))
        if shown == none:
            return shown
        return ("\N{MINUS SIGN}" if value < 0 else "+") + shown

    def asked(self, verdict: Verdict) -> str:
        """Describe the rule's condition."""
        rule = verdict.rule
        limit = self.value(rule.measure, rule.limit)
        return self.fill(self.texts["asked"][rule.comparison], x=limit)

    def state(self, verdict: Verdict) -> str:
        """Return met, not met, can't tell, or not measured."""
        return self.texts["state"][verdict.state]

    def headline(self, verdicts: Sequence[Verdict]) -> str:
        """Return the answer in one sentence."""
        measured = judged(verdicts)
        missed, unsure = (
            sum(verdict.state == state for verdict in measured) for state in ("missed", "unsure")
        )
        name, n = "all_met" if len(measured) == len(verdicts) else "rest_unmeasured", len(measured)
        if not measured:
            name = "none_measured"
        elif missed:
            name, n = "some_missed", missed
        elif unsure:
            name, n = "only_unsure", unsure
        says = self.fill(self.page[name], n=n, all=len(verdicts))
        rest = len(verdicts) - len(measured)
        if rest and name in ("some_missed", "only_unsure"):
            says += " " + self.fill(self.page["rest"], n=rest)
        return says

    def tally(self, verdicts: Sequence[Verdict]) -> str:
        """Count verdicts by state, the bad ones first: "not met: 2 · met: 4"."""
        counts = Counter(verdict.state for verdict in verdicts)
        return " · ".join(
            f"{self.texts['state'][state]}{self.colon}{counts[state]}"
            for state in ("missed", "unsure", "met", "unmeasured")
            if counts[state]
        )

    def verdict(self, verdict: Verdict) -> str:
        """Format a verdict in one line."""
        figure = verdict.figure
        label = self.label(verdict.rule.measure)
        says = label if figure is None else self.sentence(figure.name, figure.value)
        return f"{self.state(verdict)}{self.colon}{says} ({self.sure(verdict)})"

    def unmeasured(self, verdicts: Sequence[Verdict]) -> str:
        """Format all verdicts that could not be judged in one line, with their conditions."""
        return ", ".join(
            f"{self.label(verdict.rule.measure)} ({self.asked(verdict)})"
            for verdict in verdicts
            if verdict.state == "unmeasured"
        )

    def sure(self, verdict: Verdict) -> str:
        """Format its figure's interval and the condition."""
        figure = verdict.figure
        if figure is None or (figure.sure and figure.sure.low == figure.sure.high == figure.value):
            return self.asked(verdict)  # equal in all recordings: a range of one point
        ranges = [self.range(figure), self.over_speakers(figure), self.asked(verdict)]
        return " · ".join(filter(None, ranges))

    @property
    def colon(self) -> str:
        """The separator between a name and its value."""
        return "\N{NO-BREAK SPACE}: " if self.tongue == "fr" else ": "

    def source(self, profile: Profile) -> str:
        """Return the origin of its limits."""
        return self.texts["source"].get(profile.name, profile.source)


@cache
def wording(tongue: Tongue) -> Wording:
    """Return the text of one language."""
    text = files("eval").joinpath("templates", f"{tongue}.toml").read_text(encoding="utf-8")
    return Wording(tongue, cast(Mapping[str, Mapping[str, str]], tomllib.loads(text)))
