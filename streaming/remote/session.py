"""What a protocol of speech servers has to offer to be spoken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from streaming.audio import FRAME_MS, AudioFrame
from streaming.recognizer import RecognizerEvent
from streaming.remote.free_slots import SlotsPage

Message = str | bytes
"""One websocket message: text or binary."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How servers of one kind are reached.

    name: of the protocol, for people. path: where an address has none. headers: those that carry
    a key, which may be "". longest: bytes of a server's message. slots: where a server tells how
    many are free; None: nowhere.
    """

    name: str
    path: str
    headers: Callable[[str], Mapping[str, str]]
    longest: int
    slots: SlotsPage | None = None


class Session(Protocol):
    """One connection as a state machine: frames and messages in, events and messages out.

    It never waits, reads a clock or opens a socket.
    """

    @property
    def ready(self) -> bool:
        """Whether the server has let us in."""
        ...

    @property
    def room(self) -> int:
        """So many frames may be given now."""
        ...

    def data_to_send(self) -> Sequence[Message]:
        """What to send now; asked a second time, nothing."""
        ...

    def frame(self, frame: AudioFrame) -> list[RecognizerEvent]:
        """Send 80 ms of the stream."""
        ...

    def flush(self) -> list[RecognizerEvent]:
        """Let go of what the model holds. Flushed is given now, or when it has all come."""
        ...

    def receive(self, data: Message) -> list[RecognizerEvent]:
        """Take one message of the server. Raises RecognizerError."""
        ...


def frames_in(ms: int) -> int:
    """Frames that last ``ms`` at least."""
    return -(-ms // FRAME_MS)
