"""Which rooms get a bot: of any number of workers, whatever becomes of rooms, bots and workers."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from captioner.contract_attributes import ANY, SUCCESSOR
from captioner.worker.facts import CLAIM, Bot, Dispatch, Facts, Listed, identity_of, worker_of
from captioner.worker.own_room import ABSENT_S, EMPTY_S, Own, OwnRoom, Said, is_recalled
from captioner.worker.reconcile import (
    LOOKS_MAX,
    SILENT_S,
    STARTING_MS,
    Reconciler,
    Verdict,
    has_claim,
    wish,
)

AGENT = "captions"
ASKED = Dispatch("AD_1", AGENT, created_ms=0)
LATER_MS = 60_000
SEEKS = Bot("b", attributes={SUCCESSOR: ANY})
NAMED = Bot("b", attributes={SUCCESSOR: "c"})
NAMES = [f"room-{n}" for n in range(4)]


def judged(facts: Facts) -> Verdict:
    return Reconciler(AGENT).judge(facts, LATER_MS / 1000, LATER_MS)


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        (Facts("r", 1, [Bot("b")]), Verdict.FINE),
        (Facts("r", 1, [], []), Verdict.NOT_ASKED),
        (Facts("r", 1, [], [replace(ASKED, agent="another")]), Verdict.NOT_ASKED),
        (Facts("r", 0, [], [ASKED]), Verdict.EMPTY),
        (Facts("r", 1, [], [ASKED]), Verdict.MISSING),
        (Facts("r", 1, [], [replace(ASKED, given_ms=LATER_MS - 1)]), Verdict.UNCERTAIN),
        (Facts("r", 1, [], [replace(ASKED, given_ms=LATER_MS - STARTING_MS)]), Verdict.MISSING),
        (Facts("r", 1, [], [ASKED, Dispatch("c", CLAIM, LATER_MS - 1)]), Verdict.UNCERTAIN),
        (Facts("r", 1, [], [ASKED, Dispatch("c", CLAIM, 0)]), Verdict.MISSING),
        (Facts("r", 1, [Bot("b", answers=False)], [ASKED]), Verdict.UNCERTAIN),
        (Facts("r", 1, [SEEKS], [ASKED]), Verdict.MISSING),  # it gives the room to another
        (Facts("r", 1, [SEEKS], []), Verdict.FINE),  # nobody else would be asked
        (Facts("r", 1, [SEEKS], [ASKED, Dispatch("c", CLAIM, LATER_MS - 1)]), Verdict.UNCERTAIN),
        (Facts("r", 1, [NAMED], [ASKED]), Verdict.UNCERTAIN),  # one is about to come
        (Facts("r", 1, [NAMED, Bot("c")], [ASKED]), Verdict.FINE),
    ],
)
def test_a_room_is_missing_captions_if_somebody_asked_is_there_and_nobody_is_at_it(
    facts: Facts, verdict: Verdict
) -> None:
    assert judged(facts) is verdict


def test_a_bot_is_dead_when_it_has_answered_nobody_for_a_while() -> None:
    silent = Facts("r", 1, [Bot("b", answers=False)], [ASKED])
    reconciler = Reconciler(AGENT)
    assert reconciler.judge(silent, 100.0, LATER_MS) is Verdict.UNCERTAIN
    assert reconciler.judge(silent, 100.0 + SILENT_S, LATER_MS) is Verdict.MISSING
    assert reconciler.judge(Facts("r", 1, [Bot("b")]), 103.0, LATER_MS) is Verdict.FINE
    assert reconciler.judge(silent, 104.0, LATER_MS) is Verdict.UNCERTAIN


def test_a_bot_that_is_dead_before_its_time_to_start_is_over_is_waited_for_no_longer() -> None:
    given = [replace(ASKED, given_ms=LATER_MS)]
    silent = Facts("r", 1, [Bot("b", answers=False)], given)
    reconciler = Reconciler(AGENT)
    over_s = 100.0 + STARTING_MS / 1000
    assert reconciler.judge(silent, 100.0, LATER_MS) is Verdict.UNCERTAIN
    assert reconciler.judge(silent, over_s, LATER_MS + STARTING_MS) is Verdict.MISSING


def test_a_worker_whose_clock_is_behind_waits_no_longer_for_the_bot_of_another() -> None:
    reconciler = Reconciler(AGENT)
    behind_ms = LATER_MS - 3_600_000
    given = Facts("r", 1, [], [replace(ASKED, given_ms=LATER_MS)])
    claimed = Facts("r", 1, [], [ASKED, Dispatch("c", CLAIM, LATER_MS + STARTING_MS)])
    for facts, began_s in ((given, 100.0), (claimed, 110.0)):
        over_s = began_s + STARTING_MS / 1000
        assert reconciler.judge(facts, began_s, behind_ms) is Verdict.UNCERTAIN
        assert reconciler.judge(facts, over_s - 1, behind_ms) is Verdict.UNCERTAIN
        assert reconciler.judge(facts, over_s, behind_ms) is Verdict.MISSING


def test_of_several_claims_the_first_that_is_not_old_wins() -> None:
    old = Dispatch("a", CLAIM, 0, metadata="dead")
    first = Dispatch("b", CLAIM, STARTING_MS, metadata="one")
    second = Dispatch("c", CLAIM, STARTING_MS + 5, metadata="two")
    listed = [second, ASKED, first, old]
    assert has_claim(listed, "one", first)
    assert not has_claim(listed, "two", second)
    same = replace(second, created_ms=first.created_ms)
    assert has_claim([same, first], "one", first) is not has_claim([same, first], "two", same)


def test_a_dispatch_is_recalled_unless_the_media_server_has_lost_them_all() -> None:
    beginning = Dispatch("AD_0", "", created_ms=0)
    assert not is_recalled([beginning, ASKED], "AD_1", 10)
    assert is_recalled([beginning], "AD_1", 10)
    assert not is_recalled([replace(beginning, created_ms=11)], "AD_1", 10)  # began anew


def test_the_oldest_dispatch_is_the_one_that_counts() -> None:
    younger = replace(ASKED, id="AD_2", created_ms=5)
    assert wish([younger, ASKED], AGENT) == ASKED
    assert wish([younger], "another") is None


def test_a_bot_that_is_alone_gives_its_slot_and_one_with_company_keeps_it() -> None:
    own = OwnRoom("AD_1", 0, "me", alone_since_s=0.0)
    here = [Bot("me")]
    assert own.judge(Facts("r", 0, here, [ASKED]), EMPTY_S - 1) is Own.KEEP
    assert own.judge(Facts("r", 2, here, [ASKED]), EMPTY_S) is Own.KEEP
    assert own.judge(Facts("r", 0, here, [ASKED]), EMPTY_S + 1) is Own.KEEP
    assert own.judge(Facts("r", 0, here, [ASKED]), EMPTY_S * 2) is Own.EMPTY
    assert own.judge(Facts("r", 2, here, [Dispatch("AD_0", "", 0)]), EMPTY_S) is Own.RECALLED


def test_a_bot_that_the_room_has_lost_is_given_time_to_come_back() -> None:
    own = OwnRoom("AD_1", 0, "me", alone_since_s=0.0)
    gone, here = Facts("r", 1, [], [ASKED]), Facts("r", 1, [Bot("me")], [ASKED])
    assert [own.judge(gone, at_s) for at_s in (0, 5)] == [Own.KEEP] * 2
    assert own.judge(here, 6) is Own.KEEP
    assert [own.judge(gone, at_s) for at_s in (7, 14, 16)] == [Own.KEEP, Own.KEEP, Own.ABSENT]


def test_a_bot_that_is_in_its_room_is_kept_though_the_media_server_lists_nobody() -> None:
    own = OwnRoom("AD_1", 0, "me", alone_since_s=0.0)
    nobody = Facts("r", 0, [], [ASKED])
    assert own.judge(nobody, EMPTY_S * 2, Said.WITH_OTHERS) is Own.KEEP
    assert own.judge(nobody, EMPTY_S * 3 - 1) is Own.KEEP
    assert own.judge(nobody, EMPTY_S * 3) is Own.EMPTY
    recalled = Facts("r", 2, [], [Dispatch("AD_0", "", 0)])
    assert own.judge(recalled, 0, Said.WITH_OTHERS) is Own.RECALLED


def test_a_bot_that_is_alone_where_people_are_listed_is_in_another_copy_of_the_room() -> None:
    own = OwnRoom("AD_1", 0, "me", alone_since_s=0.0)
    listed = Facts("r", 1, [Bot("me")], [ASKED])
    assert own.judge(listed, 0, Said.ALONE) is Own.KEEP
    assert own.judge(listed, 5, Said.WITH_OTHERS) is Own.KEEP  # it had not heard of them yet
    assert own.judge(listed, 10, Said.ALONE) is Own.KEEP
    assert own.judge(listed, 10 + ABSENT_S, Said.ALONE) is Own.ABSENT
    own.begun(20)
    nobody = Facts("r", 0, [Bot("me")], [ASKED])
    assert own.judge(nobody, 20 + ABSENT_S, Said.ALONE) is Own.KEEP  # they left it


def test_a_bot_that_was_started_again_is_given_time_to_come() -> None:
    own = OwnRoom("AD_1", 0, "me", alone_since_s=0.0)
    gone = Facts("r", 1, [], [ASKED])
    assert [own.judge(gone, at_s) for at_s in (0, 9)] == [Own.KEEP, Own.ABSENT]
    own.begun(10)
    assert [own.judge(gone, at_s) for at_s in (10, 20, 39, 40)] == [Own.KEEP] * 3 + [Own.ABSENT]


def test_every_other_worker_is_asked_for_one_room_before_any_is_for_a_second() -> None:
    bots = {f"r{n}": Bot(f"captions-w{n % 7}-{n}") for n in range(70)}
    listed = [Listed(name, "RM", 3) for name in bots]
    reconciler = Reconciler(AGENT, random.Random(1))
    for name, bot in bots.items():
        reconciler.judge(Facts(name, 3, [bot]), 0.0, 0)
    rounds: list[list[str]] = []
    for now_s in range(10, 300, 10):
        rounds.append(reconciler.next(listed, now_s, most=3))
        for name in rounds[-1]:
            reconciler.judge(Facts(name, 3, [bots[name]]), now_s, 0)
    for n in range(len(rounds) - 4):
        asked = {worker_of(bots[name].identity) for names in rounds[n : n + 4] for name in names}
        assert len(asked) == 7
    assert len({name for names in rounds for name in names}) == 70  # each in its turn


def test_new_rooms_do_not_keep_workers_from_being_asked() -> None:
    reconciler = Reconciler(AGENT, random.Random(1))
    reconciler.judge(Facts("old", 3, [Bot("captions-w1-1")]), 0.0, 0)
    listed = [Listed("old", "RM", 3), *(Listed(f"r{n}", "RM", 3) for n in range(3_000))]
    assert "old" in reconciler.next(listed, 10.0)


def test_of_thousands_of_rooms_a_round_looks_at_few_and_each_in_its_turn() -> None:
    listed = [Listed(f"r{n}", "RM", 3) for n in range(3_000)]
    reconciler = Reconciler(AGENT, random.Random(1))
    looked: set[str] = set()
    for now_s in range(0, 150 * 5, 5):
        chosen = reconciler.next(listed, now_s)
        assert len(chosen) <= LOOKS_MAX
        for name in chosen:
            reconciler.judge(Facts(name, 3, [Bot("b")]), now_s, now_s * 1000)
        looked |= set(chosen)
    assert len(looked) == 3_000


def test_rooms_in_need_come_first_and_empty_ones_not_at_all() -> None:
    reconciler = Reconciler(AGENT)
    reconciler.judge(Facts("fine", 1, [Bot("b")]), 0.0, 0)
    reconciler.judge(Facts("silent", 1, [Bot("b", answers=False)], [ASKED]), 0.0, LATER_MS)
    reconciler.wait("waits")
    listed = [Listed(name, "RM", 1) for name in ("fine", "new", "silent", "waits", "mine")]
    chosen = reconciler.next([*listed, Listed("empty", "RM", 0)], 10.0, mine=["mine"])
    assert set(chosen[:2]) == {"silent", "waits"}
    assert chosen[2:] == ["new", "fine"]


def test_when_one_bot_of_a_worker_is_silent_its_others_are_asked_next() -> None:
    reconciler = Reconciler(AGENT)
    names = {f"{at}-{n}": identity_of(at, f"{n}") for at in ("here", "there") for n in range(30)}
    for room, bot in names.items():
        reconciler.judge(Facts(room, 1, [Bot(bot)]), 0.0, LATER_MS)
    silent = Facts("here-0", 1, [Bot(names["here-0"], answers=False)], [ASKED])
    reconciler.judge(silent, 0.5, LATER_MS)
    listed = [Listed(room, "", 1) for room in names]
    chosen = reconciler.next(listed, 1.0, most=30)
    assert set(chosen) == {room for room in names if room.startswith("here")}


def test_a_room_whose_bots_fail_at_once_is_tried_less_and_less_often() -> None:
    reconciler = Reconciler(AGENT)
    listed = [Listed("r", "RM", 1)]
    pauses = []
    now_s = 0.0
    for _ in range(8):
        reconciler.ended("r", now_s, failed=True)
        failed_s = now_s
        while not reconciler.next(listed, now_s):
            now_s += 0.5
        pauses.append(now_s - failed_s)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_what_is_gone_is_forgotten() -> None:
    reconciler = Reconciler(AGENT)
    reconciler.wait("r")
    reconciler.next([], 0.0)
    assert list(reconciler.waiting) == []


@dataclass
class World:
    """What the media server knows. bots: room → (identity, worker), dead ones included."""

    people: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    dispatches: dict[str, list[Dispatch]] = field(default_factory=lambda: {n: [] for n in NAMES})
    bots: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {n: [] for n in NAMES})
    dead: set[str] = field(default_factory=set)
    now_ms: int = 100_000
    made: int = 0

    def name(self) -> str:
        self.made += 1
        return f"{self.made}"

    def facts(self, room: str) -> Facts:
        bots = [Bot(name, answers=name not in self.dead) for name, _ in self.bots[room]]
        return Facts(room, self.people[room], bots, list(self.dispatches[room]))

    def asked(self, room: str) -> Dispatch:
        asked = Dispatch(self.name(), AGENT, self.now_ms)
        self.dispatches[room].append(asked)
        return asked

    def living(self, room: str) -> list[tuple[str, str]]:
        return [bot for bot in self.bots[room] if bot[0] not in self.dead]


@dataclass
class Worker:
    """What the shell does with the verdicts."""

    name: str
    slots: int
    reconciler: Reconciler = field(default_factory=lambda: Reconciler(AGENT))
    mine: dict[str, OwnRoom] = field(default_factory=dict)

    def round(self, world: World) -> None:
        now_s = world.now_ms / 1000
        for room, own in list(self.mine.items()):
            killed = own.identity in world.dead
            facts = world.facts(room)
            if own.judge(facts, now_s) is not Own.KEEP or killed:
                world.bots[room] = [b for b in world.bots[room] if b[0] != own.identity or killed]
                del self.mine[room]
            elif own.has_lost_dispatch(facts, Said.NOTHING):
                asked = wish(facts.dispatches, AGENT) or world.asked(room)
                own.dispatch, own.since_ms = asked.id, asked.created_ms
        listed = [Listed(room, "RM", world.people[room]) for room in NAMES]
        for room in self.reconciler.next(listed, now_s, mine=self.mine):
            verdict = self.reconciler.judge(world.facts(room), now_s, world.now_ms)
            if verdict is Verdict.MISSING and len(self.mine) < self.slots:
                self.mend(world, room)
            elif verdict is Verdict.MISSING:
                self.reconciler.wait(room)

    def mend(self, world: World, room: str) -> None:
        asked = wish(world.dispatches[room], AGENT)
        assert asked is not None
        claim = Dispatch(world.name(), CLAIM, world.now_ms, metadata=self.name)
        world.dispatches[room].append(claim)
        if not has_claim(world.dispatches[room], self.name, claim):
            world.dispatches[room].remove(claim)
            return
        there = [name for name, _ in world.bots[room]]
        identity = there[0] if there else world.name()
        world.bots[room] = [(name, at) for name, at in world.bots[room] if name != identity]
        world.dead.discard(identity)
        world.bots[room].append((identity, self.name))
        self.mine[room] = OwnRoom(asked.id, asked.created_ms, identity, world.now_ms / 1000)
        self.reconciler.served(room)


class Cluster(RuleBasedStateMachine):
    """Whatever happens: once it is quiet, rooms have the captions that they should have."""

    @initialize(slots=st.lists(st.integers(1, 3), min_size=1, max_size=3))
    def begin(self, slots: list[int]) -> None:
        self.world = World()
        for room in NAMES:  # as the media server gives one to every room
            self.world.dispatches[room].append(Dispatch(self.world.name(), "", 0))
        self.workers = [Worker(f"w{n}", count) for n, count in enumerate(slots)]

    @rule(room=st.sampled_from(NAMES), people=st.integers(0, 3))
    def people_come_and_go(self, room: str, people: int) -> None:
        self.world.people[room] = people

    @rule(room=st.sampled_from(NAMES))
    def somebody_asks(self, room: str) -> None:
        self.world.asked(room)

    @rule(room=st.sampled_from(NAMES))
    def somebody_asks_no_more(self, room: str) -> None:
        kept = [one for one in self.world.dispatches[room] if one.agent != AGENT]
        self.world.dispatches[room] = kept

    @rule(room=st.sampled_from(NAMES))
    def a_bot_is_killed(self, room: str) -> None:
        self.world.dead |= {name for name, _ in self.world.bots[room]}

    @rule(room=st.sampled_from(NAMES))
    def the_media_server_lets_go_of_the_dead(self, room: str) -> None:
        self.world.bots[room] = self.world.living(room)

    @rule()
    def the_media_server_is_restarted(self) -> None:
        """It forgets what was dispatched; rooms with bots in them have captions all the same."""
        kept = [room for room in NAMES if self.world.people[room] and self.world.living(room)]
        self.world.now_ms += 1
        for room in NAMES:
            self.world.dispatches[room] = [Dispatch(self.world.name(), "", self.world.now_ms)]
        self.world.now_ms += 1
        for worker in self.workers:
            worker.round(self.world)
        assert {room for room in NAMES if wish(self.world.dispatches[room], AGENT)} >= set(kept)

    @rule(number=st.integers(0, 2))
    def a_machine_dies_and_another_takes_its_place(self, number: int) -> None:
        number %= len(self.workers)
        for own in self.workers[number].mine.values():
            self.world.dead.add(own.identity)
        self.workers[number] = Worker(f"w{self.world.name()}", self.workers[number].slots)

    @rule(passed_s=st.integers(1, 40), order=st.randoms())
    def time_passes(self, passed_s: int, order: random.Random) -> None:
        for _ in range(0, passed_s, 2):
            self.world.now_ms += 2_000
            order.shuffle(self.workers)
            for worker in self.workers:
                worker.round(self.world)

    @invariant()
    def no_worker_has_more_rooms_than_slots_and_no_room_two_living_bots(self) -> None:
        for worker in getattr(self, "workers", []):
            assert len(worker.mine) <= worker.slots
        for room in NAMES if hasattr(self, "world") else []:
            assert len(self.world.living(room)) <= 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        for room in NAMES:
            self.the_media_server_lets_go_of_the_dead(room)
        self.time_passes(90, random.Random(0))
        world = self.world
        asked = [room for room in NAMES if wish(world.dispatches[room], AGENT)]
        wanted = {room for room in asked if world.people[room]}
        captioned = {room for room in NAMES if world.living(room)}
        slots = sum(worker.slots for worker in self.workers)
        assert captioned <= wanted
        assert len(captioned) == min(len(wanted), slots)


TestCluster = Cluster.TestCase
