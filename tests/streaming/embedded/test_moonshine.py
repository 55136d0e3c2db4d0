from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from eval.corpus.manifest import bundled_corpus
from eval.corpus.spoken_words import RefWord
from eval.normalization.normalize import word_key
from streaming.audio import Pcm
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.model_files import model_folder, with_output
from streaming.embedded.moonshine import Moonshine
from streaming.errors import RecognizerUnavailable

SECONDS = 12


@pytest.fixture(scope="module")
def model() -> Moonshine:
    return Moonshine()


@pytest.fixture(scope="module")
def times() -> Pcm:
    """The opening of A Tale of Two Cities."""
    return bundled_corpus()[0].audio(16_000)[: SECONDS * 16_000]


def starts(heard: Hypothesis) -> list[int]:
    return [word.span[0] for word in heard.words]


def late_ms(heard: Hypothesis, spoken: tuple[RefWord, ...]) -> list[int]:
    keys = [word_key(word.text) for word in spoken], [word_key(word.text) for word in heard.words]
    return [
        starts(heard)[block.b + n] - spoken[block.a + n].start_ms
        for block in Levenshtein.opcodes(*keys).as_matching_blocks()
        for n in range(block.size)
    ]


def test_words_begin_where_forced_alignment_has_them(model: Moonshine, times: Pcm) -> None:
    heard = model.decode(times)
    late = np.abs(late_ms(heard, bundled_corpus()[0].words))
    assert len(late) > 30
    assert np.percentile(late, 50) <= 60
    assert np.percentile(late, 90) <= 400
    assert starts(heard) == sorted(starts(heard))
    assert all(a.span[1] == b.span[0] for a, b in pairwise(heard.words))
    assert heard.words[-1].span[1] == SECONDS * 1000


def test_a_draft_changes_nothing_but_the_time(model: Moonshine, times: Pcm) -> None:
    pcm = times[: 5 * 16_000]
    free = model.decode(pcm)
    for draft in (free.tokens, [5, 6, 7], [*free.tokens[:6], 5, *free.tokens[6:]]):
        drafted = model.decode(pcm, draft)
        assert drafted.text == free.text
        assert starts(drafted) == pytest.approx(starts(free), abs=100)


def test_a_moment_of_sound_can_be_decoded(model: Moonshine) -> None:
    heard = model.decode(np.zeros(10, np.float32))
    assert all(word.span == (0, 0) for word in heard.words)


def test_a_folder_without_a_model_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(RecognizerUnavailable, match=r"moonshine-voice==0\.0\.73"):
        Moonshine(tmp_path)


@pytest.mark.parametrize("size", [0, 40, 1_000_000])
def test_a_decoder_that_is_not_whole_says_what_to_install(tmp_path: Path, size: int) -> None:
    for file in model_folder().iterdir():
        (tmp_path / file.name).symlink_to(file)
    decoder = tmp_path / "decoder_model_merged.ort"
    part = decoder.read_bytes()[:size]
    decoder.unlink()
    decoder.write_bytes(part)
    with pytest.raises(RecognizerUnavailable, match=r"moonshine-voice==0\.0\.73"):
        Moonshine(tmp_path)


@pytest.mark.parametrize(
    ("file", "tensor"),
    [("encoder_model.ort", "logits"), ("decoder_model_merged.ort", "attention")],
)
def test_only_a_tensor_of_each_branch_can_become_an_output(file: str, tensor: str) -> None:
    with pytest.raises(ValueError, match="format that has"):
        with_output((model_folder() / file).read_bytes(), tensor)
