"""What a room is recognised with, as captioner sees it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from streaming.recognizer import Recognizer
from streaming.voice.frames import VoiceFinder
from streaming.voice.gate import sensitive_voice

SLOTS = 64


@dataclass(frozen=True, slots=True)
class Engine:
    """What turns a voice into words, and what the room is told of it.

    language: BCP 47. slots: streams at once. delay_ms: typically so far behind the voice.
    load_voice: gives what tells voice from other sound, anew for each track.
    """

    name: str
    language: str
    open: Callable[[], AbstractAsyncContextManager[Recognizer]]
    slots: int = SLOTS
    delay_ms: int = 0
    load_voice: Callable[[], VoiceFinder] = field(default=sensitive_voice)
