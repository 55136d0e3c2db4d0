from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from captioner.api.routes import Refusal
from captioner.api.starting import OLD_S, REMEMBERED_MAX, Replays, Starter, StartRule
from captioner.errors import RoomUnavailable
from captioner.room.signed import WebhookEvent
from captioner.worker.facts import Listed


@pytest.mark.parametrize(
    ("names", "room", "metadata", "wanted"),
    [
        ((), "budget", "", False),
        (("*",), "budget", "", True),
        (("class-*", "exam"), "class-7", "", True),
        (("class-*", "exam"), "exam", "", True),
        (("class-*",), "Class-7", "", False),
        ((), "budget", '{"captions": true}', True),
        (("*",), "budget", '{"captions": false}', False),
        (("*",), "budget", '{"captions": "no"}', True),
        ((), "budget", '{"captions": 1}', False),
        ((), "budget", "captions", False),
        ((), "budget", "[" * 100_000, False),
    ],
)
def test_a_rule_says_which_rooms_get_captions_and_metadata_has_the_last_word(
    names: tuple[str, ...], room: str, metadata: str, wanted: bool
) -> None:
    assert StartRule(names).wants(room, metadata) is wanted


def event(number: str = "EV_1", what: str = "room_started", created_s: int = 1_000) -> WebhookEvent:
    return WebhookEvent(number, what, "budget", "RM_1", "", created_s)


def test_an_event_counts_once_and_for_some_minutes() -> None:
    replays = Replays()
    replays.must_be_new(event(), 1_000)
    replays.must_be_new(event(), 1_000)  # it was not dealt with: the media server tries again
    replays.keep(event())
    for replayed in (event(), event("EV_2", created_s=1_000 - OLD_S - 1), event("")):
        with pytest.raises(Refusal) as refused:
            replays.must_be_new(replayed, 1_000)
        assert refused.value.status == 409
    for number in range(REMEMBERED_MAX):
        replays.keep(event(f"EV_{number}"))
    assert len(replays._seen) == REMEMBERED_MAX


@dataclass
class Rooms:
    """What the media server has, and what was dispatched."""

    listed: list[Listed] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    away: bool = False

    async def start(self, room: str) -> bool:
        await asyncio.sleep(0)
        if self.away:
            raise RoomUnavailable("away")
        self.started.append(room)
        return True

    async def rooms(self) -> list[Listed]:
        return self.listed

    def starter(self) -> Starter:
        return Starter(StartRule(("budget",)), start=self.start, rooms=self.rooms)


async def test_many_hints_about_one_room_start_it_once() -> None:
    rooms = Rooms()
    starter = rooms.starter()
    hints = [event("EV_1"), event("EV_2", "participant_joined"), event("EV_3", "room_finished")]
    await asyncio.gather(*(starter.heard(hint) for hint in hints))
    assert rooms.started == ["budget"]


async def test_a_hint_that_could_not_be_followed_counts_again() -> None:
    rooms = Rooms(away=True)
    starter = rooms.starter()
    with pytest.raises(RoomUnavailable):
        await starter.heard(event())
    rooms.away = False
    await starter.heard(event())
    assert rooms.started == ["budget"]


async def test_rooms_that_no_webhook_told_of_are_found() -> None:
    rooms = Rooms([Listed("budget", "RM_1", 3), Listed("other", "RM_2", 3)])
    running = asyncio.create_task(rooms.starter().run())
    async with asyncio.timeout(30):
        while not rooms.started:  # noqa: ASYNC110 (nothing would tell)
            await asyncio.sleep(0.01)
    running.cancel()
    assert rooms.started == ["budget"]
