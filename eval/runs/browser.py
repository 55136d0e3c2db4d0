"""A viewer in a headless Chromium: what its page shows, and when it was painted.

The only file that imports Playwright, apart from eval/testing.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

from playwright.async_api import Browser, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from eval.corpus.spoken_words import Update

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")

FLAGS = (
    "--no-sandbox",  # Chromium's sandbox does not start in a container; the page is ours
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--disable-background-networking",
    "--no-first-run",
)

PAINTED_MAX = 100_000
"""Paintings that a page keeps: over four hours of one person who never pauses."""

_RECORD = f"""
window.paintings = [];
window.paintingsLost = 0;
window.addEventListener("painted", (event) => {{
  if (window.paintings.length < {PAINTED_MAX}) window.paintings.push(event.detail);
  else window.paintingsLost += 1;
}});
"""
_FOLLOW = """() => {
  const captions = document.querySelector("live-captions");
  const frames = window.frames_shown = new Map();
  let number = 0, mark_of_frame = null;
  new MutationObserver(() => {
    const mark = document.createElement("p");
    mark.setAttribute("elementtiming", String(mark_of_frame = ++number));
    mark.textContent = "x";
    mark.style.cssText = "position:fixed;inset:auto auto 0 0;margin:0;font-size:8px;z-index:99999";
    document.body.append(mark);
    setTimeout(() => mark.remove(), 2000);
  }).observe(captions.shadowRoot, { subtree: true, childList: true, characterData: true });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries())
      frames.set(Number(one.identifier), performance.timeOrigin + one.renderTime);
  }).observe({ type: "element" });
  captions.addEventListener("painted", ({ detail }) => {
    detail.mark = mark_of_frame;  // null: nothing that can be seen has changed
    queueMicrotask(() => { mark_of_frame = null; });
  });
}"""
_TAKE = """() => {
  const taken = window.paintings.splice(0).map((one) => {
    const shown = window.frames_shown?.get(one.mark) ?? null;
    return { ...one, shown };
  });
  return [window.paintingsLost, taken];
}"""
_NOW = "performance.timeOrigin + performance.now()"
_CAPTIONS = 'document.querySelector("live-captions")'


class NoBrowser(Exception):
    """There is no Chromium. The message says what to do."""


def on_path() -> str | None:
    """Return a Chromium on the PATH."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass(frozen=True, slots=True)
class Painting:
    """A caption that was painted. Times in ms since 1970, on the page's clock.

    text: what its cue shows from then on; None: the cue was removed.
    painted: when the page passed it on; shown: when it was on the screen, None if unknown
    (``Viewer.follow_frames``).
    """

    session: str
    cue: str
    rev: int
    text: str | None
    received: float
    painted: float
    shown: float | None = None

    def update(self, clock_ms: float = 0) -> Update:
        """Convert for eval's measures, to a clock whose 0 is ``clock_ms`` on the page's."""
        return Update(round(self.painted - clock_ms), self.cue, self.text)


@dataclass(frozen=True, slots=True)
class Measures:
    """The cost of captions for their page, by its own clock.

    ms: "draw_ms", script, style and layout of each drawing; "painted_ms", from each packet's
    arrival to its paint; "long_tasks_ms", tasks of the page over 50 ms. dropped: the number of
    values that it could not keep.
    """

    ms: Mapping[str, Sequence[float]]
    dropped: int


