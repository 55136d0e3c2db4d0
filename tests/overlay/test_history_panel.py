"""The history in <live-captions>: the whole session, found again and kept."""

from __future__ import annotations

from typing import Any

import pytest
import webvtt

from eval.testing.caption_element import Captions, packet

pytestmark = pytest.mark.browser

ORDINARY = "Yes, and the room on the second floor is free at four"


def meeting(count: int) -> list[dict[str, Any]]:
    """Captions of three people, one every four seconds; each has its number in it."""
    people = ["alice", "bob", "carol"]
    packets = [
        packet(
            f"m-{n}",
            1,
            f"{'On commence par le budget' if n % 10 == 0 else ORDINARY}, numéro {n}",
            closed=True,
            speaker=people[n % 3],
            start_ms=n * 4_000,
            end_ms=n * 4_000 + 3_800,
        )
        for n in range(count)
    ]
    gap = {"v": 1, "type": "gap", "session": "s", "seq": 1, "start": 6_000, "end": 7_500}
    return [*packets, {**gap, "reason": "connection-lost"}]


def in_sight(captions: Captions) -> list[str]:
    """The entries of the history that can be seen."""
    script = """(list) => {
      const { top, bottom } = list.getBoundingClientRect();
      return [...list.querySelectorAll(".entry")]
        .map((one) => [one, one.getBoundingClientRect()])
        .filter(([, box]) => box.bottom > top && box.top < bottom)
        .map(([one]) => one.querySelector(".entry-text, .entry-gap").textContent);
    }"""
    found: list[str] = captions.find(".history-scroll").evaluate(script)
    return found


def test_eight_hours_are_all_there_and_few_of_them_in_the_page(captions: Captions) -> None:
    captions.feed(*meeting(7_200))
    captions("openHistory()")
    nodes = captions("shadowRoot.querySelectorAll('*').length")
    assert "numéro 7199" in in_sight(captions)[-1]
    scroll = captions.find(".history-scroll")
    for share in (0.5, 0):
        scroll.evaluate(f"(list) => {{ list.scrollTop = list.scrollHeight * {share}; }}")
        number = "numéro 0" if share == 0 else "numéro 3"
        captions.until(f"root.querySelector('.history-list').textContent.includes('{number}')")
        nodes = max(nodes, captions("shadowRoot.querySelectorAll('*').length"))
    assert "numéro 0" in in_sight(captions)[0]
    assert nodes < 2_000


def test_hits_are_marked_and_gone_through_with_the_keyboard(captions: Captions) -> None:
    captions.feed(*meeting(300))
    captions("openHistory()")
    captions.find(".history [type=search]").focus()
    captions.page.keyboard.type("BUDGET")
    assert captions.find(".hits").inner_text() == "30 of 30"
    assert any("numéro 290" in text for text in in_sight(captions))
    assert set(captions.find("mark").all_inner_texts()) == {"budget"}
    captions.page.keyboard.press("Shift+Enter")
    assert captions.find(".hits").inner_text() == "29 of 30"
    assert "numéro 280" in captions.find(".entry[data-current]").inner_text()
    captions.page.keyboard.type("zzz")
    assert captions.find(".hits").inner_text() == "No matches"


def test_one_speaker_only(captions: Captions) -> None:
    captions.feed(*meeting(30))
    captions("openHistory()")
    speakers = captions.find(".history select")
    assert speakers.locator("option").all_inner_texts() == ["Everyone", "Alice", "Bob", "Carol"]
    speakers.select_option(label="Bob")
    names = captions.find(".entry-name").all_inner_texts()
    assert set(names) == {"Bob"}


def test_a_time_is_gone_to_and_what_is_no_time_is_told(captions: Captions) -> None:
    captions.feed(*meeting(600))
    captions("openHistory()")
    time = captions.find(".history .time")
    time.fill("20:00")
    time.press("Enter")
    captions.until("root.querySelector('.history').hasAttribute('data-follows') === false")
    assert any("numéro 300" in text for text in in_sight(captions))
    time.fill("soon")
    time.press("Enter")
    assert "Enter a time" in captions.find(".history .notice").inner_text()


def test_a_gap_is_shown_where_it_was(captions: Captions) -> None:
    captions.feed(*meeting(3))
    captions("openHistory()")
    texts = in_sight(captions)
    assert texts[2].endswith("2 s are missing here (the connection was lost)")
    assert "numéro 1" in texts[1]


def test_what_comes_is_added_and_what_is_read_stays(captions: Captions) -> None:
    captions.feed(*meeting(100))
    captions("openHistory()")
    list_ = captions.find(".history-scroll")
    list_.evaluate("(list) => { list.scrollTop = 600; }")
    captions.until("!root.querySelector('.history').hasAttribute('data-follows')")
    before = in_sight(captions)
    captions.say("late", "a word at the end", start_ms=900_000)
    captions.until("root.querySelector('.history-list').textContent !== ''")
    assert in_sight(captions) == before
    captions.find(".latest").click()
    captions.until("root.querySelector('.history-list').textContent.includes('a word at the end')")
    assert in_sight(captions)[-1] == "a word at the end"


@pytest.mark.parametrize("ending", ["vtt", "txt", "srt"])
def test_the_whole_session_is_downloaded(captions: Captions, ending: str) -> None:
    captions.feed(
        *meeting(300), packet("evil", 1, "<b>&amp; --> x", closed=True, start_ms=2_000_000)
    )
    captions("openHistory()")
    with captions.page.expect_download() as download:
        captions.find(".downloads button").get_by_text(f".{ending}").click()
    assert download.value.suggested_filename.endswith(f".{ending}")
    text = download.value.path().read_text(encoding="utf-8")
    assert all(f"numéro {n}" in text for n in range(300))
    if ending == "vtt":
        read = webvtt.from_string(text)
        assert len(read) == 301
        assert read[0].voice == "Alice"
        assert "NOTE 2 s are missing here" in text


def test_what_is_shown_is_copied(captions: Captions) -> None:
    captions.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    captions.feed(*meeting(12))
    captions("openHistory()")
    captions.find(".history select").select_option(label="Bob")
    captions.find(".history button").get_by_text("Copy").click()
    captions.until("root.querySelector('.history .notice').textContent === 'Copied.'")
    copied = captions.page.evaluate("navigator.clipboard.readText()")
    assert copied.count("Bob: ") == 4
    assert "Alice" not in copied


def test_a_deleted_caption_leaves_the_history(captions: Captions) -> None:
    captions.feed(*meeting(5))
    captions("openHistory()")
    gone = {"v": 1, "session": "s", "seq": 9, "id": "m-2", "rev": 9, "state": "deleted"}
    captions.feed({**gone, "speaker": "carol", "track": "", "heard": 0})
    captions.until("!root.querySelector('.history-list').textContent.includes('numéro 2')")
    assert len(captions("cues()")) == 4
