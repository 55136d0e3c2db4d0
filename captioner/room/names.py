"""The names under which people are shown: nobody's twice, no telephone number whole. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from captioner.captions.webvtt import one_line_name
from captioner.room.protocol import Kind, Person, Source

PEOPLE_MAX = 10_000
"""People of one meeting whose names are told apart; of more, those who left first are forgotten."""

NUMBERS_MAX = 1_000
"""People of one meeting whose numbers a bot after this one knows."""

_WORDS = {"en": ("Guest", "screen"), "fr": ("Invité", "écran")}
"""For who has no name, and for the sound of a shared screen, by the room's language."""

_NUMBER = re.compile(r"\+?\d[\d\s().\-/]{3,}\d")


@dataclass(frozen=True, slots=True)
class Name:
    """A name, and a label that tells it from others and is never cut off."""

    text: str
    label: str = ""

    def __str__(self) -> str:
        return self.text + self.label


Numbers = Mapping[str, tuple[str, int]]
"""Who has which number under which name; people and names by their pseudonyms."""


class Names:
    """One meeting's. Of two people of one name, the one who came later has a number.

    It stays theirs as long as they have that name. Who has left gives it back unless they spoke:
    captions of two people never have the same name. language: the room's, for words of ours.
    pseudonym: of an identity, or of a name. before: the numbers that a bot before this one gave.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self.pseudonym: Callable[[str], str] = lambda text: text
        self.before: Numbers = {}
        self._numbers: dict[str, dict[str, int]] = {}  # name, compared → identity → number
        self._called: dict[str, str] = {}  # identity → name, compared
        self._spoke: set[str] = set()

    def present(self, people: Iterable[Person]) -> None:
        """Give everybody who is in the room a name, in the order in which they joined."""
        here = sorted(people, key=lambda person: (person.joined_ms, person.sid))
        known = {person.identity for person in here} | self._spoke
        for identity in [who for who in self._called if who not in known]:
            self._forget(identity)
        for person in here:
            self.of(person)

    def spoken(self, person: Person, source: Source) -> Name:
        """Return the name of somebody who is captioned now."""
        self._spoke.add(person.identity)
        return self.of(person, source)

    def of(self, person: Person, source: Source = Source.MICROPHONE) -> Name:
        """Return the name under which this one is shown."""
        guest, screen = _WORDS.get(self.language.partition("-")[0], _WORDS["en"])
        text = one_line_name(person.name)
        if person.kind is Kind.PHONE:
            text = _masked(text or person.identity)
        text = text or guest
        number = self._number(person.identity, text)
        label = f" ({number})" if number > 1 else ""
        return Name(text, f"{label} ({screen})" if source is Source.SCREEN else label)

    def _number(self, identity: str, text: str) -> int:
        compared = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        if self._called.get(identity) != compared:
            self._forget(identity)
            if len(self._called) >= PEOPLE_MAX:
                self._forget(next(iter(self._called)))
            taken = self._numbers.setdefault(compared, {})
            taken[identity] = self._new_number(identity, compared, set(taken.values()))
            self._called[identity] = compared
        return self._numbers[compared][identity]

    def _new_number(self, identity: str, name: str, used: set[int]) -> int:
        key, me = self.pseudonym(name), self.pseudonym(identity)
        mine = self.before.get(me)
        if mine is not None and mine[0] == key and mine[1] not in used:
            return mine[1]
        used |= {number for who, (theirs, number) in self.before.items() if theirs == key}
        return next(n for n in range(1, len(used) + 2) if n not in used)

    def numbers(self) -> Numbers:
        """Return the numbers of people whose names are not theirs alone, for a bot after this one.

        Who had one from the bot before keeps it: their captions may be on a page yet.
        """
        now = {
            self.pseudonym(identity): (self.pseudonym(name), number)
            for name, taken in self._numbers.items()
            if max(taken.values()) > 1
            for identity, number in taken.items()
        }
        return dict(list((dict(self.before) | now).items())[-NUMBERS_MAX:])

    def _forget(self, identity: str) -> None:
        compared = self._called.pop(identity, None)
        if compared is not None:
            del self._numbers[compared][identity]
            if not self._numbers[compared]:
                del self._numbers[compared]
        self._spoke.discard(identity)


def _masked(name: str) -> str:
    """Return a name in which of telephone numbers only the last two digits are visible."""
    return _NUMBER.sub(lambda found: _mask(found[0]), name)


def _mask(number: str) -> str:
    hidden = sum(c.isdigit() for c in number) - 2
    out = []
    for char in number:
        if char.isdigit() and hidden > 0:
            hidden -= 1
            char = "•"
        out.append(char)
    return "".join(out)
