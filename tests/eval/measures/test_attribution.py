from collections.abc import Sequence
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from eval.measures.attribution import Attribution, Utterance, attribution


def said(speaker: str, text: str, start: int | None = None, end: int | None = None) -> Utterance:
    return Utterance(speaker, tuple(text.split()), start, end)


REFERENCE = [said("ann", "a b c d", 0, 2000), said("bob", "e f g", 2000, 4000)]


def test_words_under_the_right_name_are_right_whatever_the_names() -> None:
    shown = [said("S2", "e f g", 2100, 3900), said("S1", "a b c d", 0, 2100)]
    assert attribution(REFERENCE, shown) == Attribution(7, 0, 0, 0, 0)


def test_words_under_another_name_are_misattributed() -> None:
    shown = [said("1", "a b", 0, 900), said("2", "c d", 1000, 2000), said("2", "e f g", 2000, 4000)]
    found = attribution(REFERENCE, shown)
    assert found == Attribution(7, 4, 4, 0, 4)  # an utterance stays together
    assert found.misattributed == 2


def test_words_at_another_time_are_wrong_in_time_only() -> None:
    shown = [said("1", "a b c d", 60_000, 62_000), said("2", "e f g", 2000, 4000)]
    found = attribution(REFERENCE, shown)
    assert (found.cp, found.tcp, found.tcorc) == (0, 8, 8)


def test_without_times_there_is_no_tcpwer() -> None:
    found = attribution(REFERENCE, [said("1", "a b c d"), said("2", "e f g")])
    assert (found.tcp, found.tcorc) == (None, None)


def test_without_captions_every_word_is_missing() -> None:
    assert attribution(REFERENCE, []) == Attribution(7, 7, 7, 7, 7)


def test_words_whoever_said_them_are_right_under_another_s_name() -> None:
    ours = [*REFERENCE, said("ann", "h i", 4000, 5000)]
    shown = [
        said("1", "a b c d", 0, 2000),
        said("2", "e f g", 2000, 4000),
        said("2", "h i", 4000, 5000),
    ]
    found = attribution(ours, shown)
    assert (found.cp, found.tcorc) == (4, 0)


texts = st.lists(st.sampled_from("abc"), max_size=5)


@given(st.lists(texts, min_size=2, max_size=3), st.lists(texts, min_size=1, max_size=3))
def test_cpwer_is_the_best_of_all_ways_to_give_names(
    ours: list[list[str]], theirs: list[list[str]]
) -> None:
    reference = [Utterance(f"r{n}", tuple(words)) for n, words in enumerate(ours)]
    shown = [Utterance(f"h{n}", tuple(words)) for n, words in enumerate(theirs)]
    size = max(len(ours), len(theirs))
    padded = [*theirs, *([[]] * (size - len(theirs)))]
    left = [*ours, *([[]] * (size - len(ours)))]
    best = min(_errors(left, order) for order in permutations(padded))
    assert attribution(reference, shown).cp == best


timed = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 9)), max_size=7
)


@given(timed.filter(bool), timed)
def test_tcpwer_is_the_best_of_all_ways_that_time_allows(
    ours: list[tuple[str, str, int]], theirs: list[tuple[str, str, int]]
) -> None:
    def spoken(some: list[tuple[str, str, int]]) -> list[Utterance]:
        return [
            said(who, word, 3000 * at, 3000 * at + 1000) for who, word, at in sorted(some, key=_at)
        ]

    found = attribution(spoken(ours), spoken(theirs))
    best = min(
        sum(
            _errors_in_time(
                [(w, at) for who, w, at in sorted(ours, key=_at) if who == left],
                [(w, at) for who, w, at in sorted(theirs, key=_at) if who == right],
            )
            for left, right in zip("ab", names, strict=True)
        )
        for names in permutations("ab")
    )
    assert found.tcp == best


def _at(one: tuple[str, str, int]) -> int:
    return one[2]


def _errors_in_time(ours: Sequence[tuple[str, int]], theirs: Sequence[tuple[str, int]]) -> int:
    """Levenshtein distance in which words 6 s apart, over the collar of 5 s, have no part."""
    rows = [list(range(len(theirs) + 1))]
    for i, (word, at) in enumerate(ours, start=1):
        row = [i]
        for j, (other, when) in enumerate(theirs, start=1):
            ways = [rows[-1][j] + 1, row[-1] + 1]
            if abs(at - when) < 2:
                ways.append(rows[-1][j - 1] + (word != other))
            row.append(min(ways))
        rows.append(row)
    return rows[-1][-1]


def _errors(ours: Sequence[Sequence[str]], theirs: Sequence[Sequence[str]]) -> int:
    return sum(Levenshtein.distance(a, b) for a, b in zip(ours, theirs, strict=True))
