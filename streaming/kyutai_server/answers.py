"""Answers of a stream as messages of Kyutai's protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator

from streaming.kyutai import protocol
from streaming.kyutai_server.client_stream import Answer, Marked, Stepped
from streaming.kyutai_server.step_loop import Seat
from streaming.kyutai_server.token_words import WordEnded, WordSaid


async def until_marked(seat: Seat) -> AsyncIterator[Answer]:
    """Give the answers of a seat up to its first mark."""
    async for answer in seat:
        if isinstance(answer, Marked):
            return
        yield answer


def as_message(answer: Answer) -> protocol.ServerMessage:
    """Return the websocket message."""
    match answer:
        case WordSaid(text, start_ms, joined):
            return protocol.Word(text, start_ms / 1000, joined)
        case WordEnded(end_ms):
            return protocol.EndWord(end_ms / 1000)
        case Marked(number):
            return protocol.Marker(number)
        case Stepped(step, pauses, waiting):
            return protocol.Step(step, pauses, waiting)


def as_json(answer: Answer) -> dict[str, object]:
    """Return the entry in the answer to a POST; empty if it has none."""
    match answer:
        case WordSaid(text, start_ms, joined):
            return {"type": "Word", "text": text, "start_time": start_ms / 1000, "joined": joined}
        case WordEnded(end_ms):
            return {"type": "EndWord", "stop_time": end_ms / 1000}
        case _:
            return {}