class Viewer:
    """A page that shows the captions of the room."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def paintings(self) -> list[Painting]:
        """Return all paintings. Raises ValueError if there were more than PAINTED_MAX."""
        lost, found = await self.page.evaluate("[window.paintingsLost, window.paintings]")
        if lost:
            raise ValueError(f"{lost} paintings were not kept: measure in shorter parts")
        return [_painting(detail) for detail in found]

    async def new_paintings(self) -> list[Painting]:
        """Return and clear the paintings since the last call. Raises ValueError as above."""
        lost, found = await self.page.evaluate(_TAKE)
        if lost:
            raise ValueError(f"{lost} paintings were not kept: measure in shorter parts")
        return [_painting(detail) for detail in found]

    async def new_measures(self) -> Measures:
        """Return the measures since the last call, or since the page was opened."""
        found = await self._captions("takeMeasures()")
        dropped: int = found.pop("dropped")
        lists = {name: [round(ms, 1) for ms in values] for name, values in found.items()}
        return Measures(lists, dropped)

    async def cues(self) -> list[dict[str, Any]]:
        """Return the cues that the page knows, in the order in which they began."""
        found: list[dict[str, Any]] = await self._captions("cues()")
        return found

    async def shown(self) -> list[dict[str, str]]:
        """Return the visible rows: speaker, name, text."""
        found: list[dict[str, str]] = await self._captions("shownText()")
        return found

    async def service(self) -> str | None:
        """Return the page's state of the caption service: "on" while captions come."""
        found: str | None = await self._captions("service")
        return found

    async def until(self, condition: str, *, timeout_s: float = 60) -> None:
        """Wait until a JavaScript expression is true; ``captions`` is the element in it.

        Raises TimeoutError.
        """
        # Not Playwright's wait_for_function, because the page's policy forbids its eval.
        wait = "async () => { while (!(%s)) await new Promise((go) => setTimeout(go, 50)); }"
        try:
            async with asyncio.timeout(timeout_s):
                captions = f"((captions) => {condition})({_CAPTIONS})"
                await self.page.evaluate(wait % captions)
        except TimeoutError:
            raise TimeoutError(f"after {timeout_s:g} s it was not true that {condition}") from None

    async def clock(self, trips: int = 21) -> tuple[float, float]:
        """Return the page's clock minus time.time, and half a round trip: medians, in ms.

        The second value bounds the error of the first.
        """
        offsets, halves = [], []
        for _ in range(trips):
            asked = time.time()
            there: float = await self.page.evaluate(_NOW)
            answered = time.time()
            offsets.append(there - (asked + answered) * 500)
            halves.append((answered - asked) * 500)
        return median(offsets), median(halves)

    async def follow_frames(self) -> None:
        """Let Chromium report when it shows each painting from now on: ``Painting.shown``.

        In every frame in which captions change a mark is painted too, and Element Timing (W3C)
        reports when that frame was on the screen, to 4 ms. The page itself knows only when it
        passed a frame on, which is tens of ms earlier on a busy machine.
        """
        await self.page.evaluate(_FOLLOW)

    async def _captions(self, expression: str) -> Any:
        return await self.page.evaluate(f"{_CAPTIONS}.{expression}")


class Chromium:
    """A headless browser, made by ``open_chromium``."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.version = browser.version

    async def open(self, url: str, name: str, *, view: str = "") -> Viewer:
        """Give a separate page of a user called ``name``, once it shows captions.

        view: one of the page's views, such as "broadcast", which has captions alone.
        """
        context = await self._browser.new_context(viewport={"width": 1000, "height": 700})
        await context.add_init_script(_RECORD)
        page = await context.new_page()
        query = {"name": name, "measure": ""} | ({"view": view} if view else {})
        await page.goto(f"{url}?{urlencode(query)}")
        viewer = Viewer(page)
        await viewer.until('captions?.service === "on"')
        return viewer


@asynccontextmanager
async def open_chromium(program: str | None = None) -> AsyncIterator[Chromium]:
    """Start a headless Chromium: ``program``, that on the PATH, or Playwright's.

    Raises NoBrowser.
    """
    async with async_playwright() as driver:
        found = program or on_path() or _if_there(driver.chromium.executable_path)
        if found is None:
            raise NoBrowser("no Chromium: put one on the PATH as `chromium`, or run `make browser`")
        try:
            browser = await driver.chromium.launch(executable_path=found, args=list(FLAGS))
        except PlaywrightError as error:
            raise NoBrowser(f"{found} does not start: {error.message.splitlines()[0]}") from error
        try:
            yield Chromium(browser)
        finally:
            await browser.close()


def _if_there(path: str) -> str | None:
    return path if Path(path).exists() else None


def _painting(detail: dict[str, Any]) -> Painting:
    text = None if detail["state"] == "deleted" else detail["text"]
    return Painting(
        detail["session"], detail["id"], detail["rev"], text, detail["received"], detail["painted"],
        detail.get("shown"),
    )  # fmt: skip
