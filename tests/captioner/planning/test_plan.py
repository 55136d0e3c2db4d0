from __future__ import annotations

import math
from dataclasses import replace

import pytest
from click.testing import CliRunner

from captioner.commands.main import main
from captioner.planning.demand import LINGERS_S, demand, start_delay_s
from captioner.planning.figures import read_figures
from captioner.planning.load import AtOnce, Demand, Load
from captioner.planning.plan import Engine, Machines, Source, plan

FIGURES = read_figures()
DEMAND = Demand(AtOnce(100, 120), AtOnce(200, 240))
LOAD = Load(rooms=50, people=10, talk=0.2)


def rows(engine: Engine, machines: Machines, **load: int) -> dict[str, float | None]:
    found = plan(
        replace(LOAD, **load), DEMAND, engine, FIGURES, machines, english=False, start_s=float
    )
    return {row.what: row.value for row in found}


@pytest.mark.parametrize("talk", [0.1, 0.4])
def test_simulated_meetings_agree_with_renewal_theory(talk: float) -> None:
    load = Load(rooms=100, people=5, talk=talk, turn_s=6)
    pause_s = load.turn_s * (1 - talk) / talk
    lingers_s = pause_s * (1 - math.exp(-LINGERS_S / pause_s))
    streams = 500 * (load.turn_s + lingers_s) / (load.turn_s + pause_s)
    found = demand(load)
    assert found.voices.mean == pytest.approx(500 * talk, rel=0.05)
    assert found.streams.mean == pytest.approx(streams, rel=0.05)
    binomial = 500 * talk + 3.1 * math.sqrt(500 * talk * (1 - talk))
    assert found.voices.peak == pytest.approx(binomial, rel=0.1)


def test_more_rooms_than_are_simulated_are_extrapolated() -> None:
    few, many = (demand(Load(rooms, 6, 0.2)).streams for rooms in (200, 2_000))
    assert many.mean == pytest.approx(10 * few.mean)
    assert many.peak / many.mean < few.peak / few.mean  # what varies evens out


def test_rooms_that_begin_together_wait_for_each_other() -> None:
    slow, fast = (
        start_delay_s(Load(100, 2, 0.2, within_s=1), cpu_s=0.5, processors=count)
        for count in (1, 64)
    )
    assert slow == pytest.approx(47, abs=3)  # one after the other
    assert fast < 1


def test_what_only_a_gpu_can_tell_is_the_operators_figure_or_unknown() -> None:
    assert rows(Engine.REALTIME, Machines())["GPUs"] is None
    assert rows(Engine.REALTIME, Machines(streams_per_gpu=64))["GPUs"] == 4
    assert "GPUs" not in rows(Engine.EMBEDDED, Machines())
    found = plan(LOAD, DEMAND, Engine.KYUTAI, FIGURES, Machines(), english=True, start_s=float)
    assert {row.source for row in found if row.what == "GPUs"} == {Source.UNKNOWN}


def test_more_of_everything_needs_more_machines() -> None:
    here = rows(Engine.EMBEDDED, Machines(processors=4))["worker machines"]
    elsewhere = rows(Engine.REALTIME, Machines(processors=4))["worker machines"]
    larger = rows(Engine.EMBEDDED, Machines(processors=4), rooms=5_000)["worker machines"]
    assert here is not None
    assert elsewhere is not None
    assert larger is not None
    assert elsewhere < here < larger


def test_the_command_prints_the_plan_and_where_each_number_comes_from() -> None:
    result = CliRunner().invoke(main, ["plan", "--rooms", "3000", "--streams-per-gpu", "100"])
    assert result.exit_code == 0, result.output
    assert "GPUs" in result.output
    assert Source.GIVEN in result.output
    assert FIGURES.measured in result.output


def test_a_plan_for_no_rooms_is_refused() -> None:
    result = CliRunner().invoke(main, ["plan", "--rooms", "0"])
    assert result.exit_code == 2
    assert "--rooms" in result.output
