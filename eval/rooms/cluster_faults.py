"""What may happen to a cluster: one of each kind is killed, frozen, drained, upgraded."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psutil

from eval.rooms.cluster import Cluster

FROZEN_S = 8.0
NODE_FROZEN_S = 4.0
"""Media servers take one that is silent for 5 s for dead, and begin its rooms anew."""

AWAY_S = 4.0
LEAVES_S = 90.0

Inflict = Callable[[Cluster], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table."""

    name: str
    inflict: Inflict


async def bot_killed(cluster: Cluster) -> None:
    """A crash, or the kernel for want of memory."""
    cluster.busiest().bots()[0].kill()


async def bot_frozen(cluster: Cluster) -> None:
    """Its network breaks."""
    bot = cluster.busiest().bots()[0]
    bot.suspend()
    await asyncio.sleep(FROZEN_S)
    with contextlib.suppress(psutil.NoSuchProcess):
        bot.resume()


async def machine_killed(cluster: Cluster) -> None:
    """A worker and all its bots; it comes back later."""
    worker = cluster.busiest()
    cluster.workers.remove(worker)
    await worker.kill(bots=True)
    await asyncio.sleep(AWAY_S)
    await cluster.worker()


async def worker_frozen(cluster: Cluster) -> None:
    """The worker, and not its bots."""
    worker = cluster.busiest()
    bots = {bot.pid for bot in worker.bots()}
    held = [process for process in worker.family() if process.pid not in bots]
    for process in held:
        process.suspend()
    await asyncio.sleep(FROZEN_S)
    for process in held:
        process.resume()


async def worker_drained(cluster: Cluster) -> None:
    """Its rooms go to the others while people speak."""
    worker = cluster.busiest()
    cluster.workers.remove(worker)
    worker.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(LEAVES_S):
        await worker.process.wait()


async def worker_upgraded(cluster: Cluster) -> None:
    """A new one comes, and the old one goes."""
    await cluster.worker()
    await worker_drained(cluster)


async def recogniser_killed(cluster: Cluster) -> None:
    """It comes back later."""
    server = cluster.recognisers[0]
    await server.stop()
    await asyncio.sleep(AWAY_S)
    await server.start()


async def recogniser_frozen(cluster: Cluster) -> None:
    """It takes sound, and answers nothing."""
    server = cluster.recognisers[0]
    server.tell(signal.SIGSTOP)
    await asyncio.sleep(FROZEN_S)
    server.tell(signal.SIGCONT)


async def recogniser_upgraded(cluster: Cluster) -> None:
    """It stops in order, and another one begins at its address."""
    server = cluster.recognisers[0]
    server.tell(signal.SIGTERM)
    await server.ended()
    await server.start()


async def node_killed(cluster: Cluster) -> None:
    """A media server; it comes back later."""
    node = cluster.nodes[0]
    await node.kill()
    await asyncio.sleep(AWAY_S)
    await node.start()


async def node_frozen(cluster: Cluster, frozen_s: float = NODE_FROZEN_S) -> None:
    """A media server stands still."""
    process = cluster.process_of(cluster.nodes[0])
    process.suspend()
    await asyncio.sleep(frozen_s)
    process.resume()


async def node_long_frozen(cluster: Cluster) -> None:
    """It comes back with rooms that the other has begun anew meanwhile."""
    await node_frozen(cluster, FROZEN_S)


async def redis_frozen(cluster: Cluster) -> None:
    """Nothing can be decided, and no room begins."""
    if cluster.redis:
        cluster.redis.freeze()
        await asyncio.sleep(FROZEN_S)
        cluster.redis.thaw()


async def redis_killed(cluster: Cluster) -> None:
    """It comes back with what it knew."""
    if cluster.redis:
        cluster.redis.stop()
        await asyncio.sleep(AWAY_S)
        cluster.redis.start()


async def redis_emptied(cluster: Cluster) -> None:
    """It comes back and knows nothing. Media servers list no room then that was there before, and
    who joins such a room on another of them is alone.
    """
    if cluster.redis:
        cluster.redis.stop()
        cluster.redis.forget()
        await asyncio.sleep(AWAY_S)
        cluster.redis.start()


FAULTS = (
    Fault("worker upgraded", worker_upgraded),
    Fault("worker drained", worker_drained),
    Fault("recogniser killed", recogniser_killed),
    Fault("recogniser frozen", recogniser_frozen),
    Fault("recogniser upgraded", recogniser_upgraded),
    Fault("bot killed", bot_killed),
    Fault("bot frozen", bot_frozen),
    Fault("machine killed", machine_killed),
    Fault("worker frozen", worker_frozen),
    Fault("media server frozen", node_frozen),
    Fault("Redis frozen", redis_frozen),
    Fault("Redis killed", redis_killed),
    Fault("media server killed", node_killed),
)

SPLITS = (
    Fault("media server long frozen", node_long_frozen),
    Fault("Redis emptied", redis_emptied),
)
"""LiveKit itself splits rooms then: people of one meeting are on two nodes, and do not hear each
other. Captions follow where they can; words are lost to whom the room's bot cannot reach.
"""
