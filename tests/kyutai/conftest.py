from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest
from platformdirs import user_cache_path

from captioner.demo.livekit_server import free_port
from streaming.kyutai_server.limits import Limits
from streaming.kyutai_server.moshi_model import KyutaiModel, load_model
from streaming.kyutai_server.test_checkpoint import checkpoint, full_size
from streaming.testing.asr_server import Running, serving
from streaming.testing.independent_client import get

SLOTS = 2
"""Of each server that is compared."""


def recipe(*sources: str | None) -> str:
    """Changes with the code that a cached thing is made by."""
    return hashlib.sha256(b"".join(Path(str(s)).read_bytes() for s in sources)).hexdigest()[:12]


@pytest.fixture(scope="session")
def checkpoint_folder() -> Path:
    """The checkpoint that recognises tones; trained when its recipe changed, else cached."""
    folder = user_cache_path("live-captions") / f"test-checkpoint-{recipe(checkpoint.__file__)}"
    if not checkpoint.is_complete(folder):
        checkpoint.make_test_checkpoint(folder)
    return folder


@pytest.fixture(scope="session")
def wide_folder(checkpoint_folder: Path) -> Path:
    """The same with a Mimi of full size, for moshi-server and ours alike; cached."""
    made_by = recipe(checkpoint.__file__, full_size.__file__)
    folder = user_cache_path("live-captions") / f"test-checkpoint-wide-{made_by}"
    if not (folder / "config.json").is_file():
        full_size.make_wide_checkpoint(checkpoint_folder, folder)
    return folder


@pytest.fixture
def model(checkpoint_folder: Path) -> KyutaiModel:
    """Four rows."""
    return load_model(str(checkpoint_folder), batch_size=4)


@pytest.fixture
async def running(model: KyutaiModel) -> AsyncIterator[Running]:
    """A server of the test checkpoint with four slots."""
    async with serving(model, limits=Limits(drain_s=0)) as server:
        yield server


@contextmanager
def answering(command: list[str], port: int, log: Path) -> Iterator[str]:
    """The address of the server that ``command`` starts, once it answers."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            until = time.monotonic() + 90
            while not answers(port):
                said = log.read_text(errors="replace")[-2_000:]
                assert process.poll() is None, said
                assert time.monotonic() < until, said
                time.sleep(0.1)  # moshi-server tells nobody when it listens
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def answers(port: int) -> bool:
    try:
        get(f"http://127.0.0.1:{port}/api/build_info")
    except URLError:
        return False
    return True


@pytest.fixture(scope="session")
def moshi_server_program() -> str:
    """Kyutai's own server."""
    found = os.environ.get("MOSHI_SERVER") or shutil.which("moshi-server")
    if found is None:
        pytest.skip("no moshi-server: MOSHI_SERVER does not name it, nor is it on the PATH")
    return found


@pytest.fixture(scope="module")
def theirs(
    moshi_server_program: str, wide_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a moshi-server."""
    scratch = tmp_path_factory.mktemp("moshi")
    config = scratch / "moshi-server.toml"
    config.write_text(full_size.moshi_server_config(wide_folder, batch_size=SLOTS, scratch=scratch))
    port = free_port()
    command = [moshi_server_program, "worker", "--cpu", "--config", str(config)]
    command += ["--addr", "127.0.0.1", "--port", str(port)]
    with answering(command, port, scratch / "log") as address:
        yield address


@pytest.fixture(scope="module")
def ours(wide_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an asr-server with the same checkpoint."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("asr-server")), "--model", str(wide_folder),
        "--batch-size", str(SLOTS), "--port", str(port), "--drain-seconds", "0",
        "--admit-when-slow",
    ]  # fmt: skip
    with answering(command, port, tmp_path_factory.mktemp("ours") / "log") as address:
        yield address


@pytest.fixture(params=["moshi-server", "asr-server"])
def either(request: pytest.FixtureRequest) -> str:
    """The one, then the other."""
    fixture = {"moshi-server": "theirs", "asr-server": "ours"}[request.param]
    return str(request.getfixturevalue(fixture))
