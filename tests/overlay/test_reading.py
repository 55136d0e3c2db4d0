"""Reading along: hold, scroll back, jump to live, what is missing, when nobody speaks."""

from __future__ import annotations

import pytest

from eval.testing.caption_element import Captions, packet

pytestmark = pytest.mark.browser

AIR = 6
"""Pixels below the last line."""

WORDS = " ".join(f"word{n}" for n in range(60))


def turn(captions: Captions, number: int, *, words: int = 12) -> None:
    text = " ".join(f"t{number}w{n}" for n in range(words))
    captions.say(f"c-{number}", text, start_ms=number * 3_000, end_ms=number * 3_000 + 2_900)


def line_of(captions: Captions, word: str) -> float | None:
    """How far from the top of the window a word stands; None when it is out of sight."""
    found: float | None = captions.page.evaluate(
        """(word) => {
          const captions = document.querySelector("live-captions");
          const view = captions.shadowRoot.querySelector(".view");
          const walker = document.createTreeWalker(view, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const at = walker.currentNode.data.search(new RegExp(`\\\\b${word}\\\\b`));
            if (at === -1) continue;
            const range = document.createRange();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + word.length);
            const { top } = range.getBoundingClientRect();
            const sight = view.getBoundingClientRect();
            return top >= sight.top - 1 && top < sight.bottom ? top : null;
          }
          return null;
        }""",
        word,
    )
    return found


@pytest.mark.both_browsers
def test_held_words_stay_where_they_are_while_others_come(captions: Captions) -> None:
    turn(captions, 1)
    before = line_of(captions, "t1w3")
    captions("hold()")
    assert line_of(captions, "t1w3") == before
    for number in range(2, 9):
        turn(captions, number)
    assert line_of(captions, "t1w3") == before
    assert captions("held")
    assert "7 new" in captions.text(".hold")


@pytest.mark.both_browsers
def test_jump_to_live_shows_the_newest_words(captions: Captions) -> None:
    turn(captions, 1)
    captions("hold()")
    for number in range(2, 9):
        turn(captions, number)
    assert line_of(captions, "t8w11") is None
    captions("jumpToLive()")
    assert line_of(captions, "t8w11") is not None
    assert not captions("held")


@pytest.mark.both_browsers
def test_the_last_line_read_is_marked_below_it(captions: Captions) -> None:
    turn(captions, 1)
    captions("hold()")
    turn(captions, 2)
    mark = captions.box(".mark")
    last_read = line_of(captions, "t1w11")
    assert captions("shadowRoot.querySelectorAll('.mark').length") == 1
    assert last_read is not None
    assert last_read < mark["y"] <= last_read + 40
    assert captions.box(".row")["width"] - mark["width"] < 2


def test_scrolling_back_holds_and_scrolling_to_the_end_follows_again(captions: Captions) -> None:
    for number in range(1, 14):
        turn(captions, number, words=16)
    captions.find(".view").hover()
    captions.page.mouse.wheel(0, -300)
    captions.until("captions.held")
    end = captions("shadowRoot.querySelector('.view').scrollTop")
    captions.page.mouse.wheel(0, -200)
    captions.until(f"root.querySelector('.view').scrollTop < {end}")
    captions.page.mouse.wheel(0, 5_000)
    captions.until("!captions.held")
    assert line_of(captions, "t13w15") is not None


@pytest.mark.both_browsers
def test_scrolling_back_shows_what_was_said_before(captions: Captions) -> None:
    for number in range(1, 10):
        turn(captions, number, words=16)
    assert line_of(captions, "t1w0") is None
    captions("hold()")
    captions.focus(".view")
    captions.press("Home")
    captions.until("root.querySelector('.view').scrollTop === 0")
    assert line_of(captions, "t1w0") is not None


def test_three_people_at_once_have_their_rows_and_names(captions: Captions) -> None:
    captions.feed(
        *(
            packet(f"{who}-1", 1, f"{WORDS} {who}end", speaker=who, start_ms=n * 100)
            for n, who in enumerate(("alice", "bob", "carol"))
        )
    )
    names = [name for name, text in captions.rows() if text.endswith(f"{name.lower()}end")]
    assert names == ["Alice", "Bob", "Carol"]


@pytest.mark.both_browsers
def test_a_change_of_speaker_has_a_dash(captions: Captions) -> None:
    captions.say("a-1", "good morning", speaker="alice", end_ms=1_000)
    captions.say("b-1", "good morning", speaker="bob", start_ms=1_500)
    names = captions.texts(".name")
    assert names == ["Alice", "– Bob"]


@pytest.mark.both_browsers
def test_time_that_nobody_heard_is_shown_between_what_was_said(captions: Captions) -> None:
    captions.say("a-1", "before", start_ms=0, end_ms=1_000)
    gap = {"v": 1, "type": "gap", "session": "s", "seq": 2, "start": 1_200, "end": 9_200}
    captions.feed({**gap, "reason": "bot-restarted"})
    captions.say("a-2", "after", start_ms=9_500)
    shown = captions.texts(".row, .gap")
    assert ["before" in shown[0], "after" in shown[2]] == [True, True]
    assert shown[1] == "8 s are missing here (the caption service restarted)"


