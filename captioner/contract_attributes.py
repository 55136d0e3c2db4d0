"""What the bot tells everybody in its participant attributes: a part of the caption contract."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from captioner.contract import ConsentRule, State

SUCCESSOR = "captions.successor"
ANY = "*"
"""No participant's identity."""


class ChosenBy(StrEnum):
    """Who chose the language of a voice; the first of them that chose one counts."""

    SPEAKER = "speaker"
    HOST = "host"
    TOKEN = "token"
    ROOM = "room"
    VOICE = "voice"  # found among several


@dataclass(frozen=True, slots=True)
class Spoken:
    """The language of a voice, and who chose it."""

    language: str
    by: ChosenBy


@dataclass(frozen=True, slots=True)
class Service:
    """The bot's attributes, which everybody sees without asking.

    engine: the active one. stands_in: the engine that replaces an unavailable one, or "".
    language: of who has no other. among: what is found by voice, "*" for all; "" if nothing is.
    engines, languages: what a host may choose. by: the host who last switched, or "".
    successor: the bot that takes over from this one; ANY while it waits for one; "" if it stays.
    """

    state: State
    session: str
    origin_utc_ms: int
    language: str
    engine: str
    among: str = ""
    stands_in: str = ""
    engines: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    by: str = ""
    transcript: bool = False
    consent: ConsentRule = ConsentRule.UNLESS_REFUSED
    delay_ms: int = 0
    successor: str = ""


def attributes(service: Service) -> dict[str, str]:
    """The bot's attributes."""
    return {
        "captions.state": str(service.state),
        "captions.session": service.session,
        "captions.origin": str(service.origin_utc_ms),
        "captions.lang": service.language,
        "captions.auto": service.among,
        "captions.engine": service.engine,
        "captions.stands_in": service.stands_in,
        "captions.engines": ",".join(service.engines),
        "captions.languages": ",".join(service.languages),
        "captions.by": service.by,
        "captions.transcript": "on" if service.transcript else "off",
        "captions.consent": str(service.consent),
        "captions.delay_ms": str(service.delay_ms),
        **({SUCCESSOR: service.successor} if service.successor else {}),
    }
