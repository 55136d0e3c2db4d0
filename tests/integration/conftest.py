from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from eval.corpus.manifest import bundled_corpus
from eval.runs.browser import FLAGS, Viewer
from eval.runs.local_meeting import LocalMeeting
from eval.testing.accessibility import FAULTS


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def meeting(livekit_program: Path) -> AsyncIterator[LocalMeeting]:
    """A meeting in which Anna has said something; its tests leave it as they found it."""
    async with (
        LocalMeeting(livekit_program, environment={"CAPTIONER_WANT": "always"}) as meeting,
        meeting.speaker("anna", "Anna Müller") as anna,
        meeting.listener() as listener,
    ):
        await anna.play([bundled_corpus()[0].audio(48_000)[: 48_000 * 6]])
        await listener.until(lambda: len(listener.captions()) > 0)
        yield meeting


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        yield chromium
        await chromium.close()


@pytest.fixture
def opened(
    browser: Browser, meeting: LocalMeeting
) -> Callable[..., AbstractAsyncContextManager[Viewer]]:
    """Opens Marie's page of the meeting; it fails its test if anything in it does.

    query: of the page's address. joins: wait until the page has joined and shows captions. Other
    options are those of Playwright's ``new_context``.
    """

    @asynccontextmanager
    async def page(query: str = "", *, joins: bool = True, **options: Any) -> AsyncIterator[Viewer]:
        options.setdefault("viewport", {"width": 1280, "height": 720})
        context = await browser.new_context(**options)
        try:
            page = await context.new_page()
            broken: list[str] = []
            page.on("pageerror", lambda error: broken.append(str(error)))
            await page.goto(f"{meeting.url}?name=Marie&{query}")
            viewer = Viewer(page)
            if joins:
                await viewer.until("captions?.captions.you !== null && captions.cues().length > 0")
            yield viewer
            assert broken == []
        finally:
            await context.close()

    return page


@pytest.fixture
def still_page(browser: Browser) -> Callable[[], AbstractAsyncContextManager[Page]]:
    """Opens an empty page in which nothing moves: half faded in, nothing stands out."""

    @asynccontextmanager
    async def page() -> AsyncIterator[Page]:
        context = await browser.new_context(reduced_motion="reduce")
        yield await context.new_page()
        await context.close()

    return page


@pytest.fixture
def nothing_is_wrong(axe_core: str) -> Callable[[Page, str], Awaitable[None]]:
    """Asserts that in both themes axe-core finds nothing and nothing stands out too little."""

    async def look(page: Page, state: str) -> None:
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(axe_core)
        for scheme in ("dark", "light"):
            await page.emulate_media(color_scheme=scheme)
            assert await page.evaluate(FAULTS) == [], (state, scheme)

    return look
