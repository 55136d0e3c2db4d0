"""Observes a live meeting's captions as a reader: no audio, and no words unless requested."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace

from captioner.room.tokens import participant_token
from captioner.settings import Settings
from eval.observation import Observation, Shown
from eval.runs.local_meeting import Listener
from eval.runs.packets import masked, packets_of, shown_by

BOT_S = 30.0
"""How long to wait for a caption bot."""


async def overheard(
    settings: Settings, *, room: str, name: str, language: str, text: bool, over: asyncio.Event
) -> Observation:
    """Observe one clip without a reference, until ``over`` or the end of the meeting.

    text: keep the words. Raises RoomUnavailable or NotAllowed, also if there is no caption bot.
    """
    listener = Listener()
    await listener.join(settings.livekit_url, _token(settings, room, name))
    listener.room.on("disconnected", lambda _reason: over.set())
    zero_s = time.monotonic()
    try:
        origin_s = await listener.hello(patience_s=BOT_S)
        await over.wait()
    finally:
        until_ms = round((time.monotonic() - zero_s) * 1000)
        await listener.leave()
    packets = packets_of(listener.arrivals)
    shown = [one for _, one in shown_by(packets, zero_s=zero_s, origin_s=origin_s)]
    shown = _numbered(shown if text else list(masked(shown, os.urandom(16))))
    lost = (f"{listener.lost} packets were not kept",) if listener.lost else ()
    return Observation(
        "meeting", language, until_ms / 1000, (), tuple(shown), "listen",
        until_ms=until_ms, left_out=lost,
    )  # fmt: skip


def _token(settings: Settings, room: str, name: str) -> str:
    return settings.livekit_token.get_secret_value() or participant_token(
        settings.livekit_api_key,
        settings.livekit_api_secret.get_secret_value(),
        room=room,
        identity=f"listen-{uuid.uuid4().hex[:8]}",
        name=name,
        speaks=False,
    )


def _numbered(shown: Sequence[Shown]) -> list[Shown]:
    """Number the speakers, because their names are not part of the measurement."""
    numbers: dict[str, str] = {}
    for one in shown:
        numbers.setdefault(one.speaker, str(len(numbers) + 1))
    return [replace(one, speaker=numbers[one.speaker]) for one in shown]
