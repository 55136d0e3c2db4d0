"""Tells text that was UTF-8, was read as Windows-1252, and was saved again: "Ã©" for "é"."""

from __future__ import annotations

import re

_AFTER = re.escape("".join(bytes([n]).decode("cp1252", "ignore") for n in range(0x80, 0xC0)))
_LEADS = re.compile("[ÂÃÅâ]")
_RUN = re.compile(rf"[ÂÃÅ](?:[{_AFTER}](?<![…»”’])|[…»”’](?=\w))|â[{_AFTER}]{{2}}")
"""What Latin letters and typographic marks become; "É…" is none of it, and may be meant."""


def mojibake(text: str) -> tuple[str, str] | None:
    """Return an example and what was meant; None unless the text is written so throughout.

    A third of the letters with which such runs begin must begin one: "AMANHÃ…" is Portuguese.
    """
    runs = list(filter(None, map(_meant, _RUN.findall(text))))
    if not runs or 3 * len(runs) < len(_LEADS.findall(text)):
        return None
    return next((run for run in runs if run[1].isalpha()), runs[0])


def _meant(run: str) -> tuple[str, str] | None:
    try:
        return run, run.encode("cp1252").decode()
    except UnicodeError:
        return None
