from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.audio import FRAME_SAMPLES, Pcm
from streaming.kyutai_server.batch import Batch, Demand, Ticket
from streaming.kyutai_server.client_stream import Answer, Marked, Stepped
from streaming.kyutai_server.token_words import PADDING, WordEnded, WordSaid
from streaming.testing.scripted import ScriptedModel, ToyVocabulary, frame_of

VOCABULARY = ToyVocabulary(["▁hello", "▁world", "▁room", "s"])
HELLO, WORLD, ROOM, S = range(4, 8)
SCRIPTS = st.lists(st.sampled_from([0, PADDING, PADDING, HELLO, WORLD, ROOM, S]), max_size=20)


@dataclass
class Bench:
    """A batch with its model, a clock, and what each ticket was told."""

    model: ScriptedModel
    now: float = 100.0
    told: dict[Ticket, list[Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batch = Batch(
            batch_size=self.model.batch_size,
            delay_frames=self.model.delay_frames,
            vocabulary=self.model.vocabulary,
        )

    def join(self) -> Ticket:
        ticket = self.batch.admit()
        assert ticket is not None
        self.told[ticket] = []
        return ticket

    def say(self, ticket: Ticket, tokens: Sequence[int]) -> None:
        for token in tokens:
            self.batch.feed(ticket, frame_of(token), now=self.now)

    def step(self) -> None:
        step = self.batch.gather(self.now)
        for ticket, answers in self.batch.route(
            step, self.model.step(step.pcm, step.active, step.reset)
        ):
            self.told[ticket] += answers
        self.now += 0.08

    def run(self) -> None:
        """Step until nobody waits for anything."""
        for _ in range(1000):
            if self.batch.demand(self.now) == Demand.NONE and not self.batch.marks_wait():
                return
            self.step()
        raise AssertionError("something waits for ever")

    def transcript(self, tokens: Sequence[int]) -> list[Answer]:
        ticket = self.join()
        self.say(ticket, tokens)
        self.batch.mark(ticket, 7)
        self.run()
        self.batch.release(ticket)
        return self.told[ticket]


def bench(batch_size: int = 4, *, delay_frames: int = 2, heads: int = 0) -> Bench:
    return Bench(
        ScriptedModel(
            vocabulary=VOCABULARY, batch_size=batch_size, delay_frames=delay_frames, heads=heads
        )
    )


def test_words_are_timed_by_the_audio_heard_without_the_delay() -> None:
    said = bench().transcript([3, 3, 0, HELLO, 3, 3, 0, WORLD, 3])
    assert said == [
        WordSaid("hello", 160, joined=False),
        WordEnded(480),
        WordSaid("world", 480, joined=False),
        WordEnded(640),
        Marked(7),
    ]


def test_a_lone_client_gets_its_marker_without_sending_silence() -> None:
    assert bench().transcript([0, HELLO]) == [
        WordSaid("hello", 0, joined=False),
        WordEnded(160),
        Marked(7),
    ]


def test_the_silence_that_the_server_adds_does_not_shift_later_times() -> None:
    table = bench()
    ticket = table.join()
    for mark in (1, 2):
        table.say(ticket, [0, HELLO])
        table.batch.mark(ticket, mark)
        table.run()
    starts = [answer.start_ms for answer in table.told[ticket] if isinstance(answer, WordSaid)]
    assert starts == [0, 160]


def test_no_silence_is_added_while_audio_goes_on() -> None:
    table = bench()
    ticket = table.join()
    table.batch.mark(ticket, 1)
    heard = 0
    for _ in range(20):
        table.say(ticket, [PADDING])
        step = table.batch.gather(table.now)
        heard += int(step.active.sum())
        table.now += 0.08
        assert table.batch.demand(table.now) == Demand.NONE
    assert heard == 20


def test_a_marker_in_running_audio_comes_after_the_words_before_it() -> None:
    table = bench(delay_frames=5)
    ticket = table.join()
    table.say(ticket, [0, HELLO, 3])
    table.batch.mark(ticket, 1)
    table.say(ticket, [3, 3, 0, WORLD, *[3] * 20])
    for _ in range(30):
        table.step()
    kinds = [answer for answer in table.told[ticket] if not isinstance(answer, WordEnded)]
    assert kinds[0] == WordSaid("hello", 0, joined=False)
    assert kinds.count(Marked(1)) == 1


def test_audio_that_is_no_whole_frame_is_heard_when_a_marker_follows() -> None:
    table = bench()
    ticket = table.join()
    table.say(ticket, [0])
    table.batch.feed(ticket, frame_of(HELLO)[:500], now=table.now)
    table.batch.mark(ticket, 1)
    table.run()
    assert WordSaid("hello", 0, joined=False) in table.told[ticket]


def test_a_full_batch_admits_nobody_and_a_release_makes_room() -> None:
    table = bench(2)
    first, _second = table.join(), table.join()
    assert table.batch.admit() is None
    table.batch.release(first)
    table.batch.release(first)
    assert table.batch.used == 1
    assert table.join() != first


def test_output_for_a_departed_client_does_not_reach_the_next_one() -> None:
    table = bench(1)
    gone = table.join()
    table.say(gone, [0, HELLO, 3, 3, 3])
    for _ in range(4):
        table.step()
    in_flight = table.batch.gather(table.now)
    table.batch.release(gone)
    heir = table.join()
    output = table.model.step(in_flight.pcm, in_flight.active, in_flight.reset)
    assert table.batch.route(in_flight, output) == []
    table.batch.mark(heir, 1)
    table.run()
    assert table.told[heir] == [Marked(1)]


def test_a_row_is_made_to_forget_even_if_nobody_comes_after() -> None:
    table = bench(1)
    ticket = table.join()
    table.say(ticket, [0, HELLO])
    table.step()
    table.batch.release(ticket)
    assert table.batch.demand(table.now) == Demand.WAITING
    assert table.batch.gather(table.now).reset.tolist() == [True]
    assert table.batch.demand(table.now) == Demand.NONE


def test_beginning_again_in_mid_stream_forgets_and_counts_from_zero() -> None:
    table = bench(1)
    ticket = table.join()
    table.say(ticket, [3, 3, 3, 0, HELLO])
    for _ in range(5):
        table.step()
    table.batch.restart(ticket)
    table.say(ticket, [0, WORLD, 3])
    table.batch.mark(ticket, 1)
    table.run()
    assert table.told[ticket][0] == WordSaid("world", 0, joined=False)


def test_a_ticket_that_is_over_feeds_nobody() -> None:
    table = bench(1)
    gone = table.join()
    table.batch.release(gone)
    heir = table.join()
    table.say(gone, [0, HELLO, 3])
    table.batch.mark(gone, 1)
    table.batch.restart(gone)
    table.batch.mark(heir, 2)
    table.run()
    assert table.told[heir] == [Marked(2)]


def test_steps_are_told_where_the_model_has_pause_heads() -> None:
    table = bench(heads=4)
    ticket = table.join()
    table.say(ticket, [3, 3])
    table.step()
    assert table.told[ticket] == [Stepped(1, (pytest.approx(0.9),) * 4, FRAME_SAMPLES)]


def test_who_feeds_too_much_is_told_to_wait() -> None:
    table = bench(1)
    ticket = table.join()
    assert not table.batch.is_full(ticket)
    table.batch.feed(ticket, np.zeros(24_000 * 10, np.float32), now=0)
    assert table.batch.is_full(ticket)
    table.run()
    assert not table.batch.is_full(ticket)


def test_wild_samples_are_harmless() -> None:
    table = bench(1)
    ticket = table.join()
    wild = np.array([np.nan, np.inf, -np.inf, 1e30] * 480, np.float32)
    table.batch.feed(ticket, wild, now=0)
    pcm = table.batch.gather(0).pcm
    assert np.isfinite(pcm).all()
    assert np.abs(pcm).max() <= 1


@given(SCRIPTS, st.lists(st.integers(1, 5000), max_size=12))
def test_how_audio_is_cut_into_messages_changes_nothing(script: list[int], cuts: list[int]) -> None:
    whole, cut = bench(1), bench(1)
    pcm: Pcm = np.concatenate([frame_of(t) for t in script] or [np.zeros(0, np.float32)])
    expected = whole.transcript(script)
    ticket = cut.join()
    at = 0
    for size in cycle([*cuts, 1_000]):
        if at >= len(pcm):
            break
        cut.batch.feed(ticket, pcm[at : at + size], now=cut.now)
        at += size
    cut.batch.mark(ticket, 7)
    cut.run()
    assert cut.told[ticket] == expected


@given(st.lists(SCRIPTS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_each_stream_is_told_the_same_as_if_it_were_alone(
    scripts: list[list[int]], random: Random
) -> None:
    alone = [bench(3).transcript(script) for script in scripts]
    table = bench(3)
    rest, running, told = list(enumerate(scripts)), {}, {}
    while len(told) < len(scripts):
        if rest and (ticket := table.batch.admit()):
            number, script = rest.pop(0)
            table.told[ticket] = []
            running[ticket] = [number, list(script), False]
        for ticket, state in list(running.items()):
            if state[1] and random.random() < 0.6:
                table.say(ticket, [state[1].pop(0)])
            elif not state[1] and not state[2]:
                table.batch.mark(ticket, 7)
                state[2] = True
            if Marked(7) in table.told[ticket]:
                told[state[0]] = table.told[ticket]
                table.batch.release(ticket)
                del running[ticket]
        table.step()
    assert [told[number] for number in range(len(scripts))] == alone


@given(st.lists(st.tuples(st.sampled_from("jlsr"), st.integers(0, 5)), max_size=60))
def test_no_sequence_of_joins_and_leaves_leaks_a_slot(acts: list[tuple[str, int]]) -> None:
    table = bench(3)
    held: list[Ticket] = []
    for act, which in acts:
        match act:
            case "j" if (ticket := table.batch.admit()) is not None:
                held.append(ticket)
                table.told[ticket] = []
            case "l" if held:
                table.batch.release(held.pop(which % len(held)))
            case "s" if held:
                table.say(held[which % len(held)], [0, HELLO])
            case "r" if held:
                table.batch.restart(held[which % len(held)])
        table.step()
        assert table.batch.used == len(held) <= 3
    for ticket in held:
        table.batch.release(ticket)
    assert table.batch.used == 0
    assert all(table.batch.admit() for _ in range(3))
