from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from eval.corpus.manifest import bundled_corpus
from eval.runs.browser import FLAGS
from eval.runs.local_meeting import LocalMeeting


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain(livekit_program: Path) -> AsyncIterator[LocalMeeting]:
    """A room in which Anna has said something."""
    async with (
        LocalMeeting(livekit_program, environment={"CAPTIONER_WANT": "always"}) as chain,
        chain.speaker("anna", "Anna Müller") as anna,
        chain.listener() as listener,
    ):
        await anna.play([bundled_corpus()[0].audio(48_000)[: 48_000 * 6]])
        await listener.until(lambda: len(listener.captions()) > 0)
        yield chain


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield chromium
        await chromium.close()
