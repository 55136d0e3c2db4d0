"""The whole line on Kyutai's own code: tones in a real room, a server killed in mid-sentence."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from captioner.demo.livekit_server import MediaServer
from captioner.demo.sound_publisher import SoundPublisher
from captioner.room.tokens import participant_token
from eval.simulation.bot_process import BotProcess, bot_environment
from eval.simulation.participant import Participant
from streaming.audio import SAMPLE_RATE
from streaming.kyutai_server.test_checkpoint.tones import TONES, sing
from streaming.testing.asr_server import started

pytestmark = pytest.mark.room

ROOM = "tones"
WORDS = 40


@asynccontextmanager
async def captioned(media_server: MediaServer, asr: str) -> AsyncIterator[Participant]:
    """Somebody who reads what a bot captions that hears by that server alone."""
    environment = bot_environment(media_server) | {
        "CAPTIONER_ENGINE": "kyutai",
        "CAPTIONER_ASR": asr,
        "CAPTIONER_ASR_DELAY_MS": "160",
        "CAPTIONER_FALLBACK": "none",
        "CAPTIONER_GATE": "sound",
    }
    key, secret = media_server.key, media_server.secret
    token = participant_token(key, secret, room=ROOM, identity="reader", speaks=False)
    bot = BotProcess(ROOM, environment)
    reader = Participant("reader", lambda: (media_server.url, token), speaks=False, reads=True)
    await bot.start()
    try:
        await bot.logged("joined")
        await reader.join()
        yield reader
    finally:
        await reader.leave()
        await bot.stop()


@asynccontextmanager
async def speaker(media_server: MediaServer) -> AsyncIterator[SoundPublisher]:
    anna = SoundPublisher(rate=SAMPLE_RATE)
    key, secret = media_server.key, media_server.secret
    await anna.join(media_server.url, participant_token(key, secret, room=ROOM, identity="anna"))
    try:
        yield anna
    finally:
        await anna.leave()


def shown(reader: Participant) -> list[str]:
    cues = sorted(reader.page.shown(), key=lambda cue: cue.start_ms)
    return [word for cue in cues for word in cue.text.lower().replace(".", "").split()]


async def test_tones_spoken_into_a_room_are_captioned_though_the_server_is_killed_in_mid_sentence(
    media_server: MediaServer, checkpoint_folder: Path
) -> None:
    spoken = random.Random(5).choices(list(TONES), k=WORDS)
    arguments = ("--model", str(checkpoint_folder), "--batch-size", "2")
    async with AsyncExitStack() as stack:
        server, url = await stack.enter_async_context(started(*arguments, "--port", "0"))
        reader = await stack.enter_async_context(captioned(media_server, url))
        anna = await stack.enter_async_context(speaker(media_server))
        quiet = np.random.default_rng(1).normal(0, 1e-3, SAMPLE_RATE).astype(np.float32)
        playing = asyncio.create_task(anna.play([quiet, sing(spoken), quiet, quiet]))
        await reader.until(lambda: len(shown(reader)) >= WORDS // 3)
        server.kill()
        await server.wait()
        port = str(urlsplit(url).port)
        await stack.enter_async_context(started(*arguments, "--port", port))
        await playing
        await reader.until(lambda: len(shown(reader)) >= WORDS)
        assert shown(reader) == spoken
        assert reader.page.gaps == []
