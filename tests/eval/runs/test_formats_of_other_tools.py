"""A file of each kind as its tool writes it, with what was said word for word in it: no error."""

from pathlib import Path

import pytest

from eval.observation import Run
from eval.report.results import results_of
from eval.runs.from_files import compared

SAID = "We don't need nine people for this today. The plan is good. Yes, send it to Bob at 9."
FILES = sorted((Path(__file__).parent.parent / "files_of_tools").iterdir())
TWO_NAMES = {
    "zoom", "zoom-saved-captions", "zoom-renamed", "teams", "teams-word", "google-meet",
    "google-meet-word", "youtube-sbv", "otter-text", "otter-subrip", "whisperx", "aegisub",
    "substation-alpha", "praat-before-1999", "sclite",
}  # fmt: skip
ONE_NAME = {"ttml", "dfxp", "praat-long"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_of_each_tool_is_read_word_for_word(path: Path, tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    said.write_text(SAID)
    found = compared(said, path)
    assert results_of(Run(), found.clips).figures["wer"].value == 0
    assert found.left_out == ()
    assert found.doubts == ()
    speakers = {one.speaker for clip in found.clips for one in clip.shown if one.speaker}
    name = path.name.partition(".")[0]
    assert len(speakers) == (2 if name in TWO_NAMES else 1 if name in ONE_NAME else 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_of_each_tool_is_a_reference_too(path: Path, tmp_path: Path) -> None:
    shown = tmp_path / "shown.txt"
    shown.write_text(SAID)
    assert results_of(Run(), compared(path, shown).clips).figures["wer"].value == 0
