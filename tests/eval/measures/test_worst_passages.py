from eval.corpus.spoken_words import RefWord, Turn
from eval.measures.clip_score import Score, score
from eval.measures.worst_passages import WINDOW, Passage, worst
from eval.observation import Observation, Shown


def passages(said: str, shown: str, *, seconds: float = 60.0, timed: bool = True) -> list[Passage]:
    times = tuple(
        RefWord(word, 400 * n, 400 * n + 300)
        for n, word in enumerate(said.split() if timed else [])
    )
    clip = Observation(
        "a", "en", seconds, (Turn(said, words=times),),
        (Shown(900, "c", shown, state="closed", start_ms=0, end_ms=3000),), "engine", fast=True,
    )  # fmt: skip
    return worst([score(clip)])


def steps(passage: Passage) -> list[tuple[str | None, str | None]]:
    return [(step.said, step.shown) for step in passage.steps if step.wrong]


def test_wrong_missing_and_made_up_words_stand_beside_each_other_as_written() -> None:
    (found,) = passages("It was not the Best, of times", "Well, it was now the best times.")
    assert steps(found) == [(None, "Well,"), ("not", "now"), ("of", None)]
    assert (found.errors, found.words) == (3, 7)


def test_what_counts_as_no_error_is_marked_as_none() -> None:
    assert passages("a whole-number ratio of twenty-one", "A whole number ratio of 21.") == []
    (found,) = passages("the whole-number ratio", "the number ratio")
    assert steps(found) == [("whole", None)]


def test_a_passage_can_be_heard_from_its_first_word_to_its_last() -> None:
    words = [f"word{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}" for n in range(80)]
    shown = [*words[:40], "wrong", *words[41:]]
    (found,) = passages(" ".join(words), " ".join(shown))
    assert len(found.steps) == WINDOW
    first = words.index(found.steps[0].said or "")
    assert (found.start_ms, found.end_ms) == (
        max(0, 400 * first - 300), 400 * (first + WINDOW - 1) + 300 + 600,
    )  # fmt: skip


def test_a_long_recording_without_word_times_is_shown_but_not_played() -> None:
    (found,) = passages("it was not", "it was now", timed=False)
    assert (found.start_ms, found.end_ms) == (None, None)
    (short,) = passages("it was not", "it was now", timed=False, seconds=4.0)
    assert (short.start_ms, short.end_ms) == (0, 4000)


def test_meaning_weighs_more_than_number() -> None:
    slips = score_of("b", "the a of in the a of in it", "a the in of a the of in it")
    lost = score_of("c", "we do not pay fifteen", "we do pay fifty")
    assert [one.clip.id for one in worst([slips, lost])] == ["c", "b"]


def score_of(name: str, said: str, shown: str) -> Score:
    caption = Shown(900, "c", shown, state="closed", start_ms=0, end_ms=3000)
    return score(Observation(name, "en", 3.0, (Turn(said),), (caption,), "engine", fast=True))
