import pytest

from captioner.room.protocol import Kind, Person, Source, shown_name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("+33 6 12 34 56 78", "+•• • •• •• •• 78"),
        ("0612345678", "••••••••78"),
        ("Phone +1 (555) 010-4477", "Phone +• (•••) •••-••77"),
        ("Alice", "Alice"),
        ("Room 12", "Room 12"),
    ],
)
def test_a_telephone_number_is_masked_but_for_its_last_two_digits(name: str, shown: str) -> None:
    assert shown_name(Person("sip_1", name, Kind.PHONE)) == shown


def test_who_calls_without_a_name_is_shown_by_a_masked_identity() -> None:
    assert shown_name(Person("sip_+33612345678", "", Kind.PHONE)) == "sip_+•••••••••78"


def test_nobody_elses_name_is_touched() -> None:
    assert shown_name(Person("a", "0612345678")) == "0612345678"


def test_the_sound_of_a_shared_screen_does_not_pass_for_its_owners_voice() -> None:
    assert shown_name(Person("a", "Anna"), Source.SCREEN) == "Anna (screen)"
