"""The meeting page in a browser, as its tests open it and look at it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from colours import POOR_CONTRAST
from playwright.async_api import Browser, Page

from eval.runs.browser import Viewer
from eval.runs.local_meeting import LocalMeeting

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
# Of what has the focus: its name, and of five points in it those that nothing covers.
IN_SIGHT = """() => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  if (active === document.body) return ["", 5];
  const target = active.closest("label") ?? active;
  const { left, top, width, height } = target.getBoundingClientRect();
  const deepest = (x, y, root = document) => {
    const found = root.elementFromPoint(x, y);
    return found?.shadowRoot ? deepest(x, y, found.shadowRoot) : found;
  };
  const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.2], [0.5, 0.8]];
  const seen = points.filter(([x, y]) =>
    target.contains(deepest(left + width * x, top + height * y)));
  return [active.id || active.ariaLabel || active.textContent.trim() || active.type, seen.length];
}"""


@asynccontextmanager
async def opened(
    browser: Browser, chain: LocalMeeting, query: str = "", *, joins: bool = True, **options: Any
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


async def focused(page: Page) -> str:
    name, style, width = await page.evaluate(FOCUSED)
    assert (style, width != "0px") != ("none", False)
    return str(name)


@asynccontextmanager
async def page_in(browser: Browser) -> AsyncIterator[Page]:
    """An empty one in which nothing moves: half faded in, nothing stands out."""
    context = await browser.new_context(reduced_motion="reduce")
    yield await context.new_page()
    await context.close()


async def nothing_is_wrong(page: Page, state: str) -> None:
    """Neither axe-core finds anything, nor does anything stand out too little, in both themes."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme)
        faults = await page.evaluate(RUN_AXE) + await page.evaluate(POOR_CONTRAST)
        assert faults == [], (state, scheme)
