"""The element <live-captions> in a browser: what is fed to it, and what is seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page

from captioner.captions.cues import Cue, CueClosed, CueUpdated
from captioner.contract import Caption, caption_packet
from eval.testing.firefox import FirefoxPage

_FEED = """async (packets) => {
  const captions = document.querySelector("live-captions");
  for (const packet of packets) captions.feed(packet);
  await captions.rendered();
}"""
_CAPTIONS = "document.querySelector('live-captions')"
_FIND = f"{_CAPTIONS}.shadowRoot.querySelector(selector)"
_FIND_ALL = f"{_CAPTIONS}.shadowRoot.querySelectorAll(selector)"
_SET = f"(chosen) => {{ {_CAPTIONS}.settings = chosen; }}"
_CSS = f"([selector, name]) => getComputedStyle({_FIND}).getPropertyValue(name)"
_BOX = f"""(selector) => {{
  const {{ x, y, width, height, bottom, right }} = {_FIND}.getBoundingClientRect();
  return {{ x, y, width, height, bottom, right }};
}}"""
# Not Playwright's wait_for_function: the page's policy forbids the eval that it needs.
_UNTIL = """async () => {
  const captions = document.querySelector("live-captions");
  const root = captions.shadowRoot;
  while (!(%s)) await new Promise(requestAnimationFrame);
}"""


@dataclass(frozen=True)
class Captions:
    """The element in a page, Playwright's or Firefox's own.

    In Firefox there are no locators: neither ``find`` nor ``element``.
    """

    page: Page | FirefoxPage

    def feed(self, *packets: dict[str, Any]) -> None:
        """Feed all packets, and wait until they are painted."""
        self.page.evaluate(_FEED, list(packets))

    def say(
        self, cue_id: str, text: str, *, closed: bool = True, rev: int = 1, **facts: Any
    ) -> None:
        """Feed one caption."""
        self.feed(packet(cue_id, rev, text, closed=closed, **facts))

    def rows(self) -> list[tuple[str, str]]:
        """Name and words of the rows in sight."""
        return [(row["name"], row["text"]) for row in self("shownText()")]

    def __call__(self, expression: str) -> Any:
        """The value of a property, or what a method gives: ``captions("held")``."""
        return self.page.evaluate(f"{_CAPTIONS}.{expression}")

    def set(self, **settings: Any) -> None:
        """Choose settings, and no others."""
        self.page.evaluate(_SET, settings)
        self.rendered()

    def rendered(self) -> None:
        """Wait until everything is painted."""
        self.page.evaluate(f"{_CAPTIONS}.rendered()")

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        if isinstance(self.page, FirefoxPage):
            self.page.press(*keys)
            return
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        """The words of the first such part, as they are seen."""
        found: str = self.page.evaluate(f"(selector) => {_FIND}.innerText", selector)
        return found

    def texts(self, selector: str) -> list[str]:
        """The words of every such part."""
        every = f"(selector) => [...{_FIND_ALL}].map((one) => one.innerText)"
        found: list[str] = self.page.evaluate(every, selector)
        return found

    def click(self, selector: str) -> None:
        """Click the first such part."""
        self.page.evaluate(f"(selector) => {_FIND}.click()", selector)

    def focus(self, selector: str) -> None:
        """Focus the first such part."""
        self.page.evaluate(f"(selector) => {_FIND}.focus()", selector)

    def until(self, condition: str) -> None:
        """Wait until an expression is true, with ``captions`` and its ``root``."""
        self.page.evaluate(_UNTIL % condition)

    def css(self, selector: str, name: str) -> str:
        """The computed style of the first such part."""
        found: str = self.page.evaluate(_CSS, [selector, name])
        return found

    def box(self, selector: str) -> dict[str, float]:
        """Where the first such part stands in the window."""
        found: dict[str, float] = self.page.evaluate(_BOX, selector)
        return found

    def find(self, selector: str) -> Locator:
        assert not isinstance(self.page, FirefoxPage)
        return self.page.locator(f"live-captions {selector}")

    @property
    def element(self) -> Locator:
        assert not isinstance(self.page, FirefoxPage)
        return self.page.locator("live-captions")


def packet(
    cue_id: str, rev: int, text: str, *, settled: int = 0, closed: bool = False, **facts: Any
) -> dict[str, Any]:
    """A caption as the bot would send it."""
    speaker = facts.get("speaker", "alice")
    start_ms = facts.get("start_ms", 0)
    end_ms = facts.get("end_ms", start_ms + 1_000)
    cue = Cue(cue_id, speaker, start_ms, end_ms, text, facts.get("language", "und"))
    event = CueClosed(cue, rev) if closed else CueUpdated(cue, rev, settled)
    name = facts.get("name", speaker.title())
    session = facts.get("session", "s")
    return caption_packet(Caption(event, speaker, name, "TR_a", end_ms), session=session, seq=rev)
