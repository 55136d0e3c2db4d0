"""What is decided in a room, and by whose rules: values, without a clock, a disk or a network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from captioner.contract import ConsentRule
from captioner.contract_requests import Consent
from captioner.errors import ConfigurationError
from captioner.room.names import Numbers
from captioner.room.protocol import Kind, Person


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
        if person.kind is Kind.BACK_END:
            return None
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


class Known(StrEnum):
    """Whether the bot knows what was decided before it came.

    It may not: its folder is empty, damaged, or on a disk that does not answer, or the bot before
    it ran on another machine. Telephones cannot have refused and fall under the operator's rule
    in any case.

    ALL: it knows. Who has said nothing falls under the operator's rule.

    PERHAPS: nothing is stored of the room. Either this bot is the first one in it, or the store
    lost what was decided. For CHECK_S nobody who was there before the bot is captioned unless
    their page says what they wish, be it nothing, as pages do once they see the bot. After that
    this bot counts as the first one.

    LOST: something was decided, and is not known: the store cannot be read, another caption bot
    was there before, or a page says that it had one. Nobody is captioned unless the store or
    their own page says what they wish, for as long as that takes.
    """

    ALL = "all"
    PERHAPS = "perhaps"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody's speech is said to be, see ``Languages``: by themselves, by a host; or ""."""

    own: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided in one room: this is stored, and nothing that anybody said.

    People are known by pseudonyms of their identities. language: what ``Languages`` reads; spoken:
    by whom something else is spoken. by: the host who last switched, or "".
    numbers: what tells people of one name apart.
    """

    language: str
    engine: str
    enabled: bool = True
    transcript: bool = False
    by: str = ""
    known: Known = Known.ALL
    consents: Mapping[str, Consent] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=dict)
    spoken: Mapping[str, Choices] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """One change of what is decided. caller: an identity; "" for the bot, or a back end."""

    caller: str
    before: Decided
    after: Decided


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. switches: new values of fields of Decided. host: asks as one.

    speaker, speaks: whose language it is, and which; the caller's own unless asked as a host.
    """

    caller: str
    switches: Mapping[str, Any] = field(default_factory=dict)
    consent: Consent | None = None
    host: bool = False
    speaker: str = ""
    speaks: str | None = None

    @property
    def parts(self) -> frozenset[str]:
        """What it is about: of two wishes about the same the later one holds."""
        parts = set(self.switches) | ({f"consent:{self.caller}"} if self.consent else set())
        return frozenset(parts | ({self._language} if self.speaks is not None else set()))

    @property
    def _language(self) -> str:
        return f"language:{self.host}:{self.speaker}"

    def without(self, parts: Collection[str]) -> Wish:
        """What is left when others have decided about ``parts`` since."""
        switches = {name: value for name, value in self.switches.items() if name not in parts}
        mine = None if f"consent:{self.caller}" in parts else self.consent
        speaks = None if self._language in parts else self.speaks
        return replace(self, switches=switches, consent=mine, speaks=speaks)
