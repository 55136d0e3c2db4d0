"""What the bot tells everybody in its participant attributes: a part of the caption contract."""

from __future__ import annotations

from dataclasses import dataclass

from captioner.contract import ConsentRule, State


@dataclass(frozen=True, slots=True)
class Service:
    """The bot's attributes, which everybody sees without asking.

    engine: the active one. stands_in: the engine that replaces an unavailable one, or "".
    engines, languages: what a host may choose. by: the host who last switched, or "".
    """

    state: State
    session: str
    origin_utc_ms: int
    language: str
    engine: str
    stands_in: str = ""
    engines: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    by: str = ""
    transcript: bool = False
    consent: ConsentRule = ConsentRule.UNLESS_REFUSED
    delay_ms: int = 0


def attributes(service: Service) -> dict[str, str]:
    """The bot's attributes."""
    return {
        "captions.state": str(service.state),
        "captions.session": service.session,
        "captions.origin": str(service.origin_utc_ms),
        "captions.lang": service.language,
        "captions.engine": service.engine,
        "captions.stands_in": service.stands_in,
        "captions.engines": ",".join(service.engines),
        "captions.languages": ",".join(service.languages),
        "captions.by": service.by,
        "captions.transcript": "on" if service.transcript else "off",
        "captions.consent": str(service.consent),
        "captions.delay_ms": str(service.delay_ms),
    }
