"""Observes a real room, up to a browser's screen: media server, bot, listener, Chromium."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from captioner.demo.livekit_server import VERSION, find_or_build
from eval.observation import Shown
from eval.runs.browser import Chromium, Measures, Painting, Viewer, open_chromium
from eval.runs.local_meeting import BotFailed, Listener, LocalMeeting
from eval.runs.packets import packets_of, shown_by
from eval.runs.watch import RATE, TRAIL_S, Handed, Performance, Seen, WatchFailed
from streaming.audio import Pcm

LEAD_S = 1.5
"""Silence before a clip, in which the bot begins to listen to newcomers."""

CLOSED_S = 6.0
"""How long the last words may take: slightly more than a caption stays open unchanged."""

Times = dict[tuple[str, int], tuple[int | None, int]]
"""By a caption's id and revision: when it was given and sent, in ms of the wall clock."""

_LEAD = round(LEAD_S * RATE)
_NO_PAGE = Measures({}, 0)


class RoomWatch:
    """New participants join, speak and leave for each clip. With ``viewer``, up to the paint."""

    def __init__(
        self,
        chain: LocalMeeting,
        listener: Listener,
        viewer: Viewer | None,
        times: Path,
        versions: Mapping[str, str],
    ) -> None:
        self.versions: Mapping[str, str] = versions
        self.zero_ms = 0.0  # of the last clip, on the wall clock
        self.viewer = viewer
        self.bot = chain.bot
        self._chain, self._listener, self._times = chain, listener, times
        self._numbers = itertools.count(1)
        self._read = 0  # bytes of the file of times

    async def observe(self, played: Performance) -> Seen:
        """See ``Watch.observe``. Raises WatchFailed."""
        number = next(self._numbers)
        names = {f"speaker-{number}-{n}": name for n, name in enumerate(played.microphones)}
        handed = {identity: Handed() for identity in names}
        self._listener.arrivals.clear()
        if self.viewer:
            await self.viewer.new_measures()  # loading the page, and pauses, are not part of a clip
        start = time.monotonic() + 0.5 + 0.2 * len(names)
        await asyncio.gather(
            *(
                self._speak(identity, played.microphones[name], handed[identity], start)
                for identity, name in names.items()
            )
        )
        await self._until_over(set(names))
        zero_s = next(iter(handed.values())).at_s(_LEAD)
        shown = [
            replace(one, speaker=names[one.speaker]) for one in await self._shown(names, zero_s)
        ]
        clock = {names[who]: partial(_handed_ms, one, zero_s) for who, one in handed.items()}
        until_ms = round((time.monotonic() - zero_s) * 1000)
        page = await self.viewer.new_measures() if self.viewer else _NO_PAGE
        lost = {"packets": self._listener.lost, "measures of the page": page.dropped}
        left_out = [f"{count} {what} were not kept" for what, count in lost.items() if count]
        if torn_ms := max(one.torn_ms for one in handed.values()):
            left_out.append(f"the sound has holes of {torn_ms} ms: this machine was too busy")
        return Seen(shown, until_ms, clock, tuple(left_out), page.ms)

    async def _speak(self, identity: str, pcm: Pcm, handed: Handed, start: float) -> None:
        async with self._chain.speaker(identity, identity) as speaker:
            await asyncio.sleep(start - time.monotonic())
            trail = np.zeros(round(TRAIL_S * RATE), np.float32)
            await speaker.play([np.zeros(_LEAD, np.float32), pcm, trail], handed.note)

    async def _until_over(self, speakers: set[str]) -> None:
        """Wait until all their captions are closed, here and on the page."""

        def over() -> bool:
            packets = packets_of(self._listener.arrivals, speakers)
            states = {one.packet["id"]: one.packet.get("state") for one in packets}
            return "open" not in states.values()

        bot = self._chain.bot
        with suppress(BotFailed):  # the report mentions captions that are still open
            await bot.logged("track_ended", times=bot.count("track_started"), timeout_s=CLOSED_S)
        with suppress(TimeoutError):
            await self._listener.until(over, timeout_s=CLOSED_S)
        if not bot.running:
            raise WatchFailed(
                f"the bot has ended; it said last: {' | '.join(list(bot.lines)[-3:])}"
            )
        await asyncio.sleep(0.3)  # the last packets are on their way to the page

    async def _shown(self, names: Mapping[str, str], zero_s: float) -> list[Shown]:
        """Return updates on the clip's clock, in order; ``speaker`` is still the identity."""
        zero_ms = self.zero_ms = (zero_s + _wall_s()) * 1000
        origin_ms = self._listener.origin_ms
        origin_s = None if origin_ms is None else origin_ms / 1000 - _wall_s()
        times = self._new_times()
        found: dict[tuple[str, int], Shown] = {}
        arrivals = packets_of(self._listener.arrivals, set(names))
        for key, one in shown_by(arrivals, zero_s=zero_s, origin_s=origin_s):
            said, sent = times.get(key, (None, None))
            found[key] = replace(one, said_ms=_on(said, zero_ms), sent_ms=_on(sent, zero_ms))
        if self.viewer:
            return await painted(self.viewer, found, zero_ms)
        return list(found.values())

    def _new_times(self) -> Times:
        with self._times.open("rb") as lines:
            lines.seek(self._read)
            new = lines.read()
        self._read += len(new)
        rows = map(json.loads, new.splitlines())
        return {(row["id"], row["rev"]): (row["said"], row["sent"]) for row in rows}


