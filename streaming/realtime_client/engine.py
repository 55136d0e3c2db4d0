"""The realtime engine: speech to words on servers of /v1/realtime, such as vLLM.

engine = RealtimeEngine(Servers(("ws://gpu-1:8000", "ws://gpu-2:8000")))
async with SupervisedStream([engine], "fr") as stream:
    await stream.send(frame)       # one task
    async for event in stream:     # another
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streaming.audio import FRAME_MS
from streaming.errors import LanguageNotSupported
from streaming.realtime_client.session import WIRE, RealtimePolicy, Session
from streaming.recognizer import Capabilities
from streaming.remote.connection import Servers
from streaming.remote.recognizer import RemoteRecognizer

LANGUAGES = ("en", "fr", "ar", "de", "es", "hi", "it", "ja", "ko", "nl", "pt", "ru", "zh")
"""What Voxtral Mini Realtime knows; it is not told which one is spoken."""


class RealtimeEngine:
    """Knows the servers; every recogniser chooses one of them anew.

    languages: what the servers' model knows; they do not say.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        languages: Sequence[str] = LANGUAGES,
        policy: RealtimePolicy | None = None,
    ) -> None:
        self.servers = servers
        self._policy = policy or RealtimePolicy()
        delay_ms = self._policy.delay_ms + 2 * FRAME_MS
        self._capabilities = Capabilities(
            "realtime", tuple(languages), False, delay_ms, remote=True
        )

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
            known = ", ".join(self._capabilities.languages)
            raise LanguageNotSupported(f"the servers are said to know {known}, not {language!r}")
        policy = self._policy if live else replace(self._policy, flush_at_pauses=False)
        return RemoteRecognizer(
            self.servers, WIRE, lambda: Session(policy), delay_ms=self._capabilities.delay_ms
        )
