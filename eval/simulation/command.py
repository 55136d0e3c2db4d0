"""``caption-eval simulate``: a scripted meeting with faults, and the table of its results."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from captioner import log
from captioner.commands.options import plainly
from captioner.demo.livekit_server import find_or_build
from eval.simulation import costs
from eval.simulation.real_speech import overlap
from eval.simulation.runner import Played, play
from eval.simulation.script import Fault, MeetingPlan, any_faults, faults_of, script
from eval.simulation.table import (
    Costs,
    Row,
    apart,
    render,
    rows_of,
    rows_of_costs,
    rows_of_speech,
    rows_of_usage,
    transcript_of,
    verdict_of,
)
from eval.simulation.testbed import Testbed
from eval.simulation.verdict import Fate

SILENT = 10
TALKING = 3
LATE_MAX = 6

Tell = Callable[[str], None]


@click.command("simulate")
@click.option("--people", type=click.IntRange(2, 50), default=10, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.5, 480), default=30, show_default=True)
@click.option("--faults", type=click.IntRange(0, 1_000), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another meeting.")
@click.option(
    "--costs/--no-costs", "measure", default=True, help="What attendees cost, 2 minutes more."
)
@click.option(
    "--speech/--no-speech", default=True, help="Real speech by several at once, 2 minutes more."
)
@click.option("--explain", is_flag=True, help="Say where each lost, torn or doubled word was.")
@click.option(
    "--soak",
    is_flag=True,
    help="People come, go and refuse all the time, a transcript is kept, and the bot's machine"
    " fails, too. Linux only; as root.",
)
@plainly
def simulate_command(
    people: int,
    minutes: float,
    faults: int,
    seed: int,
    measure: bool,
    speech: bool,
    explain: bool,
    soak: bool,
) -> None:
    """Play a scripted meeting with faults on this machine, and print what came of each word."""
    log.configure(form="console", level=log.WARNING)
    rows = asyncio.run(
        simulate(
            lambda line: click.echo(line, err=True), people=people, minutes=minutes,
            faults=faults, seed=seed, measure=measure, speech=speech, explain=explain, soak=soak,
        )
    )  # fmt: skip
    click.echo(render(rows))
    sys.exit(1 if any(row.good is False for row in rows) else 0)


async def simulate(
    tell: Tell,
    *,
    people: int,
    minutes: float,
    faults: int,
    seed: int,
    measure: bool,
    speech: bool,
    explain: bool = False,
    soak: bool = False,
) -> list[Row]:
    """Play it, and return the table.

    tell: reports progress. measure: also measure the cost of an attendee. speech: also play real
    speech to the embedded recogniser. explain: name each word that was lost, torn or doubled.
    soak: nobody rests, and the bot's machine fails, too.
    """
    program = await asyncio.to_thread(find_or_build, tell)
    kinds = any_faults(faults, list(Fault), seed=seed) if soak else faults_of(faults)
    late = max(1, round(minutes / 5))
    plan = MeetingPlan(people, minutes * 60, kinds, seed, late=min(late, LATE_MAX), restless=soak)
    began = time.monotonic()
    tell(f"A meeting of {people}, {minutes:g} minutes, {faults} faults…")
    environment = {"CAPTIONER_WANT": "hello"}
    async with Testbed(program, environment=environment, soak=soak) as testbed:
        played = await play(testbed, script(plan), tell)
    tell(f"Played in {time.monotonic() - began:.0f} s.")
    if explain:
        _explain(played, tell)
    rows = [*rows_of(played), *(rows_of_usage(played) if soak else ())]
    if measure:
        tell("What silence and speech cost, 2 minutes…")
        rows += rows_of_costs(await _measured(program))
    if speech:
        tell(f"Real speech by {TALKING} people, one by one and then at once, 2 minutes…")
        rows += rows_of_speech(await overlap(program, TALKING))
    return rows


async def _measured(program: Path) -> Costs:
    async with Testbed(program) as testbed, costs.reading(testbed):
        return Costs(
            base=await costs.silent(testbed, 0, muted=True, seconds=10),
            muted=await costs.silent(testbed, SILENT, muted=True, seconds=20),
            quiet=await costs.silent(testbed, SILENT, muted=False, seconds=20),
            speaking=await costs.speaking(testbed, 5, seconds=20),
            silent=SILENT,
        )


def _explain(played: Played, tell: Tell) -> None:
    """Return room times, in seconds, of gaps and of lost, torn or doubled words."""
    verdict = verdict_of(played)
    for gap in played.reader.gaps:
        tell(f"gap    {gap.start_ms / 1000:8.2f} to {gap.end_ms / 1000:8.2f}  {gap.reason}")
    kept = transcript_of(played)
    lists = {
        "lost": verdict.lost,
        "leaked": verdict.words(Fate.LEAKED),
        "torn": verdict.words(Fate.TORN),
        "busy": verdict.words(Fate.NOT_DELIVERED),
    }
    lists |= {"not kept": kept.missing, "kept": kept.forbidden} if played.transcripts else {}
    for what, words in lists.items():
        for said in words:
            tell(f"{what:<8} {said.start_s - played.origin_s:8.2f}  {said.speaker}  {said.word}")
    for word, cues in verdict.twice.items():
        places = ", ".join(f"{cue.id} from {cue.start_ms / 1000:.2f}" for cue in cues)
        tell(f"twice  {word}  {places}")
    for who in played.others:
        for cue in sorted(apart(played, who), key=lambda cue: (cue.id, cue.rev)):
            tell(f"apart  {who}  {cue.id} rev {cue.rev} {cue.state} {cue.speaker}  {cue.text}")
