"""Chooses the recogniser of a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import numpy as np

from captioner import metrics
from captioner.errors import ConfigurationError
from captioner.settings import OTHER_NAMES, Settings
from captioner.tracks.engine import SLOTS, Engine
from captioner.tracks.language_watch import Detect
from streaming.audio import FRAME_SAMPLES, AudioFrame
from streaming.embedded.engine import EmbeddedEngine
from streaming.embedded.models import installed
from streaming.embedded.shared_model import shared
from streaming.embedded.vocabulary import entries, fitting
from streaming.errors import LanguageNotSupported, RecognizerError, RecognizerUnavailable
from streaming.kyutai_client.engine import LANGUAGES as KYUTAI_LANGUAGES
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.kyutai_client.session import SessionPolicy
from streaming.languages import Languages
from streaming.realtime_client.engine import LANGUAGES as VOXTRAL_LANGUAGES
from streaming.realtime_client.engine import RealtimeEngine
from streaming.realtime_client.session import RealtimePolicy
from streaming.remote.connection import Servers
from streaming.voice.gate import any_sound, sensitive_voice

REMOTE = ("kyutai", "realtime")
"""Engines that are servers."""

Served = KyutaiEngine | RealtimeEngine | EmbeddedEngine

PROBE_S = 10.0
"""So long a server may take for a moment of silence."""


class Offer(Protocol):
    """The engines that a host may choose from: the ``Engines`` of this process, or others.

    languages: by the engine's name, BCP 47 primary tags.
    """

    @property
    def languages(self) -> Mapping[str, tuple[str, ...]]: ...

    async def choose(self, name: str, language: str) -> Engine: ...


class Engines:
    """The recognisers that the settings offer. live: False for files, as fast as possible."""

    def __init__(self, settings: Settings, own: EmbeddedEngine, *, live: bool) -> None:
        self._settings = settings
        self._own = own
        self._live = live
        self._words = _words(settings)
        self._expect(())
        self.languages: dict[str, tuple[str, ...]] = {}
        if settings.asr or settings.engine_name in REMOTE:
            self.languages[_kind(settings)] = _languages(settings)
        if settings.engine_name == "embedded" or settings.fallback == "embedded":
            self.languages["embedded"] = own.capabilities.languages
        for name, known in self.languages.items():
            if name != "embedded" and settings.fallback == "embedded":
                both = dict.fromkeys((*known, *own.capabilities.languages))
                self.languages[name] = tuple(both)

    async def choose(self, name: str, language: str) -> Engine:
        """Return one of them, ready to work.

        Raises ConfigurationError, LanguageNotSupported, RecognizerUnavailable; but not if there is
        no server, because one may appear.
        """
        engines = self._serving(name, language)
        if engines == (self._own,):
            return await self._embedded(language)
        return self._remote(language, engines)

    def check(self, name: str, language: str) -> None:
        """Raise what ``choose`` would raise of the settings. Loads no model."""
        self._serving(name, language)
        self._detect(language)

    def _serving(self, name: str, language: str) -> tuple[Served, ...]:
        """The engines that serve a room, the first one first."""
        settings, own = self._settings, self._own
        tags = Languages.parse(language).known
        if name in REMOTE:
            remote = _remote(settings, _addresses(settings))
            engines: tuple[Served, ...]
            engines = (remote,) if settings.fallback == "none" else (remote, own)
            if len(engines) == 1 or any(map(remote.capabilities.knows, tags)):
                for tag in tags:
                    if not any(one.capabilities.knows(tag) for one in engines):
                        engines[-1].open(tag)  # raises LanguageNotSupported
                return engines
        for tag in tags:
            own.model(tag)  # an unknown language is an error before the meeting
        return (own,)

    async def _embedded(self, language: str) -> Engine:
        own = self._own
        models = [own.model(tag) for tag in Languages.parse(language).known]
        for tag in Languages.parse(language).known:
            await asyncio.to_thread(own.load, tag)
        return Engine(
            language,
            (own,),
            slots=self._settings.slots or min(m.streams for m in models) * own.threads,
            live=self._live,
            model=", ".join(dict.fromkeys(model.names for model in models)),
            detect=self._detect(language),
            expect=self._expect,
        )

    def _remote(self, language: str, engines: tuple[Served, ...]) -> Engine:
        return Engine(
            language,
            engines,
            slots=self._settings.slots or SLOTS,
            live=self._live,
            load_voice=any_sound if self._settings.gate == "sound" else sensitive_voice,
            detect=self._detect(language),
            expect=self._expect,
        )

    def _expect(self, words: Sequence[str]) -> Sequence[str]:
        """Tell the embedded engine of a room's names and terms, and then of the operator's."""
        self._own.vocabulary = fitting(entries((*words, *self._words)))
        return self._own.vocabulary

    def _detect(self, language: str) -> Detect | None:
        """What finds the language of a voice. Raises LanguageNotSupported if it is needed."""
        if self._own.tells_languages:
            return self._own.detect_language
        if Languages.parse(language).by_voice:
            raise LanguageNotSupported(
                "no model here can tell languages apart by voice: `captioner models --fetch` gets"
                f" one; or name one language, not {language!r}"
            )
        return None


@asynccontextmanager
async def offered(
    settings: Settings, *, live: bool = True, address: str | None = None
) -> AsyncIterator[Engines]:
    """Give the engines that the settings offer.

    address: of the process that has the embedded engine's models; by default this one loads them.
    A stand-in's is loaded when it is needed first.
    """
    models = installed(settings.model, device=settings.device)
    if address is not None:
        models = tuple(shared(model, address) for model in models)
    async with EmbeddedEngine(models=models, threads=settings.threads) as own:
        metrics.DECODES_SKIPPED.set_function(lambda: own.skipped_decodes)
        yield Engines(settings, own, live=live)


def check(settings: Settings) -> None:
    """Raise what every room of these settings would fail of, as far as no model tells that.

    Raises ConfigurationError, LanguageNotSupported, RecognizerUnavailable.
    """
    own = EmbeddedEngine(models=installed(settings.model, device=settings.device))
    Engines(settings, own, live=True).check(settings.engine_name, settings.language)
    settings.policy({})


@asynccontextmanager
async def chosen(settings: Settings, *, live: bool = True) -> AsyncIterator[Engine]:
    """Give the recogniser that the settings name. live: False for files, as fast as possible.

    Raises what ``Engines.choose`` does.
    """
    async with offered(settings, live=live) as engines:
        yield await engines.choose(settings.engine_name, settings.language)


async def probe(settings: Settings) -> str:
    """Let every speech server hear a moment of silence; return a sentence with the result.

    Raises ConfigurationError, LanguageNotSupported, and the RecognizerError of the first server
    if no server is ready.
    """
    addresses = _addresses(settings)
    _remote(settings, addresses).open(Languages.parse(settings.language).default)
    faults: list[RecognizerError] = []
    for address in addresses:
        try:
            await _heard(_remote(settings, (address,)), Languages.parse(settings.language).default)
        except RecognizerError as exc:
            faults.append(exc)
    if len(faults) == len(addresses):
        raise faults[0]
    name = _kind(settings)
    found = f"{name}, {len(addresses) - len(faults)} of {len(addresses)} servers ready"
    if settings.asr_named_by in OTHER_NAMES.values():
        found += f", named by {settings.asr_named_by}"
    return "; ".join([f"{found}, language {settings.language}", *map(str, faults)])


async def _heard(engine: KyutaiEngine | RealtimeEngine, language: str) -> None:
    """Whether a server recognises at all, which some say only when they hear something."""
    silence = AudioFrame(np.zeros(FRAME_SAMPLES, np.float32), 0)
    try:
        async with asyncio.timeout(PROBE_S), engine.open(language) as recognizer:
            await recognizer.send(silence)
            await recognizer.finish()
            async for _ in recognizer:
                pass
    except TimeoutError:
        where = ", ".join(engine.servers.addresses)
        raise RecognizerUnavailable(f"{where} lets us in, and then recognises nothing") from None


def _remote(settings: Settings, addresses: tuple[str, ...]) -> KyutaiEngine | RealtimeEngine:
    try:
        servers = Servers(addresses, settings.asr_key.get_secret_value())
    except ValueError as exc:
        raise ConfigurationError(
            f"{exc}: say where the speech servers are, by --asr or {settings.asr_named_by}"
        ) from None
    languages, delay_ms = _languages(settings), settings.asr_delay_ms
    if _kind(settings) == "realtime":
        policy = RealtimePolicy(settings.asr_model, delay_ms)
        return RealtimeEngine(servers, languages=languages, policy=policy)
    return KyutaiEngine(servers, languages=languages, policy=SessionPolicy(delay_ms=delay_ms))


def _words(settings: Settings) -> tuple[str, ...]:
    """The operator's names and terms. Raises ConfigurationError."""
    told = settings.words.splitlines()
    if settings.vocabulary is not None:
        try:
            told += settings.vocabulary.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigurationError(
                f"CAPTIONER_VOCABULARY: cannot read {settings.vocabulary} ({type(exc).__name__}):"
                " it is a text file in UTF-8 with a name or term on each line"
            ) from None
    return entries(told)


def _kind(settings: Settings) -> str:
    """Of the servers; the embedded engine may be the one that a room begins with."""
    return "realtime" if settings.engine_name == "realtime" else "kyutai"


def _addresses(settings: Settings) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, settings.asr.split(","))))


def _languages(settings: Settings) -> tuple[str, ...]:
    named = tuple(filter(None, map(str.strip, settings.asr_languages.lower().split(","))))
    return named or (VOXTRAL_LANGUAGES if _kind(settings) == "realtime" else KYUTAI_LANGUAGES)
