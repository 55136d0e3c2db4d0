"""vLLM's /v1/realtime: messages ⇄ JSON, as its entrypoints/…/realtime/connection.py speaks it.

Others speak dialects: what differs among them is in ``Dialect``.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ValidationError

from streaming.audio import Pcm
from streaming.errors import (
    ConnectionLost,
    ProtocolError,
    RecognizerAtCapacity,
    RecognizerError,
)

PATH = "/v1/realtime"

MAX_SERVER_BYTES = 1 << 22
"""The longest message of a server: the text of an utterance of hours."""


@dataclass(frozen=True, slots=True)
class Created:
    """The server has let us in."""


@dataclass(frozen=True, slots=True)
class Delta:
    """The model has made a step. text: what it appends, often nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The utterance is over. text: all of it."""

    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What the server complains about."""

    sentence: str
    code: str | None


ServerMessage = Created | Delta | Done | Failure


class _Message(BaseModel):
    """Any message of a server; unknown keys are ignored."""

    type: str
    delta: str = ""
    text: str = ""
    error: str = ""
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """What servers of this kind call things. rate: of the sound, in Hz."""

    rate: int = 16_000
    created: str = "session.created"
    update: str = "session.update"
    append: str = "input_audio_buffer.append"
    commit: str = "input_audio_buffer.commit"
    delta: str = "transcription.delta"
    done: str = "transcription.done"
    error: str = "error"

    def named(self, model: str) -> str:
        """Name the model: before the first utterance."""
        return json.dumps({"type": self.update, "model": model})

    def begin(self) -> str:
        """Begin an utterance. A server ignores it while it recognises one."""
        return json.dumps({"type": self.commit})

    def sound(self, pcm: Pcm) -> str:
        """float32[n] in [-1, 1] at ``rate``; not nothing."""
        samples = np.round(pcm * 32_767).astype("<i2").tobytes()
        return json.dumps({"type": self.append, "audio": base64.b64encode(samples).decode()})

    def end(self) -> str:
        """The sound of the utterance has ended."""
        return json.dumps({"type": self.commit, "final": True})

    def decode(self, data: str | bytes) -> ServerMessage | None:
        """Read a server's message; None for one of a type that we do not know.

        Raises ProtocolError.
        """
        if isinstance(data, bytes):
            raise ProtocolError("a binary frame")
        try:
            message = _Message.model_validate_json(data)
        except ValidationError as exc:
            fault = exc.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, fault["loc"])) or "all of it"
            raise ProtocolError(f"a message that is wrong ({where}: {fault['msg'][:80]})") from None
        if message.type == self.created:
            return Created()
        if message.type == self.delta:
            return Delta(message.delta)
        if message.type == self.done:
            return Done(message.text)
        return Failure(message.error, message.code) if message.type == self.error else None


VLLM = Dialect()


def as_error(failure: Failure, model: str) -> RecognizerError:
    """What a server's complaint means for us."""
    said = failure.sentence[:100]
    match failure.code:
        case "model_not_found" | "model_not_validated":
            return ProtocolError(f"the server does not serve the model {model}: it says {said!r}")
        case "invalid_audio" | "invalid_json" | "invalid_event" | "unknown_event":
            return ProtocolError(f"the server does not understand us: it says {said!r}")
        case "rate_limit_exceeded" | "server_overloaded":
            return RecognizerAtCapacity(f"the server is full: it says {said!r}")
        case _:
            return ConnectionLost(f"the server failed: it says {said!r}")
