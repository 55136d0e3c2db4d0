"""A room that should have captions has them: what may happen to it, and how long that takes.

Each row waits for captions of real speech, not for a bot to have joined. Raises TimeoutError where
they do not come at all, AssertionError where something else is wrong.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from dataclasses import dataclass

from eval.rooms.meeting import START_S, Meeting
from eval.rooms.testbed import Row, Testbed, WorkerProcess

FROZEN_S = 45.0
SERVER_FROZEN_S = 10.0
SPEAK_MAX = 3
"""Rooms in which somebody speaks at once, where that is not what is measured."""

STAYS_S = 8.0
"""Captions have to stay for so long after they have come back."""


async def killed_bot(testbed: Testbed) -> float:
    """The bot's process is killed."""
    worker, meeting = await testbed.worker(rooms=2), await testbed.meeting()
    await _captioned(meeting)
    [bot] = worker.bots()
    bot.kill()
    return await _back(meeting, time.monotonic() + 0.2) + 0.2


async def frozen_bot(testbed: Testbed) -> float:
    """The bot's network breaks for 45 s; from its return on."""
    worker, meeting = await testbed.worker(rooms=2), await testbed.meeting()
    await _captioned(meeting)
    [bot] = worker.bots()
    bot.send_signal(signal.SIGSTOP)
    await asyncio.sleep(FROZEN_S)
    if bot in worker.bots():
        bot.send_signal(signal.SIGCONT)
    return await _back(meeting, time.monotonic())


async def dead_machine(testbed: Testbed) -> float:
    """A worker and its bots are killed; another machine has room."""
    workers = [await testbed.worker(rooms=1, machine=name) for name in ("a", "b")]
    meeting = await testbed.meeting()
    await _captioned(meeting)
    [working] = [worker for worker in workers if worker.bots()]
    await working.kill(bots=True)
    return await _back(meeting, time.monotonic() + 0.2) + 0.2


async def dead_machine_later(testbed: Testbed) -> float:
    """The same, of a media server that was restarted before, and forgot what it was asked for."""
    workers = [await testbed.worker(rooms=1, machine=name) for name in ("a", "b")]
    meeting = await testbed.meeting()
    await _captioned(meeting)
    await testbed.server.kill()
    await testbed.server.start()
    await _back(meeting, time.monotonic())
    async with asyncio.timeout(START_S):
        while not (dispatches := await meeting.dispatched()):  # noqa: ASYNC110 (nothing would tell)
            await asyncio.sleep(0.2)
    [working] = [worker for worker in workers if worker.bots()]
    await working.kill(bots=True)
    later = await _back(meeting, time.monotonic() + 0.2) + 0.2
    assert await meeting.dispatched() == dispatches
    await meeting.recall(dispatches[0])
    await meeting.until(lambda: not meeting.bots())
    return later


async def full_workers(testbed: Testbed) -> float:
    """Every slot is taken; from the moment that one is free to captions for who waited."""
    worker = await testbed.worker(rooms=1)
    first, second = await testbed.meeting("first"), await testbed.meeting("second")
    dispatch = await first.dispatch()
    await first.captioned()
    await second.dispatch()
    await _shows(worker, "captioner_worker_rooms_waiting", 1)
    [bot] = worker.bots()
    await first.recall(dispatch)
    free = await first.until(lambda: bot not in worker.bots())
    waited = await second.captioned() - free
    await _shows(worker, "captioner_worker_rooms_waiting", 0)
    return waited


async def two_full_workers(testbed: Testbed) -> float:
    """The same with two workers, of which either may be the one with the free slot."""
    workers = [await testbed.worker(rooms=1, machine=name) for name in ("a", "b")]
    served = [await testbed.meeting(name) for name in ("first", "second")]
    dispatches = [await meeting.dispatch() for meeting in served]
    await asyncio.gather(*(meeting.captioned() for meeting in served))
    third = await testbed.meeting("third")
    await third.dispatch()
    await third.until(lambda: third.told_to_wait)
    bots = [bot for worker in workers for bot in worker.bots()]
    await served[0].recall(dispatches[0])
    free = await third.until(lambda: not all(bot.is_running() for bot in bots))
    return await third.captioned() - free


async def exactly_n_rooms(testbed: Testbed, rooms: int = 4) -> float:
    """``--rooms n`` takes n rooms; gives how many."""
    worker = await testbed.worker(rooms=rooms)
    meetings = [await testbed.meeting(f"meeting-{n}", speaks=False) for n in range(rooms + 1)]
    for meeting in meetings:
        await meeting.dispatch()
    await _shows(worker, "captioner_worker_rooms_waiting", 1)
    await meetings[0].until(lambda: sum(bool(meeting.bots()) for meeting in meetings) >= rooms)
    served = [meeting for meeting in meetings if meeting.bots()]
    speaking = asyncio.Semaphore(SPEAK_MAX)
    await asyncio.gather(*(_captioned_in_turn(meeting, speaking) for meeting in served))
    [waiting] = [meeting for meeting in meetings if meeting not in served]
    await waiting.until(lambda: waiting.told_to_wait)
    assert not waiting.bots()
    return len(worker.bots())


