"""What a room is recognised with, as captioner sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from captioner.tracks.language_watch import Detect
from streaming import recognizer
from streaming.languages import Languages
from streaming.recognizer import Capabilities
from streaming.supervised_stream import StreamPolicy, SupervisedStream
from streaming.voice.frames import VoiceFinder
from streaming.voice.gate import sensitive_voice

SLOTS = 64

RECORDING_PATIENCE_S = 30.0
"""How long a recording waits for a recogniser."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What turns voices into words.

    language: what ``Languages`` reads. engines: the one that the room is told of, then its
    stand-ins, and those for languages that it does not know. slots: streams at a time. live: False
    for files, which are recognised as fast as possible. load_voice: makes each track's voice
    detector. model: what the embedded engine uses, or "". detect: finds the language of a voice.
    expect: takes names and terms that may be said, and gives those that will be listened for.
    """

    language: str
    engines: tuple[recognizer.Engine, ...]
    slots: int = SLOTS
    live: bool = True
    load_voice: Callable[[], VoiceFinder] = field(default=sensitive_voice)
    policy: StreamPolicy = field(default_factory=StreamPolicy)
    model: str = ""
    detect: Detect | None = None
    expect: Callable[[Sequence[str]], Sequence[str]] = lambda _: ()

    @property
    def languages(self) -> Languages:
        """What a voice may speak."""
        return Languages.parse(self.language)

    @property
    def capabilities(self) -> Capabilities:
        """What the first engine can do."""
        return self.engines[0].capabilities

    @property
    def name(self) -> str:
        """The name that hosts choose it by."""
        return self.capabilities.engine

    @property
    def delay_ms(self) -> int:
        """The typical delay behind the voice; the longest, if there are several languages."""
        known = self.languages.known
        return max(self.capabilities.speaking(tag).delay_ms for tag in known)

    def knows(self, language: str) -> bool:
        """Return whether voices that speak ``language``, see ``Languages``, can be recognised."""
        languages = Languages.parse(language)
        if languages.by_voice and self.detect is None:
            return False
        return all(self.those_for(tag) for tag in languages.known)

    def speaking(self, language: str) -> Engine:
        """Return the same for voices that speak ``language``."""
        return self if language == self.language else replace(self, language=language)

    def open(
        self, language: str, *, recording: bool = False, on_failure: Callable[[Exception], None]
    ) -> SupervisedStream:
        """Return a stream for one voice. recording: one that may fail; a room's does not."""
        policy = replace(self.policy, patience_s=RECORDING_PATIENCE_S) if recording else self.policy
        return SupervisedStream(
            self.those_for(language) or self.engines,
            language,
            live=self.live,
            policy=policy,
            on_failure=on_failure,
        )

    def those_for(self, language: str) -> tuple[recognizer.Engine, ...]:
        """Return the engines that know a language, in order."""
        return tuple(one for one in self.engines if one.capabilities.knows(language))