def _handed_ms(handed: Handed, zero_s: float, ms: int) -> int:
    return round((handed.at_s(_LEAD + ms * RATE // 1000) - zero_s) * 1000)


def _wall_s() -> float:
    """Return the wall clock at monotonic 0."""
    return time.time() - time.monotonic()


def _on(wall_ms: int | None, zero_ms: float) -> int | None:
    return None if wall_ms is None else round(wall_ms - zero_ms)


async def painted(
    viewer: Viewer, packets: Mapping[tuple[str, int], Shown], zero_ms: float
) -> list[Shown]:
    """Return what a page painted since the last call, with data from its packets."""
    offset_ms, _ = await viewer.clock()
    found: list[Shown] = []
    for painting in await viewer.new_paintings():
        if one := packets.get((painting.cue, painting.rev)):
            found.append(_painted(one, painting, offset_ms + zero_ms))
    return found


def _painted(one: Shown, painting: Painting, clock_ms: float) -> Shown:
    at_ms = round((painting.shown or painting.painted) - clock_ms)
    received_ms = round(painting.received - clock_ms)
    text = painting.text or ""
    return replace(one, at_ms=at_ms, text=text, received_ms=received_ms, painted_ms=at_ms)


@asynccontextmanager
async def through_room(
    environment: Mapping[str, str],
    *,
    browser: bool,
    tell: Callable[[str], None],
    script: Path | None = None,
    view: str = "",
) -> AsyncIterator[RoomWatch]:
    """environment: of the bot. script: what its engine says, and when (eval.runs.timed_bot).
    view: of the page.

    Raises CaptionerError, BotFailed, NoBrowser.
    """
    program = await asyncio.to_thread(find_or_build, tell)
    versions = {"livekit-server": VERSION, "livekit-sdk": version("livekit")}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        times = folder / "times.jsonl"
        times.touch()
        command = ["eval.runs.timed_bot", "--times", str(times)]
        if script:
            command += ["--script", str(script)]
        chain = LocalMeeting(program, environment=environment, bot=command)
        await stack.enter_async_context(chain)
        listener = await stack.enter_async_context(chain.listener())
        viewer: Viewer | None = None
        if browser:
            chromium: Chromium = await stack.enter_async_context(open_chromium())
            versions["chromium"] = chromium.version
            viewer = await chromium.open(chain.url, "Viewer", view=view)
            await viewer.follow_frames()
        yield RoomWatch(chain, listener, viewer, times, versions)
