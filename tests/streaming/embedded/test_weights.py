from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from streaming.embedded import weights
from streaming.embedded.weights import checked_folder, from_packages
from streaming.errors import RecognizerUnavailable

HERE = from_packages()
carried = pytest.mark.skipif(HERE is None, reason="the packages with Whisper base are not here")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checked_folder(tmp_path_factory.mktemp("cache") / "whisper-base")


def copied(whole: Path, folder: Path) -> Path:
    """Return a folder with the same files, of which small ones may be damaged."""
    folder.mkdir()
    for path in whole.iterdir():
        os.link(path, folder / path.name)
    return folder


def damage(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def nothing(_name: str) -> Iterator[bytes]:
    raise OSError(errno.ENETUNREACH, "Network is unreachable")
    yield b""


@carried
def test_the_parts_that_the_packages_carry_are_joined_to_what_was_published(whole: Path) -> None:
    assert sorted(path.name for path in whole.iterdir()) == sorted(weights.SHA256)
    before = (whole / weights.WEIGHTS).stat().st_mtime_ns
    assert checked_folder(whole, source=nothing) == whole  # once it is whole, nothing is read
    assert (whole / weights.WEIGHTS).stat().st_mtime_ns == before


@carried
def test_a_damaged_file_is_replaced(whole: Path, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path / "copy")
    damage(folder / "config.json", b"{}")
    assert checked_folder(folder) == folder
    assert (folder / "config.json").read_bytes() == (whole / "config.json").read_bytes()


@carried
@pytest.mark.parametrize("data", [b"{}", None], ids=["half", "one wrong byte"])
def test_what_differs_from_what_was_published_is_not_taken(
    whole: Path, tmp_path: Path, data: bytes | None
) -> None:
    folder = copied(whole, tmp_path / "copy")
    (folder / "config.json").unlink()
    published = (whole / "config.json").read_bytes()
    wrong = data or published[:100] + b"?" + published[101:]
    with pytest.raises(RecognizerUnavailable, match=r"config\.json differs from"):
        checked_folder(folder, source=lambda _name: iter([wrong]))
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        {*weights.SHA256} - {"config.json"}
    )


@carried
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(RecognizerUnavailable, match=r"cannot write.*148 MB; XDG_CACHE_HOME"):
            checked_folder(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(folder.iterdir())


def test_without_a_network_the_error_says_what_could_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(RecognizerUnavailable, match=r"Network is unreachable"):
        checked_folder(tmp_path / "cache", source=nothing)
