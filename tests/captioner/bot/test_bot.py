"""A whole meeting in one process, in a scripted room."""

from __future__ import annotations

import asyncio

import pytest

from captioner.bot.bot import Engine
from captioner.bot.scripted_meeting import HOST, away, scripted_meeting, tracks, words
from captioner.contract import PACKET_MAX, encode
from captioner.contract_requests import CONSENT, HELLO, SET
from captioner.controls.decisions import Want
from captioner.controls.state_store import MemoryStore, Stored
from captioner.errors import InvalidRequest, RequestCode, StateError
from captioner.room.protocol import Kind
from captioner.room.scripted_room import ScriptedRoom
from streaming.recognizer import Capabilities, RecognizerEvent
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer


async def test_of_fifty_people_those_who_speak_have_a_recogniser() -> None:
    async with scripted_meeting() as meeting:
        names = [f"p{n}" for n in range(50)]
        for name in names:
            meeting.come(name)
        for name in names[10:]:
            meeting.room.mute(name, muted=True)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        speakers, quiet = names[:5], tuple(names[5:10])
        while not all(meeting.said(name) for name in speakers):
            await meeting.speak(*speakers, frames=5, quiet=quiet)
        assert len(meeting.opened) == 5
        said = [meeting.said(name) for name in speakers]
        assert sorted(text for [text] in said) == [f"voice{n} spoke." for n in range(5)]
        assert all(not meeting.microphones[name].read for name in names[10:])
        assert all(len(encode(packet)) <= PACKET_MAX for packet in meeting.room.packets)


async def test_who_speaks_at_the_same_time_is_never_mixed_up() -> None:
    async with scripted_meeting() as meeting:
        for name in ("anna", "bob"):
            meeting.come(name)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while not (meeting.said("anna") and meeting.said("bob")):
            await meeting.speak("anna", "bob", frames=3)
        for packet in meeting.room.packets:
            if "vtt" in packet:
                name = packet["speaker"].title()
                assert f"<v {name}>" in packet["vtt"]
                assert packet["track"] == f"TR_{packet['speaker']}"


async def test_who_finds_every_recogniser_taken_is_delayed_and_then_caught_up() -> None:
    async with scripted_meeting(slots=1) as meeting:
        for name in ("anna", "bob"):
            meeting.come(name)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while not meeting.said("anna"):
            await meeting.speak("anna", frames=3)
        await meeting.speak("bob", frames=20)
        await meeting.room.until(lambda: "delayed" in meeting.states("bob"))
        assert len(meeting.opened) == 1
        meeting.room.mute("anna", muted=True)  # gives it back
        await meeting.room.until(lambda: bool(meeting.said("bob")))
        assert len(meeting.opened[1].heard) >= 20
        await meeting.speak("bob", frames=3)
        await meeting.room.until(lambda: meeting.states("bob")[-1] == "on")


async def test_a_refusal_reaches_who_is_muted_too() -> None:
    async with scripted_meeting() as meeting:
        meeting.come("anna")
        meeting.room.mute("anna", muted=True)
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
        assert meeting.states("anna") == ["refused"]
        meeting.room.mute("anna", muted=False)
        await meeting.speak("anna", frames=20)
        assert meeting.opened == []
        await meeting.room.ask("anna", CONSENT, captioned=True, kept=True)
        assert meeting.states("anna") == ["refused", "on"]


async def test_who_reads_is_told_to_nobody() -> None:
    async with scripted_meeting(want=Want.HELLO) as meeting:
        meeting.come("anna")
        meeting.come("olga", attributes=HOST)
        before = len(meeting.room.packets)
        quiet = dict(meeting.room.told)
        await meeting.room.ask("anna", HELLO, want=True)
        changed = {k for k, v in meeting.room.told.items() if quiet[k] != v}
        assert changed == {"captions.state"}
        assert len(meeting.room.packets) == before
        answer = await meeting.room.ask("olga", SET)
        assert "anna" not in str(answer) + str(meeting.room.told)


async def test_an_engine_that_could_not_be_stored_is_not_taken_later_either() -> None:
    class Full(MemoryStore):
        def save(self, room: str, stored: Stored) -> None:
            raise StateError("disk full")

    async def choose(name: str, language: str) -> Engine:
        capabilities = Capabilities(name, ("en",), True, 0)
        return Engine(language, (ScriptedEngine(lambda: ScriptedRecognizer([]), capabilities),))

    async with scripted_meeting(store=Full(), choose=choose) as meeting:
        meeting.come("olga", attributes=HOST)
        with pytest.raises(InvalidRequest) as refused:
            await meeting.room.ask("olga", SET, engine="other")
        assert refused.value.code is RequestCode.NOT_STORED
        await meeting.room.ask("olga", HELLO, want=True)
        assert meeting.room.told["captions.engine"] == "scripted"


async def test_a_flood_of_requests_is_refused_and_leaves_the_others_alone() -> None:
    async with scripted_meeting(clock=lambda: 0.0) as meeting:
        for name in ("loud", "calm"):
            meeting.come(name)
        refused = 0
        for _ in range(1_000):
            try:
                await meeting.room.ask("loud", HELLO, want=True)
            except InvalidRequest:
                refused += 1
        assert 900 <= refused < 1_000
        assert (await meeting.room.ask("calm", HELLO, want=True))["state"] == "on"


