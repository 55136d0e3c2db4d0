"""Measure how long a late joiner of a long meeting waits for the earlier captions.

    python -m benchmarks.late [--hours N] [--times N]

A bot that has published the captions of so many hours (one of 60 characters every 2 s) is in a real
room. A participant joins, says hello and asks for the history, as a page does: timed from before
joining until the last 200 captions have arrived, and until all have. Then Chromium opens the page:
timed from the click until it is in the room, and until the last 200 captions are painted.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable

from captioner.bot.bot import Bot, Engine
from captioner.captions.cues import Cue, CueClosed
from captioner.contract import Caption
from captioner.demo.livekit_server import MediaServer, find_or_build
from captioner.demo.page_server import serve_page
from captioner.publishing.publisher import Publisher
from captioner.publishing.room_clock import RoomClock
from captioner.room.tokens import agent_token, participant_token
from eval.runs.browser import open_chromium
from eval.simulation.participant import Participant
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer

EACH_MS = 2_000
ROOM = "late"
NOW_S = "performance.now() / 1000"  # since the navigation began
PAINTED_S = f"document.querySelector('live-captions').rendered().then(() => {NOW_S})"


async def filled(hours: float) -> Publisher:
    """A bot with the captions of such a meeting, by ten speakers."""
    publisher = Publisher(RoomClock.start())
    for n in range(round(hours * 3_600_000 / EACH_MS)):
        text = f"This is caption number {n} and it is as long as most are, ok."
        who = f"speaker-{n % 10}"
        cue = Cue(f"t{n % 10}-{n}", who, n * EACH_MS, (n + 1) * EACH_MS, text, "en")
        await publisher.publish(Caption(CueClosed(cue, 1), who, who.title(), "TR_1", cue.end_ms))
    return publisher


async def newcomer(identity: str, join: Callable[[str], tuple[str, str]]) -> tuple[float, float]:
    """Return after how many seconds a participant has the last 200 captions, and all."""
    began = time.monotonic()
    late = Participant(identity, lambda: join(identity), speaks=False, reads=True)
    await late.join()
    await late.until(lambda: len(late.page.cues) >= 200)
    first = time.monotonic() - began
    await late.until(lambda: not late.page.missing)
    whole = time.monotonic() - began
    await late.leave()
    return first, whole


async def measure(hours: float, times: int) -> None:
    """Print a line for each newcomer."""
    publisher = await filled(hours)
    async with MediaServer(find_or_build(print)) as server:

        def bots_token() -> str:
            return agent_token(server.key, server.secret, room=ROOM, identity="bot", name="C")

        def join(identity: str) -> tuple[str, str]:
            token = participant_token(server.key, server.secret, room=ROOM, identity=identity)
            return server.url, token

        engine = Engine("en", (ScriptedEngine(lambda: ScriptedRecognizer([])),))
        bot = Bot(engine, url=server.url, token=bots_token, publisher=publisher)
        running = asyncio.create_task(bot.run())
        await bot.joined.wait()
        print(f"{hours:g} hours, {publisher.seq} captions\n{'last 200':>10}{'all':>10}")
        for n in range(times):
            first, whole = await newcomer(f"late-{n}", join)
            print(f"{first:8.2f} s{whole:8.2f} s", flush=True)

        def enter(name: str, _guest: bool) -> dict[str, object]:
            url, token = join(name)
            return {"url": url, "token": token, "room": ROOM, "identity": name, "can_speak": False}

        print(f"in Chromium\n{'joined':>10}{'last 200':>10}")
        async with serve_page(enter, port=0) as address, open_chromium() as chromium:
            for n in range(times):
                viewer = await chromium.open(address, f"page-{n}")
                joined = await viewer.page.evaluate(NOW_S)
                await viewer.until("captions.cues().length >= 200")
                painted = await viewer.page.evaluate(PAINTED_S)
                print(f"{joined:8.2f} s{painted:8.2f} s", flush=True)
                await viewer.page.context.close()
        bot.stop()
        await running


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--times", type=int, default=5, help="so many newcomers, one after another")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.hours, arguments.times))


if __name__ == "__main__":
    main()
