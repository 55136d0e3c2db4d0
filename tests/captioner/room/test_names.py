from __future__ import annotations

import pytest

from captioner.captions.cues import CueDeleted
from captioner.captions.webvtt import NAME_MAX
from captioner.contract import Caption
from captioner.room.names import Names
from captioner.room.protocol import Kind, Person, Source

CAMILLE = Person("c1", "Camille Martin", joined_ms=1)
OTHER = Person("c2", "camille MARTIN", joined_ms=2)


def shown(person: Person, source: Source = Source.MICROPHONE, *, language: str = "en") -> str:
    return str(Names(language).of(person, source))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("+33 6 12 34 56 78", "+•• • •• •• •• 78"),
        ("0612345678", "••••••••78"),
        ("Phone +1 (555) 010-4477", "Phone +• (•••) •••-••77"),
        ("Alice", "Alice"),
        ("Room 12", "Room 12"),
    ],
)
def test_a_telephone_number_is_masked_but_for_its_last_two_digits(name: str, expected: str) -> None:
    assert shown(Person("sip_1", name, Kind.PHONE)) == expected


def test_who_calls_without_a_name_is_shown_by_a_masked_identity() -> None:
    assert shown(Person("sip_+33612345678", "", Kind.PHONE)) == "sip_+•••••••••78"


def test_nobody_elses_name_is_touched() -> None:
    assert shown(Person("a", "0612345678")) == "0612345678"


def test_who_has_no_name_is_a_guest_in_the_rooms_language() -> None:
    nameless = Person("viewer-6ec572eb", " \n")
    assert (shown(nameless), shown(nameless, language="fr-FR")) == ("Guest", "Invité")


def test_the_sound_of_a_shared_screen_does_not_pass_for_its_owners_voice() -> None:
    assert shown(Person("a", "Anna"), Source.SCREEN) == "Anna (screen)"
    assert shown(Person("a", "Anna"), Source.SCREEN, language="fr") == "Anna (écran)"


def test_a_name_cannot_turn_the_sentence_around_it() -> None:
    assert shown(Person("a", "An\u202ena\u2069")) == "Anna"


def test_of_two_people_of_one_name_the_later_one_has_a_number() -> None:
    names = Names()
    names.present([OTHER, CAMILLE])
    assert [str(names.of(one)) for one in (CAMILLE, OTHER)] == [
        "Camille Martin",
        "camille MARTIN (2)",
    ]
    assert str(names.of(OTHER, Source.SCREEN)) == "camille MARTIN (2) (screen)"


def test_numbers_stay_for_the_meeting_and_captions_of_two_people_never_have_one_name() -> None:
    names = Names()
    names.present([CAMILLE, OTHER])
    names.spoken(CAMILLE, Source.MICROPHONE)
    third = Person("c3", "Camille Martin", joined_ms=3)
    names.present([OTHER, third])
    assert [str(names.of(one)) for one in (OTHER, third)] == [
        "camille MARTIN (2)",
        "Camille Martin (3)",
    ]


def test_who_left_without_a_word_gives_the_name_back() -> None:
    names = Names()
    names.present([CAMILLE])
    names.present([])
    names.present([OTHER])
    assert str(names.of(OTHER)) == "camille MARTIN"


@pytest.mark.parametrize("length", [10, 56, 57, 64, 300])
def test_a_long_name_gives_way_and_its_label_stays(length: int) -> None:
    name = Names().of(Person("a", "ä" * length), Source.SCREEN)
    caption = Caption(CueDeleted("a-1", 1), "a", name.text, "TR_a", 0, label=name.label)
    for limit in (NAME_MAX, 24, 8, 1):
        assert caption.shown_name(limit).endswith(" (screen)")
    assert len(caption.shown_name()) <= NAME_MAX


def test_a_bot_that_is_started_again_gives_everybody_their_number_again() -> None:
    first = Names()
    first.pseudonym = lambda text: f"<{text}>"
    first.present([CAMILLE, OTHER])
    first.spoken(CAMILLE, Source.MICROPHONE)
    first.present([OTHER])

    again = Names()
    again.pseudonym, again.before = first.pseudonym, first.numbers()
    third = Person("c3", "Camille Martin", joined_ms=3)
    again.present([OTHER, third])
    names = [str(again.of(person)) for person in (OTHER, third, CAMILLE)]
    assert names == ["camille MARTIN (2)", "Camille Martin (3)", "Camille Martin"]
    # And the one after that.
    assert {number for _, number in again.numbers().values()} == {1, 2, 3}


def test_only_pseudonyms_are_remembered_and_only_of_names_that_are_shared() -> None:
    names = Names()
    names.pseudonym = lambda text: f"{len(text)}-{text[-1]}"
    names.present([CAMILLE, OTHER, Person("d", "Dana", joined_ms=3)])
    assert names.numbers() == {"2-1": ("14-n", 1), "2-2": ("14-n", 2)}


def test_who_has_another_name_after_a_restart_has_no_number_of_the_old_one() -> None:
    again = Names()
    again.before = {"c2": ("camille martin", 2)}
    assert str(again.of(Person("c2", "Dana"))) == "Dana"
    assert str(again.of(CAMILLE)) == "Camille Martin"
