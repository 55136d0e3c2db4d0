from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from captioner.captions.cues import CaptionEvent, Cue, CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption, Refused, Removed
from captioner.publishing.livekit_segments import PHRASE_MIN, Legacy, Phrases, whole
from captioner.publishing.segment_sender import WAITING_MAX, SegmentSender
from captioner.room.segments import Segment


def caption(event: CaptionEvent) -> Caption:
    return Caption(event, "anna", "Anna", "TR_1", 5_000)


def opened(text: str, settled: int = 0, number: int = 1) -> Caption:
    return caption(CueUpdated(Cue(f"t1-{number}", "anna", 1_000, 2_000, text, "en"), 1, settled))


def closed(text: str, number: int = 1) -> Caption:
    return caption(CueClosed(Cue(f"t1-{number}", "anna", 1_000, 2_000, text, "en"), 9))


def test_a_cue_keeps_one_id_and_is_final_once_it_is_closed() -> None:
    shown = [whole(c, "0123456789") for c in (opened("on"), opened("on we"), closed("on we go"))]
    assert {segment.id for segment in shown} == {"01234567-t1-1"}
    assert [(segment.text, segment.final) for segment in shown] == [
        ("on", False), ("on we", False), ("on we go", True),
    ]  # fmt: skip


def test_a_deleted_cue_leaves_no_text() -> None:
    gone = whole(caption(CueDeleted("t1-1", 3)), "s")
    assert (gone.text, gone.final) == ("", True)


WORDS = st.lists(st.text("abcdé", min_size=1, max_size=9), min_size=1, max_size=30)


@given(WORDS, st.lists(st.integers(0, 30), max_size=10))
def test_phrases_say_each_settled_word_once_in_order_under_new_ids(
    words: list[str], settled: list[int]
) -> None:
    text = " ".join(words)
    phrases = Phrases("s")
    given_out: list[Segment] = []
    for count in sorted(min(n, len(words)) for n in settled):
        given_out += phrases.feed(opened(text + " and a tail", len(" ".join(words[:count]))))
    given_out += phrases.feed(closed(text))
    assert " ".join(segment.text for segment in given_out) == text
    assert len({segment.id for segment in given_out}) == len(given_out)
    assert all(segment.final for segment in given_out)
    assert all(len(segment.text) >= PHRASE_MIN - 1 for segment in given_out[:-1])


def test_what_may_be_continued_waits() -> None:
    phrases = Phrases("s")
    first = phrases.feed(opened("it costs as much as 4", 21))
    second = phrases.feed(closed("it costs as much as 400"))
    assert [segment.text for segment in first + second] == ["it costs as much as 400"]


class Room:
    def __init__(self) -> None:
        self.sent: list[tuple[str, Segment]] = []
        self.more = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    async def send_packet(self, segment: Segment) -> None:
        await self._send("packet", segment)

    async def send_stream(self, segment: Segment) -> None:
        await self._send("stream", segment)

    async def _send(self, way: str, segment: Segment) -> None:
        self.sent.append((way, segment))
        self.more.set()
        await self.free.wait()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.sent) < count:
                self.more.clear()
                await self.more.wait()


async def test_a_slow_room_gets_the_newest_state_and_every_final_one() -> None:
    room = Room()
    room.free.clear()
    relay = SegmentSender(session="s", legacy=Legacy.ALL, streams=False)
    running = asyncio.create_task(relay.run())
    relay.attach(room)
    relay.publish(opened("a"))
    await room.until(1)
    for text in ("a b", "a b c", "a b c d"):
        relay.publish(opened(text))
    relay.publish(opened("x", number=2))
    relay.publish(closed("a b c d e"))
    room.free.set()
    await room.until(3)
    running.cancel()
    assert [segment.text for _, segment in room.sent] == ["a", "a b c d e", "x"]


async def test_both_ways_work_beside_each_other() -> None:
    room = Room()
    relay = SegmentSender(session="s", legacy=Legacy.FINAL, streams=True)
    relay.attach(room)
    running = asyncio.create_task(relay.run())
    relay.publish(opened("one"))
    await room.until(1)
    relay.publish(closed("one two"))
    await room.until(3)
    running.cancel()
    assert [(way, segment.text) for way, segment in room.sent] == [
        ("stream", "one"), ("stream", "one two"), ("packet", "one two"),
    ]  # fmt: skip


async def test_while_the_room_is_away_finals_wait_bounded_and_what_withdrew_is_gone() -> None:
    relay = SegmentSender(session="s", legacy=Legacy.FINAL, streams=False)
    for number in range(WAITING_MAX + 5):
        relay.publish(closed("word", number=number))
    room = Room()
    running = asyncio.create_task(relay.run())
    relay.attach(room)
    await room.until(WAITING_MAX)
    relay.attach(None)
    relay.publish(closed("a secret", number=-1))
    relay.publish(Refused("anna"))
    relay.attach(room)
    relay.publish(closed("the end", number=-2))
    await room.until(WAITING_MAX + 1)
    running.cancel()
    assert room.sent[0][1].id == "s-t1-5.1"
    assert room.sent[-1][1].text == "the end"


async def test_who_takes_back_what_was_said_blanks_every_segment_that_was_sent() -> None:
    room = Room()
    relay = SegmentSender(session="s", legacy=Legacy.ALL, streams=True)
    running = asyncio.create_task(relay.run())
    relay.attach(room)
    bo = Cue("t2-1", "bo", 0, 1_000, "stays", "en")
    relay.publish(closed("a secret"))
    relay.publish(opened("another", number=2))
    relay.publish(Caption(CueClosed(bo, 1), "bo", "Bo", "TR_2", 1_000))
    await room.until(6)
    relay.publish(Refused("anna"))
    relay.publish(Removed("anna"))
    await room.until(10)
    relay.publish(Removed("anna"))  # nothing is left to be taken back
    relay.publish(closed("the end", number=3))
    await room.until(12)
    running.cancel()
    blanked = [(way, one.id, one.track, one.text, one.final) for way, one in room.sent[6:10]]
    assert sorted(blanked) == [
        (way, f"s-t1-{number}", "TR_1", "", True)
        for way in ("packet", "stream")
        for number in (1, 2)
    ]
    assert {one.text for _, one in room.sent[10:]} == {"the end"}


async def test_phrases_cannot_be_taken_back() -> None:
    """An empty one would be one more for a page that ignores updates."""
    room = Room()
    relay = SegmentSender(session="s", legacy=Legacy.FINAL, streams=False)
    running = asyncio.create_task(relay.run())
    relay.attach(room)
    relay.publish(closed("said"))
    await room.until(1)
    relay.publish(Removed("anna"))
    relay.publish(closed("the end", number=2))
    await room.until(2)
    running.cancel()
    assert [one.text for _, one in room.sent] == ["said", "the end"]
