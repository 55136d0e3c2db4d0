"""The Kyutai engine: speech to words on a Kyutai server, over a websocket.

engine = KyutaiEngine(Servers(("ws://asr-1:8080", "ws://asr-2:8080")))
async with SupervisedStream([engine], "fr") as stream:
    await stream.send(frame)       # one task
    async for event in stream:     # another
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, TypeAdapter, ValidationError

from streaming.audio import FRAME_MS
from streaming.errors import LanguageNotSupported
from streaming.kyutai import protocol
from streaming.kyutai_client.session import Session, SessionPolicy
from streaming.recognizer import Capabilities
from streaming.remote.connection import Servers
from streaming.remote.free_slots import SlotsPage
from streaming.remote.recognizer import RemoteRecognizer
from streaming.remote.session import Wire

LANGUAGES = ("en", "fr")
"""What Kyutai's 1B model knows."""


class _Module(BaseModel):
    """What a server tells of a module; moshi-server writes its numbers as text, and so do we."""

    used_slots: int
    total_slots: int


_MODULES = TypeAdapter(list[_Module])


def free_slots(told: bytes) -> int | None:
    """The free slots by a server's own word; None if it does not tell."""
    try:
        modules = _MODULES.validate_json(told)
    except ValidationError:
        return None
    return max((one.total_slots - one.used_slots for one in modules), default=None)


WIRE = Wire(
    "Kyutai's protocol",
    protocol.PATH,
    lambda key: {protocol.KEY_HEADER: key or protocol.PUBLIC_KEY, protocol.MOVES_HEADER: "1"},
    protocol.MAX_SERVER_BYTES,
    SlotsPage(protocol.SLOTS_PATH, free_slots),
)


class KyutaiEngine:
    """Knows the servers; every recogniser chooses one of them anew.

    languages: what the servers' model knows; they do not say.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        languages: Sequence[str] = LANGUAGES,
        policy: SessionPolicy | None = None,
    ) -> None:
        self.servers = servers
        self._policy = policy or SessionPolicy()
        delay_ms = self._policy.delay_ms + 2 * FRAME_MS
        self._capabilities = Capabilities("kyutai", tuple(languages), False, delay_ms, remote=True)

    @property
    def capabilities(self) -> Capabilities:
        """What the servers can do, by what this engine was told."""
        return self._capabilities

    def open(self, language: str = "en", *, live: bool = True) -> RemoteRecognizer:
        """One connection; entering it connects. Raises LanguageNotSupported.

        live: the last word is asked for at each pause. Otherwise the words are not waited for,
        and shall be the same every time.
        """
        if not self._capabilities.knows(language):
            known = self._capabilities.languages
            raise LanguageNotSupported(
                f"the Kyutai servers are said to know {', '.join(known)}, not {language!r}"
            )
        policy = self._policy if live else replace(self._policy, flush_at_pauses=False)
        return RemoteRecognizer(
            self.servers, WIRE, lambda: Session(policy), delay_ms=self._capabilities.delay_ms
        )
