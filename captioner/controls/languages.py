"""Who speaks what, by whose choice. Pure.

Somebody's own choice comes first, then a host's, then what their token or their page says in the
attribute ``captions.language``, then the room's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from captioner.contract_attributes import ChosenBy, Spoken
from captioner.controls.decisions import Choices, Decided, Policy
from captioner.errors import InvalidRequest, RequestCode
from captioner.room.protocol import Person
from streaming.languages import Languages
from streaming.recognizer import primary

ATTRIBUTE = "captions.language"


def spoken_by(person: Person, chosen: Choices, decided: Decided, policy: Policy) -> Spoken:
    """Return what somebody speaks who has made, and for whom a host has made, these choices."""
    token = person.attributes.get(ATTRIBUTE, "")
    for language, by in (
        (chosen.own, ChosenBy.SPEAKER), (chosen.host, ChosenBy.HOST), (token, ChosenBy.TOKEN),
    ):  # fmt: skip
        # An engine that was chosen later may not know it.
        if language and not _unknown(policy, decided.engine, language):
            return Spoken(language, by)
    return Spoken(decided.language, ChosenBy.ROOM)


def with_choice(
    spoken: Mapping[str, Choices], who: str, *, by_host: bool, language: str
) -> Mapping[str, Choices]:
    """Return the choices of everybody with a new one for ``who``; "" takes one back."""
    before = spoken.get(who, Choices())
    choices = replace(before, host=language) if by_host else replace(before, own=language)
    others = {one: said for one, said in spoken.items() if one != who}
    return others if choices == Choices() else {**others, who: choices}


def must_know(policy: Policy, engine: str, language: str) -> None:
    """Raises InvalidRequest (NO_SUCH_CHOICE) that names what there is."""
    languages = policy.engines.get(engine)
    if languages is None:
        raise _no_such_choice("engine", engine, engines=list(policy.engines))
    if unknown := _unknown(policy, engine, language):
        raise _no_such_choice("language", unknown, languages=list(languages))


def _unknown(policy: Policy, engine: str, language: str) -> str | None:
    """Return what of a choice of languages the engine does not know."""
    known = {primary(one) for one in policy.engines.get(engine, ())}
    try:
        named = Languages.parse(language).known
    except ValueError:
        return language[:80]
    return next((tag for tag in named if primary(tag) not in known), None)


def _no_such_choice(what: str, asked: str, **there_is: list[str]) -> InvalidRequest:
    choices = ", ".join(*there_is.values())
    return InvalidRequest(
        f"no {what} {asked!r} here; there is {choices}",
        code=RequestCode.NO_SUCH_CHOICE,
        data=json.dumps(there_is),
    )
