"""The command line. Exit codes: 0, 1 (failed, or a gate is shut), 2 (wrong usage)."""

from __future__ import annotations

import click


@click.group()
@click.version_option(package_name="live-captions")
def main() -> None:
    """How good are the captions? Measure, report, compare."""


if __name__ == "__main__":
    main()
