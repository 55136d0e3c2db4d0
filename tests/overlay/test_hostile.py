"""What somebody may send to hurt, confuse or slow down a page."""

from __future__ import annotations

import random
from typing import Any

import pytest

from eval.testing.caption_element import Captions, packet

pytestmark = pytest.mark.browser

MARKUP = [
    "<img src=x onerror=window.hurt=1>",
    "<script>window.hurt=1</script>",
    "<svg/onload=window.hurt=1>",
    "\"><iframe srcdoc='<script>parent.hurt=1</script>'>",
    "' onmouseover='window.hurt=1",
    "javascript:window.hurt=1",
    "<a href=javascript:window.hurt=1>x</a>",
    "</v></c><b onclick=window.hurt=1>",
    "&lt;img src=x onerror=window.hurt=1&gt;",
    "<style>*{display:none}</style>",
    "<template><img src=x onerror=window.hurt=1></template>",
    "{{constructor.constructor('window.hurt=1')()}}",
    "\u202e<b>\u2066evil\u2069",
    "<math><mi//xlink:href='data:x,<script>window.hurt=1</script>'>",
]

# Everything that is in the page: which elements with which attributes, how often.
CENSUS = """(captions) => {
  const found = {};
  const all = [document, captions.shadowRoot].flatMap((root) => [...root.querySelectorAll("*")]);
  for (const one of all) {
    const key = `${one.localName} ${one.getAttributeNames().sort().join(" ")}`;
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}"""


def census(captions: Captions, text: str) -> dict[str, int]:
    """What is in the page after this text came as everything that a packet says."""
    captions.page.reload()
    captions.element.evaluate("(captions) => { captions.settings = { readingLog: true }; }")
    track = {"v": 1, "type": "track", "session": "s", "seq": 2, "track": text, "speaker": text}
    gap = {"v": 1, "type": "gap", "session": "s", "seq": 3, "start": 500, "end": 900}
    one = packet("a-1", 1, text, closed=True, name=text, speaker=text, language="fr")
    captions.feed(
        {**one, "track": text},
        {**track, "state": "delayed", "lag_ms": 3_000},
        {**gap, "reason": text[:60]},
    )
    captions.feed(packet("a-2", 1, "and", start_ms=2_000, name=text, speaker=text))
    captions("openHistory()")
    captions.find(".history [type=search]").fill("zzz")
    found: dict[str, int] = captions.element.evaluate(CENSUS)
    return found


def test_no_text_makes_an_element_or_an_attribute(captions: Captions) -> None:
    plain = census(captions, "plain")
    for text in MARKUP:
        assert census(captions, text) == plain, text
        assert captions.page.evaluate("window.hurt") is None
        for part in (".cue", ".entry-text"):
            assert captions.find(part).first.text_content() == text


def test_an_id_or_a_language_is_no_way_in(captions: Captions) -> None:
    evil = '"><img src=x onerror=window.hurt=1>'
    bad = packet("a-1", 1, "x", closed=True)
    assert captions.element.evaluate("(captions, one) => captions.feed(one)", {**bad, "id": evil})
    captions.feed({**bad, "lang": evil})
    assert captions.find(".cue").get_attribute("lang") is None
    captions.feed(packet("<b>id", 1, "y", closed=True, start_ms=3_000))
    assert captions.find("img, b").count() == 0


def test_bad_input_is_refused_counted_and_changes_nothing(captions: Captions) -> None:
    good = packet("a-1", 2, "hello there", settled=5)
    captions.feed(good)
    before = captions.rows()
    times = "00:00:02.000 --> 00:00:01.000"
    bad: list[Any] = [
        None,
        [],
        "text",
        7,
        {},
        {**good, "rev": 3, "vtt": f"a-1\n{times}\n<v Alice>hello"},
        {**good, "rev": 3, "vtt": good["vtt"] + "\n\nmore"},
        {**good, "rev": 3, "settled": 9_999},
        {**good, "rev": 3, "settled": -1},
        {**good, "rev": 1.5},
        {**good, "rev": 3, "heard": "soon"},
        {**good, "rev": 3, "session": ""},
        {**good, "rev": 3, "id": "x" * 65},
        {**good, "rev": 3, "kind": "sound"},
        {**good, "rev": 3, "state": "paused"},
        {**good, "rev": 3, "v": 2},
        {"v": 1, "type": "gap", "session": "s", "start": 9, "end": 1},
        {"v": 1, "type": "later", "session": "s"},
    ]
    feed = "(captions, one) => captions.feed(one)"
    reasons = [captions.element.evaluate(feed, one) for one in bad]
    assert None not in reasons
    bytes_ = """(captions) => [
      captions.feed(new Uint8Array(1201)),
      captions.feed(Uint8Array.of(255, 254)),
      captions.feed(new Uint8Array()),
    ]"""
    assert captions.element.evaluate(bytes_) == ["too-long", "not-utf8", "not-json"]
    captions.feed(good, packet("a-1", 1, "older"), packet("a-1", 3, "other words", settled=11))
    captions.rendered()
    assert captions.rows() == before
    skipped = captions("skipped")
    assert sum(skipped.values()) == len(bad) + 3 + 3
    assert (skipped["older-revision"], skipped["settled-changed"]) == (2, 1)


def test_packets_in_any_order_and_more_than_once_give_the_same_captions(captions: Captions) -> None:
    rng = random.Random(6)
    packets = [
        packet(f"c-{n}", rev, " ".join(["word"] * rev), closed=rev == 5, start_ms=n * 2_000)
        for n in range(4)
        for rev in range(1, 6)
    ]
    captions.feed(*packets)
    in_order = captions("cues()")
    captions.page.reload()
    mixed = packets + rng.sample(packets, 8)
    rng.shuffle(mixed)
    captions.feed(*mixed)
    assert captions("cues()") == in_order


def test_what_comes_between_drawing_and_painting_is_shown_and_told_in_the_next_frame(
    captions: Captions,
) -> None:
    between = """async ([first, second]) => {
      const captions = document.querySelector("live-captions");
      const shown = () => captions.shownText().map(({ text }) => text).join();
      const told = [];
      captions.addEventListener("painted", ({ detail }) => told.push([detail.text, shown()]));
      captions.feed(first);
      await new Promise(requestAnimationFrame);
      captions.feed(second);
      await captions.rendered();
      return [shown(), told, captions.takeMeasures().painted_ms.length];
    }"""
    texts = ["drawn", "drawn and more"]
    packets = [packet("a-1", rev, text) for rev, text in enumerate(texts, 1)]
    shown, told, paintings = captions.page.evaluate(between, packets)
    assert (shown, paintings) == (texts[-1], 2)
    assert told == [[text, text] for text in texts]


def test_a_page_that_slept_shows_what_is_new_and_closes_what_was_left_open(
    captions: Captions,
) -> None:
    captions.page.clock.install()
    captions.page.reload()
    captions.say("a-1", "before the sleep", closed=False)
    captions.page.clock.fast_forward("01:00:00")
    captions.page.clock.run_for(1_000)
    captions.say("a-2", "an hour later", start_ms=3_600_000)
    assert captions.rows() == [("Alice", "an hour later")]
