from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from eval.corpus.manifest import bundled_corpus
from eval.measures.accuracy import wer
from eval.normalization.normalize import normalize
from streaming.audio import Pcm
from streaming.embedded import weights
from streaming.embedded.hypothesis import spaced
from streaming.embedded.model_files import model_folder
from streaming.embedded.models import BASE, LANGUAGES, installed
from streaming.embedded.whisper import Whisper
from streaming.errors import LanguageNotSupported, ModelError, RecognizerUnavailable

pytestmark = pytest.mark.skipif(not weights.is_here(), reason="Whisper base is not here")

TIMES = "It was the best of times, it was the worst of times, it was the age of wisdom"


@pytest.fixture(scope="module")
def model() -> Whisper:
    return Whisper(weights.checked_folder())


@pytest.fixture(scope="module")
def times() -> Pcm:
    """The opening of A Tale of Two Cities."""
    pcm, rate = soundfile.read(model_folder().parent / "two_cities.wav", dtype="float32")
    return np.asarray(soxr.resample(pcm[: int(6.2 * rate)], rate, 16_000), np.float32)


def test_speech_becomes_its_words(model: Whisper, times: Pcm) -> None:
    heard = model.speaking("en-GB").decode(times)
    assert wer(normalize(TIMES, "en"), normalize(heard.text, "en")).rate <= 0.15
    assert heard.complete
    assert all(0.0 < word.probability <= 1.0 for word in heard.words)


def test_each_word_has_its_place_in_the_sound(model: Whisper, times: Pcm) -> None:
    starts = [word.span[0] for word in model.speaking("en").decode(times).words]
    assert all(earlier <= later for earlier, later in pairwise(starts))
    assert 0 <= starts[0] <= 1_000
    assert starts[-1] <= 6_200
    # Someone who reads aloud says a word in 0.1 to 1 s, apart from pauses.
    assert 150 <= float(np.median(np.diff(starts))) <= 500


def test_no_word_is_placed_in_the_silence_after_the_sound(model: Whisper) -> None:
    pcm = bundled_corpus()[0].audio(16_000)[8 * 16_000 :][: int(1.7 * 16_000)]
    words = model.speaking("en").align(pcm, "it was the")
    assert [word.span[0] for word in words[1:]] == pytest.approx([920, 1_080], abs=100)


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("en", "It was the best", 4),
        ("zh", "我们今天讨论预算，好不好？", 8),
        ("ja", "今日は予算について話します。", 6),
        ("th", "วันนี้เราจะพูดถึงงบประมาณ", 6),
        ("ko", "오늘은 예산을 논의합니다.", 3),
    ],
)
def test_words_are_those_of_the_script_and_spaced_as_it_is(
    model: Whisper, times: Pcm, language: str, text: str, words: int
) -> None:
    heard = model.speaking(language).align(times, text)
    assert spaced((word.text, word.joined) for word in heard) == text
    assert len(heard) >= words


def test_a_known_text_is_found_in_the_sound(model: Whisper, times: Pcm) -> None:
    spans = [word.span for word in model.speaking("en").align(times, TIMES.lower())]
    assert len(spans) == len(TIMES.split())
    assert all(earlier <= later for earlier, later in pairwise(spans))


def test_a_moment_of_sound_can_be_decoded(model: Whisper) -> None:
    model.speaking("fr").decode(np.zeros(10, np.float32))


def test_more_sound_than_whisper_takes_is_decoded_up_to_there(model: Whisper) -> None:
    assert not model.speaking("fr").decode(np.zeros(31 * 16_000, np.float32)).tokens[200:]


def test_the_language_is_told_by_the_voice(model: Whisper, times: Pcm) -> None:
    assert next(iter(model.detect_language(times))) == "en"
    among = model.detect_language(times, ["fr", "en"])
    assert list(among) == ["en", "fr"]
    assert sum(among.values()) == pytest.approx(1.0)


def test_the_models_languages_are_those_that_are_told_before_it_is_loaded(model: Whisper) -> None:
    assert model.languages == set(LANGUAGES) == set(BASE.languages)
    assert len(LANGUAGES) == 99


def test_a_language_that_is_none_is_an_error(model: Whisper) -> None:
    with pytest.raises(LanguageNotSupported, match="'xx'"):
        model.speaking("xx")


def test_sound_that_is_none_is_an_error_of_ours(model: Whisper) -> None:
    with pytest.raises(ModelError):
        model.speaking("fr").decode(np.zeros((16_000, 2), np.float32))


def folder_with(tmp_path: Path, **files: bytes | None) -> Path:
    """Return Whisper base with these files in place of its own; None for without."""
    folder = tmp_path / "model"
    shutil.copytree(weights.checked_folder(), folder, copy_function=_linked)
    for name, data in files.items():
        path = folder / name.replace("_", ".")
        path.unlink()
        if data is not None:
            path.write_bytes(data)
    return folder


def _linked(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def test_the_folder_of_any_model_in_the_format_serves(tmp_path: Path, times: Pcm) -> None:
    mine, *_ = installed(str(folder_with(tmp_path)))
    assert {"en", "fr", "yo"} <= set(mine.languages)
    assert "best of times" in mine.load(1).speaking("en").decode(times).text


@pytest.mark.parametrize("file", ["tokenizer_json", "config_json", "model_bin", "vocabulary_txt"])
@pytest.mark.parametrize("data", [None, b"{", b""], ids=["missing", "half", "empty"])
def test_a_folder_that_is_no_whole_model_is_an_error(
    tmp_path: Path, file: str, data: bytes | None
) -> None:
    folder = folder_with(tmp_path, **{file: data})
    with pytest.raises(RecognizerUnavailable, match=str(folder)):
        installed(str(folder))[0].load(1)


def test_half_of_the_weights_are_an_error(tmp_path: Path) -> None:
    half = (weights.checked_folder() / "model.bin").read_bytes()[: 70 << 20]
    with pytest.raises(RecognizerUnavailable, match="cannot load the model"):
        installed(str(folder_with(tmp_path, model_bin=half)))[0].load(1)


def test_a_tokenizer_of_another_kind_is_an_error(tmp_path: Path) -> None:
    other = json.loads((weights.checked_folder() / "tokenizer.json").read_bytes())
    other["added_tokens"] = []
    folder = folder_with(tmp_path, tokenizer_json=json.dumps(other).encode())
    with pytest.raises(RecognizerUnavailable, match="not Whisper's"):
        installed(str(folder))[0].load(1)


def test_a_model_that_cannot_tell_when_words_were_said_is_an_error(tmp_path: Path) -> None:
    config = json.loads((weights.checked_folder() / "config.json").read_bytes())
    del config["alignment_heads"]
    with pytest.raises(RecognizerUnavailable, match="convert it again"):
        installed(str(folder_with(tmp_path, config_json=json.dumps(config).encode())))[0].load(1)


def test_no_such_folder_is_an_error_that_names_the_choices() -> None:
    with pytest.raises(RecognizerUnavailable, match="auto, tiny-en, base, or a folder"):
        installed("/nowhere/whisper")


def test_a_vocabulary_is_told_in_whole_entries_as_far_as_there_is_room(model: Whisper) -> None:
    tokens, used = model.prompt([f"Nomination {n}" for n in range(200)])
    assert 20 <= used < 200
    assert len(tokens) <= 220


def test_no_entry_of_a_vocabulary_is_a_mark_of_the_model(model: Whisper) -> None:
    tokens, _ = model.prompt(["<|endoftext|>", "<|fr|> Zoé"])
    assert tokens
    assert all(token < 50_257 for token in tokens)
