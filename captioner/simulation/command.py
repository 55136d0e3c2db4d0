"""``captioner simulate``: a scripted meeting with faults, and the table of what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from captioner.demo.livekit_server import find_or_build
from captioner.simulation import costs
from captioner.simulation.play import Played, play
from captioner.simulation.script import Plan, faults_of, script
from captioner.simulation.speech import overlap
from captioner.simulation.stage import Stage
from captioner.simulation.table import (
    Costs,
    Row,
    apart,
    rows_of,
    rows_of_costs,
    rows_of_speech,
    verdict_of,
)

SILENT = 10
TALKING = 3

Tell = Callable[[str], None]


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
) -> list[Row]:
    """Play it, and give the table.

    tell: is told how far it is. measure: also what an attendee costs. speech: also real speech,
    by the embedded recogniser. explain: name each word that was lost, torn or doubled.
    """
    program = await asyncio.to_thread(find_or_build, tell)
    plan = Plan(people, minutes * 60, faults_of(faults), seed, late=max(1, round(minutes / 5)))
    began = time.monotonic()
    tell(f"A meeting of {people}, {minutes:g} minutes, {faults} faults…")
    async with Stage(program, environment={"CAPTIONER_WANT": "hello"}) as stage:
        played = await play(stage, script(plan), tell)
    tell(f"Played in {time.monotonic() - began:.0f} s.")
    if explain:
        _explain(played, tell)
    rows = list(rows_of(played))
    if measure:
        tell("What silence and speech cost, 2 minutes…")
        rows += rows_of_costs(await _measured(program))
    if speech:
        tell(f"Real speech by {TALKING} people, one by one and then at once, 2 minutes…")
        rows += rows_of_speech(await overlap(program, TALKING))
    return rows


async def _measured(program: Path) -> Costs:
    async with Stage(program) as stage, costs.reading(stage):
        return Costs(
            base=await costs.silent(stage, 0, muted=True, seconds=10),
            muted=await costs.silent(stage, SILENT, muted=True, seconds=20),
            quiet=await costs.silent(stage, SILENT, muted=False, seconds=20),
            speaking=await costs.speaking(stage, 5, seconds=20),
            silent=SILENT,
        )


def _explain(played: Played, tell: Tell) -> None:
    """Room times in seconds: the gaps, and each word that was lost, torn, or is there twice."""
    verdict = verdict_of(played)
    for gap in played.reader.gaps:
        tell(f"gap    {gap.start_ms / 1000:8.2f} to {gap.end_ms / 1000:8.2f}  {gap.reason}")
    for what, words in (("lost", verdict.lost), ("torn", verdict.torn)):
        for said in words:
            tell(f"{what}   {said.start_s - played.origin_s:8.2f}  {said.speaker}  {said.word}")
    for word, cues in verdict.twice.items():
        places = ", ".join(f"{cue.id} from {cue.start_ms / 1000:.2f}" for cue in cues)
        tell(f"twice  {word}  {places}")
    for who, page in played.others.items():
        for cue in sorted(apart(played.reader, page), key=lambda cue: (cue.id, cue.rev)):
            tell(f"apart  {who}  {cue.id} rev {cue.rev} {cue.state} {cue.speaker}  {cue.text}")
