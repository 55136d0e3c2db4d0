from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from captioner.captions.cues import Cue, CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption, GapReason, TrackState
from captioner.contract_requests import After, Hello, Older, answers_hello
from captioner.publishing.history import Entry, History
from captioner.publishing.publisher import RPC_PAGE_MAX, Publisher
from captioner.publishing.room_clock import RoomClock


class Wire:
    def __init__(self) -> None:
        self.packets: list[dict[str, Any]] = []
        self.more = asyncio.Event()

    async def send(self, payload: bytes) -> None:
        self.packets.append(json.loads(payload))
        self.more.set()


def caption(number: int, text: str = "word", *, rev: int = 1, closed: bool = True) -> Caption:
    cue = Cue(f"t1-{number}", "anna", number * 1000, number * 1000 + 500, text, "en")
    event = CueClosed(cue, rev) if closed else CueUpdated(cue, rev, 0)
    return Caption(event, "anna", "Anna", "TR_1", number * 1000)


def publisher(wire: Wire | None = None) -> Publisher:
    made = Publisher(RoomClock.start(), session="s")
    made.attach(wire.send if wire else None)
    return made


def page_of(answer: str) -> dict[str, Any]:
    page: dict[str, Any] = json.loads(answer)
    return page


async def test_each_packet_has_the_next_number() -> None:
    wire = Wire()
    out = publisher(wire)
    await out.publish(caption(1))
    await out.declare_gap(0, 10, GapReason.CONNECTION_LOST)
    await out.publish(caption(2))
    assert [p["seq"] for p in wire.packets] == [1, 2, 3]


async def test_who_missed_packets_gets_the_newest_of_each_cue_that_changed() -> None:
    out = publisher()
    await out.publish(caption(1, "a", closed=False))
    await out.publish(caption(2, "b"))
    await out.publish(caption(1, "a b", rev=2))
    assert [c["id"] for c in page_of(out.page(After("s", 0)))["cues"]] == ["t1-2", "t1-1"]
    assert [c["rev"] for c in page_of(out.page(After("s", 2)))["cues"]] == [2]
    assert page_of(out.page(After("s", 3)))["cues"] == []


async def test_what_was_missed_comes_in_pages_that_fit_and_lose_nothing() -> None:
    out = publisher()
    for number in range(300):
        await out.publish(caption(number, "à" * 100))
    page = page_of(out.hello(Hello(True, "s", 0)))
    ids: list[str] = []
    while True:
        assert len(json.dumps(page, ensure_ascii=False).encode()) < RPC_PAGE_MAX * 1.1
        assert page["older"] is None
        ids += [c["id"] for c in page["cues"]]
        if page["cursor"] is None:
            break
        page = page_of(out.page(After("s", int(page["cursor"]))))
    assert ids == [f"t1-{n}" for n in range(300)]


async def test_a_newcomer_gets_the_newest_first_and_then_all_that_is_older() -> None:
    out = publisher()
    for number in range(300):
        await out.publish(caption(number, "à" * 100, closed=number != 7))
    page = page_of(out.hello(Hello(True)))
    assert page["cues"][0]["id"] == "t1-7"
    assert page["cues"][0]["state"] == "open"
    ids: list[str] = []
    while True:
        starts = [c["vtt"].split("\n")[1] for c in page["cues"]]
        assert starts == sorted(starts)
        assert len(json.dumps(page, ensure_ascii=False).encode()) < RPC_PAGE_MAX * 1.1
        assert page["cursor"] is None
        ids = [c["id"] for c in page["cues"] if c["state"] == "closed"] + ids
        if page["older"] is None:
            break
        page = page_of(out.page(Older("s", int(page["older"]))))
    assert ids == [f"t1-{n}" for n in range(300) if n != 7]


async def test_a_newcomer_is_told_of_no_deleted_cue_but_who_saw_it_is() -> None:
    out = publisher()
    await out.publish(caption(1))
    await out.publish(Caption(CueDeleted("t1-1", 9), "anna", "Anna", "TR_1", 0))
    assert page_of(out.hello(Hello(True)))["cues"] == []
    assert page_of(out.hello(Hello(True, "s", 1)))["cues"][0]["state"] == "deleted"


async def test_a_page_that_knows_another_session_starts_anew() -> None:
    out = publisher()
    await out.publish(caption(1))
    assert len(page_of(out.hello(Hello(True, "another", 99)))["cues"]) == 1
    assert len(page_of(out.hello(Hello(True, "s", 1)))["cues"]) == 0
    assert len(page_of(out.page(After("another", 99)))["cues"]) == 1
    assert page_of(out.page(Older("another", 99)))["cues"] == []


async def test_hello_repeats_the_gaps() -> None:
    out = publisher()
    for start in range(200):
        await out.declare_gap(start * 20, start * 20 + 10, GapReason.BOT_RESTARTED)
    gaps = page_of(out.hello(Hello(True)))["gaps"]
    assert len(gaps) > 10
    assert gaps[-1]["start"] == 199 * 20
    assert gaps[-1]["reason"] == "bot-restarted"


