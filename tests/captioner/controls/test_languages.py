"""Who speaks what, by whose choice."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioner.contract_attributes import ChosenBy, Spoken
from captioner.contract_requests import Change, Speaks
from captioner.controls.controls import Controls
from captioner.controls.decisions import Choices, Decided, Policy, Wish
from captioner.errors import InvalidRequest, RequestCode
from captioner.room.frame_queue import FrameQueue
from captioner.room.protocol import Person, Source, Voice

HOST = Person("olga", "Olga", attributes={"room_role": "owner"}, signed=True)
ANNA = Person("anna", "Anna", attributes={"captions.language": "de"}, signed=True)
BOB = Person("bob", "Bob", signed=True)
POLICY = Policy({"embedded": ("en", "fr", "de"), "small": ("en",)})


def controls(language: str = "en") -> Controls:
    return Controls(Decided(language, "embedded"), POLICY)


def do(made: Controls, wish: Wish) -> None:
    """As the decision writer does it once a wish is stored."""
    made.decided = made.fulfilled(wish)


def test_the_own_choice_comes_first_then_the_hosts_the_tokens_and_the_rooms() -> None:
    made = controls()
    assert made.spoken(BOB) == Spoken("en", ChosenBy.ROOM)
    assert made.spoken(ANNA) == Spoken("de", ChosenBy.TOKEN)
    do(made, made.speak(HOST, Speaks("fr", "anna")))
    assert made.spoken(ANNA) == Spoken("fr", ChosenBy.HOST)
    do(made, made.speak(ANNA, Speaks("auto:fr,en")))
    assert made.spoken(ANNA) == Spoken("auto:fr,en", ChosenBy.SPEAKER)
    assert made.you(ANNA)["language"] == "auto:fr,en"
    do(made, made.speak(HOST, Speaks("de", "anna")))
    assert made.spoken(ANNA).by is ChosenBy.SPEAKER
    do(made, made.speak(ANNA, Speaks("")))
    assert made.spoken(ANNA) == Spoken("de", ChosenBy.HOST)
    do(made, made.speak(HOST, Speaks("", "anna")))
    assert made.spoken(ANNA) == Spoken("de", ChosenBy.TOKEN)
    assert made.decided.spoken == {}


def test_only_a_host_says_what_others_speak() -> None:
    with pytest.raises(InvalidRequest) as refused:
        controls().speak(ANNA, Speaks("fr", "bob"))
    assert refused.value.code is RequestCode.NOT_ALLOWED
    assert controls().speak(ANNA, Speaks("fr", "anna")).speaks == "fr"


@pytest.mark.parametrize("choice", ["xx", "auto:fr,xx"])
def test_a_language_that_nobody_has_is_refused_with_those_that_are_there(choice: str) -> None:
    for ask in (
        lambda made: made.speak(ANNA, Speaks(choice)),
        lambda made: made.change(HOST, Change(language=choice)),
    ):
        with pytest.raises(InvalidRequest, match="'xx' here; there is en, fr, de") as refused:
            ask(controls())
        assert refused.value.code is RequestCode.NO_SUCH_CHOICE
        assert json.loads(refused.value.data) == {"languages": ["en", "fr", "de"]}


def test_an_engine_chosen_later_that_does_not_know_a_language_hears_the_rooms() -> None:
    made = controls()
    do(made, made.speak(BOB, Speaks("fr")))
    do(made, made.change(HOST, Change(engine="small")))
    assert made.spoken(BOB) == Spoken("en", ChosenBy.ROOM)
    assert made.spoken(replace(BOB, attributes={"captions.language": "<fr>"})).language == "en"
    do(made, made.change(HOST, Change(engine="embedded")))
    assert made.spoken(BOB).language == "fr"


def test_what_is_heard_on_a_shared_screen_is_not_its_sharers_voice() -> None:
    made = controls("auto:fr,en")
    do(made, made.speak(BOB, Speaks("de")))

    def voice(source: Source) -> Voice:
        frames = FrameQueue(None, lambda: 0)  # type: ignore[arg-type]
        return Voice("TR", "bob", source, frames, lambda: BOB)

    assert made.spoken_in(voice(Source.MICROPHONE)).language == "de"
    assert made.spoken_in(voice(Source.SCREEN)) == Spoken("auto:fr,en", ChosenBy.ROOM)


people = st.sampled_from([ANNA, BOB, HOST])
choices = st.sampled_from(["", "fr", "de", "auto:fr,en"])


@given(st.lists(st.tuples(people, people, choices)))
def test_choices_of_one_never_change_what_another_speaks(
    asked: list[tuple[Person, Person, str]],
) -> None:
    made, model = controls(), dict[tuple[str, bool], str]()
    for caller, speaker, choice in asked:
        is_own = caller is speaker
        if not is_own and caller is not HOST:
            continue
        do(made, made.speak(caller, Speaks(choice, speaker.identity)))
        model[speaker.identity, is_own] = choice
    for person in (ANNA, BOB, HOST):
        own, host = (model.get((person.identity, is_own), "") for is_own in (True, False))
        assert made.decided.spoken.get(person.identity, Choices()) == Choices(own, host)