@pytest.mark.both_browsers
def test_the_state_of_a_speaker_is_told_in_words(captions: Captions) -> None:
    track = {"v": 1, "type": "track", "session": "s", "speaker": "bob"}
    captions.say("b-1", "hello", speaker="bob")
    notes = []
    for seq, (state, lag_ms) in enumerate(
        [("delayed", 4_200), ("stalled", 0), ("unavailable", 0), ("refused", 0), ("on", 0)], start=2
    ):
        captions.feed({**track, "track": "TR_b", "seq": seq, "state": state, "lag_ms": lag_ms})
        notes.append(captions.texts(".note"))
    assert notes == [
        ["Bob: captions are 4 s late"],
        ["Bob: captions have stalled"],
        ["Bob: no captions at the moment"],
        ["Bob: does not wish to be captioned"],
        [],
    ]


def test_a_newer_version_of_the_contract_is_told_once_and_not_shown(captions: Captions) -> None:
    for number in range(3):
        captions.feed({**packet(f"a-{number}", 1, "secret"), "v": 2})
    assert captions.find("[role=status]").inner_text().count("Reload the page") == 1
    assert captions.rows() == []
    assert captions("skipped") == {"unknown-version": 3}


@pytest.mark.both_browsers
def test_finished_captions_only(captions: Captions) -> None:
    captions.set(partial="finished")
    captions.say("a-1", "still chang", closed=False)
    assert captions.rows() == []
    captions.say("a-1", "still changing no more", rev=2)
    assert captions.rows() == [("Alice", "still changing no more")]


NOTED = {"v": 1, "type": "track", "session": "s", "state": "delayed", "lag_ms": 12_000}


def three_late_people(captions: Captions) -> None:
    for n, who in enumerate(("alice", "bob", "carol")):
        name = f"{who.title()} with a name that is as long as names of people are"
        captions.say(f"{who}-1", WORDS, closed=False, speaker=who, start_ms=n * 100, name=name)
        captions.feed({**NOTED, "seq": 10 + n, "track": who, "speaker": who})


@pytest.mark.both_browsers
@pytest.mark.parametrize("size", [100, 300])
def test_notes_on_speakers_push_nothing_out_of_sight(captions: Captions, size: int) -> None:
    captions.page.set_viewport_size({"width": 600, "height": 500})
    captions.set(size=size)
    three_late_people(captions)
    captions.until("root.querySelectorAll('.note').length === 3")
    captions.until("root.querySelector('.frame').getBoundingClientRect().y >= 0")
    assert captions.rows()[-1][1].endswith("word59")


def fill_the_page(captions: Captions, *, height: int, mode: str = "beside") -> None:
    captions.page.set_viewport_size({"width": 600, "height": height})
    captions.page.evaluate(
        """(mode) => {
          const captions = document.querySelector("live-captions");
          document.documentElement.style.blockSize = document.body.style.blockSize = "100%";
          document.body.style.margin = "0";
          captions.mode = mode;
        }""",
        mode,
    )


@pytest.mark.both_browsers
@pytest.mark.parametrize("held", [False, True])
def test_beside_something_whole_lines_are_seen_and_no_more_than_fit(
    captions: Captions, held: bool
) -> None:
    fill_the_page(captions, height=250)
    three_late_people(captions)
    if held:
        captions("hold()")
    view = captions.box(".view")
    assert view["bottom"] <= 250
    lines = view["height"] - AIR
    assert lines >= 2 * 33 - 0.1
    assert lines % 33 == pytest.approx(0, abs=0.1)


@pytest.mark.both_browsers
@pytest.mark.parametrize(("speakers", "lines"), [(1, 4), (2, 2), (3, 1)])
def test_who_speak_at_once_share_the_lines_that_there_are(
    captions: Captions, speakers: int, lines: int
) -> None:
    captions.page.evaluate(
        "document.querySelector('live-captions').setAttribute('controls', 'none')"
    )
    fill_the_page(captions, height=6 * 33 + AIR)
    captions.page.evaluate(
        "document.querySelector('live-captions').style.setProperty('--captions-lines', '4')"
    )
    for n, who in enumerate(("alice", "bob", "carol")[:speakers]):
        captions.say(f"{who}-1", WORDS, closed=False, speaker=who, start_ms=n * 100)
    captions.rendered()
    shown = captions.rows()
    assert [name for name, _ in shown] == ["Alice", "Bob", "Carol"][:speakers]
    assert {text.split()[-1] for _, text in shown} == {"word59"}
    heights = {
        captions.box(f".live > :nth-child({n}) .text")["height"] for n in range(1, speakers + 1)
    }
    assert heights == {lines * 33}


@pytest.mark.both_browsers
@pytest.mark.parametrize("mode", ["beside", "window"])
def test_in_a_box_of_their_own_captions_stay_when_nobody_speaks(
    captions: Captions, mode: str
) -> None:
    fill_the_page(captions, height=250, mode=mode)
    captions.say("a-1", "That was all.")
    captions.until("captions.speakers.length === 0")
    captions.rendered()
    assert captions.rows() == [("Alice", "That was all.")]
    view = captions.box(".view")
    assert (view["height"] - AIR) % 33 == pytest.approx(0, abs=0.1)
    assert view["bottom"] == pytest.approx(250, abs=0.1)
