"""What is done about a room, with a media server and a bot that say what they are told."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from captioner.api.actions import Actions
from captioner.api.routes import Refusal, Speaks, Start, Stop
from captioner.api.scripted_media_server import ScriptedMediaServer
from captioner.api.service import _attached
from captioner.worker.facts import STOPPED

ROOM = "budget"


def actions(server: Any) -> Actions:
    return Actions(server, key="key", secret="s" * 32, agent="agent", policy=None)


@pytest.mark.parametrize("processes", [1, 2, 4])
async def test_who_starts_captions_at_once_dispatches_once(processes: int) -> None:
    server = ScriptedMediaServer(ROOM)
    services = [actions(server) for _ in range(processes)]
    async with asyncio.TaskGroup() as tasks:
        for service in services * 4:
            tasks.create_task(service.do(Start(ROOM)))
    assert [(one.id, one.agent) for one in server.dispatched] == [("AD_1", "agent")]
    gc.collect()
    assert not any(service._locks for service in services)


async def test_a_stop_among_starts_leaves_captions_started_or_stopped_and_not_both() -> None:
    server = ScriptedMediaServer(ROOM)
    service = actions(server)
    await service.do(Start(ROOM))
    async with asyncio.TaskGroup() as tasks:
        for action in (Stop(ROOM), Start(ROOM), Stop(ROOM)):
            tasks.create_task(service.do(action))
    assert [one.agent for one in server.dispatched] == [STOPPED]


async def test_a_hint_about_a_room_that_is_over_starts_nothing() -> None:
    server = ScriptedMediaServer(ROOM)
    assert not await actions(server).start_by_rule("over")
    assert await actions(server).start_by_rule(ROOM)
    assert len(server.dispatched) == 1


async def test_nobody_of_that_name_is_said_so() -> None:
    server = ScriptedMediaServer(ROOM)
    service = actions(server)
    await service.do(Start(ROOM))
    done = await service.do(Speaks(ROOM, "anna", "fr"))
    assert done.value == {"language": "fr"}
    with pytest.raises(Refusal, match="nobody called so") as refused:
        await service.do(Speaks(ROOM, "nobody", "fr"))
    assert refused.value.status == 404


def test_a_file_has_its_name_when_it_is_saved() -> None:
    assert _attached('été "1".vtt') == (
        "attachment; filename=\"_t_ _1_.vtt\"; filename*=UTF-8''%C3%A9t%C3%A9%20%221%22.vtt"
    )
