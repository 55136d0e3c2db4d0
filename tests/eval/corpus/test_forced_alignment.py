import numpy as np
import pytest

from benchmarks.alignment import MARKED_ENDS_MS
from eval.corpus.forced_alignment import RATE, Aligner, NotAligned, sounded_out, spoken
from eval.corpus.manifest import bundled_corpus


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner()


def test_words_are_found_where_they_were_marked_by_eye(aligner: Aligner) -> None:
    (clip,) = bundled_corpus()
    words = aligner.align(clip.audio(RATE), clip.transcript)
    assert [word.text for word in words] == clip.transcript.split()
    errors = [abs(words[index].end_ms - end) for index, end in MARKED_ENDS_MS.items()]
    assert max(errors) <= 50


def test_a_word_that_no_dictionary_has_is_found_all_the_same(aligner: Aligner) -> None:
    (clip,) = bundled_corpus()
    first = clip.audio(RATE)[: 5 * RATE]
    words = aligner.align(first, "It was the behst of tymz, it was the wurst of tymz")
    assert abs(words[3].end_ms - MARKED_ENDS_MS[3]) < 100


def test_a_transcript_of_something_else_is_refused(aligner: Aligner) -> None:
    with pytest.raises(NotAligned, match="does not fit the sound"):
        aligner.align(np.zeros(RATE // 5, np.float32), "a long sentence that nobody has said here")
    with pytest.raises(NotAligned, match="no words"):
        aligner.align(np.zeros(RATE, np.float32), "— …")
    with pytest.raises(NotAligned, match="cut it in parts"):
        aligner.align(np.zeros(RATE, np.float32), "word " * 2_001)


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("Well-known,", ["well", "known"]),
        ("don’t", ["don't"]),
        ("B12", ["b", "twelve"]),
        ("25", ["twenty", "five"]),
        ("1859", ["eighteen", "fifty", "nine"]),
        ("1900", ["nineteen", "hundred"]),
        ("2,008", ["two", "thousand", "eight"]),
        ("007", ["zero", "zero", "seven"]),
        ("0", ["zero"]),
        ("300", ["three", "hundred"]),
        ("—", []),
    ],
)
def test_what_is_read_out_for_a_token(token: str, words: list[str]) -> None:
    assert spoken(token) == words


def test_unknown_words_are_sounded_out() -> None:
    assert sounded_out("shup") == ["SH", "AH", "P"]
    assert sounded_out("'") == ["AH"]
