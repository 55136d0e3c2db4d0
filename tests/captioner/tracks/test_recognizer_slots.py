import asyncio
from contextlib import AsyncExitStack

from captioner.tracks.recognizer_slots import Slots


async def hold(slots: Slots, has: list[int], number: int, go: asyncio.Event) -> None:
    async with slots.take():
        has.append(number)
        await go.wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_waits_has_a_slot_at_once_when_there_are_more() -> None:
    slots, has, go = Slots(1), list[int](), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for number in range(4):
            tasks.create_task(hold(slots, has, number, go))
        await settle()
        assert has == [0]
        slots.limit = 3
        await settle()
        assert has == [0, 1, 2]
        go.set()
    assert slots.taken == 0


async def test_when_there_are_fewer_slots_no_more_are_taken_than_there_are() -> None:
    slots = Slots(5)
    async with AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(slots.take())
        slots.limit = 2
        has, go = list[int](), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for number in range(5):
                tasks.create_task(hold(slots, has, number, go))
            await settle()
            await stack.aclose()  # all give theirs back, and ask again
            await settle()
            assert slots.taken == len(has) == 2
            go.set()


async def test_who_gives_up_waiting_as_a_slot_comes_free_has_given_up() -> None:
    slots, has, go = Slots(1), list[int](), asyncio.Event()
    holder, waiter, next_one = (
        asyncio.create_task(hold(slots, has, number, go)) for number in range(3)
    )
    await settle()
    holder.cancel()
    waiter.cancel()
    await asyncio.wait([holder, waiter])
    assert (holder.cancelled(), waiter.cancelled()) == (True, True)
    await settle()
    assert has == [0, 2]
    go.set()
    await next_one
    assert slots.taken == slots.waiting == 0
