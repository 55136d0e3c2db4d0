from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from captioner.tracks.recognizer_slots import Slots


class Voices:
    """Each asks for a slot, and has it until all may go."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.may_go = asyncio.Event()
        self._asked: asyncio.Queue[int] = asyncio.Queue()
        self._has: asyncio.Queue[int] = asyncio.Queue()

    async def ask(self, number: int) -> None:
        self._asked.put_nowait(number)
        async with self.slots.take():
            self._has.put_nowait(number)
            await self.may_go.wait()

    async def asked(self, count: int) -> None:
        """Wait until so many more have a slot or wait for one."""
        for _ in range(count):
            await self._asked.get()

    async def got(self, count: int) -> list[int]:
        """The next that have a slot; nobody else has."""
        has = [await self._has.get() for _ in range(count)]
        assert self._has.empty()
        return has


async def test_who_waits_has_a_slot_at_once_when_there_are_more() -> None:
    voices = Voices(Slots(1))
    async with asyncio.TaskGroup() as tasks:
        for number in range(4):
            tasks.create_task(voices.ask(number))
        await voices.asked(4)
        assert await voices.got(1) == [0]
        voices.slots.limit = 3
        assert await voices.got(2) == [1, 2]
        assert voices.slots.waiting == 1
        voices.may_go.set()
    assert voices.slots.taken == 0


async def test_when_there_are_fewer_slots_no_more_are_taken_than_there_are() -> None:
    slots = Slots(5)
    voices = Voices(slots)
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(slots.take())
        slots.limit = 2
        async with asyncio.TaskGroup() as tasks:
            for number in range(5):
                tasks.create_task(voices.ask(number))
            await voices.asked(5)
            await stack.aclose()  # all give theirs back, and ask again
            await voices.got(2)
            assert (slots.taken, slots.waiting) == (2, 3)
            voices.may_go.set()


async def test_who_gives_up_waiting_as_a_slot_comes_free_has_given_up() -> None:
    voices = Voices(Slots(1))
    holder, waiter, next_one = (asyncio.create_task(voices.ask(number)) for number in range(3))
    await voices.asked(3)
    holder.cancel()
    waiter.cancel()
    await asyncio.wait([holder, waiter])
    assert (holder.cancelled(), waiter.cancelled()) == (True, True)
    assert await voices.got(2) == [0, 2]
    voices.may_go.set()
    await next_one
    assert voices.slots.taken == voices.slots.waiting == 0


async def test_slots_go_to_who_asked_first_and_none_is_lost() -> None:
    voices = Voices(Slots(1))
    tasks = [asyncio.create_task(voices.ask(number)) for number in range(3)]
    await voices.asked(3)
    assert voices.slots.full
    assert voices.slots.waiting == 2
    tasks[1].cancel()
    voices.may_go.set()
    await asyncio.wait(tasks)
    assert await voices.got(2) == [0, 2]
    assert (voices.slots.taken, voices.slots.waiting) == (0, 0)
