from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from eval.testing.caption_element import Captions
from eval.testing.firefox import FirefoxPage, find_firefox, open_firefox
from eval.testing.static_site import serving

OVERLAY = Path(__file__).parents[2] / "captioner" / "overlay"
# So high that captions have 24 px, 4 % of it.
WIDTH, HEIGHT = 900, 600
PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>captions</title>
<script type="module" src="live-captions.js"></script>
<live-captions measure></live-captions>"""
POLICY = "default-src 'none'; script-src 'self'; font-src 'self'"
"""It forbids anything inline."""


@pytest.fixture(scope="module")
def page_url() -> Iterator[str]:
    """Where a page with the built element is served."""
    if not (OVERLAY / "live-captions.js").exists():
        pytest.fail("the page is not built: run `make overlay`")
    with serving(OVERLAY, policy=POLICY, page=PAGE) as address:
        yield address


# No wider than a module: while Playwright's synchronous driver runs, no asyncio test can.
@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def firefox() -> Iterator[FirefoxPage]:
    """A headless Firefox ESR."""
    program = find_firefox()
    if program is None:
        pytest.skip("no Firefox: install one (Debian: apt-get install firefox-esr)")
    with open_firefox(program) as page:
        yield page


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("both_browsers"):
        metafunc.parametrize("page", ["chromium", "firefox"], indirect=True)


@pytest.fixture
def page(request: pytest.FixtureRequest, page_url: str) -> Iterator[Page | FirefoxPage]:
    """A page with the element; a test fails when anything in its page does.

    It is in Chromium, unless the parameter is "firefox".
    """
    if getattr(request, "param", "chromium") == "firefox":
        yield from _page_in_firefox(request.getfixturevalue("firefox"), page_url)
    else:
        yield from _page_in_chromium(request.getfixturevalue("browser"), page_url)


def _page_in_firefox(page: FirefoxPage, page_url: str) -> Iterator[FirefoxPage]:
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto(page_url)
    page.evaluate("() => { localStorage.clear(); }")
    page.goto(page_url)
    page.evaluate("customElements.whenDefined('live-captions').then(() => true)")
    page.errors.clear()
    yield page
    assert [line for line in page.errors if "favicon" not in line] == []


def _page_in_chromium(browser: Browser, page_url: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
    page.goto(page_url)
    page.wait_for_function("customElements.get('live-captions') !== undefined")
    yield page
    page.close()
    assert [line for line in troubles if "favicon" not in line] == []


@pytest.fixture
def captions(page: Page | FirefoxPage) -> Captions:
    """The element, alone in its page."""
    return Captions(page)