async def ten_rooms(testbed: Testbed) -> float:
    """The same with ten."""
    return await exactly_n_rooms(testbed, 10)


async def frozen_media_server(testbed: Testbed) -> float:
    """The media server does nothing for a while; from its return on."""
    await testbed.worker(rooms=1)
    meeting = await testbed.meeting()
    await _captioned(meeting)
    server = testbed.media_server()
    server.send_signal(signal.SIGSTOP)
    await asyncio.sleep(SERVER_FROZEN_S)
    server.send_signal(signal.SIGCONT)
    return await _back(meeting, time.monotonic())


async def killed_model(testbed: Testbed) -> float:
    """The process with the model that bots share is killed."""
    worker, meeting = await testbed.worker(rooms=1), await testbed.meeting()
    await _captioned(meeting)
    [model] = worker.models()
    model.kill()
    return await _back(meeting, time.monotonic())


async def killed_worker(testbed: Testbed) -> float:
    """The worker is killed, its bots live; gives the longest time without a caption."""
    killed, meeting = await testbed.worker(rooms=1), await testbed.meeting()
    began = time.monotonic()
    await _captioned(meeting)
    [bot] = killed.bots()
    before = meeting.captions()[0]
    await asyncio.sleep(STAYS_S)
    await killed.kill(bots=False)
    worker = await testbed.worker(rooms=1)
    other = await testbed.meeting("other")
    await other.dispatch()
    await _shows(worker, "captioner_worker_rooms_waiting", 1)  # the slot is taken
    await asyncio.sleep(STAYS_S)
    assert killed.bots() == [bot]
    assert before > began
    longest = _longest_pause([before, *meeting.captions(since=before), time.monotonic()])
    assert await worker.stop() == 0
    assert not killed.bots()  # its SIGTERM ends those that it has adopted
    return longest


async def empty_room(testbed: Testbed) -> float:
    """Dispatched to a room that nobody enters; gives how long a slot is held."""
    worker = await testbed.worker(rooms=1)
    meeting = await testbed.meeting("late", begins=False)
    await meeting.dispatch()
    began = time.monotonic()
    await worker.until(lambda: bool(worker.bots()))
    await worker.until(lambda: not worker.bots())
    held = time.monotonic() - began
    await meeting.begin()
    await meeting.captioned()  # the dispatch is remembered
    return held


async def closed_room(testbed: Testbed) -> float:
    """The media server closes the room as an empty one, and people come back at once.

    As after its restart, when bots are back before people; it forgets what was dispatched then.
    """
    worker = await testbed.worker(rooms=1)
    meeting = await testbed.meeting(begins=False)
    await meeting.create(closes_s=1)
    await meeting.begin()
    await _captioned(meeting)
    left = worker.count("left")
    await meeting.end()
    await worker.until(lambda: worker.count("left") > left)
    return await _back(await testbed.meeting(), time.monotonic())


@dataclass(frozen=True, slots=True)
class Must:
    """A row of the table. most: seconds, or how many there are exactly."""

    given: str
    measure: Row
    most: float
    exactly: bool = False

    def holds(self, measured: float) -> bool:
        """Whether it is as it must be."""
        return measured == self.most if self.exactly else measured <= self.most


ROWS = (
    Must("bot killed", killed_bot, 5.0),
    Must("bot cut off for 45 s, from its return", frozen_bot, 5.0),
    Must("machine dead, another has room", dead_machine, 15.0),
    Must("the same, after a restart of the media server", dead_machine_later, 15.0),
    Must("every slot taken, from a free one", full_workers, 5.0),
    Must("two workers full, from a free slot", two_full_workers, 5.0),
    Must("--rooms 4: rooms taken", exactly_n_rooms, 4, exactly=True),
    Must("--rooms 10: rooms taken", ten_rooms, 10, exactly=True),
    Must("model killed", killed_model, 5.0),
    Must("media server frozen for 10 s, from its return", frozen_media_server, 5.0),
    Must("worker killed, longest pause", killed_worker, 5.0),
    Must("room closed under its people", closed_room, 15.0),
    Must("nobody enters: slot held", empty_room, 30.0),
)


async def _captioned(meeting: Meeting) -> None:
    await meeting.dispatch()
    await meeting.captioned()


async def _captioned_in_turn(meeting: Meeting, speaking: asyncio.Semaphore) -> None:
    async with speaking:
        await meeting.speak()
        await meeting.captioned()
        await meeting.hush()


async def _back(meeting: Meeting, since: float) -> float:
    """How long after ``since`` captions are back, to stay, by one bot."""
    back = await meeting.captioned(since=since)
    await meeting.captioned(since=back + STAYS_S)  # they stay
    await meeting.until(lambda: len(meeting.bots()) == 1)
    return back - since


def _longest_pause(times: list[float]) -> float:
    return max(later - earlier for earlier, later in itertools.pairwise(times))


async def _shows(worker: WorkerProcess, metric: str, value: float) -> None:
    async with asyncio.timeout(30):
        while await worker.metric(metric) != value:  # noqa: ASYNC110 (nothing would tell)
            await asyncio.sleep(0.2)
