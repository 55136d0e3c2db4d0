"""The commands of caption-eval where their libraries are installed, and where they are not."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest


def without(library: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = (
        f"import sys; sys.modules[{library!r}] = None; from eval.commands.main import main;"
        "main(prog_name='caption-eval')"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("library", ["rapidfuzz", "psutil", "playwright", "jinja2", "pysubs2"])
def test_help_needs_no_extra(library: str) -> None:
    assert without(library, "--version").stdout.startswith("caption-eval, version ")
    shown = without(library, "--help")
    assert shown.returncode == 0
    assert "Needs the extra eval" in shown.stdout
    assert "simulate" in shown.stdout


def test_a_command_whose_library_is_missing_names_the_extra() -> None:
    refused = without("rapidfuzz", "score", "a.txt", "b.vtt", "--help")
    assert refused.returncode == 1
    [sentence] = refused.stderr.strip().splitlines()
    assert "caption-eval score needs the extra eval (rapidfuzz is missing)" in sentence
    assert re.search(r"pip install './dist/live_captions-\S+\.whl\[eval\]'", sentence)


@pytest.mark.parametrize("library", ["rapidfuzz", "psutil", "playwright", "jinja2", "meeteval"])
def test_a_simulated_meeting_needs_no_extra(library: str) -> None:
    shown = without(library, "simulate", "--help")
    assert shown.returncode == 0
    assert "--faults" in shown.stdout
