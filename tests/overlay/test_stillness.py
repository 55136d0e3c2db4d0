"""Stillness: no word that is being read moves, whatever comes, at whatever width and settings."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from eval.testing.caption_element import packet

pytestmark = pytest.mark.browser

WORDS = ["a", "le", "budget", "de", "2027,", "on", "constitutionnellement", "né"]

Packet = dict[str, Any]
# (cue, number of the word in it) → [word, line in its paragraph, distance from the left]
Places = dict[str, list[Any]]

FEED = """async (packets) => {
  const element = document.querySelector("live-captions");
  const places = () => {
    const found = {};
    const range = document.createRange();
    for (const paragraph of element.shadowRoot.querySelectorAll(".paragraph")) {
      const box = paragraph.getBoundingClientRect();
      const height = parseFloat(getComputedStyle(paragraph).lineHeight);
      for (const cue of paragraph.querySelectorAll(".cue")) {
        const walker = document.createTreeWalker(cue, NodeFilter.SHOW_TEXT);
        const texts = [];
        for (walker.nextNode(); walker.nextNode();) texts.push(walker.currentNode);
        const text = texts.map((node) => node.data).join("");
        const at = (offset) => {
          const [node, ...rest] = texts.filter((one) => one.data !== "");
          let here = node;
          for (; offset >= here.data.length; here = rest.shift()) offset -= here.data.length;
          return [here, offset];
        };
        [...text.matchAll(/\\S+/g)].forEach((word, index) => {
          const [node, offset] = at(word.index);
          range.setStart(node, offset);
          range.setEnd(node, offset + 1);
          const { top, left } = range.getBoundingClientRect();
          const line = Math.round((top - box.top) / height);
          found[`${cue.dataset.id} ${index}`] = [word[0], line, Math.round(left - box.left)];
        });
      }
    }
    return found;
  };
  const frames = [];
  for (const packet of packets) {
    element.feed(packet);
    await element.rendered();
    frames.push(places());
  }
  return frames;
}"""


def feed(page: Page, *packets: Packet) -> list[Places]:
    frames: list[Places] = page.evaluate(FEED, list(packets))
    return frames


def speech(rng: random.Random, cues: int) -> list[Packet]:
    """Talk as a recogniser gives it: words settle two behind the newest, which are revised; what
    is not settled when a cue is cut goes over to the next one."""
    words = [rng.choice(WORDS) for _ in range(cues * 14)]
    packets: list[Packet] = []
    carried = 0
    for number in range(cues):
        cue_id, first = f"a-{number}", number * 14 - carried
        end = (number + 1) * 14
        times = {"start_ms": number * 5_000, "end_ms": number * 5_000 + 4_900}
        for rev, upto in enumerate(range(max(first + 1, number * 14), end + 1), start=1):
            firm = words[first : max(first, upto - 2)]
            tail = [
                word if rng.random() < 0.7 else "hum" for word in words[first:upto][len(firm) :]
            ]
            text = " ".join(firm + tail)
            packets.append(packet(cue_id, rev, text, settled=len(" ".join(firm)), **times))
        carried = rng.choice([0, 1, 2])
        kept = " ".join(words[first : end - carried])
        packets.append(packet(cue_id, 99, kept, closed=True, **times))
    return packets


@pytest.mark.both_browsers
@pytest.mark.parametrize("width", [320, 420, 777])
@pytest.mark.parametrize("seed", range(3))
def test_no_word_before_the_first_changed_one_moves(page: Page, seed: int, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    frames = feed(page, *speech(random.Random(seed), cues=4))
    for before, after in pairwise(frames):
        for place, (word, line, left) in before.items():
            there = after.get(place)
            if there is None or there[0] != word:
                break
            assert there == [word, line, left]


@pytest.mark.both_browsers
def test_a_word_that_goes_over_to_the_next_cue_stays_where_it_is(page: Page) -> None:
    first = packet("a-1", 1, "we talk about the budget of", settled=24)
    cut = packet("a-1", 2, "we talk about the budget", closed=True)
    moved = packet("a-2", 1, "of next year", start_ms=1_000)
    frames = feed(page, first, cut, moved)
    assert frames[0]["a-1 5"] == frames[2]["a-2 0"]


@pytest.mark.both_browsers
@pytest.mark.parametrize("joined", [",", "00", "ly, he said"])
def test_a_settled_word_that_goes_on_stays_on_its_line(page: Page, joined: str) -> None:
    moved = 0
    for length in range(1, 30):
        text = f"{'x' * length} and some more words to fill it up to 4"
        now, settled = text + joined, len(text)
        cue_id, start_ms = f"a-{length}", length * 10_000
        before, after, later = feed(
            page,
            packet(cue_id, 1, text, settled=settled, start_ms=start_ms),
            packet(cue_id, 2, now, settled=settled, start_ms=start_ms),
            packet(cue_id, 3, f"{now} and on", closed=True, start_ms=start_ms),
        )
        for place, (word, line, left) in before.items():
            assert after[place][1:] == [line, left]
            assert later[place][0].startswith(word)
            assert later[place][1:] == [line, left]
        breaks = (
            "document.querySelector('live-captions').shadowRoot.querySelectorAll('wbr, .hanging')"
        )
        moved = max(moved, page.evaluate(f"{breaks}.length"))
    assert moved > 0, "no word stood at the end of its line: the test shows nothing"


@pytest.mark.both_browsers
def test_still_changing_words_differ_in_colour_and_not_in_width(page: Page) -> None:
    frames = feed(
        page,
        packet("a-1", 1, "one two three four", settled=0),
        packet("a-1", 2, "one two three four", settled=7),
        packet("a-1", 3, "one two three four", closed=True),
    )
    assert frames[0] == frames[1] == frames[2]


@pytest.mark.both_browsers
def test_a_line_holds_about_forty_characters(page: Page) -> None:
    text = "the quick brown fox jumps over the lazy dog and then it goes to sleep under a tree " * 3
    [places] = feed(page, packet("a-1", 1, text.strip(), closed=True))
    lines: dict[int, list[str]] = {}
    for word, line, _ in places.values():
        lines.setdefault(line, []).append(word)
    lengths = [len(" ".join(words)) for words in lines.values()][:-1]
    assert min(lengths) >= 32
    assert max(lengths) <= 46


SETTINGS: dict[str, list[Any]] = {
    "size": [50, 90, 140, 230],
    "font": ["sans", "serif", "mono", "atkinson", "dyslexic"],
    "lineLength": [32, 37, 50],
    "align": ["start", "start", "center"],
    "edge": ["none", "outline"],
    "position": ["bottom", "top", "side", "free"],
}


@pytest.mark.parametrize("seed", range(4))
def test_with_any_settings_no_settled_word_changes_its_line_and_the_page_shows_what_is_known(
    page: Page, seed: int
) -> None:
    rng = random.Random(seed + 100)
    chosen = {name: rng.choice(values) for name, values in SETTINGS.items()}
    page.set_viewport_size({"width": rng.randint(320, 1200), "height": 700})
    choose = "async (chosen) => { document.querySelector('live-captions').settings = chosen; }"
    page.evaluate(choose, chosen)
    page.evaluate("document.fonts.ready.then(() => true)")
    packets = speech(rng, cues=3)
    frames = feed(page, *packets)
    settled = {one["id"]: 0 for one in packets}
    for before, after, one in zip(frames, frames[1:], packets, strict=False):
        text = one["vtt"].split(">", 2)[-1]
        settled[one["id"]] = max(settled[one["id"]], len(text[: one["settled"]].split()))
        for place, (word, line, left) in before.items():
            cue, index = place.rsplit(" ", 1)
            there = after.get(place)
            if int(index) < settled[cue] - 1:
                assert there is not None, (chosen, word)
                assert there[:2] == [word, line], chosen
                assert chosen["align"] == "center" or there[2] == left, chosen
    known = page.evaluate("document.querySelector('live-captions').cues().map((one) => one.text)")
    drawn = page.locator("live-captions .cue").all_text_contents()
    assert [text.strip() for text in drawn] == known[-len(drawn) :]
