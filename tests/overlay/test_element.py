"""<live-captions> alone, fed with packets, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from eval.testing.caption_element import Captions, packet

pytestmark = pytest.mark.browser


def feed(page: Page, *packets: dict[str, Any]) -> None:
    Captions(page).feed(*packets)


def rows(page: Page) -> list[tuple[str, str]]:
    shown = page.evaluate("document.querySelector('live-captions').shownText()")
    return [(row["name"], row["text"]) for row in shown]


@pytest.mark.both_browsers
def test_markup_in_names_and_texts_stays_text(page: Page) -> None:
    evil = '<img src=x onerror="window.hurt=1"> &amp; </v> --> '
    feed(page, packet("a-1", 1, evil + "said", name=evil, closed=True))
    [(name, text)] = rows(page)
    assert text == evil + "said"
    assert name.startswith("<img src=x")
    assert page.evaluate("window.hurt") is None
    count = "document.querySelector('live-captions').shadowRoot.querySelectorAll('img').length"
    assert page.evaluate(count) == 0


@pytest.mark.parametrize("name", ["دانا", "🙂" * 300, "a\u202eb", "x" * 300, "--> </v>"])
def test_a_hard_name_breaks_no_line_of_the_page(page: Page, name: str) -> None:
    page.set_viewport_size({"width": 320, "height": 600})
    feed(page, packet("a-1", 1, "hello", name=name, closed=True))
    [(_, text)] = rows(page)
    assert text == "hello"
    assert page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.both_browsers
def test_three_people_at_once_each_have_their_row(page: Page) -> None:
    long = "word " * 30
    feed(
        page,
        packet("a-1", 1, long + "alpha", speaker="alice"),
        packet("b-1", 1, long + "beta", speaker="bob", start_ms=100),
        packet("c-1", 1, long + "gamma", speaker="carol", start_ms=200),
        packet("a-1", 2, long + "alpha goes on", speaker="alice"),
    )
    shown = rows(page)
    assert [name for name, _ in shown] == ["Alice", "Bob", "Carol"]
    assert [text.split("word ")[-1] for _, text in shown] == ["alpha goes on", "beta", "gamma"]


@pytest.mark.both_browsers
def test_a_row_shows_three_whole_lines(page: Page) -> None:
    feed(page, packet("a-1", 1, " ".join(f"word{n}" for n in range(80)), closed=True))
    height, line = page.evaluate(
        """() => {
          const { shadowRoot } = document.querySelector("live-captions");
          const text = shadowRoot.querySelector(".text");
          return [text.clientHeight, parseFloat(getComputedStyle(text).lineHeight)];
        }"""
    )
    assert height == 3 * line
    [(_, text)] = rows(page)
    assert text.endswith("word79")
    assert "word0 " not in text


def test_the_language_is_set_where_it_is_known(page: Page) -> None:
    feed(
        page,
        packet("a-1", 1, "bonjour", language="fr", closed=True),
        packet("a-2", 1, "hm", closed=True, start_ms=1_000),
    )
    cues = page.locator("live-captions .cue")
    assert [cues.nth(n).get_attribute("lang") for n in range(2)] == ["fr", None]


def test_captions_are_not_announced_and_state_is(page: Page) -> None:
    feed(page, packet("a-1", 1, "hello", closed=True))
    live = page.locator("live-captions [role=status], live-captions [aria-live]")
    assert live.count() == 1
    assert "hello" not in live.inner_text()


def test_that_captions_are_automatic_is_said_once(page: Page) -> None:
    said = []
    for state in ("starting", "on", "interrupted", "on"):
        page.evaluate(
            """(state) => {
              document.querySelector("live-captions").captions.takeService(state, null);
            }""",
            state,
        )
        said.append(page.locator("live-captions [role=status]").inner_text())
    assert ["automatic" in sentence for sentence in said] == [False, True, False, False]


def test_the_page_gets_no_global_name(page: Page) -> None:
    """An empty frame has the browser's own."""
    found = page.evaluate(
        """() => {
          const frame = document.createElement("iframe");
          document.body.append(frame);
          const known = new Set(Object.getOwnPropertyNames(frame.contentWindow));
          const found = Object.getOwnPropertyNames(window).filter((name) => !known.has(name));
          frame.remove();
          return found.filter((name) => name !== "0");
        }"""
    )
    assert [name for name in found if not name.startswith("__playwright")] == []


def test_painted_tells_when_each_packet_was_seen(page: Page) -> None:
    page.evaluate("addEventListener('painted', (event) => (window.seen ??= []).push(event.detail))")
    feed(
        page,
        packet("a-1", 1, "on commence", settled=2, end_ms=640),
        packet("a-1", 2, "on commence", closed=True, end_ms=720),
    )
    first, last = page.evaluate("window.seen")
    assert (first["id"], first["rev"], first["state"], first["settled"]) == ("a-1", 1, "open", 2)
    assert (last["rev"], last["state"], last["heard"], last["text"]) == (
        2,
        "closed",
        720,
        "on commence",
    )
    assert first["received"] <= first["painted"] <= last["painted"]


def test_a_bad_packet_is_refused_with_its_reason_and_changes_nothing(page: Page) -> None:
    feed(page, packet("a-1", 1, "hello", closed=True))
    refuse = "(packet) => document.querySelector('live-captions').feed(packet)"
    bad = {"v": 2}, {**packet("a-2", 1, "x"), "vtt": "<b>"}, {**packet("a-2", 1, "x"), "settled": 9}
    reasons = [page.evaluate(refuse, one) for one in bad]
    assert reasons == ["unknown-version", "cue-lines", "settled-beyond-text"]
    assert rows(page) == [("Alice", "hello")]
