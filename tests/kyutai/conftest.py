from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kyutai_rig import Running, serving
from platformdirs import user_cache_path

from streaming.kyutai_server.moshi_model import KyutaiModel, load_model
from streaming.kyutai_server.server import Limits
from streaming.kyutai_server.test_checkpoint import checkpoint, full_size


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
