from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioner.tracks.language_evidence import LanguageEvidence
from streaming.languages import AMONG_MAX, Languages

BOTH = Languages.parse("auto:fr,en")
FRENCH = {"fr": 0.98, "en": 0.02}
ENGLISH = {"fr": 0.02, "en": 0.98}
DOUBT = {"fr": 0.45, "en": 0.55}

looks = st.lists(
    st.floats(0, 1).map(lambda p: {"fr": p, "en": 1 - p}), max_size=40
)  # fmt: skip


def begun(choice: Languages = BOTH) -> LanguageEvidence:
    evidence = LanguageEvidence()
    evidence.begin(choice)
    return evidence


def test_a_voice_speaks_the_first_language_until_it_is_known() -> None:
    evidence = begun()
    assert (evidence.language, evidence.decided, evidence.found) == ("fr", False, False)
    assert evidence.feed(FRENCH, start=0) is None
    assert (evidence.language, evidence.decided, evidence.found) == ("fr", True, True)


def test_one_clear_look_is_enough_for_the_first_language() -> None:
    evidence = begun()
    assert evidence.feed(ENGLISH, start=480) == 480
    assert evidence.language == "en"


def test_once_a_language_is_known_it_takes_more_than_one_look_to_change_it() -> None:
    evidence = begun()
    evidence.feed(FRENCH, start=0)
    assert evidence.feed(ENGLISH, start=1000) is None
    assert evidence.doubted
    assert evidence.feed(ENGLISH, start=2000) == 1000  # where the evidence began
    assert evidence.language == "en"


def test_doubtful_looks_change_nothing() -> None:
    evidence = begun()
    evidence.feed(FRENCH, start=0)
    for _ in range(5):
        assert evidence.feed(DOUBT, start=0) is None
        assert evidence.feed(FRENCH, start=0) is None
    assert evidence.language == "fr"
    assert not evidence.doubted


def test_evidence_of_long_ago_does_not_count_against_what_is_spoken_now() -> None:
    evidence = begun()
    for _ in range(1_000):
        evidence.feed(FRENCH, start=0)
    assert [evidence.feed(ENGLISH, start=n) for n in (1, 2)] == [None, 1]


def test_a_language_that_is_found_keeps_the_tag_of_the_room() -> None:
    evidence = begun(Languages.parse("auto:en-GB,fr-CA"))
    evidence.feed(FRENCH, start=0)
    assert evidence.language == "fr-CA"


def test_what_was_found_is_forgotten_when_the_choice_is_another_one() -> None:
    evidence = begun()
    evidence.feed(ENGLISH, start=0)
    assert evidence.begin(BOTH) == "en"
    assert evidence.begin(Languages.parse("fr")) == "fr"
    assert not evidence.found
    assert evidence.begin(BOTH) == "fr"


@given(looks)
def test_no_look_leads_to_a_language_that_the_room_does_not_allow(
    seen: list[dict[str, float]],
) -> None:
    evidence = begun()
    for start, likely in enumerate(seen):
        before = evidence.language
        began = evidence.feed(likely, start=start)
        assert evidence.language in ("fr", "en")
        assert (began is not None) == (evidence.language != before)
        assert began is None or 0 <= began <= start


@given(looks)
def test_a_change_needs_a_look_that_favours_the_new_language(seen: list[dict[str, float]]) -> None:
    evidence = begun()
    for start, likely in enumerate(seen):
        if evidence.feed(likely, start=start) is not None:
            assert likely[evidence.language] > 0.5


@given(looks, st.sampled_from(["fr", "en"]))
def test_whatever_came_before_a_language_that_is_clearly_spoken_is_found_within_three_looks(
    seen: list[dict[str, float]], tag: str
) -> None:
    evidence = begun()
    for start, likely in enumerate(seen):
        evidence.feed(likely, start=start)
    for start in range(3):
        evidence.feed(FRENCH if tag == "fr" else ENGLISH, start=start)
    assert evidence.language == tag


def test_a_choice_is_read() -> None:
    assert Languages.parse("fr-CA") == Languages("fr-CA")
    assert Languages.parse("auto:fr,en,fr") == Languages("fr", True, ("fr", "en"))
    assert Languages.parse("auto:fr") == Languages("fr")
    assert Languages.parse("auto").by_voice
    assert [Languages.parse(one).known for one in ("fr", "auto:fr,en", "auto")] == [
        ("fr",), ("fr", "en"), ("en",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "auto:", "fr,en", "auto:fr,", "f", "auto:fr;en", "fr_FR", "auto:" + ",".join(
        "".join(two) for two in itertools.islice(itertools.product("abc", repeat=2), AMONG_MAX + 1)
    )],
)  # fmt: skip
def test_what_is_no_choice_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="auto:fr,en"):
        Languages.parse(text)
