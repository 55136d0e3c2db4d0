"""What a reader may choose to see of speakers and words: initials before names, masked swearing."""

from __future__ import annotations

import pytest

from eval.testing.caption_element import Captions, packet

pytestmark = pytest.mark.browser

# The last two: letters that are not seen.
NO_INITIALS = ["+33 ••••78", "--> </v>", "🙂🙂", "\u3164", "\uffa0 \u3164"]
NO_MODULE = {"content_type": "text/javascript", "body": "("}


def badges(captions: Captions) -> list[str]:
    """The initials that are in sight, in order."""
    every = "[...captions.shadowRoot.querySelectorAll('.view .badge')]"
    seen = f"{every}.filter((one) => one.getBoundingClientRect().width > 0)"
    found: list[str] = captions.page.evaluate(
        "() => { const captions = document.querySelector('live-captions');"
        f"return {seen}.map((one) => one.dataset.initials); }}"
    )
    return found


@pytest.mark.both_browsers
def test_initials_stand_before_each_name_and_are_no_part_of_it(captions: Captions) -> None:
    captions.say("a-1", "hello", speaker="anna", name="Anna Müller")
    captions.say("b-1", "yes", speaker="bob", name="Bob", start_ms=2_000)
    assert badges(captions) == ["AM", "B"]
    badge, name = captions.box(".badge"), captions.box(".speaker")
    assert badge["right"] <= name["x"]
    assert captions.css(".badge", "border-radius") == "50%"
    assert badge["height"] == pytest.approx(badge["width"], abs=0.5)
    assert captions.box(".name")["y"] <= badge["y"]
    assert badge["bottom"] <= captions.box(".name")["bottom"]
    assert captions.texts(".name") == ["Anna Müller", "– Bob"]
    captions.set(initials=False)
    assert badges(captions) == []
    assert captions.box(".speaker")["x"] == pytest.approx(badge["x"], abs=0.5)


@pytest.mark.both_browsers
@pytest.mark.parametrize("name", NO_INITIALS)
def test_a_name_without_a_letter_that_is_seen_has_no_badge(captions: Captions, name: str) -> None:
    captions.say("a-1", "hello", name=name)
    assert captions.rows() != []
    assert badges(captions) == []


@pytest.mark.both_browsers
def test_initials_stand_to_the_right_of_a_name_where_the_words_run_to_the_left(
    captions: Captions,
) -> None:
    captions.say("a-1", "שלום לכולם", name="דנה כהן")
    assert badges(captions) == ["דכ"]
    assert captions.box(".badge")["x"] >= captions.box(".speaker")["right"]


@pytest.mark.both_browsers
def test_no_initials_take_more_than_their_place(captions: Captions) -> None:
    captions.say("a-1", "hello", name="﷽﷽﷽ ﷽﷽﷽")
    badge, name = captions.box(".badge"), captions.box(".name")
    assert badge["width"] < 2 * name["height"]
    assert badge["bottom"] <= name["bottom"]


@pytest.mark.both_browsers
def test_swearing_is_masked_on_the_screen_alone_and_if_the_reader_wants_it(
    captions: Captions,
) -> None:
    said = "ass not what a load of shit, l'enculé, it assesses"
    captions.say("a-1", said, language="en")
    captions.say("a-2", "d'un enculé", language="fr", start_ms=2_000)
    assert captions.rows() == [("Alice", f"{said} d'un enculé")]
    captions.set(maskProfanity=True, readingLog=True)
    captions.until("captions.shownText()[0].text.includes('*')")
    shown = "a** not what a load of s***, l'enculé, it assesses d'un e*****"
    assert captions.rows() == [("Alice", shown)]
    captions.say("a-3", "shit happens", language="en", start_ms=4_000)
    assert captions.texts(".log-text") == ["s*** happens"]
    known = [cue["text"] for cue in captions("cues()")]
    assert known == [said, "d'un enculé", "shit happens"]
    captions("openHistory()")
    captions.rendered()
    assert captions.texts(".entry-text") == [" ".join(known)]
    captions.set()
    assert captions.rows() == [("Alice", " ".join(known))]


@pytest.mark.both_browsers
def test_a_word_that_turns_out_longer_is_masked_no_more_and_what_is_settled_stays(
    captions: Captions,
) -> None:
    captions.set(maskProfanity=True)
    captions.say("z-1", "shit", language="en", closed=True, speaker="zoe")
    captions.until("captions.shownText()[0].text === 's***'")
    for rev, text, shown in (
        (1, "the ass", "the a**"),
        (2, "the assembly", "the assembly"),
        (3, "the assembly, shit", "the assembly, s***"),
    ):
        captions.feed(packet("a-1", rev, text, settled=3, language="en", start_ms=5_000))
        assert captions.rows()[-1] == ("Alice", shown)


def test_the_list_is_loaded_when_it_is_wanted_and_that_it_cannot_be_is_said(
    captions: Captions,
) -> None:
    fetched: list[str] = []
    captions.page.on("request", lambda request: fetched.append(request.url))
    captions.page.route("**/profanity.js", lambda route: route.fulfill(**NO_MODULE))
    captions.say("a-1", "shit", language="en")
    captions("openSettings()")
    assert fetched == []
    captions.set(maskProfanity=True)
    captions.until("root.querySelector('.settings .notice').textContent !== ''")
    assert "so none is masked" in captions.text(".settings .notice")
    assert captions.rows() == [("Alice", "shit")]
