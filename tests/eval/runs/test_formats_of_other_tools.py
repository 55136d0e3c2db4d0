"""A file of each kind as its tool writes it, with what was said word for word in it: no error."""

from pathlib import Path

import pytest

from eval.observation import Run
from eval.report.results import results_of
from eval.runs.from_files import compared

SAID = {
    "files_of_tools": "We don't need nine people for this today. The plan is good. "
    "Yes, send it to Bob at 9.",
    "files_of_tools_in_french": "Nous n'avons pas besoin de neuf personnes aujourd'hui. "
    "Le plan est bon. Oui, envoyez-le à Paul à 9 heures.",
}
FILES = [path for name in SAID for path in sorted((Path(__file__).parent.parent / name).iterdir())]
NAMELESS = {
    "davinci-resolve-without-speakers", "faster-whisper-console", "ffmpeg", "kaldi",
    "microsoft-stream", "otranscribe-without-names", "substation-alpha-in-another-order",
    "subtitle-edit-microdvd", "subtitle-edit-sami", "vosk", "whisper", "whisper-console",
    "whisper-json", "whisper-printed", "whisper-text", "whisper-tsv", "youtube",
    "youtube-copied-from-the-page", "youtube-json3", "youtube-srv1", "youtube-srv3",
    "youtube-transcript-panel", "youtube-transcript-with-seconds", "youtube-webvtt",
}  # fmt: skip
ONE_NAME = {"ttml", "dfxp", "praat-long"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_file_of_each_tool_is_read_word_for_word(path: Path, tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    said.write_text(SAID[path.parent.name])
    found = compared(said, path)
    assert results_of(Run(), found.clips).figures["wer"].value == 0
    assert found.left_out == ()
    assert found.doubts == ()
    speakers = {one.speaker for clip in found.clips for one in clip.shown if one.speaker}
    name = path.name.partition(".")[0]
    assert len(speakers) == (0 if name in NAMELESS else 1 if name in ONE_NAME else 2)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_file_of_each_tool_is_a_reference_too(path: Path, tmp_path: Path) -> None:
    shown = tmp_path / "shown.txt"
    shown.write_text(SAID[path.parent.name])
    assert results_of(Run(), compared(path, shown).clips).figures["wer"].value == 0
