from __future__ import annotations

from pathlib import Path

import pytest

from captioner.atomic_file import write_files


def test_what_is_written_takes_the_place_of_what_was(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"before")
    write_files({one: b"1", other: b"2"}, mode=0o600, durable=True)
    assert (one.read_bytes(), other.read_bytes()) == (b"1", b"2")
    assert other.stat().st_mode & 0o777 == 0o600
    assert sorted(tmp_path.iterdir()) == [one, other]


def test_when_one_cannot_be_written_every_file_stays_as_it_was(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "missing" / "other"
    one.write_bytes(b"before")
    with pytest.raises(FileNotFoundError) as raised:
        write_files({one: b"1", other: b"2"})
    assert raised.value.filename == str(other)
    assert one.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [one]


def test_a_file_that_is_not_taken_does_not_come_to_its_place(tmp_path: Path) -> None:
    def refuse(part: Path) -> None:
        assert part.read_bytes() == b"1"
        raise BlockingIOError

    with pytest.raises(BlockingIOError):
        write_files({tmp_path / "one": b"1"}, before=refuse)
    assert list(tmp_path.iterdir()) == []
