from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from captioner.demo.livekit_server import MediaServer, find_or_build
from eval.corpus.manifest import Clip, read_corpus
from eval.rooms.redis_server import RedisServer, find_redis

# asr-server's model needs torch and moshi: make test-kyutai, in an environment of its own.
collect_ignore = [] if find_spec("moshi") else ["kyutai"]

MEETINGS = ("tests/integration/", "tests/eval/simulation/")

# A busy machine is no fault of the law that is tested; and a run that failed fails again. Other
# examples each time: make test ARGS="--hypothesis-profile=random".
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("random"), derandomize=True, database=None)
settings.load_profile("same")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    # As captioner.commands.main.program does: the verdict must not hang on the teardown.
    session = config.stash.get(_SESSION, None)
    if session is not None and "livekit.rtc" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(session.exitstatus)


_SESSION = pytest.StashKey[pytest.Session]()


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_SESSION] = session


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives a meeting that failed a second try, which the summary names.

    Media server, bots and browsers meet there in real time, and whoever else is on the machine
    may starve one of them. What fails twice is a fault; --force-reruns 0 gives no second try.
    """
    for item in items:
        if item.nodeid.startswith(MEETINGS):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """What ``pytest -n 2`` gives to one process: a file, and all meetings.

    They hear and show words in real time: of two side by side each would make the other late.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "meetings" if file.startswith(MEETINGS) else file

    return Scheduling(config, log)


SPEECH = os.environ.get("SPEECH", "")
"""A folder with a manifest.tsv of real recordings."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not SPEECH:
        terminalreporter.write_line(
            "French was not heard: no recordings. make test SPEECH=FOLDER names a folder with a"
            " manifest.tsv (docs/evaluation.md)."
        )


@pytest.fixture(scope="session")
def all_french() -> list[Clip]:
    """Recordings of French."""
    if not SPEECH:
        pytest.skip("no recordings of French: make test SPEECH=FOLDER")
    return read_corpus(Path(SPEECH), language="fr")


@pytest.fixture(scope="session")
def french(all_french: list[Clip]) -> list[Clip]:
    """Short ones."""
    return sorted(all_french, key=lambda clip: clip.seconds)[:2]


@pytest.fixture(scope="session")
def livekit_program() -> Path:
    """A livekit-server, built once and cached where there is none."""
    return find_or_build(print)


@pytest.fixture
async def media_server(livekit_program: Path) -> AsyncIterator[MediaServer]:
    """A livekit-server of this test's own."""
    async with MediaServer(livekit_program) as server:
        yield server
        await server.kill()  # takes no time: it would wait for participants to say farewell


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A redis-server of this test's own, where there is the program."""
    program = find_redis()
    if program is None:
        pytest.skip("no redis-server on the PATH: decisions in Redis are not tested")
    with RedisServer(program) as server:
        yield server


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium that Playwright can drive; `make test` sees to it that there is one."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        own = driver.chromium.executable_path
    if Path(own).exists():
        return own
    pytest.fail("no Chromium: install one so that `chromium` is on the PATH, or run `make browser`")


@pytest.fixture(scope="session")
def axe_core() -> str:
    """The script of axe-core, which looks for what shuts people with disabilities out."""
    modules = Path(__file__).parent.parent / "web-overlay" / "node_modules"
    return (modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
