"""Two people talk while their recogniser breaks again and again: each word is shown just once.

No media server is in between, so every frame arrives whole and the count is exact.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from captioner.captions.cues import CaptionEvent, CueClosed
from captioner.captions.segmenter import Segmenter
from captioner.room.frame_queue import Missing
from captioner.tracks.engine import Engine
from captioner.tracks.track_captioner import TrackCaptioner
from streaming.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.remote.connection import Servers
from streaming.testing.scripted_server import Hearing, ScriptedServer
from streaming.testing.tone_words import chord, has_tone, hear, word

FASTER = 4
PAUSES_S = (0.3, 0.8, 1.5, 3.0, 12.0)


def talk(numbers: range, chance: random.Random) -> Pcm:
    """The words, with a pause behind one of six."""

    def silence(seconds: float) -> Pcm:
        return np.zeros(int(seconds * SAMPLE_RATE), np.float32)

    sound = [silence(chance.uniform(0.1, 2.0))]
    for number in numbers:
        sound.append(chord(number))
        if chance.random() < 1 / 6:
            sound.append(silence(chance.choice(PAUSES_S)))
    return np.concatenate([*sound, silence(2)])


class Frames:
    """A track's sound, as fast as it is spoken, times FASTER."""

    waiting_ms = 0

    def __init__(self, pcm: Pcm) -> None:
        self._frames = self._place(pcm)
        self._next_at = time.monotonic()

    def _place(self, pcm: Pcm) -> Iterator[AudioFrame]:
        for position in range(0, len(pcm) - FRAME_SAMPLES, FRAME_SAMPLES):
            yield AudioFrame(pcm[position : position + FRAME_SAMPLES], position)

    def __aiter__(self) -> AsyncIterator[AudioFrame]:
        return self

    async def __anext__(self) -> AudioFrame:
        await asyncio.sleep(self._next_at - time.monotonic())
        self._next_at += FRAME_MS / 1000 / FASTER
        try:
            return next(self._frames)
        except StopIteration:
            raise StopAsyncIteration from None


class Shown:
    """What is on screen in the end of one speaker, and what was said to be a gap."""

    def __init__(self) -> None:
        self.closed: list[CueClosed] = []
        self.gaps: list[Missing] = []

    async def publish(self, event: CaptionEvent, _heard_ms: int) -> None:
        if isinstance(event, CueClosed):
            self.closed.append(event)

    async def unheard(self, missing: Missing) -> None:
        self.gaps.append(missing)

    def words(self) -> list[str]:
        cues = sorted((event.cue for event in self.closed), key=lambda cue: cue.start_ms)
        return [text for cue in cues for text in cue.text.split()]


async def caption(speaker: str, pcm: Pcm, engine: Engine) -> Shown:
    shown = Shown()
    await TrackCaptioner(
        Frames(pcm),
        engine=lambda: engine,
        segmenter=Segmenter(speaker, prefix=speaker, language="en"),
        publish=shown.publish,
        unheard=shown.unheard,
    ).run()
    return shown


async def break_it(server: ScriptedServer, chance: random.Random) -> None:
    """Kill it, take it away for a while, or let it be full, until cancelled."""
    while True:
        await asyncio.sleep(chance.uniform(0.5, 3.0))
        match chance.choice(("killed", "away", "full")):
            case "killed":
                server.kill()
            case "away":
                await server.__aexit__(None, None, None)
                await asyncio.sleep(chance.uniform(0.3, 1.5))
                await server.__aenter__()
            case "full":
                server.capacity = 0
                server.kill()
                await asyncio.sleep(chance.uniform(0.3, 1.5))
                server.capacity = 16


@pytest.mark.parametrize("seed", range(2))
async def test_each_word_is_shown_once_however_the_recogniser_breaks(seed: int) -> None:
    chance = random.Random(seed)
    said = {"anna": range(1, 41), "bob": range(101, 141)}
    server = ScriptedServer(hearing=Hearing(hear, frames=1))
    async with server:
        kyutai = KyutaiEngine(Servers((server.url,)))
        engine = Engine("en", (kyutai,), load_voice=lambda: has_tone)
        breaking = asyncio.create_task(break_it(server, chance))
        shown = await asyncio.gather(
            *(caption(who, talk(numbers, chance), engine) for who, numbers in said.items())
        )
        breaking.cancel()
        await asyncio.gather(breaking, return_exceptions=True)
        server.capacity = 16
    assert server.sessions > 4
    for numbers, seen in zip(said.values(), shown, strict=True):
        assert seen.gaps == []
        assert seen.words() == [word(number) for number in numbers]
