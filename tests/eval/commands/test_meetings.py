from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from click.testing import CliRunner, Result

from eval.commands.main import main
from eval.corpus.folder import survey

RATE = 24_000


def corpus_of(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    rows = ["path\tlang\tspeaker\ttranscript"]
    for number, name in enumerate(names):
        tone = np.sin(np.arange(2 * RATE) * (number + 2) / 100).astype(np.float32) / 10
        soundfile.write(folder / f"{number}.wav", tone, RATE)
        rows.append(f"{number}.wav\ten\t{name}\tthese are the words of {name}")
    (folder / "manifest.tsv").write_text("\n".join(rows), "utf-8")
    return folder


def make(corpus: Path, out: Path, *options: str) -> Result:
    arguments = ["meetings", "--corpus", str(corpus), "--out", str(out), "--minutes", "0.3"]
    return CliRunner().invoke(main, [*arguments, *options])


def test_a_meeting_is_a_corpus_with_a_microphone_for_each_person(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "corpus", ["Ann", "Ben", "Cy"])
    result = make(corpus, tmp_path / "made", "--people", "3", "--count", "2")
    assert result.exit_code == 0, result.output
    assert "meeting-1: 3 people" in result.output
    clips = survey(tmp_path / "made").clips
    assert [clip.name for clip in clips] == ["meeting-1", "meeting-2"]
    people = {"person-1", "person-2", "person-3"}
    for clip in clips:
        assert {name for name, _ in clip.microphones} == people
        said = {(turn.speaker, turn.text) for turn in clip.turns}
        assert len(said) == 3  # each voice belongs to one person throughout


def test_one_microphone_hears_everybody(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "corpus", ["Ann", "Ben"])
    result = make(corpus, tmp_path / "made", "--people", "2", "--one-microphone")
    assert result.exit_code == 0, result.output
    (clip,) = survey(tmp_path / "made").clips
    assert clip.microphones == ()
    assert clip.path.name == "meeting-1.flac"
    assert {turn.speaker for turn in clip.turns} == {"person-1", "person-2"}


def test_too_few_voices_are_told_with_what_to_do(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "corpus", ["Ann", "Ann", "Ben"])
    result = make(corpus, tmp_path / "made", "--people", "3")
    assert result.exit_code == 1
    assert "give --people 2, or more recordings" in result.output
    assert not (tmp_path / "made").exists()
