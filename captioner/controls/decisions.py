"""Who decides what in a room: hosts, speakers, readers. Pure: takes requests, gives decisions.

A request gives new ``Decided``, or raises InvalidRequest; nothing changes until ``decided`` is
set, which the shell does once they are stored. Who reads is known here and told to nobody.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from captioner.contract import ConsentRule, State
from captioner.contract_requests import Change, Consent, Hello
from captioner.errors import ConfigurationError, InvalidRequest, RequestCode
from captioner.room.protocol import Kind, Person
from streaming.recognizer import primary

ARRIVING_S = 10.0
"""So long a reader counts of whom the media server has not told yet; it does every 3 s."""

IDLE_S = 60.0
"""So long after the last reader left, it goes on listening."""

CONSENTS_MAX = 10_000
"""People of one room who said something about their speech."""


class Want(StrEnum):
    """Who counts as a reader."""

    HELLO = "hello"  # who says so
    ALWAYS = "always"  # everybody who is no agent


@dataclass(frozen=True, slots=True)
class HostRule:
    """Which signed attribute makes a host: its name, and the values that do."""

    attribute: str = "room_role"
    values: frozenset[str] = frozenset({"owner", "administrator"})

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``attribute=value,value``. Raises ConfigurationError."""
        attribute, _, values = text.partition("=")
        allowed = frozenset(filter(None, map(str.strip, values.split(","))))
        if not attribute.strip() or not allowed:
            raise ConfigurationError(
                f"CAPTIONER_HOSTS is {text!r}: write the attribute that your tokens sign, and the"
                " values that make a host, as in room_role=owner,administrator"
            )
        return cls(attribute.strip(), allowed)

    def against(self, person: Person) -> str | None:
        """Why ``person`` is no host, for its page to translate; None if it is one."""
        if person.kind is not Kind.PERSON or (
            person.attributes.get(self.attribute) not in self.values
        ):
            return "not-host"
        return None if person.signed else "unsigned"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator configured. engines: by name, with the languages that each knows."""

    engines: Mapping[str, tuple[str, ...]]
    hosts: HostRule = field(default_factory=HostRule)
    consent: ConsentRule = ConsentRule.UNLESS_REFUSED
    want: Want = Want.HELLO
    transcripts: bool = False
    name_hosts: bool = True


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided in one room: this, and nothing that anybody said, is kept on disk.

    by: name of the host who last switched, or "". strict: earlier decisions could not be read,
    so only who agrees is captioned. consents: by identity.
    """

    language: str
    engine: str
    enabled: bool = True
    transcript: bool = False
    by: str = ""
    strict: bool = False
    consents: Mapping[str, Consent] = field(default_factory=dict)