async def test_two_gaps_that_overlap_are_told_as_one() -> None:
    wire = Wire()
    out = publisher(wire)
    await out.declare_gap(1_000, 5_000, GapReason.CONNECTION_LOST)
    await out.declare_gap(1_100, 5_000, GapReason.CONNECTION_LOST)
    await out.declare_gap(4_000, 6_000, GapReason.DROPPED)
    assert [(p["start"], p["end"]) for p in wire.packets] == [(1_000, 5_000), (5_000, 6_000)]


async def test_fifty_speakers_leave_room_for_cues() -> None:
    out = publisher()
    for number in range(50):
        state = TrackState.STALLED if number == 49 else TrackState.ON
        await out.announce_track(track=f"TR_{number}", speaker="s" * 60, state=state)
    for number in range(50):
        await out.publish(caption(number, "à" * 100))
    answer = page_of(out.hello(Hello(True)))
    assert answer["tracks"][0]["state"] == "stalled"
    assert len(answer["cues"]) > 15


async def test_hello_repeats_what_happens_to_each_speaker() -> None:
    out = publisher()
    await out.announce_track(track="TR_1", speaker="anna", state=TrackState.STALLED)
    assert page_of(out.hello(Hello(True)))["tracks"][0]["state"] == "stalled"
    out.forget_track("TR_1")
    assert page_of(out.hello(Hello(True)))["tracks"] == []


async def test_the_newest_number_is_repeated_when_it_grows_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("captioner.publishing.publisher.SETTLE_S", 0.01)
    wire = Wire()
    out = publisher(wire)
    await out.publish(caption(1))
    beacon = asyncio.create_task(out.run())
    async with asyncio.timeout(30):
        while len(wire.packets) < 2:
            wire.more.clear()
            await wire.more.wait()
    beacon.cancel()
    assert wire.packets[1] == {"v": 1, "type": "seq", "session": "s", "seq": 1}


async def test_what_is_said_while_the_room_is_away_is_there_afterwards() -> None:
    out = publisher()
    await out.publish(caption(1))
    wire = Wire()
    out.attach(wire.send)
    assert len(page_of(out.page(After("s", 0)))["cues"]) == 1


def test_history_is_bounded_and_what_is_dropped_is_counted() -> None:
    kept = History(limit=10)
    for seq in range(25):
        one = caption(seq)
        kept.add(Entry(seq + 1, one, {"id": f"t1-{seq}"}))
    assert len(kept) == len(kept.after(0, room=10**6).cues) == 10
    assert kept.forgotten == 15


def test_a_deleted_cue_is_in_no_file() -> None:
    kept = History()
    kept.add(Entry(1, caption(1), {"id": "t1-1"}))
    kept.add(Entry(2, caption(2), {"id": "t1-2"}))
    deleted = Caption(CueDeleted("t1-1", 9), "anna", "Anna", "TR_1", 0)
    kept.add(Entry(3, deleted, {"id": "t1-1"}))
    assert [cue.id for cue, _ in kept.closed()] == ["t1-2"]


async def test_a_gap_that_is_told_after_a_later_one_is_told_all_the_same() -> None:
    wire = Wire()
    out = publisher(wire)
    await out.declare_gap(100_000, 110_000, GapReason.CONNECTION_LOST)
    await out.declare_gap(60_000, 70_000, GapReason.DROPPED)
    await out.declare_gap(90_000, 120_000, GapReason.UNFINISHED)
    await out.declare_gap(60_000, 120_000, GapReason.UNFINISHED)
    assert [(p["start"], p["end"]) for p in wire.packets] == [
        (100_000, 110_000),
        (60_000, 70_000),
        (90_000, 100_000),
        (110_000, 120_000),
        (70_000, 90_000),
    ]


async def test_a_gap_that_two_tell_at_once_is_told_once() -> None:
    told: list[tuple[int, int]] = []

    async def send(payload: bytes) -> None:
        packet = json.loads(payload)
        told.append((packet["start"], packet["end"]))
        await go_on.wait()

    async def let_go() -> None:
        go_on.set()

    go_on = asyncio.Event()
    out = publisher()
    await out.declare_gap(80_000, 90_000, GapReason.CONNECTION_LOST)
    out.attach(send)
    twice = (out.declare_gap(60_000, 99_000, GapReason.DROPPED) for _ in range(2))
    await asyncio.gather(*twice, let_go())
    assert sorted(told) == [(60_000, 80_000), (90_000, 99_000)]


async def test_a_break_that_two_tell_a_little_differently_is_one_gap() -> None:
    wire = Wire()
    out = publisher(wire)
    await out.declare_gap(100_000, 110_000, GapReason.CONNECTION_LOST)
    await out.declare_gap(99_700, 110_300, GapReason.CONNECTION_LOST)
    await out.declare_gap(120_000, 120_100, GapReason.DROPPED)
    assert [(p["start"], p["end"]) for p in wire.packets] == [
        (100_000, 110_000),
        (120_000, 120_100),
    ]


async def test_a_bot_is_known_by_its_answer_to_hello() -> None:
    out = publisher()
    await out.publish(caption(1))
    answer = out.hello(Hello(False))
    assert answers_hello(answer, session=out.session)
    assert not answers_hello(answer, session="of another")
