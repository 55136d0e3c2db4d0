"""The meeting page in a real room: reachable for everybody, and never a riddle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

from eval.browser import FLAGS, Viewer
from eval.chain import Chain
from eval.corpus import bundled_corpus

pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

AXE = Path(__file__).parents[2] / "web-overlay" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target.flat().join(" ")}: ${failureSummary}`)
  );
}"""
FOCUSED = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(active);
  return [active.id || active.ariaLabel || active.className, outlineStyle, outlineWidth];
}"""
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }`);
  document.adoptedStyleSheets = [sheet];
}"""
CUT = """() => [...document.querySelectorAll("button, p, h1, h2, h3, label")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.id || one.className)"""
SMALL = """() => [...document.querySelectorAll("button, select, input")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one.id || one.className, one.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 && !(box.height >= 22) || box.height < 22)
  .map(([name]) => name)"""
TOOLS = ["microphone", "toggle", "settings", "history", "room"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain(livekit_program: Path) -> AsyncIterator[Chain]:
    """A room in which Anna has said something."""
    async with (
        Chain(livekit_program, environment={"CAPTIONER_WANT": "always"}) as chain,
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


@asynccontextmanager
async def opened(
    browser: Browser, chain: Chain, query: str = "", *, joins: bool = True, **options: Any
) -> AsyncIterator[Viewer]:
    """A page that fails its test if anything in it does."""
    size = options.pop("viewport", {"width": 1280, "height": 720})
    context = await browser.new_context(viewport=size, **options)
    try:
        page = await context.new_page()
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        await page.goto(f"{chain.url}?name=Marie&{query}")
        viewer = Viewer(page)
        if joins:
            await viewer.until("captions?.captions.you !== null && captions.cues().length > 0")
        yield viewer
        assert broken == []
    finally:
        await context.close()


async def violations(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(RUN_AXE)
    return found


async def focused(page: Page) -> str:
    name, style, width = await page.evaluate(FOCUSED)
    assert (style, width != "0px") != ("none", False)
    return str(name)


async def look_around(page: Page) -> AsyncIterator[str]:
    """All that can be open on the page, one after the other."""
    yield "as it is"
    await page.click("#room")
    yield "the room's panel"
    await page.click("#room")
    for panel in ("settings", "history"):
        await page.click(f"#{panel}")
        yield panel
        await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    yield "keys"
    await page.keyboard.press("Escape")
    await page.click("#toggle")
    yield "without captions"


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_axe_finds_nothing_in_any_state(
    browser: Browser, chain: Chain, language: str, scheme: str
) -> None:
    async with opened(browser, chain, f"lang={language}", color_scheme=scheme) as viewer:
        await viewer.page.evaluate(AXE.read_text(encoding="utf-8"))
        async for state in look_around(viewer.page):
            assert await violations(viewer.page) == [], state


async def test_everything_is_reached_with_the_keyboard_alone(
    browser: Browser, chain: Chain
) -> None:
    async with opened(browser, chain) as viewer:
        page = viewer.page
        reached = []
        for _ in range(30):
            await page.keyboard.press("Tab")
            reached.append(await focused(page))
        assert set(TOOLS) <= set(reached)
        assert {"Caption controls", "History", "Caption settings"} & set(reached)

        await page.keyboard.press("r")
        assert await focused(page) == "room-title"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        assert await focused(page) == "room-enabled"
        await page.keyboard.press("Space")
        await viewer.until('captions.service === "off"')
        await page.keyboard.press("Space")
        await viewer.until('captions.service === "on"')
        await page.keyboard.press("Escape")
        assert not await page.is_visible("#panel")

        await page.keyboard.press("c")
        assert await page.evaluate("document.querySelector('live-captions').hidden")
        await page.keyboard.press("c")
        assert not await page.evaluate("document.querySelector('live-captions').hidden")


@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize(("width", "height"), [(320, 640), (320, 256), (640, 360)])
async def test_nothing_is_lost_in_a_small_window_or_at_400_percent(
    browser: Browser, chain: Chain, width: int, height: int, spaced: bool
) -> None:
    size = {"width": width, "height": height}
    async with opened(browser, chain, "lang=fr", viewport=size) as viewer:
        page = viewer.page
        if spaced:
            await page.evaluate(SPACED)
        for tool in TOOLS:
            await page.locator(f"#{tool}").scroll_into_view_if_needed()
            box = await page.locator(f"#{tool}").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert await page.evaluate(SMALL) == []
        await page.evaluate("scrollTo(0, 0)")
        box = await page.locator("live-captions").bounding_box()
        assert box is not None
        assert box["height"] >= 100
        assert box["y"] + box["height"] <= height + 1
        await page.click("#room")
        for field in ("#room-enabled", "#room-transcript"):
            await page.locator(field).scroll_into_view_if_needed()
            assert await page.locator(field).is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        if not spaced:
            assert await page.evaluate(CUT) == []


async def test_in_forced_colours_what_is_on_and_who_speaks_still_differs(
    browser: Browser, chain: Chain
) -> None:
    async with opened(browser, chain, forced_colors="active") as viewer:
        border = "getComputedStyle(document.getElementById('%s')).borderTopColor"
        on, off = [await viewer.page.evaluate(border % name) for name in ("toggle", "history")]
        assert on != off


async def test_with_reduced_motion_nothing_moves(browser: Browser, chain: Chain) -> None:
    async with opened(browser, chain, reduced_motion="reduce") as viewer:
        moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
        await viewer.page.click("#room")
        assert await viewer.page.evaluate(moving) == 0


async def test_at_rest_the_controls_go_and_come_back_with_the_first_key(
    browser: Browser, chain: Chain
) -> None:
    async with opened(browser, chain, reduced_motion="reduce") as viewer:
        page = viewer.page
        await page.click("#notice .primary")
        await page.mouse.move(600, 300)
        await page.evaluate("document.activeElement.blur()")
        shown = "getComputedStyle(document.getElementById('toolbar')).opacity"
        await viewer.until(f"{shown} === '0'")
        await page.keyboard.press("Tab")
        await viewer.until(f"{shown} === '1'")


async def test_a_guest_sees_the_state_and_why_there_is_no_switch(
    browser: Browser, chain: Chain
) -> None:
    async with opened(browser, chain, "role=guest") as viewer:
        await viewer.page.click("#room")
        panel = await viewer.page.inner_text("#panel")
        assert "Captions are on." in panel
        assert "Only the hosts of this meeting can change this." in panel
        assert await viewer.page.locator("#panel [role=switch]:visible").count() == 0


async def test_what_cannot_be_switched_is_said_in_the_readers_language(
    browser: Browser, chain: Chain
) -> None:
    async with opened(browser, chain, "lang=fr") as viewer:
        await viewer.page.click("#room")
        await viewer.page.click("#room-transcript")
        error = viewer.page.locator("#panel [role=alert]").first
        await error.get_by_text("Le service de sous-titrage d’ici").wait_for()
        assert await viewer.page.get_attribute("#room-transcript", "aria-checked") == "false"


async def test_a_browser_without_webrtc_is_told_so(browser: Browser, chain: Chain) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(
        "delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection"
    )
    await page.goto(chain.url)
    await page.get_by_text("This browser cannot join a meeting.").wait_for()
    await context.close()


async def test_who_fell_out_comes_back_alone_unless_access_has_run_out(
    browser: Browser, chain: Chain
) -> None:
    async with opened(browser, chain) as viewer:
        await viewer.page.evaluate("document.querySelector('live-captions').room.disconnect()")
        await viewer.until('captions.room.state === "disconnected"')
        await viewer.until('captions.service === "on"')

        async def expired(route: Route) -> None:
            await route.fulfill(status=403)

        await viewer.page.route("**/api/join*", expired)
        await viewer.page.evaluate("document.querySelector('live-captions').room.disconnect()")
        await viewer.page.get_by_text("You may no longer enter this room.").wait_for()


async def test_a_page_that_slept_says_from_when_to_when(browser: Browser, chain: Chain) -> None:
    async with opened(browser, chain) as viewer:
        # What a browser tells a page whose tab it puts to sleep.
        for event in ("freeze", "resume"):
            await viewer.page.evaluate(f"document.dispatchEvent(new Event('{event}'))")
        await viewer.page.get_by_text("This page was asleep from").wait_for()


async def test_a_broadcast_is_transparent_and_says_what_it_did_not_understand(
    browser: Browser, chain: Chain
) -> None:
    query = "view=broadcast&lines=2&size=40&color=yellow&background=transparent&align=middle"
    async with opened(browser, chain, query, joins=False) as viewer:
        page = viewer.page
        await viewer.until("captions?.cues().length > 0")
        ground = "getComputedStyle(%s).backgroundColor"
        for element in ("document.documentElement", "document.body"):
            assert await page.evaluate(ground % element) == "rgba(0, 0, 0, 0)"
        captions = "document.querySelector('live-captions')"
        assert await page.evaluate(f"{captions}.clientHeight") == 3 * 1.375 * 40
        assert not await page.is_visible("#toolbar")
        assert await page.inner_text(".broadcast-bad") == (
            "Not understood in this page's address: align=middle"
        )


async def test_the_transcript_view_shows_what_was_said_and_stays_open(
    browser: Browser, chain: Chain
) -> None:
    async with opened(browser, chain, "view=transcript", joins=False) as viewer:
        await viewer.page.locator(".entry-name", has_text="Anna Müller").first.wait_for()
        await viewer.page.keyboard.press("Escape")
        await viewer.until('captions.panel === "history"')
