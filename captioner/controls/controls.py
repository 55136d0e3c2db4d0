"""Who may decide what in a room, who is captioned and kept, and when it listens. Pure.

A request becomes a Wish, or raises InvalidRequest. What of a wish protects people takes effect at
once (``protected``), all of it once it is stored (``fulfilled``): decision_writer.py sees to that,
and is the only one to set ``decided``. Who reads is known here and told to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from captioner.contract import ConsentRule, State
from captioner.contract_attributes import ChosenBy, Spoken
from captioner.contract_requests import Change, Consent, Hello, Speaks
from captioner.controls.decisions import Choices, Decided, Known, Policy, Want, Wish
from captioner.controls.languages import must_know, spoken_by, with_choice
from captioner.errors import InvalidRequest, RequestCode
from captioner.room.protocol import Kind, Person, Source, Voice

ARRIVING_S = 10.0
"""So long a reader counts of whom the media server has not told yet; it does every 3 s."""

IDLE_S = 60.0
"""So long after the last reader left, it goes on listening."""

CHECK_S = 5.0
"""How long a bot that finds nothing stored waits for what the pages know."""

CONSENTS_MAX = 10_000
"""People of one room who said something about their speech."""

_NO_HOST = {
    "not-host": "only hosts may do this",
    "unsigned": "hosts are known by attributes that their token signs; yours can be changed by"
    " yourself (canUpdateOwnMetadata), so they prove nothing",
}


class Controls:
    """The decisions of one room, and who reads there. ``now`` is seconds on one clock.

    pseudonym: the name of an identity in ``decided``. Both are set by the decision writer alone.
    name_of: the name under which somebody is shown.
    """

    def __init__(self, decided: Decided, policy: Policy) -> None:
        self.decided = decided
        self.pseudonym: Callable[[str], str] = lambda identity: identity
        self.name_of: Callable[[Person], str] = lambda person: person.name
        self._policy = policy
        self._readers: set[str] = set()
        self._arriving: dict[str, float] = {}  # readers who are not seen yet, since when
        self._here: set[str] = set()
        self._silent: set[str] = set()  # who may read, and cannot say whether they do
        self._people: set[str] = set()
        self._last_read: float | None = None
        self._unasked: set[str] = set()  # who wishes nothing, by their own word
        self._first: set[str] = set()  # who was there before the bot
        self._check_until = 0.0
        self.goes_on = False  # with what a bot before it stored
        self._host = ("", "")  # who switched last: pseudonym, name

    def change(self, caller: Person, change: Change) -> Wish:
        """A host switches. Raises InvalidRequest."""
        self.require_host(caller)
        if change.transcript and not self._policy.transcripts:
            raise InvalidRequest(
                "no transcripts here: the operator must set CAPTIONER_TRANSCRIPTS",
                code=RequestCode.NOT_AVAILABLE,
            )
        switches: dict[str, Any] = {"enabled": change.enabled, "transcript": change.transcript}
        if change.engine is not None or change.language is not None:
            engine = self.decided.engine if change.engine is None else change.engine
            language = self.decided.language if change.language is None else change.language
            must_know(self._policy, engine, language)
            switches |= {"engine": engine, "language": language}
        given = {name: value for name, value in switches.items() if value is not None}
        return Wish(caller.identity, given, host=True)

    def require_host(self, caller: Person) -> None:
        """Raises InvalidRequest (NOT_ALLOWED)."""
        if why := self._policy.hosts.against(caller):
            raise InvalidRequest(_NO_HOST[why], code=RequestCode.NOT_ALLOWED, data=why)

    def agree(self, caller: str, consent: Consent) -> Wish:
        """Somebody (an identity) says what may be done with the own speech.

        Raises InvalidRequest.
        """
        consents = self.decided.consents
        if len(consents) >= CONSENTS_MAX and self.pseudonym(caller) not in consents:
            raise InvalidRequest(
                "too many people of this room have decided about their speech",
                code=RequestCode.NOT_STORED,
            )
        return Wish(caller, consent=replace(consent, kept=consent.captioned and consent.kept))

    def speak(self, caller: Person, request: Speaks) -> Wish:
        """Somebody says what they speak, or a host what somebody else does.

        Raises InvalidRequest.
        """
        speaker = request.speaker or caller.identity
        is_own = speaker == caller.identity
        if not is_own:
            self.require_host(caller)
        if request.language:
            must_know(self._policy, self.decided.engine, request.language)
        spoken = self.decided.spoken
        if len(spoken) >= CONSENTS_MAX and self.pseudonym(speaker) not in spoken:
            raise InvalidRequest(
                "too many people of this room have a language of their own",
                code=RequestCode.NOT_STORED,
            )
        return Wish(caller.identity, host=not is_own, speaker=speaker, speaks=request.language)

    def spoken(self, person: Person) -> Spoken:
        """What somebody speaks, and by whose choice."""
        chosen = self._choices(person.identity)
        return spoken_by(person, chosen, self.decided, self._policy)

    def spoken_in(self, voice: Voice) -> Spoken:
        """What is spoken in a track; on a shared screen it is not the sharer who speaks."""
        if voice.source is Source.SCREEN:
            return Spoken(self.decided.language, ChosenBy.ROOM)
        return self.spoken(voice.person())

    def protected(self, wish: Wish) -> Decided:
        """What is decided, with the part of a wish that switches off, or refuses."""
        off = {name: value for name, value in wish.switches.items() if value is False}
        consent = wish.consent
        if consent is not None:
            now = Consent(self.captions(wish.caller), self.keeps(wish.caller))
            less = Consent(now.captioned and consent.captioned, now.kept and consent.kept)
            consent = less if less == consent or less != now else None
        return self.fulfilled(replace(wish, switches=off, consent=consent, speaks=None))

    def fulfilled(self, wish: Wish, *, upon: Decided | None = None) -> Decided:
        """What is decided (or ``upon``), with all of a wish."""
        before = upon or self.decided
        after = replace(before, **wish.switches)
        if wish.speaks is not None:
            who, host = self.pseudonym(wish.speaker), wish.host
            spoken = with_choice(after.spoken, who, by_host=host, language=wish.speaks)
            after = replace(after, spoken=spoken)
        if wish.host and after != before:
            named = self._policy.name_hosts and wish.caller
            after = replace(after, by=self.pseudonym(wish.caller) if named else "")
        if wish.consent is not None:
            consents = {**after.consents, self.pseudonym(wish.caller): wish.consent}
            after = replace(after, consents=consents)
        return after

    def hello(self, caller: str, hello: Hello, now: float) -> None:
        """Somebody (an identity) reads captions, or no longer does."""
        self._note(now)
        self._readers.discard(caller)
        self._arriving.pop(caller, None)
        if hello.want and caller in self._here:
            self._readers.add(caller)
        elif hello.want:
            self._arriving = self._still_arriving(now) | {caller: now}
        if hello.wish == "none":
            self._unasked.add(caller)
        self._note(now)

    def present(self, people: Iterable[Person], now: float) -> None:
        """Who is in the room. Who left reads no more."""
        self._note(now)
        everybody = list(people)
        by = self.decided.by
        if by and by != self._host[0]:
            host = next((p for p in everybody if self.pseudonym(p.identity) == by), None)
            self._host = (by, self.name_of(host)) if host else self._host
        self._here = {person.identity for person in everybody}
        self._people = {p.identity for p in everybody if p.kind is not Kind.AGENT}
        self._silent = {p.identity for p in everybody if p.only_listens}
        arriving = self._still_arriving(now)
        self._readers = (self._readers | arriving.keys()) & self._here
        self._arriving = {who: at for who, at in arriving.items() if who not in self._here}
        self._unasked |= {p.identity for p in everybody if p.kind is not Kind.PERSON}
        self._unasked &= self._here | arriving.keys()
        self._note(now)

    def linger(self, now: float) -> None:
        """Listen as if somebody had read until now: who did so before a restart says it again."""
        self._last_read = now

    def check(self, people: Iterable[Person], now: float) -> None:
        """Nothing is stored of the room: wait for what the pages of these people know."""
        self._first = {person.identity for person in people}
        self._check_until = now + CHECK_S

    def checked(self, now: float) -> bool:
        """Whether there has been enough time for that."""
        return self.decided.known is Known.PERHAPS and now >= self._check_until

    def said(self, identity: str) -> Consent | None:
        """What this one has said about the own speech."""
        return self.decided.consents.get(self.pseudonym(identity))

    def captions(self, identity: str) -> bool:
        """Whether this one's speech may be captioned."""
        said = self.said(identity)
        if said is not None:
            return said.captioned
        if self.decided.known is Known.LOST and identity not in self._unasked:
            return False
        return self._policy.consent is ConsentRule.UNLESS_REFUSED and not self.waits(identity)

    def keeps(self, identity: str) -> bool:
        """Whether this one's speech may be kept in a transcript."""
        said = self.said(identity)
        return self.captions(identity) if said is None else said.captioned and said.kept

    def waits(self, identity: str) -> bool:
        """Whether this one is not captioned only until the page, or enough time, has spoken."""
        return (
            self.decided.known is Known.PERHAPS
            and self._policy.consent is ConsentRule.UNLESS_REFUSED
            and identity in self._first
            and identity not in self._unasked
            and self.said(identity) is None
        )

    def state(self, now: float) -> State:
        """OFF, IDLE or ON: whether there is anything to listen for."""
        if not self.decided.enabled:
            return State.OFF
        return State.ON if self._wanted(now) else State.IDLE

    def you(self, person: Person) -> dict[str, Any]:
        """What a page is told of its own user."""
        why = self._policy.hosts.against(person)
        return {
            "host": why is None,
            **({"why": why} if why else {}),
            "captioned": self.captions(person.identity),
            "kept": self.keeps(person.identity),
            "said": self.said(person.identity) is not None,
            "language": self._choices(person.identity).own,
        }

    @property
    def again_ms(self) -> int:
        """How often someone who is never seen has to say again that they read."""
        return round(IDLE_S * 500)

    @property
    def by(self) -> str:
        """The name of the host who last switched, or ""."""
        return self._host[1] if self._host[0] == self.decided.by else ""

    @property
    def languages(self) -> tuple[str, ...]:
        """What a host may choose with the engine chosen."""
        return self._policy.engines.get(self.decided.engine, ())

    @property
    def consent(self) -> ConsentRule:
        """Who is captioned that said nothing about it."""
        lost = self.decided.known is Known.LOST
        return ConsentRule.IF_AGREED if lost else self._policy.consent

    def _choices(self, identity: str) -> Choices:
        return self.decided.spoken.get(self.pseudonym(identity), Choices())

    def _reading(self, now: float) -> bool:
        if self._policy.want is Want.ALWAYS:
            return bool(self._people)
        return bool(self._readers or self._silent or self._still_arriving(now))

    def _still_arriving(self, now: float) -> dict[str, float]:
        return {who: at for who, at in self._arriving.items() if now - at < ARRIVING_S}

    def _note(self, now: float) -> None:
        if self._reading(now):
            self._last_read = now

    def _wanted(self, now: float) -> bool:
        if self._reading(now) or self.decided.transcript:
            return True
        return self._last_read is not None and now - self._last_read < IDLE_S
