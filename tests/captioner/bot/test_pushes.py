"""What the bot sends to pages that cannot ask for it, or do not know that they should."""

from __future__ import annotations

from typing import Any

import pytest

from captioner.bot.scripted_meeting import HOST, ScriptedMeeting, scripted_meeting
from captioner.contract_requests import CONSENT, HELLO, REMOVE, SET
from captioner.controls.decisions import Want
from captioner.errors import InvalidRequest, RequestCode


def answers_to(meeting: ScriptedMeeting, identity: str) -> list[dict[str, Any]]:
    return [packet for to, packet in meeting.room.handed if identity in to]


def rights(meeting: ScriptedMeeting, identity: str) -> list[dict[str, Any]]:
    return [packet["you"] for packet in answers_to(meeting, identity) if packet.get("you")]


async def test_who_may_send_nothing_gets_all_captions_that_were_there_before() -> None:
    async with scripted_meeting(want=Want.HELLO) as meeting:
        meeting.come("anna")
        meeting.come("guest", may_send=False)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while len(meeting.said("anna")) < 1:
            await meeting.speak("anna", frames=5)
        meeting.come("late", may_send=False)
        await meeting.room.until(lambda: len(answers_to(meeting, "late")) >= 2)
        pages = [page for page in answers_to(meeting, "late") if "cues" in page]
        assert [cue["id"] for page in pages for cue in page["cues"]] != []
        assert pages[-1]["older"] is None
        assert not [to for to, _ in meeting.room.handed if "anna" in to]


async def test_who_joins_again_gets_them_again() -> None:
    async with scripted_meeting(want=Want.HELLO) as meeting:
        for sid in ("PA_1", "PA_2"):
            known = len(answers_to(meeting, "guest"))
            meeting.come("guest", may_send=False, sid=sid)
            await meeting.room.until(
                lambda known=known: [p for p in answers_to(meeting, "guest")[known:] if "cues" in p]
            )


async def test_rights_that_change_are_told_to_those_who_knew_others_and_to_nobody_else() -> None:
    async with scripted_meeting(want=Want.HELLO) as meeting:
        meeting.come("olga")
        meeting.come("gwen")
        assert not (await meeting.room.ask("olga", HELLO, want=True))["you"]["host"]
        await meeting.room.ask("gwen", HELLO, want=False)
        meeting.room.change("olga", attributes=HOST)
        await meeting.room.until(lambda: bool(rights(meeting, "olga")))
        assert rights(meeting, "olga")[-1]["host"]
        assert await meeting.room.ask("olga", SET, enabled=True)
        meeting.room.change("olga", attributes={})
        await meeting.room.until(lambda: len(rights(meeting, "olga")) == 2)
        assert rights(meeting, "olga")[-1] | {"why": "not-host"} == rights(meeting, "olga")[-1]
        assert rights(meeting, "gwen") == []


async def test_who_asks_before_they_are_seen_is_told_what_they_may_once_they_are() -> None:
    async with scripted_meeting(want=Want.HELLO) as meeting:
        assert (await meeting.room.ask("early", HELLO, want=True))["you"] is None
        meeting.come("early", attributes=HOST)
        await meeting.room.until(lambda: bool(rights(meeting, "early")))
        assert rights(meeting, "early")[-1]["host"]


async def test_a_hidden_reader_is_answered_by_a_packet_and_may_decide_nothing() -> None:
    async with scripted_meeting(want=Want.HELLO) as meeting:
        reply = {"to": "recorder", "id": 7}
        await meeting.room.ask("", HELLO, want=True, reply=reply)
        assert meeting.room.told["captions.state"] == "on"
        (packet,) = answers_to(meeting, "recorder")
        assert packet["reply"] == 7
        assert packet["answer"]["session"] == packet["session"]
        assert packet["again_ms"] > 0
        await meeting.room.ask("", CONSENT, captioned=False, kept=False, reply=reply)
        assert answers_to(meeting, "recorder")[-1]["error"] == RequestCode.NOT_ALLOWED
        with pytest.raises(InvalidRequest):
            await meeting.room.ask("", HELLO, want=True)


async def test_hosts_learn_why_somebody_cannot_be_captioned_and_when_that_is_over() -> None:
    async with scripted_meeting() as meeting:
        meeting.come("anna")
        meeting.room.change("anna", sealed=("TR_anna",))
        await meeting.room.until(lambda: meeting.states("anna") == ["unavailable"])
        meeting.room.inaudible("anna", over=False)
        await meeting.room.until(lambda: len(meeting.states("anna")) == 2)
        told = [p["reason"] for p in meeting.room.packets if p.get("type") == "track"]
        assert told == ["encrypted", "not-received"]
        meeting.room.change("anna", sealed=())
        await meeting.room.until(lambda: meeting.states("anna")[-1] == "on")


async def test_who_refuses_may_take_back_what_they_said_and_pages_that_were_away_learn_of_it() -> (
    None
):
    async with scripted_meeting() as meeting:
        meeting.come("anna")
        meeting.come("vera")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while not meeting.said("anna"):
            await meeting.speak("anna", frames=3)
        known = await meeting.room.ask("vera", HELLO, want=True)
        with pytest.raises(InvalidRequest):
            await meeting.room.ask("anna", REMOVE)
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
        await meeting.room.ask("anna", REMOVE)
        told = [p for p in meeting.room.packets if p.get("type") == "removed"]
        assert [packet["speaker"] for packet in told] == ["anna"]
        back = {"session": known["session"], "after_seq": known["seq"]}
        answer = await meeting.room.ask("vera", HELLO, want=True, **back)
        assert [packet["speaker"] for packet in answer["removed"]] == ["anna"]
        again = {"session": known["session"], "after_seq": answer["seq"]}
        assert (await meeting.room.ask("vera", HELLO, want=True, **again))["removed"] == []
