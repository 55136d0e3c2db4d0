"""The end of every measuring command: figures, files, a summary, gates."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from eval.observation import Observation, Run, write_files
from eval.report.gates import (
    PROFILES,
    Profile,
    Rule,
    RuleError,
    Verdict,
    broken_gates,
    judge,
    judged,
    read_profile,
    read_rule,
)
from eval.report.html_report import about, doubts_of, headline, notes_of, page_of, verdict_of
from eval.report.results import Results, as_csv, as_json, results_of
from eval.report.wording import TONGUES, Tongue, Wording, wording

_SHORT = ("wer", "cer", "cpwer", "tcorcwer", "misattribution", "invented", "never_shown",
          "late", "erasure",
          "first_show_p50", "first_show_p95", "final_show_p50", "final_show_p95",
          "lag_p50", "lag_p95", "vtt_errors", "words_a_minute_p50")  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """The options of a report. tongue: the report's language."""

    profile: Profile
    gates: tuple[Rule, ...] = ()
    tongue: Tongue = "en"
    with_audio: bool = True


def report_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add --profile, --threshold, --fail-if, --report-language, --no-audio to a click command.

    They are passed as one argument, ``report: ReportOptions``. Invalid ones exit with status 2.
    """

    @click.option(
        "--profile",
        default="aims",
        show_default=True,
        help=f"What good captions are: {', '.join(PROFILES)}, or a TOML file of your own.",
    )
    @click.option(
        "--threshold", "thresholds", multiple=True, help='Instead of a profile: "wer<=0.15", …'
    )
    @click.option("--fail-if", "gates", multiple=True, help='"wer>0.15": then exit 1. For CI.')
    @click.option(
        "--report-language",
        "tongue",
        type=click.Choice(TONGUES),
        default="en",
        show_default=True,
        help="Of the report.",
    )
    @click.option("--no-audio", is_flag=True, help="Put no sound into the report.")
    @functools.wraps(command)
    def run(
        *,
        profile: str,
        thresholds: tuple[str, ...],
        gates: tuple[str, ...],
        tongue: Tongue,
        no_audio: bool,
        **others: object,
    ) -> None:
        try:
            chosen = _profile(profile, thresholds)
            shut = tuple(map(read_rule, gates))
        except RuleError as error:
            raise click.UsageError(str(error)) from error
        command(report=ReportOptions(chosen, shut, tongue, not no_audio), **others)

    return run


def _profile(name: str, thresholds: Sequence[str]) -> Profile:
    if thresholds:
        return Profile("own", tuple(map(read_rule, thresholds)), " ".join(thresholds))
    return PROFILES[name] if name in PROFILES else read_profile(Path(name))


def conclude(
    run: Run, clips: Sequence[Observation], out: Path | None, report: ReportOptions
) -> None:
    """Measure, write the report into ``out``, print the summary; exit 1 if a gate is closed.

    Raises ObservationError.
    """
    results = results_of(run, clips)
    verdicts = judge(report.profile.rules, results.figures)
    click.echo(summary(results, verdicts, wording(report.tongue)))
    if out is not None:
        page = page_of(
            out, results, verdicts, report.profile, report.tongue, with_audio=report.with_audio
        )
        files = {
            "results.json": as_json(results, verdicts, report.profile.name),
            "clips.csv": as_csv(results),
            "report.html": page,
        }
        write_files({out / name: content.encode() for name, content in files.items()})
        click.echo(f"\n{out / 'report.html'}")
    shut = broken_gates(report.gates, results.figures)
    for sentence in shut:
        click.echo(f"caption-eval: failed: {sentence}", err=True)
    if not results.measured:
        click.echo("caption-eval: no clip could be measured; see what was left out", err=True)
    if results.unreadable:
        click.echo("caption-eval: failed: not every file can be read; see above", err=True)
    if shut or results.unreadable or not results.measured:
        sys.exit(1)


LEFT_OUT_SHOWN = 10


def summary(results: Results, verdicts: Sequence[Verdict], words: Wording) -> str:
    """Return the first page as plain text."""
    lines = [headline(results, verdicts, words), about(results, words), ""]
    lines += [*doubts_of(results, words), ""] if any(doubts_of(results, words)) else []
    lines += [verdict_of(results, verdicts, words)] if "wer" in results.figures else []
    lines += [f"  {words.verdict(verdict)}" for verdict in judged(verdicts)]
    if rest := words.unmeasured(verdicts):
        lines.append(f"  {words.texts['state']['unmeasured']}{words.colon}{rest}")
    lines += ["", *notes_of(results, words)]
    asked = {verdict.rule.measure for verdict in verdicts}
    others = [figure for name, figure in results.figures.items() if name not in asked]
    lines += ["", words.page["figures"]]
    for one in others:
        if one.name in _SHORT:
            sure = " · ".join(filter(None, [words.range(one), words.over_speakers(one)]))
            value = words.value(one.name, one.value)
            lines.append(f"  {words.label(one.name)}{words.colon}{value} ({sure})")
    mended = list(map(words.mending, results.run.repairs))
    lines += _some("repaired_some", mended, words)
    lines += _some("left_out_some", list(map(words.told, results.left_out)), words)
    return "\n".join(lines)


def _some(title: str, sentences: Sequence[str], words: Wording) -> list[str]:
    """Return the first of the sentences under their count; nothing if there are none."""
    if not sentences:
        return []
    shown = [f"  {sentence}" for sentence in sentences[:LEFT_OUT_SHOWN]]
    if rest := len(sentences) - len(shown):
        shown.append("  " + words.fill(words.page["left_out_more"], n=rest))
    return ["", words.fill(words.page[title], n=len(sentences)), *shown]