class Controls:
    """The decisions of one room, and who reads there. ``now`` is seconds on one clock."""

    def __init__(self, decided: Decided, policy: Policy) -> None:
        self.decided = decided
        self._policy = policy
        self._readers: set[str] = set()
        self._arriving: dict[str, float] = {}  # readers who are not seen yet, since when
        self._here: set[str] = set()
        self._people: set[str] = set()
        self._last_read: float | None = None

    def change(self, caller: Person, change: Change) -> Decided:
        """A host switches. Raises InvalidRequest."""
        if why := self._policy.hosts.against(caller):
            raise InvalidRequest(_NO_HOST[why], code=RequestCode.NOT_ALLOWED, data=why)
        old = self.decided
        engine = old.engine if change.engine is None else change.engine
        language = old.language if change.language is None else change.language
        self._must_know(engine, language)
        if change.transcript and not self._policy.transcripts:
            raise InvalidRequest(
                "no transcripts here: the operator must set CAPTIONER_TRANSCRIPTS",
                code=RequestCode.NOT_AVAILABLE,
            )
        return replace(
            old,
            enabled=old.enabled if change.enabled is None else change.enabled,
            language=language,
            engine=engine,
            transcript=old.transcript if change.transcript is None else change.transcript,
            by=(caller.name or caller.identity) if self._policy.name_hosts else "",
        )

    def agree(self, caller: Person, consent: Consent) -> Decided:
        """Somebody says what may be done with the own speech. Raises InvalidRequest."""
        consents = {**self.decided.consents, caller.identity: consent}
        if len(consents) > CONSENTS_MAX:
            raise InvalidRequest(
                "too many people of this room have decided about their speech",
                code=RequestCode.NOT_STORED,
            )
        return replace(self.decided, consents=consents)

    def hello(self, caller: str, hello: Hello, now: float) -> None:
        """Somebody (an identity) reads captions, or no longer does."""
        self._note(now)
        self._readers.discard(caller)
        self._arriving.pop(caller, None)
        if hello.want and caller in self._here:
            self._readers.add(caller)
        elif hello.want:
            self._arriving = self._still_arriving(now) | {caller: now}
        self._note(now)

    def present(self, people: Iterable[Person], now: float) -> None:
        """Who is in the room. Who left reads no more."""
        self._note(now)
        everybody = list(people)
        self._here = {person.identity for person in everybody}
        self._people = {p.identity for p in everybody if p.kind is not Kind.AGENT}
        arriving = self._still_arriving(now)
        self._readers = (self._readers | arriving.keys()) & self._here
        self._arriving = {who: at for who, at in arriving.items() if who not in self._here}
        self._note(now)

    def linger(self, now: float) -> None:
        """Listen as if somebody had read until now: who did so before a restart says it again."""
        self._last_read = now

    def captions(self, identity: str) -> bool:
        """Whether this one's speech may be captioned."""
        said = self.decided.consents.get(identity)
        if said is not None:
            return said.captioned
        return not self.decided.strict and self._policy.consent is ConsentRule.UNLESS_REFUSED

    def keeps(self, identity: str) -> bool:
        """Whether this one's speech may be kept in a transcript."""
        said = self.decided.consents.get(identity)
        return self.captions(identity) if said is None else said.captioned and said.kept

    def state(self, now: float) -> State:
        """OFF, IDLE or ON: whether there is anything to listen for."""
        if not self.decided.enabled:
            return State.OFF
        return State.ON if self._wanted(now) else State.IDLE

    def idle_in(self, now: float) -> float | None:
        """Seconds until nobody wants captions any more; None when that takes an event."""
        if self.state(now) is not State.ON or self._reading(now) or self.decided.transcript:
            return None
        assert self._last_read is not None
        return max(self._last_read + IDLE_S - now, 0.0)

    def you(self, person: Person) -> dict[str, Any]:
        """What a page is told of its own user."""
        why = self._policy.hosts.against(person)
        return {
            "host": why is None,
            **({"why": why} if why else {}),
            "captioned": self.captions(person.identity),
            "kept": self.keeps(person.identity),
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """What a host may choose with the engine chosen."""
        return self._policy.engines.get(self.decided.engine, ())

    @property
    def consent(self) -> ConsentRule:
        """Who is captioned that said nothing about it."""
        return ConsentRule.IF_AGREED if self.decided.strict else self._policy.consent

    def _reading(self, now: float) -> bool:
        if self._policy.want is Want.ALWAYS:
            return bool(self._people)
        return bool(self._readers or self._still_arriving(now))

    def _still_arriving(self, now: float) -> dict[str, float]:
        return {who: at for who, at in self._arriving.items() if now - at < ARRIVING_S}

    def _note(self, now: float) -> None:
        if self._reading(now):
            self._last_read = now

    def _wanted(self, now: float) -> bool:
        if self._reading(now) or self.decided.transcript:
            return True
        return self._last_read is not None and now - self._last_read < IDLE_S

    def _must_know(self, engine: str, language: str) -> None:
        languages = self._policy.engines.get(engine)
        if languages is None:
            raise _no_such_choice("engine", engine, engines=list(self._policy.engines))
        if primary(language) not in {primary(known) for known in languages}:
            raise _no_such_choice("language", language, languages=list(languages))


def _no_such_choice(what: str, asked: str, **there_is: list[str]) -> InvalidRequest:
    choices = ", ".join(*there_is.values())
    return InvalidRequest(
        f"no {what} {asked!r} here; there is {choices}",
        code=RequestCode.NO_SUCH_CHOICE,
        data=json.dumps(there_is),
    )


_NO_HOST = {
    "not-host": "only hosts may switch captions",
    "unsigned": "hosts are known by attributes that their token signs; yours can be changed by"
    " yourself (canUpdateOwnMetadata), so they prove nothing",
}


class RateLimit:
    """So many requests a second from each caller, with a burst; ``callers`` are remembered."""

    def __init__(self, *, per_s: float = 20, burst: int = 60, callers: int = 1_000) -> None:
        self._per_s = per_s
        self._burst = burst
        self._callers = callers
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, as of when

    def take(self, caller: str, now: float) -> None:
        """One request more. Raises InvalidRequest when that is too many."""
        tokens, since = self._left.pop(caller, (float(self._burst), now))
        tokens = min(tokens + max(now - since, 0) * self._per_s, self._burst)
        self._left[caller] = (max(tokens - 1, 0), now)
        if len(self._left) > self._callers:
            self._left.popitem(last=False)
        if tokens < 1:
            raise InvalidRequest(
                "too many requests: wait a second", code=RequestCode.TOO_MANY_REQUESTS
            )
