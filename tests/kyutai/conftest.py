from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kyutai_rig import Running, serving
from platformdirs import user_cache_path

from streaming import checkpoint
from streaming.kyutai import KyutaiModel, load_model
from streaming.server import Limits


@pytest.fixture(scope="session")
def checkpoint_folder() -> Path:
    """The checkpoint that recognises tones; trained when its recipe changed, else cached."""
    recipe = hashlib.sha256(Path(checkpoint.__file__).read_bytes()).hexdigest()[:12]
    folder = user_cache_path("live-captions") / f"test-checkpoint-{recipe}"
    if not checkpoint.is_complete(folder):
        checkpoint.make_test_checkpoint(folder)
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
