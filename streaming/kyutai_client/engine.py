"""The remote engine: speech to words on a Kyutai server, over a websocket.

async with RemoteEngine(Servers(("ws://asr-1:8080", "ws://asr-2:8080"))) as engine:
    async with engine.open("fr") as recognizer:
        await recognizer.send(frame)       # one task
        async for event in recognizer:     # another
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

from streaming.audio import FRAME_MS
from streaming.errors import LanguageNotSupported
from streaming.kyutai_client.connection import Servers
from streaming.kyutai_client.recognizer import RemotePolicy, RemoteRecognizer
from streaming.recognizer import Capabilities
from streaming.replay import Replay
from streaming.voice.frames import VoiceFinder, silero

LANGUAGES = ("en", "fr")
"""What Kyutai's 1B model knows."""


class RemoteEngine:
    """Knows the servers; every stream chooses one of them anew.

    languages: what the servers' model knows; they do not say. load_voice: makes what finds voice
    in one stream's frames.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        languages: Sequence[str] = LANGUAGES,
        policy: RemotePolicy | None = None,
        load_voice: Callable[[], VoiceFinder] = silero,
    ) -> None:
        self.servers = servers
        self.policy = policy or RemotePolicy()
        self.load_voice = load_voice
        delay_ms = self.policy.session.delay_ms + 2 * FRAME_MS
        self._capabilities = Capabilities("kyutai", tuple(languages), False, delay_ms)

    @property
    def capabilities(self) -> Capabilities:
        """What the servers can do, by what this engine was told."""
        return self._capabilities

    def open(
        self, language: str = "en", *, live: bool = True, replay: Replay | None = None
    ) -> RemoteRecognizer:
        """A new stream; entering it connects.

        live: sound that no server takes falls off after a minute, counted. Otherwise ``send``
        waits: for files. replay: what another recogniser of the same stream leaves to be heard.
        Raises LanguageNotSupported.
        """
        if not self._capabilities.knows(language):
            known = self._capabilities.languages
            raise LanguageNotSupported(
                f"the Kyutai servers are said to know {', '.join(known)}, not {language!r}"
            )
        return RemoteRecognizer(
            self.servers,
            self._capabilities,
            self.policy,
            load_voice=self.load_voice,
            live=live,
            replay=replay,
        )

    async def probe(self) -> str:
        """Host and port of a server that has a free slot now; it is given back at once.

        Raises RecognizerUnavailable, ProtocolError.
        """
        async with await self.servers.connect(self.policy.session, position=0) as link:
            return link.name

    async def close(self) -> None:
        """Nothing to end: every stream ends itself."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
