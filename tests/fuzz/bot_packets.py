"""All that reads what participants, other agents and media servers send to a bot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from captioner.contract_requests import (
    SENTENCE_MAX,
    answers_hello,
    decode_consent,
    decode_hello,
    decode_history,
    decode_part,
    decode_remove,
    decode_reply,
    decode_set,
    sentence,
)
from captioner.errors import InvalidRequest
from captioner.worker.assignment import RECORDING_MAX, Assignment
from streaming.embedded.vocabulary import ENTRIES_MAX


def refused(decode: Callable[[str], object], payload: str) -> None:
    """A request is read, or refused with a sentence that fits."""
    said = "it is read"
    try:
        decode(payload)
    except InvalidRequest as exc:
        said = sentence(str(exc))
    assert 0 < len(said.encode()) <= SENTENCE_MAX


def recording(metadata: str) -> None:
    """The name of a recording fits, and so does a vocabulary."""
    read = Assignment.of("meet", "captions", "AD_1", 1, metadata)
    assert len(read.recording) <= RECORDING_MAX
    assert len(read.words) <= ENTRIES_MAX


DECODERS = (
    decode_hello, decode_history, decode_set, decode_consent, decode_remove, decode_reply,
    decode_part,
)  # fmt: skip
READERS: tuple[Callable[[str], object], ...] = (
    *(partial(refused, decode) for decode in DECODERS),
    recording,
    partial(answers_hello, session="5f0c"),
)


def read(data: bytes) -> None:
    """Let every reader have it. Raises whatever one should not."""
    payload = data.decode("utf-8", "surrogateescape")
    for reader in READERS:
        reader(payload)
