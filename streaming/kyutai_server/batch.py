"""Lets streams share the rows of one model: admit, feed, gather, route, release.

Pure: no clock, no thread. A step has two halves, so that the model can run in between, in its own
thread: ``gather`` takes each stream's queued audio, and ``route`` assigns the output to streams. A
stream that left or restarted in between gets no output.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, clean
from streaming.kyutai_server.client_stream import Answer, Stepped, Stream
from streaming.kyutai_server.token_words import Vocabulary, WordAssembler

WAITING_MAX_S = 10
"""Audio of one stream that may be queued; its feeder checks ``is_full`` and waits."""

MARKS_MAX = 256
"""Markers of one stream that may be queued."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class StepOutput:
    """The output of a step.

    tokens: int[B], the text token of each row, which is meaningless if the row was not active.
    pauses: float32[heads, B], probability that the speaker pauses; without heads: [0, B].
    """

    tokens: npt.NDArray[np.int64]
    pauses: npt.NDArray[np.float32]


class BatchedModel(Protocol):
    """A model with B independent rows, called by one thread.

    delay_frames: steps from audio to the token of its word.
    """

    @property
    def batch_size(self) -> int: ...
    @property
    def delay_frames(self) -> int: ...
    @property
    def vocabulary(self) -> Vocabulary: ...

    def step(self, pcm: Pcm, active: Flags, reset: Flags) -> StepOutput:
        """Process 80 ms of audio, float32[B, 1920], for the rows that are ``active`` (bool[B]).

        Rows in ``reset`` (bool[B]) are cleared first. Raises ModelError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ticket:
    """One client's right to a slot; it is invalid for the next client of that slot."""

    slot: int
    generation: int


class Demand(IntEnum):
    """The urgency of a step."""

    NONE = 0
    WAITING = 1  # a stream has a frame
    BEHIND = 2  # a stream has two, or waits for its Marker: step at once


@dataclass(slots=True)
class _Slot:
    generation: int = 0
    stream: Stream | None = None
    dirty: bool = False  # the model's row has state of an earlier stream


@dataclass(frozen=True, slots=True)
class Step:
    """The input of a step: float32[B, 1920], bool[B], bool[B]; and its streams."""

    pcm: Pcm
    active: Flags
    reset: Flags
    number: int
    streams: tuple[tuple[Ticket, Stream], ...]


class Batch:
    """The slots of one model. One thread."""

    def __init__(self, *, batch_size: int, delay_frames: int, vocabulary: Vocabulary) -> None:
        self._slots = [_Slot() for _ in range(batch_size)]
        self._delay = delay_frames
        self._vocabulary = vocabulary
        self._steps = 0

    @property
    def batch_size(self) -> int:
        """The number of slots, free or not."""
        return len(self._slots)

    @property
    def used(self) -> int:
        """The number of slots in use."""
        return sum(slot.stream is not None for slot in self._slots)

    @property
    def steps(self) -> int:
        """The number of steps gathered so far."""
        return self._steps

    def admit(self) -> Ticket | None:
        """Take a free slot; return None if there is none."""
        for number, slot in enumerate(self._slots):
            if slot.stream is None:
                slot.generation += 1
                slot.stream = self._new_stream()
                return Ticket(number, slot.generation)
        return None

    def release(self, ticket: Ticket) -> None:
        """Release the slot; its row is cleared at the next step. May be called twice."""
        if self._stream(ticket) is not None:
            self._slots[ticket.slot].stream = None
            self._slots[ticket.slot].dirty = True

    def restart(self, ticket: Ticket) -> None:
        """Restart in the same slot, at time 0 and with cleared state."""
        if self._stream(ticket) is not None:
            self._slots[ticket.slot].stream = self._new_stream()
            self._slots[ticket.slot].dirty = True

    def feed(self, ticket: Ticket, pcm: Pcm, *, now: float) -> None:
        """Take float32[n] at 24 kHz, any n; samples are sanitised. now: seconds."""
        stream = self._stream(ticket)
        if stream is not None and len(pcm):
            stream.feed(clean(pcm))
            stream.fed_at = now

    def mark(self, ticket: Ticket, mark_id: int) -> None:
        """Request a Marked after the words of all audio fed so far."""
        stream = self._stream(ticket)
        if stream is not None:
            stream.marks.append((stream.received, mark_id))

    def is_full(self, ticket: Ticket) -> bool:
        """Return whether the queue is full, so that the stream's feeder must wait."""
        stream = self._stream(ticket)
        return stream is not None and (
            stream.waiting >= WAITING_MAX_S * SAMPLE_RATE or len(stream.marks) >= MARKS_MAX
        )

    def demand(self, now: float) -> Demand:
        """Return the urgency of a step at ``now``."""
        demand = Demand.NONE
        for slot in self._slots:
            if slot.stream is None:
                demand = max(demand, Demand.WAITING if slot.dirty else Demand.NONE)
            elif len(slot.stream.frames) > 1 or slot.stream.wants_silence(now):
                return Demand.BEHIND
            elif slot.stream.frames:
                demand = Demand.WAITING
        return demand

    def marks_wait(self) -> bool:
        """Return whether a step may become urgent by the passing of time."""
        return any(slot.stream is not None and slot.stream.marks for slot in self._slots)

    def gather(self, now: float) -> Step:
        """Take one frame from every stream that has one."""
        size = len(self._slots)
        pcm = np.zeros((size, FRAME_SAMPLES), np.float32)
        active, reset = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        streams = []
        for number, slot in enumerate(self._slots):
            reset[number], slot.dirty = slot.dirty, False
            frame = slot.stream.take(now) if slot.stream else None
            if slot.stream and frame is not None:
                pcm[number], active[number] = frame, True
                streams.append((Ticket(number, slot.generation), slot.stream))
        self._steps += 1
        return Step(pcm, active, reset, self._steps, tuple(streams))

    def route(self, step: Step, output: StepOutput) -> list[tuple[Ticket, list[Answer]]]:
        """Return the answers for each stream. Streams that left since ``gather`` get none."""
        return [
            (ticket, self._answers(ticket, stream, step, output))
            for ticket, stream in step.streams
            if self._stream(ticket) is stream
        ]

    def _answers(
        self, ticket: Ticket, stream: Stream, step: Step, output: StepOutput
    ) -> list[Answer]:
        answers: list[Answer] = []
        if len(output.pauses):
            pauses = tuple(float(p) for p in output.pauses[:, ticket.slot])
            answers.append(Stepped(step.number, pauses, stream.waiting))
        answers += stream.hear(int(output.tokens[ticket.slot]), self._delay)
        return answers

    def _stream(self, ticket: Ticket) -> Stream | None:
        slot = self._slots[ticket.slot]
        return slot.stream if slot.generation == ticket.generation else None

    def _new_stream(self) -> Stream:
        return Stream(WordAssembler(self._vocabulary), deque(maxlen=self._delay + 1))
