import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.corpus.manifest import (
    CorpusError,
    bundled_corpus,
    read_corpus,
    survey_manifest,
)
from eval.corpus.spoken_words import RefWord
from eval.normalization.normalize import normalize

HEADER = "path\tlang\tseconds\ttranscript\tlicence\n"


def corpus(folder: Path, rows: str, header: str = HEADER) -> Path:
    tone = np.sin(np.arange(1600) / 5).astype(np.float32)
    soundfile.write(folder / "a.wav", np.stack([tone, tone / 2], axis=1), 16_000)
    (folder / "manifest.tsv").write_text(header + rows, encoding="utf-8")
    return folder


def test_a_folder_gives_its_clips_of_one_language(tmp_path: Path) -> None:
    source = corpus(tmp_path, 'a.wav\ten\t0.10\tsay "cheese"\tCC0\na.wav\tfr\t\toui\tCC0\n')
    (clip,) = read_corpus(source)
    assert (clip.language, clip.seconds, clip.transcript) == ("en", 0.1, 'say "cheese"')
    assert clip.words == ()
    assert read_corpus(source / "manifest.tsv", language="fr")[0].seconds == pytest.approx(0.1)


def test_word_times_come_from_beside_the_manifest(tmp_path: Path) -> None:
    source = corpus(tmp_path, "a.wav\ten\t0.1\tsay cheese\t\n")
    times = ";; comment\na.wav 1 0.01 0.02 say\nb.wav 1 0 1 no\na.wav 1 0.03 0.07 cheese\n"
    (source / "words.ctm").write_text(times)
    (clip,) = read_corpus(source)
    assert clip.words == (RefWord("say", 10, 30), RefWord("cheese", 30, 100))
    assert clip.words[0].later(5) == RefWord("say", 15, 35)


def test_byte_order_marks_and_carriage_returns_do_no_harm(tmp_path: Path) -> None:
    source = corpus(tmp_path, "")
    rows = "\ufeff" + HEADER + "a.wav\ten\t0.1\tcheese\tCC0\n"
    (source / "manifest.tsv").write_bytes(rows.replace("\n", "\r\n").encode())
    assert read_corpus(source)[0].transcript == "cheese"


def test_audio_is_one_channel_at_the_rate_asked_for(tmp_path: Path) -> None:
    (clip,) = read_corpus(corpus(tmp_path, "a.wav\ten\t0.1\tcheese\t\n"))
    pcm = clip.audio(24_000)
    assert (pcm.dtype, pcm.shape) == (np.float32, (2400,))
    assert 0.7 < np.abs(pcm).max() < 0.8  # a tone and half of it, mixed


@pytest.mark.parametrize(
    ("rows", "header", "complaint"),
    [
        ("", "path\tlang\n", r"manifest\.tsv: .* lacks the column 'transcript'; name the columns"),
        ("", "", "lacks the column 'path'"),
        ("", HEADER, "no clip in the language 'en'; it has nothing"),
        ("a.wav\tfr\t1\toui\t\n", HEADER, r"no clip in the language 'en'; it has fr \(1\)"),
        ("b.wav\ten\t1\tyes\t\n", HEADER, r"manifest\.tsv:2: no file .*b\.wav; put it there"),
        ("a.wav\ten\t1\tyes\tCC0\tno\n", HEADER, r"manifest\.tsv:2: has more columns"),
        ("a.wav\ten\t1\t\t\n", HEADER, r"manifest\.tsv:2: nothing in the column 'transcript'"),
        ("a.wav\ten\n", HEADER, r"manifest\.tsv:2: nothing in the column 'transcript'"),
        ("a.wav\ten\tlong\tyes\t\n", HEADER, r"manifest\.tsv:2: 'long' is not a length in seconds"),
    ],
)
def test_a_bad_manifest_is_named_with_file_and_line(
    tmp_path: Path, rows: str, header: str, complaint: str
) -> None:
    source = corpus(tmp_path, rows, header)
    with pytest.raises(CorpusError, match=complaint):
        read_corpus(source)


def test_a_folder_without_manifest_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"no such file; give a manifest, or a folder"):
        read_corpus(tmp_path)
    with pytest.raises(CorpusError, match=r"no such file; give a manifest, or a folder"):
        read_corpus(tmp_path / "nowhere")


def test_a_manifest_in_another_encoding_is_read_and_named(tmp_path: Path) -> None:
    source = corpus(tmp_path, "")
    (source / "manifest.tsv").write_bytes((HEADER + "a.wav\tfr\t1\tétait\t\n").encode("latin-1"))
    found = survey_manifest(source, language="fr")
    assert found.clips[0].transcript == "était"
    assert "is not UTF-8" in found.left_out[0]


def test_regions_of_a_language_are_clips_in_it(tmp_path: Path) -> None:
    source = corpus(tmp_path, "a.wav\ten-GB\t1\tyes\t\na.wav\tEN\t1\tno\t\na.wav\tfr\t1\toui\t\n")
    assert [clip.language for clip in read_corpus(source)] == ["en-GB", "EN"]
    assert [clip.language for clip in read_corpus(source, language="en-GB")] == ["en-GB"]


def test_clips_that_were_not_chosen_are_counted(tmp_path: Path) -> None:
    rows = "a.wav\ten\t1\tyes\t\na.wav\tde\t1\tja\t\na.wav\tfr\t1\toui\t\na.wav\tfr\t1\tnon\t\n"
    found = survey_manifest(corpus(tmp_path, rows))
    assert found.not_chosen[0].endswith("than 'en', which was chosen: de (1), fr (2)")
    assert found.left_out == ()


def test_one_bad_row_never_loses_a_corpus(tmp_path: Path) -> None:
    rows = "a.wav\ten\t1\tyes\t\nb.wav\ten\t1\tno\t\na.wav\ten\t1\t\tCC0\nc.wav\tfr\t1\toui\t\n"
    found = survey_manifest(corpus(tmp_path, rows))
    assert [clip.place.rsplit(":", 1)[1] for clip in found.clips] == ["2"]
    assert [sentence.split(": ")[0].rsplit(":", 1)[1] for sentence in found.left_out] == ["3", "4"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a.wav 1 0.1 cheese", "expected path, channel"),
        ("a.wav 1 now 0.1 x", "start and length in seconds"),
    ],
)
def test_bad_word_times_are_named_with_file_and_line(
    tmp_path: Path, line: str, complaint: str
) -> None:
    source = corpus(tmp_path, "a.wav\ten\t0.1\tcheese\t\n")
    (source / "words.ctm").write_text(f"\n{line}\n")
    with pytest.raises(CorpusError, match=rf"words\.ctm:2: .*{complaint}"):
        read_corpus(source)


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    source = corpus(tmp_path, "text.wav\ten\t\tyes\t\n")
    with pytest.raises(CorpusError, match=r"text\.wav is not an audio"):
        read_corpus(source)


def test_the_bundled_recording_has_its_text_and_word_times() -> None:
    (clip,) = bundled_corpus()
    assert clip.seconds == pytest.approx(44.4, abs=0.1)
    assert len(normalize(clip.transcript, "en")) == len(clip.words) == 119
    assert clip.words[0] == RefWord("It", 1170, 1350)
    times = [at for word in clip.words for at in (word.start_ms, word.end_ms)]
    assert times == sorted(times)
    assert times[-1] < clip.seconds * 1000


def test_without_the_package_of_the_recording_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "moonshine_voice", None)
    with pytest.raises(CorpusError, match=r"moonshine-voice 0\.0\.73 .* not installed"):
        bundled_corpus()
