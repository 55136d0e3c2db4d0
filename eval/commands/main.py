"""The command line. Exit codes: 0, 1 (failed, or a gate is closed), 2 (wrong usage)."""

from __future__ import annotations

from importlib import import_module
from typing import NoReturn

import click

from captioner.commands.options import run_and_exit
from streaming.command_line import install_extra

COMMANDS = {
    "compare": "eval.commands.report:compare_runs",
    "listen": "eval.commands.run:listen",
    "meetings": "eval.commands.meetings:meetings",
    "report": "eval.commands.report:report",
    "run": "eval.commands.run:run",
    "score": "eval.commands.score:score",
    "simulate": "eval.simulation.command:simulate_command",
}
"""Imported on demand, because all but ``simulate`` need the extra ``eval``."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command or, if a library is missing, one that says how to install it."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        try:
            command: click.Command = getattr(import_module(module), name)
        except ModuleNotFoundError as missing:
            return _needs_extra(cmd_name, (missing.name or "").partition(".")[0])
        return command


def _needs_extra(command: str, library: str) -> click.Command:
    @click.command(
        command,
        short_help="Needs the extra eval, which is not installed.",
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def unavailable(arguments: tuple[str, ...]) -> None:
        raise click.ClickException(
            f"caption-eval {command} needs the extra eval ({library} is missing):"
            f" {install_extra('eval')}"
        )

    return unavailable


@click.group("caption-eval", cls=_Commands)
@click.version_option(package_name="live-captions")
def main() -> None:
    """How good are the captions? Measure, report, compare, and play meetings with faults."""


def program() -> NoReturn:
    """The entry point of ``caption-eval``."""
    run_and_exit(main, "caption-eval")


if __name__ == "__main__":
    program()
