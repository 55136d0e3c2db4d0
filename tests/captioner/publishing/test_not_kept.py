"""Speech that is captioned and not kept is for those who are there when it is said."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from captioner.bot.scripted_meeting import HandClock, scripted_meeting, words
from captioner.captions.cues import Cue, CueClosed, CueUpdated
from captioner.contract import Caption
from captioner.contract_requests import CONSENT, HELLO, HISTORY, After, Hello, Older
from captioner.publishing.attendance import AWAY_S
from captioner.publishing.history import Entry, History

SPEAKERS, ASKERS = ("anna", "bob"), ("vera", "will")


@dataclass
class Meeting:
    """A publisher, and what may be given to whom by the letter of the promise."""

    clock: HandClock = field(default_factory=HandClock)
    kept: dict[str, bool] = field(default_factory=dict)
    count: int = 0
    open: dict[str, int] = field(default_factory=dict)  # speaker → number of the cue
    private: set[str] = field(default_factory=set)  # cues of which a part was not to be kept
    witnesses: dict[str, set[str]] = field(default_factory=dict)  # closed cue → who was there
    changed: dict[str, int] = field(default_factory=dict)  # cue → number of its last packet
    here: set[str] = field(default_factory=set)
    gone: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.out = self.clock.publisher()
        self.out.history.keeps = lambda speaker: self.kept.get(speaker, True)

    def speak(self, speaker: str, closed: bool) -> None:
        number = self.open.pop(speaker, None)
        if number is None:
            self.count += 1
            number = self.count
        ident = f"t1-{number}"
        cue = Cue(ident, speaker, number * 1000, number * 1000 + 500, "word", "en")
        event = CueClosed(cue, self.out.seq + 1) if closed else CueUpdated(cue, self.out.seq + 1, 0)
        if not self.kept.get(speaker, True):
            self.private.add(ident)
        if closed:
            away = {w for w, at in self.gone.items() if self.clock.now_s - at < AWAY_S}
            self.witnesses[ident] = self.here | away
        else:
            self.open[speaker] = number
        asyncio.run(self.out.publish(Caption(event, speaker, speaker, "TR_1", number * 1000)))
        self.changed[ident] = self.out.seq

    def keep(self, speaker: str, kept: bool) -> None:
        self.kept[speaker] = kept
        if not kept:
            self.out.history.forget(speaker)
            if speaker in self.open:
                self.private.add(f"t1-{self.open[speaker]}")

    def come(self, who: str) -> None:
        left = self.gone.pop(who, None)
        if left is not None and self.clock.now_s - left >= AWAY_S:
            for there in self.witnesses.values():
                there.discard(who)
        self.here.add(who)
        self.out.present(self.here)

    def go(self, who: str) -> None:
        if who in self.here:
            self.here.remove(who)
            self.gone[who] = self.clock.now_s
            self.out.present(self.here)

    def wait(self, seconds: int) -> None:
        self.clock.now_s += seconds

    def ask(self, who: str, request: Hello | After | Older) -> None:
        for cue in self.answers(who, request):
            ident = cue["id"]
            if cue["state"] == "closed" and ident in self.private:
                assert who in self.witnesses[ident], (who, request, ident)

    def answers(self, who: str, request: Hello | After | Older) -> list[dict[str, Any]]:
        """All pages of the answer."""
        out, cues = self.out, []
        first = (
            out.hello(request, caller=who)
            if isinstance(request, Hello)
            else out.page(request, caller=who)
        )
        page = json.loads(first)
        while True:
            cues += page["cues"]
            if page["cursor"] is not None:
                page = json.loads(out.page(After(out.session, int(page["cursor"])), caller=who))
            elif page["older"] is not None:
                page = json.loads(out.page(Older(out.session, int(page["older"])), caller=who))
            else:
                return cues


def requests(session: str) -> st.SearchStrategy[Hello | After | Older]:
    sessions, numbers = st.sampled_from([session, "another", ""]), st.integers(0, 40)
    return st.one_of(
        st.just(Hello(True)),
        st.builds(Hello, st.booleans(), sessions, numbers),
        st.builds(After, sessions, numbers),
        st.builds(Older, sessions, numbers),
    )


SESSION = "s"
WHO, SPEAKER = st.sampled_from([*ASKERS, *SPEAKERS]), st.sampled_from(SPEAKERS)
HAPPENS = st.one_of(
    st.tuples(st.just("speak"), SPEAKER, st.booleans()),
    st.tuples(st.just("speak"), SPEAKER, st.just(True)),
    st.tuples(st.just("keep"), SPEAKER, st.booleans()),
    st.tuples(st.just("come"), WHO),
    st.tuples(st.just("go"), WHO),
    st.tuples(st.just("wait"), st.integers(1, 90)),
    st.tuples(st.just("ask"), WHO, requests(SESSION)),
)


@given(st.lists(HAPPENS, max_size=40))
def test_nobody_who_was_not_there_gets_what_is_not_kept_whatever_they_ask(
    happens: list[tuple[Any, ...]],
) -> None:
    meeting = Meeting()
    meeting.out.session = SESSION
    for what, *facts in happens:
        getattr(meeting, what)(*facts)
    for who in (*ASKERS, *SPEAKERS, "a stranger"):
        for session in (SESSION, "another"):
            for request in (Hello(True), Hello(True, session, 0), After(session, 0)):
                meeting.ask(who, request)
            meeting.ask(who, Older(session, meeting.out.seq + 1))


@given(st.lists(st.tuples(SPEAKER, st.booleans()), min_size=1, max_size=30), st.data())
def test_who_was_there_misses_nothing_of_what_is_not_kept(
    said: list[tuple[str, bool]], data: st.DataObject
) -> None:
    meeting = Meeting()
    meeting.come("vera")
    meeting.keep("anna", False)
    for speaker, closed in said:
        meeting.speak(speaker, closed)
    missed_from = data.draw(st.integers(0, meeting.out.seq))
    meeting.go("vera")
    meeting.wait(int(AWAY_S) - 1)
    meeting.come("vera")
    missed = {ident for ident, seq in meeting.changed.items() if seq > missed_from}
    for request in (
        Hello(True, meeting.out.session, missed_from),
        After(meeting.out.session, missed_from),
    ):
        assert {cue["id"] for cue in meeting.answers("vera", request)} == missed


def test_what_was_said_before_somebody_agrees_to_be_kept_is_in_no_file() -> None:
    kept, agrees = History(), False
    kept.keeps = lambda _speaker: agrees
    cue = Cue("t1-1", "anna", 0, 500, "word", "en")
    kept.add(Entry(1, Caption(CueClosed(cue, 1), "anna", "Anna", "TR_1", 0), {"id": "t1-1"}))
    agrees = True
    assert kept.closed() == []


async def test_a_latecomer_gets_nothing_of_what_is_not_kept_and_a_viewer_all_that_was_missed() -> (
    None
):
    async with scripted_meeting(lambda _n: words("private")) as meeting:
        for name in ("anna", "vera"):
            meeting.come(name)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        await meeting.room.ask("anna", CONSENT, captioned=True, kept=False)
        while not meeting.said("anna"):
            await meeting.speak("anna", frames=3)
        meeting.room.mute("anna", muted=True)
        session = meeting.room.told["captions.session"]

        async def asked(who: str) -> str:
            return str(
                [
                    await meeting.room.ask(who, HELLO, want=True),
                    await meeting.room.ask(who, HELLO, want=True, session=session, after_seq=0),
                    await meeting.room.ask(who, HISTORY, session="another", after_seq=0),
                    await meeting.room.ask(who, HISTORY, session=session, cursor="0"),
                    await meeting.room.ask(who, HISTORY, session=session, older="999999"),
                ]
            )

        assert "private" in await asked("vera")
        assert "private" not in await asked("will")
        meeting.come("will")
        assert "private" not in await asked("will")
