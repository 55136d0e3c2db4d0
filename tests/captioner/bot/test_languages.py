"""What is spoken and expected in a meeting, in one process, in a scripted room."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from captioner.bot.bot import Engine
from captioner.bot.scripted_meeting import HOST, has_voice, scripted_meeting, words
from captioner.contract_requests import HELLO, LANGUAGE, SET
from captioner.controls.decisions import Policy, Want
from captioner.controls.state_store import MemoryStore
from captioner.errors import InvalidRequest, RequestCode
from streaming.recognizer import Capabilities
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer


async def test_each_speaker_may_have_a_language_of_their_own_and_everybody_sees_it() -> None:
    opened = list[str]()

    class Polyglot(ScriptedEngine):
        def open(self, language: str = "en", *, live: bool = True) -> ScriptedRecognizer:
            opened.append(language)
            return ScriptedRecognizer(words(language))

    capabilities = Capabilities("scripted", ("en", "fr", "de"), True, 0)
    engine = Polyglot(lambda: ScriptedRecognizer([]), capabilities)

    async def choose(_name: str, language: str) -> Engine:
        return Engine(language, (engine,), load_voice=lambda: has_voice)

    def told(identity: str) -> list[tuple[str, str]]:
        return [
            (p["lang"], p["lang_by"])
            for p in meeting.room.packets
            if p.get("type") == "track" and p["speaker"] == identity and "lang" in p
        ]

    async with scripted_meeting(
        policy=Policy({"scripted": ("en", "fr", "de")}, want=Want.ALWAYS), choose=choose
    ) as meeting:
        meeting.come("olga", attributes=HOST)
        await meeting.room.ask("olga", SET, engine="scripted", language="fr")
        for name in ("anna", "bob", "carl"):
            meeting.come(name)
        await meeting.room.ask("olga", LANGUAGE, language="de", speaker="bob")
        answer = await meeting.room.ask("anna", LANGUAGE, language="en")
        assert (answer["language"], answer["by"]) == ("en", "speaker")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        names = ("anna", "bob", "carl")
        while not all(meeting.said(name) for name in names):
            await meeting.speak(*names, frames=3)
        langs = {p["speaker"]: p["lang"] for p in meeting.room.packets if "vtt" in p}
        assert langs == {"anna": "en", "bob": "de", "carl": "fr"}
        assert (told("anna"), told("bob"), told("carl")) == (
            [("en", "speaker")], [("de", "host")], [],
        )  # fmt: skip
        await meeting.room.ask("bob", LANGUAGE, language="fr")
        while opened.count("fr") < 2:
            await meeting.speak("bob", frames=3)
        assert told("bob")[-1] == ("fr", "speaker")


async def test_what_people_speak_is_known_after_a_restart() -> None:
    store = MemoryStore()
    for asks in (True, False):
        async with scripted_meeting(
            policy=Policy({"scripted": ("en", "fr")}, want=Want.ALWAYS), store=store
        ) as meeting:
            meeting.come("anna")
            if asks:
                await meeting.room.ask("anna", LANGUAGE, language="fr")
            you = (await meeting.room.ask("anna", HELLO, want=True))["you"]
            assert you["language"] == "fr"


async def test_a_language_that_nobody_has_is_refused_with_those_that_there_are() -> None:
    async with scripted_meeting() as meeting:
        meeting.come("anna")
        with pytest.raises(InvalidRequest, match="there is en") as refused:
            await meeting.room.ask("anna", LANGUAGE, language="fr")
        assert refused.value.code is RequestCode.NO_SUCH_CHOICE


async def test_recognisers_expect_what_a_host_names_and_then_who_is_there() -> None:
    told: list[tuple[str, ...]] = []

    def expect(words: Sequence[str]) -> Sequence[str]:
        told.append(tuple(words))
        return words[:2]

    async with scripted_meeting(expect=expect) as meeting:
        meeting.come("olga", attributes=HOST)
        meeting.come("bob")
        with pytest.raises(InvalidRequest) as refused:
            await meeting.room.ask("bob", SET, vocabulary=["Mallory"])
        assert refused.value.code is RequestCode.NOT_ALLOWED
        given = ["Étretat", "<|endoftext|>", "étretat", "CDG", "Yport"]
        answer = await meeting.room.ask("olga", SET, vocabulary=given)
        assert (answer["vocabulary"], answer["used"]) == (["Étretat", "CDG", "Yport"], 2)
        assert told[-1][:3] == ("Étretat", "CDG", "Yport")
        assert set(told[-1][3:]) == {"Olga", "Bob"}
        assert "Mallory" not in str(told)
        assert "Étretat" not in str(meeting.room.told) + str(meeting.room.packets)
        answer = await meeting.room.ask("olga", SET, vocabulary=[])
        assert answer["vocabulary"] == []


async def test_a_vocabulary_that_is_too_long_is_refused() -> None:
    async with scripted_meeting() as meeting:
        meeting.come("olga", attributes=HOST)
        with pytest.raises(InvalidRequest, match="at most 200"):
            await meeting.room.ask("olga", SET, vocabulary=["x"] * 201)
