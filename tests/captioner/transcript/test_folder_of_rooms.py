"""Transcripts of a room are found by what their journals say, and by nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from captioner.transcript.folder import delete, files_of, text_of
from captioner.transcript.journal_file import Busy, JournalFile
from captioner.transcript.records import Opened, Said


def journal(folder: Path, base: str, room: str) -> JournalFile:
    file = JournalFile.open(folder, base, Opened(room, 1))
    assert file is not None
    file.append(Said("s", "a1", "anna", "Anna", 0, 900, "We begin.", "en"))
    file.sync()
    return file


def test_a_rooms_transcripts_are_its_own_whatever_they_are_called(tmp_path: Path) -> None:
    for base, room in (("first", "a"), ("a-like-the-other", "b"), ("second", "a")):
        journal(tmp_path, base, room).close()
    os.utime(tmp_path / "first.journal", (1, 1))
    (tmp_path / "damaged.journal").write_bytes(b"\xff\x00 no journal")
    assert files_of(tmp_path, "a") == {"second.vtt": False, "first.vtt": False}
    assert files_of(tmp_path / "nowhere", "a") == {}
    assert "We begin." in (text_of(tmp_path, "a", "first.vtt") or "")  # made from its journal
    assert text_of(tmp_path, "a", "a-like-the-other.vtt") is None
    assert not delete(tmp_path, "a", "a-like-the-other.vtt")
    assert delete(tmp_path, "a", "first.vtt")
    assert not list(tmp_path.glob("first.*"))


@pytest.mark.parametrize(
    "name", ["../secret.vtt", "/etc/passwd", "first", ".first.vtt", "", "first.journal", "x/y.vtt"]
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    journal(tmp_path, "secret", "a").close()
    (tmp_path / "folder").mkdir()
    assert text_of(tmp_path / "folder", "a", name) is None
    assert not delete(tmp_path / "folder", "a", name)


def test_what_is_being_written_cannot_be_deleted(tmp_path: Path) -> None:
    file = journal(tmp_path, "now", "a")
    file.show()
    assert files_of(tmp_path, "a") == {"now.vtt": True}
    assert "We begin." in (text_of(tmp_path, "a", "now.vtt") or "")
    with pytest.raises(Busy):
        delete(tmp_path, "a", "now.vtt")
    file.close()
    assert delete(tmp_path, "a", "now.vtt")
