"""Chooses the recogniser of a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from captioner import metrics
from captioner.errors import ConfigurationError
from captioner.settings import Settings
from captioner.tracks.engine import SLOTS, Engine
from streaming.embedded.engine import EmbeddedEngine
from streaming.embedded.models import installed
from streaming.embedded.shared_model import shared
from streaming.errors import RecognizerError
from streaming.kyutai_client.connection import Servers
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.kyutai_client.session import SessionPolicy
from streaming.voice.gate import any_sound, sensitive_voice


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
        self.languages: dict[str, tuple[str, ...]] = {}
        if settings.asr or settings.engine_name == "kyutai":
            self.languages["kyutai"] = _languages(settings)
        if settings.engine_name == "embedded" or settings.fallback == "embedded":
            self.languages["embedded"] = own.capabilities.languages

    async def choose(self, name: str, language: str) -> Engine:
        """Return one of them, ready to work.

        Raises ConfigurationError, LanguageNotSupported, RecognizerUnavailable; but not if there is
        no server, because one may appear.
        """
        return await (self._kyutai(language) if name == "kyutai" else self._embedded(language))

    async def _embedded(self, language: str) -> Engine:
        own = self._own
        model = own.model(language)  # an unknown language is an error before the meeting
        await asyncio.to_thread(own.load, language)
        return Engine(
            language,
            (own,),
            slots=self._settings.slots or model.streams * own.threads,
            live=self._live,
            model=model.name,
        )

    async def _kyutai(self, language: str) -> Engine:
        settings, own = self._settings, self._own
        kyutai = _kyutai(settings, _addresses(settings))
        stands_in = settings.fallback != "none" and own.capabilities.knows(language)
        if not kyutai.capabilities.knows(language):
            if settings.fallback == "none":
                kyutai.open(language)
            return await self._embedded(language)
        return Engine(
            language,
            (kyutai, own) if stands_in else (kyutai,),
            slots=settings.slots or SLOTS,
            live=self._live,
            load_voice=any_sound if settings.gate == "sound" else sensitive_voice,
        )


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


@asynccontextmanager
async def chosen(settings: Settings, *, live: bool = True) -> AsyncIterator[Engine]:
    """Give the recogniser that the settings name. live: False for files, as fast as possible.

    Raises what ``Engines.choose`` does.
    """
    async with offered(settings, live=live) as engines:
        yield await engines.choose(settings.engine_name, settings.language)


async def probe(settings: Settings) -> str:
    """Ask every Kyutai server for a slot; return a sentence with the result.

    Raises ConfigurationError, LanguageNotSupported, and the RecognizerError of the first server
    if no server has a slot.
    """
    addresses = _addresses(settings)
    _kyutai(settings, addresses).open(settings.language)
    faults: list[RecognizerError] = []
    for address in addresses:
        try:
            async with _kyutai(settings, (address,)).open(settings.language):
                pass
        except RecognizerError as exc:
            faults.append(exc)
    if len(faults) == len(addresses):
        raise faults[0]
    found = f"kyutai, {len(addresses) - len(faults)} of {len(addresses)} servers ready"
    return "; ".join([f"{found}, language {settings.language}", *map(str, faults)])


def _kyutai(settings: Settings, addresses: tuple[str, ...]) -> KyutaiEngine:
    policy = SessionPolicy(delay_ms=settings.asr_delay_ms)
    try:
        servers = Servers(addresses, settings.asr_key.get_secret_value())
    except ValueError as exc:
        raise ConfigurationError(
            f"{exc}: say where the Kyutai servers are, by --asr or CAPTIONER_ASR"
        ) from None
    return KyutaiEngine(servers, languages=_languages(settings), policy=policy)


def _addresses(settings: Settings) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, settings.asr.split(","))))


def _languages(settings: Settings) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, settings.asr_languages.lower().split(","))))
