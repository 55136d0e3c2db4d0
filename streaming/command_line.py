"""Functions that the commands of all three packages share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib.metadata import version

WARNINGS_MAX = 10
NAME_MAX = 60
"""Characters of an unknown variable's name that are shown."""


def unknown_variables(names: Iterable[str], *, prefix: str, known: Iterable[str]) -> Iterator[str]:
    """Give a sentence for each variable that starts with ``prefix`` but is not ``known``.

    The sentences name the nearest known variable, and never hold a value.
    """
    spellings = sorted(known)
    unknown = sorted(name for name in names if name.startswith(prefix) and name not in spellings)
    for name in unknown[:WARNINGS_MAX]:
        shown = ascii(name[:NAME_MAX])[1:-1]
        near = get_close_matches(name[:NAME_MAX], spellings, n=1)
        yield f"unknown variable {shown}" + (f": did you mean {near[0]}?" if near else "")
    if len(unknown) > WARNINGS_MAX:
        yield f"{len(unknown) - WARNINGS_MAX} more unknown variables start with {prefix}"


def install_extra(extra: str) -> str:
    """Return the command that installs our wheel with an extra; no registry has it yet."""
    wheel = f"live_captions-{version('live-captions')}-py3-none-any.whl"
    return f"pip install './dist/{wheel}[{extra}]' (`make wheel` builds it)"
