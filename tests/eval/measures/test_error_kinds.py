import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.measures.accuracy import Pair, wer
from eval.measures.error_kinds import KindCounts, Spelling, kind_of, kinds, names_in, spelling
from eval.normalization.normalize import normalize


@pytest.mark.parametrize(
    ("reference", "shown", "language", "kind"),
    [
        ("15", "50", "en", "number"),
        ("not", "now", "en", "negation"),
        (None, "not", "en", "negation"),
        ("pas", None, "fr", "negation"),
        ("hale", "hail", "en", "name"),
        ("walks", "walked", "en", "inflection"),
        ("running", "runs", "en", "inflection"),
        ("parlé", "parler", "fr", "inflection"),
        ("grande", "grands", "fr", "inflection"),
        ("the", "a", "en", "function"),
        ("d'une", "de", "fr", "function"),
        ("iron", "siren", "en", "content"),
        ("the", "siren", "en", "content"),
        ("haus", "maus", "de", "content"),
    ],
)
def test_an_error_is_of_the_kind_of_its_weightier_word(
    reference: str | None, shown: str | None, language: str, kind: str
) -> None:
    assert kind_of(Pair(reference, shown), language, names={"hale"}) == kind


def test_kinds_add_up_to_all_errors_and_weigh_by_meaning() -> None:
    reference = normalize("she did not pay fifteen dollars to the Hale sisters", "en")
    shown = normalize("she did now pay fifty dollars to a Hail sister", "en")
    errors = wer(reference, shown)
    found = kinds(errors.alignment, "en", names={"hale"})
    assert sum(found.errors.values()) == errors.errors
    assert found.errors["number"] == found.errors["negation"] == 1
    assert found.weight == 1 + 1 + 1 + 0.25 + 0.25
    assert sum([found, found], KindCounts()).weight == 2 * found.weight


LONG = "we ask the people of the town to send the plan by noon on the first day of may"


@pytest.mark.parametrize("shown", ["", "il faut que tout le monde soit là"])
def test_captions_without_a_right_word_weigh_as_much_as_what_was_said(shown: str) -> None:
    for said in (LONG, "the plan", "of the"):
        reference = said.split()
        pairs = wer(reference, shown.split()).alignment
        assert kinds(pairs, "en").weight >= len(reference)


def test_a_lost_stretch_weighs_all_its_words_and_a_lost_word_its_own_weight() -> None:
    reference = LONG.split()
    half = kinds(wer(reference, reference[:9]).alignment, "en")
    assert half.weight == len(reference) - 9
    four = kinds(wer(reference, reference[:4] + reference[8:]).alignment, "en")
    assert four.weight < 4


words = st.lists(
    st.sampled_from(["the", "not", "never", "15", "hale", "walks", "walked", "siren", "iron"]),
    max_size=12,
)


@given(words, words)
def test_kinds_add_up_to_the_errors_that_jiwer_counts(ours: list[str], theirs: list[str]) -> None:
    found = kinds(wer(ours, theirs).alignment, "en", names={"hale"})
    counted = jiwer.process_words(" ".join(ours), " ".join(theirs))
    total = counted.substitutions + counted.deletions + counted.insertions
    assert sum(found.errors.values()) == total
    assert 0.25 * total <= found.weight <= total


marks = st.lists(st.sampled_from(["", "", ",", ".", "?"]), min_size=1, max_size=20)


@given(marks, st.data())
def test_marks_differ_where_they_are_written_otherwise(
    ours: list[str], data: st.DataObject
) -> None:
    theirs = data.draw(
        st.lists(st.sampled_from(["", ",", "!"]), min_size=len(ours), max_size=len(ours))
    )
    texts = [" ".join(f"w{n}{mark}" for n, mark in enumerate(side)) for side in (ours, theirs)]
    found = spelling(*texts)
    if not any(ours):
        assert found.marks == 0
        return
    places = [n for n in range(len(ours)) if ours[n] or (theirs[n] and n < len(ours) - 1)]
    assert found.marks == len(places)
    assert found.marks_wrong == sum(ours[n] != theirs[n] for n in places)


def test_names_stand_with_a_capital_inside_a_sentence() -> None:
    text = 'Margaret said: "Mr. Hale and I met Margaret." The Hale family. We met the family.'
    assert names_in(text, "en") >= {"hale", "margaret"}
    assert not names_in(text, "en") & {"the", "i", "we", "family", "said"}
    assert names_in(text.lower(), "en") == names_in(text.upper(), "en") == set()


def test_capitals_and_marks_are_compared_on_right_words_only() -> None:
    found = spelling("Yes, Ann. We go now!", "yes Ann, We stay now!")
    assert found == Spelling(words=4, cased_wrong=1, marks=3, marks_wrong=2)


def test_a_reference_without_capitals_or_marks_says_nothing_of_them() -> None:
    assert spelling("yes ann we go", "Yes, Ann: we go.") == Spelling()
    assert spelling("yes, ann we go", "Yes, Ann: we go") == Spelling(marks=2, marks_wrong=1)


def test_a_reference_that_was_cut_inside_a_sentence_says_nothing_of_its_end() -> None:
    found = spelling(
        "In the arts, and crafts, in the Exhibition", "In the arts and crafts, in the Exhibition."
    )
    assert (found.marks, found.marks_wrong) == (2, 1)
    whole = spelling("In the arts, and in the crafts.", "In the arts, and in the crafts")
    assert (whole.marks, whole.marks_wrong) == (2, 1)


def test_marks_and_signs_beside_quotes_are_compared_without_the_quotes() -> None:
    found = spelling(
        'the Gutenberg, or \\"line Bible\\" of fifty-five,',
        "the Gutenberg, or “line Bible,” of fifty-five,",
    )
    assert (found.marks, found.marks_wrong) == (3, 1)
