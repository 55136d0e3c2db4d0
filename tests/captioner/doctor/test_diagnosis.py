from __future__ import annotations

from dataclasses import replace

import pytest

from captioner.doctor.diagnosis import Seen, diagnose

WELL = Seen(
    joined_s=0.4, bot_s=1.2, answer_s=0.02, state="on", language="en", engine="kyutai", track="on",
    first_s=1.1, lags_s=[0.7, 0.8, 0.9], text="it was the best of times",
    spoken="The best of times",
)  # fmt: skip


def told(**seen: object) -> list[tuple[str, str]]:
    """What is bad, by link, where everything else is well."""
    found = diagnose(replace(WELL, **seen))  # type: ignore[arg-type]
    return [(one.what, one.advice) for one in found if not one.good]


def test_where_all_is_well_every_link_is_told_with_its_time() -> None:
    found = diagnose(WELL)
    assert all(one.good for one in found)
    links = ["joining", "bot", "bot's answers", "captions", "recogniser", "words"]
    assert [one.what for one in found] == links
    assert "kyutai, 0.8 s behind the voice" in [one.advice for one in found]
    assert "4 of 4 words of the sentence" in [one.advice for one in found]


@pytest.mark.parametrize(
    ("seen", "link", "says"),
    [
        ({"bot_s": None}, "bot", "does `captioner worker` run"),
        ({"bot_s": None, "waits": True}, "bot", "every worker is full"),
        ({"bot_s": 20.0}, "bot", "is the worker's machine busy"),
        ({"answer_s": None}, "bot's answers", "its process hangs"),
        ({"answer_s": 2.0}, "bot's answers", "slow"),
        ({"first_s": None, "state": "off"}, "captions", "captions are off"),
        ({"first_s": None, "state": "unavailable"}, "captions", "`captioner check` says why"),
        ({"first_s": None, "state": "no-language"}, "captions", "the room's language"),
        ({"first_s": None, "track": "unavailable"}, "captions", "every slot is taken"),
        ({"first_s": None, "track": "stalled"}, "captions", "makes no words of it"),
        ({"first_s": None, "track": "refused"}, "captions", "CAPTIONER_CONSENT"),
        ({"first_s": None}, "captions", "does sound reach it"),
        ({"lags_s": [0.5, 4.0, 9.0]}, "recogniser", "4.0 s behind the voice"),
        ({"lags_s": [4.0], "track": "delayed"}, "recogniser", "it is full or too slow"),
        ({"stands_in": "embedded"}, "recogniser", "embedded stands in: no server of kyutai"),
        ({"text": "mumble"}, "words", "0 of 4 words"),
    ],
)
def test_the_link_that_is_slow_or_broken_is_named(
    seen: dict[str, object], link: str, says: str
) -> None:
    ((what, advice),) = told(**seen)
    assert what == link
    assert says in advice


def test_nothing_is_said_of_links_behind_a_broken_one() -> None:
    found = diagnose(replace(WELL, bot_s=None))
    assert [one.what for one in found] == ["joining", "bot"]
    found = diagnose(replace(WELL, first_s=None, lags_s=[], text=""))
    assert [one.what for one in found] == ["joining", "bot", "bot's answers", "captions"]


def test_an_english_sentence_is_not_held_against_a_french_room() -> None:
    assert told(language="fr", text="c'était le meilleur") == []
