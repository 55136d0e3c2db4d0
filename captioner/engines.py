"""Which recogniser captions a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from captioner import metrics
from captioner.bot import Engine
from captioner.errors import ConfigurationError
from captioner.settings import Settings
from streaming.client import RemotePolicy
from streaming.embedded import EmbeddedEngine
from streaming.errors import RecognizerError
from streaming.failover import FailoverEngine
from streaming.link import Servers
from streaming.remote import RemoteEngine
from streaming.session import SessionPolicy

HANDOVER_S = 2.0
"""So long a stream that lost its server looks for another, when there is a stand-in."""


@asynccontextmanager
async def chosen(settings: Settings, *, live: bool = True) -> AsyncIterator[Engine]:
    """The recogniser that the settings name. live: False for files, as fast as it goes.

    Raises ConfigurationError, LanguageNotSupported, RecognizerUnavailable; but not for want of a
    server, for that may come.
    """
    if settings.engine_name == "embedded":
        async with embedded(
            language=settings.language, threads=settings.threads, live=live
        ) as engine:
            yield engine
    else:
        async with _kyutai(settings, live=live) as engine:
            yield engine


@asynccontextmanager
async def embedded(
    *, language: str, threads: int | None, live: bool = True
) -> AsyncIterator[Engine]:
    """The recogniser that needs no server.

    threads: None for one a processor. live: False for files, as fast as it goes.

    Raises LanguageNotSupported, RecognizerUnavailable.
    """
    async with EmbeddedEngine(threads=threads) as engine:
        engine.open(language)  # a language that it does not have is an error before the meeting
        await asyncio.to_thread(engine.load)
        metrics.DECODES_SKIPPED.set_function(lambda: engine.skipped_decodes)
        yield Engine("embedded", language, lambda: engine.open(language, live=live))


async def probe(settings: Settings) -> str:
    """Ask every Kyutai server for a slot; says what was found.

    Raises ConfigurationError, LanguageNotSupported, and the RecognizerError of the first server
    if none has one.
    """
    remote = _remote(settings, patience_s=0)
    remote.open(settings.language)
    faults: list[RecognizerError] = []
    addresses = remote.servers.addresses
    for address in addresses:
        one = RemoteEngine(_servers(settings, (address,)), policy=remote.policy)
        try:
            await one.probe()
        except RecognizerError as exc:
            faults.append(exc)
    if len(faults) == len(addresses):
        raise faults[0]
    found = f"kyutai, {len(addresses) - len(faults)} of {len(addresses)} servers ready"
    return "; ".join([f"{found}, language {settings.language}", *map(str, faults)])


@asynccontextmanager
async def _kyutai(settings: Settings, *, live: bool) -> AsyncIterator[Engine]:
    language = settings.language
    if settings.fallback == "none":
        remote = _remote(settings, patience_s=RemotePolicy().patience_s)
        remote.open(language)
        yield Engine("kyutai", language, lambda: remote.open(language, live=live))
        return
    async with EmbeddedEngine(threads=settings.threads) as stand_in:
        known = language.split("-")[0].lower() in stand_in.capabilities.languages
        patience_s = HANDOVER_S if known else RemotePolicy().patience_s
        engine = FailoverEngine(_remote(settings, patience_s=patience_s), stand_in)
        engine.open(language)
        if known:
            await asyncio.to_thread(stand_in.load)  # now, not when the server is gone
            metrics.DECODES_SKIPPED.set_function(lambda: stand_in.skipped_decodes)
        yield Engine("kyutai", language, lambda: engine.open(language, live=live))


def _remote(settings: Settings, *, patience_s: float) -> RemoteEngine:
    addresses = tuple(filter(None, map(str.strip, settings.asr.split(","))))
    languages = tuple(filter(None, map(str.strip, settings.asr_languages.lower().split(","))))
    session = SessionPolicy(delay_ms=settings.asr_delay_ms)
    policy = RemotePolicy(session=session, patience_s=patience_s)
    return RemoteEngine(_servers(settings, addresses), languages=languages, policy=policy)


def _servers(settings: Settings, addresses: tuple[str, ...]) -> Servers:
    try:
        return Servers(addresses, settings.asr_key.get_secret_value())
    except ValueError as exc:
        raise ConfigurationError(
            f"{exc}: say where the Kyutai servers are, by --asr or CAPTIONER_ASR"
        ) from None