async def test_a_track_that_raises_is_shown_and_begun_again() -> None:
    failed, begun_again = list[int](), asyncio.Event()

    def script(number: int) -> list[RecognizerEvent]:
        if not failed:
            failed.append(number)
            raise ValueError("a bug")
        begun_again.set()
        return words("again")

    async with scripted_meeting(script) as meeting:
        meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        await meeting.speak("anna", frames=3)
        await begun_again.wait()
        while not meeting.said("anna"):
            await meeting.speak("anna", frames=3)
        assert meeting.states("anna")[0] == "unavailable"
        assert "unavailable" not in meeting.states("anna")[1:]


async def test_a_track_that_cannot_be_subscribed_to_is_shown_as_unavailable() -> None:
    async with scripted_meeting() as meeting:
        meeting.come("anna")
        meeting.come("vera")
        meeting.room.inaudible("anna", over=False)
        await meeting.room.until(lambda: meeting.states("anna") == ["unavailable"])
        known = await meeting.room.ask("vera", HELLO, want=True)
        assert [track["state"] for track in known["tracks"]] == ["unavailable"]
        meeting.room.inaudible("anna", over=True)
        await meeting.room.until(lambda: meeting.states("anna") == ["unavailable", "on"])
        assert (await meeting.room.ask("vera", HELLO, want=True))["tracks"] == []


async def test_who_takes_another_name_is_shown_under_it_and_has_refused_all_the_same() -> None:
    async with scripted_meeting() as meeting:
        anna = meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        meeting.room.change("anna", name="Olga")
        while not meeting.said("anna"):
            await meeting.speak("anna", frames=3)
        (shown,) = [p["vtt"] for p in meeting.room.packets if p.get("state") == "closed"]
        assert "<v Olga>" in shown
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
        meeting.room.change("anna", name="Somebody else")
        read = anna.read
        await meeting.speak("anna", frames=20)
        assert (meeting.states("anna")[-1], anna.read) == ("refused", read)


async def test_two_of_one_name_have_the_same_numbers_after_a_restart_of_the_bot() -> None:
    store = MemoryStore()
    async with scripted_meeting(store=store) as meeting:
        for name in ("first", "second"):
            meeting.come(name)
            meeting.room.change(name, name="Camille Martin")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while not meeting.said("first"):
            await meeting.speak("first", frames=3)
        while not (kept := store.rooms.get("RM_scripted")) or not kept.decided.numbers:
            await meeting.speak("first", frames=1)
        meeting.room.go("first")
    async with scripted_meeting(store=store) as meeting:
        for name in ("third", "second"):
            meeting.come(name)
            meeting.room.change(name, name="Camille Martin")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        names = (await meeting.room.ask("second", HELLO, want=True))["names"]
        assert {one["speaker"]: one["name"] for one in names} == {
            "second": "Camille Martin (2)",
            "third": "Camille Martin (3)",
        }


async def test_a_refusal_reaches_what_was_said_before_a_mute_and_is_not_written_yet() -> None:
    async with scripted_meeting(away) as meeting:
        meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        await meeting.speak("anna", frames=30)
        for muted in (True, False):
            meeting.room.mute("anna", muted=muted)
            await meeting.speak("anna", frames=10)
        assert tracks() == 2
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
        async with asyncio.timeout(60):
            while tracks():
                await meeting.speak("anna", frames=1)
        assert meeting.said("anna") == []


async def test_a_refusal_reaches_a_voice_that_was_not_begun_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another bot that is dead is asked first whether it lives, which takes seconds."""
    asked, dead = asyncio.Event(), asyncio.Event()

    async def call(_room: ScriptedRoom, _identity: str, _method: str, _payload: str) -> None:
        asked.set()
        await dead.wait()

    async with scripted_meeting() as meeting:
        meeting.come("bob")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        monkeypatch.setattr(ScriptedRoom, "call", call)
        meeting.come("ghost", kind=Kind.AGENT, attributes={"captions.session": "of another"})
        await asked.wait()
        meeting.come("anna")
        await meeting.speak("anna", frames=30)
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
        dead.set()
        while not meeting.said("bob"):
            await meeting.speak("bob", frames=3)
        await meeting.speak("bob", frames=50)
        assert meeting.said("anna") == []
        assert len(meeting.opened) == 1


@pytest.mark.parametrize(
    "answer", [None, "", "no JSON", "[]", '{"v":1}', '{"v":1,"session":"of a third"}']
)
async def test_an_agent_that_does_not_answer_as_a_caption_bot_does_keeps_no_bot_out(
    answer: str | None,
) -> None:
    async with scripted_meeting() as meeting:
        if answer is not None:
            meeting.room.others["agent"] = answer
        meeting.come("agent", kind=Kind.AGENT, attributes={"captions.session": "of another"})
        meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while not meeting.said("anna"):
            await meeting.speak("anna", frames=3)


class Late(ScriptedRecognizer):
    """Ends no sooner than it is let."""

    def __init__(self) -> None:
        super().__init__(words("all"), delay_ms=60_000)
        self.asked, self.may_end = asyncio.Event(), asyncio.Event()

    async def finish(self) -> None:
        self.asked.set()
        await self.may_end.wait()
        await super().finish()


@pytest.mark.parametrize("drain_s", [0.0, 3_600.0])
async def test_a_bot_that_stops_waits_for_the_last_words_as_long_as_it_is_told(
    drain_s: float,
) -> None:
    late = Late()
    async with scripted_meeting(lambda _: late) as meeting:
        meeting.come("anna")
        await meeting.speak("anna", frames=20)
        meeting.bot.stop(drain_s=drain_s)
        if drain_s:
            await late.asked.wait()
            late.may_end.set()
            await meeting.room.until(lambda: bool(meeting.said("anna")))
    assert meeting.said("anna") == (["all spoke."] if drain_s else [])
