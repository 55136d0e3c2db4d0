"""The command ``captioner plan``."""

from __future__ import annotations

import click

from captioner.commands.options import plainly
from captioner.errors import ConfigurationError
from captioner.planning.figures import read_figures
from captioner.planning.load import Load
from captioner.planning.plan import Engine, Machines, Row, plan


@click.command("plan")
@click.option("--rooms", type=click.IntRange(1, 1_000_000), required=True, help="At once.")
@click.option("--people", type=click.IntRange(1, 1_000), default=12, show_default=True,
              help="With a microphone, in each room.")  # fmt: skip
@click.option("--talk", type=click.FloatRange(0.01, 0.99), default=0.18, show_default=True,
              help="The share of the time that each speaks.")  # fmt: skip
@click.option("--turn", type=click.FloatRange(0.5, 600), default=7.0, show_default=True,
              metavar="SECONDS", help="How long somebody speaks, on average.")  # fmt: skip
@click.option("--within", type=click.FloatRange(1, 86_400), default=300.0, show_default=True,
              metavar="SECONDS", help="The time in which all rooms begin.")  # fmt: skip
@click.option("--engine", type=click.Choice([*Engine]), default=Engine.REALTIME, show_default=True)
@click.option("--english", is_flag=True, help="Embedded engine: everybody speaks English.")
@click.option("--streams-per-gpu", type=click.IntRange(1, 100_000),
              help="What your recogniser can do on your GPU.")  # fmt: skip
@click.option("--processors", type=click.IntRange(1, 1_024), default=8, show_default=True,
              help="Of one worker machine.")  # fmt: skip
@plainly
def plan_command(
    rooms: int, people: int, talk: float, turn: float, within: float, engine: str, english: bool,
    streams_per_gpu: int | None, processors: int,
) -> None:  # fmt: skip
    """Say how many machines so many meetings need, and how sure that is."""
    try:
        from captioner.planning.demand import demand, start_delay_s
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is missing: install the extra [plan]") from error
    load = Load(rooms, people, talk, turn, within)
    machines = Machines(processors, streams_per_gpu=streams_per_gpu)
    figures = read_figures()

    def start_s(count: int) -> float:
        return start_delay_s(load, cpu_s=figures.start_cpu_s, processors=count)

    click.echo(f"{rooms:,} rooms of {people}, who speak {talk:.0%} of the time each; {engine}\n")
    kind = Engine(engine)
    for row in plan(load, demand(load), kind, figures, machines, english=english, start_s=start_s):
        click.echo(_line(row))
    click.echo(f"\nMeasured: {figures.measured}. Other processors differ: measure yours by")
    click.echo("python -m benchmarks.plan. What costs most is what has the longest streams: a")
    click.echo("smaller --talk or longer turns change all of it.")


def _line(row: Row) -> str:
    if row.value is None:
        value = "?"
    else:
        value = f"{row.value:,.{0 if row.value >= 10 or not row.unit else 1}f} {row.unit}"
    note = f" ({row.note})" if row.note else ""
    return f"{row.what:36} {value:>14}  {row.source}{note}"
