"""What people really have: a fault is named with file and line, the rest goes on, all is counted.

By the commands, on files as they are found. Single rules are tested beside what reads the files.
"""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile
from click.testing import CliRunner, Result

from captioner.audio_file import read_audio
from eval.commands.main import main
from eval.corpus.manifest import bundled_corpus
from eval.observation import observed

SAID = "It was the best of times, it was the worst of times."
HEADER = "path\tlang\tseconds\ttranscript\taccent"


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text("utf-8"))
    return found


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder with five seconds of speech in it."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (clip,) = bundled_corpus()
    sound = read_audio(clip.path, rate=16_000)[: 16_000 * 5]
    soundfile.write(folder / "good.flac", sound, 16_000)
    return folder


def manifest(folder: Path, *rows: str, encoding: str = "utf-8", end: str = "\n") -> Path:
    path = folder / "manifest.tsv"
    path.write_bytes(end.join([HEADER, *rows, ""]).encode(encoding))
    return path


def test_each_bad_row_of_a_manifest_is_named_and_the_good_one_is_measured(
    corpus: Path, tmp_path: Path
) -> None:
    (corpus / "cut.flac").write_bytes((corpus / "good.flac").read_bytes()[:20_000])
    (corpus / "text.wav").write_text("no sound")
    (corpus / "zero.wav").touch()
    path = manifest(
        corpus,
        f"good.flac\ten\t5.0\t{SAID}\tUS",
        "missing.flac\ten\t3\thello\tUS",
        "good.flac\ten\t5.0\t \tUS",
        "text.wav\ten\t\thello\tUS",
        "zero.wav\ten\t2\thello\tUS",
        f"cut.flac\ten\t\t{SAID}\tUS",
        "good.flac\ten\tlong\thello\tUS",
        "good.flac\ten\t5.0\thello\tUS\tmore",
        "good.flac\tde\t5.0\tja\tDE",
        encoding="utf-8-sig",
        end="\r\n",
    )
    out = tmp_path / "out"
    done = command("run", "--fast", "--no-audio", "--corpus", path, "--out", out)
    assert done.exit_code == 0, done.output
    assert "Left out: 8." in done.stdout
    found = results(out)
    assert found["counts"]["measured"] == 1
    assert found["counts"]["left_out"] == 8
    assert found["figures"]["wer"]["value"] < 0.3
    for line, why in {
        ":3": "missing.flac; put it there or remove the row",
        ":4": "nothing in the column 'transcript'; fill it in",
        ":5": "is not an audio or video file that can be read",
        ":6": "is not an audio or video file that can be read",
        ":7": "breaks off after",
        ":8": "'long' is not a length in seconds",
        ":9": "has more columns than the first line",
        "": "clips in other languages than 'en', which was chosen: de (1)",
    }.items():
        (sentence,) = (one for one in found["left_out"] if one.startswith(f"{path}{line}: "))
        assert why in sentence
    page = (out / "report.html").read_text("utf-8")
    assert "Left out: 8." in page
    assert f"{path}:3: no file" in page


def test_a_folder_names_sound_without_transcript_and_empty_references(
    corpus: Path, tmp_path: Path
) -> None:
    for name in ("alone", "empty"):
        (corpus / f"{name}.flac").write_bytes((corpus / "good.flac").read_bytes())
    (corpus / "good.txt").write_bytes(("\ufeff" + SAID.replace(" ", "\r\n")).encode())
    (corpus / "empty.txt").touch()
    out = tmp_path / "out"
    done = command("run", "--fast", "--no-audio", "--corpus", corpus, "--out", out)
    assert done.exit_code == 0, done.output
    assert results(out)["counts"] == {
        "clips": 1, "measured": 1, "reference_words": 12, "left_out": 2,
    }  # fmt: skip
    empty, alone = sorted(results(out)["left_out"], reverse=True)
    assert empty.startswith(f"{corpus}/empty.txt: holds no words; write down what is said")
    assert alone.startswith(f"{corpus}/alone.flac: no transcript beside it; write what is said")


def test_a_corpus_in_another_language_says_which_it_has(corpus: Path, tmp_path: Path) -> None:
    path = manifest(corpus, "good.flac\tfr\t5.0\toui\t")
    done = command("run", "--fast", "--corpus", path, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "no clip in the language 'en'; it has fr (1)" in done.stderr


OTHERS = """\ufeffWEBVTT - another product\r
Kind: captions\r
\r
STYLE\r
::cue { color: lime }\r
\r
NOTE made by hand\r
\r
1\r
00:00:01.000 --> 00:00:03.000 position:10%,line-left align:left size:35%\r
<v.loud Ann Lee>It was the <c.yellow>best</c> of times&#44;\r
\r
00:03.000 --> soon\r
it was the worst\r
\r
00:05.000 --> 00:06.000 line:0\r
of times."""


def test_captions_of_another_product_are_scored_and_what_is_broken_in_them_named(
    tmp_path: Path,
) -> None:
    reference, captions = tmp_path / "said.txt", tmp_path / "shown.vtt"
    reference.write_text(SAID)
    captions.write_bytes(OTHERS.encode())
    done = command("score", reference, captions, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    found = results(tmp_path / "out")
    assert found["figures"]["wer"]["value"] == pytest.approx(4 / 12)
    assert found["left_out"] == [f"{captions}:13: no caption: its time line cannot be read"]
    problem = f"{captions}:13: 'soon' is not a time of the form 00:00:00.000"
    assert found["vtt_problems"] == [problem]
    assert problem.replace("'", "&#39;") in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_folders_go_on_past_empty_and_oddly_written_files(tmp_path: Path) -> None:
    said, shown = tmp_path / "said", tmp_path / "shown"
    for folder in (said, shown):
        folder.mkdir()
    captions = "WEBVTT\n\n00:01.000 --> 00:02.000\n{}\n"
    for name, encoding in (("old", "cp1252"), ("wide", "utf-16"), ("marked", "utf-8-sig")):
        (said / f"{name}.txt").write_bytes("l’œuvre d’été\r\n".encode(encoding))
        (shown / f"{name}.vtt").write_text(captions.format("L'œuvre d'été."), "utf-8")
    (said / "torn.txt").write_bytes("oui".encode("utf-16") + b"\x00")
    (shown / "torn.vtt").write_text(captions.format("oui"), "utf-8")
    (said / "empty.txt").touch()
    (shown / "empty.vtt").write_text(captions.format("merci beaucoup"), "utf-8")
    (said / "lonely.txt").write_text("personne", "utf-8")
    done = command("score", said, shown, "--language", "fr", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    found = results(tmp_path / "out")
    assert found["counts"]["clips"] == 6
    whole = "\n".join(found["left_out"])
    for sentence in (
        f"{said}/empty.txt:1: holds no words, so word errors are not counted",
        f"{said}/empty.txt:1: holds no words",
    ):
        assert sentence in whole
    assert found["counts"]["left_out"] == 1
    assert found["run"]["doubts"] == [
        {"name": "no_captions", "facts": {"recording": "lonely"}},
        {"name": "no_reference", "facts": {"names": "empty.txt"}},
    ]
    mended = {one["file"]: one["details"] for one in found["run"]["repairs"]}
    assert mended == {
        f"{said}/old.txt": ["cp1252"],
        f"{said}/torn.txt": ["UTF-16"],
    }


def test_a_language_without_normaliser_loses_its_word_errors_only(tmp_path: Path) -> None:
    (tmp_path / "said.txt").write_text("To jest zdanie.")
    (tmp_path / "shown.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nTo jest zdanie\n")
    done = command(
        "score", tmp_path / "said.txt", tmp_path / "shown.srt", "--language", "pl",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    found = results(tmp_path / "out")
    assert "wer" not in found["figures"]
    assert "words_a_minute_p50" in found["figures"]
    assert found["left_out"] == [
        "said: word errors not counted: no normaliser for the language 'pl';"
        " there is one for: en, fr, de, es, it, nl, pt"
    ]


def test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    corpus: Path, tmp_path: Path
) -> None:
    (corpus / "good.txt").write_text(SAID)
    out = tmp_path / "out"
    asked = ["run", "--fast", "--noise", "20", "--corpus", str(corpus), "--out", str(out)]
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (5000, 5000))"  # less than its sound
    done = subprocess.run(
        [sys.executable, "-c", f"{limit}; from eval.commands.main import main; main()", *asked],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "0001.ogg: cannot be written (File too large)" in done.stderr
    assert "Make room" in done.stderr
    assert "Traceback" not in done.stderr
    assert command(*asked).exit_code == 0
    assert len(observed(out)) == 1


def test_a_very_long_text_is_scored_up_to_a_page_of_ordinary_size(tmp_path: Path) -> None:
    chance, syllables = random.Random(1), ["bal", "den", "fos", "kir", "lum", "nat", "pel", "ros"]
    said = ["".join(chance.choices(syllables, k=4)) for _ in range(40_000)]
    shown = ["wrong" if n % 20 == 7 else word for n, word in enumerate(said)]
    cues = ["WEBVTT"]
    for n in range(0, len(shown), 10):
        begin = f"{n // 36_000:02}:{n // 600 % 60:02}:{n // 10 % 60:02}"
        cues.append(f"{begin}.000 --> {begin}.900\n{' '.join(shown[n : n + 10])}")
    (tmp_path / "said.txt").write_text(" ".join(said))
    (tmp_path / "shown.vtt").write_text("\n\n".join(cues))
    done = command(
        "score", tmp_path / "said.txt", tmp_path / "shown.vtt", "--out", tmp_path / "out"
    )
    assert done.exit_code == 0, done.output
    found = results(tmp_path / "out")
    assert found["counts"]["reference_words"] == 40_000
    assert found["counts"]["clips"] > 500
    assert found["figures"]["wer"]["value"] == 0.05
    assert found["figures"]["wer"]["low"] < 0.05 < found["figures"]["wer"]["high"]
    assert found["figures"]["vtt_errors"]["value"] == 0
    assert (tmp_path / "out" / "report.html").stat().st_size < 100_000


@pytest.mark.parametrize("mark", ["<", "[", "(", ")", ":", '"', "-", " ", "\t", "0", "[]"])
def test_files_of_one_mark_are_read_at_once(mark: str, tmp_path: Path) -> None:
    """At this length a rule whose time grows with its square would take minutes."""
    said, shown = tmp_path / "said.txt", tmp_path / "shown.srt"
    line = f"Ann{mark * (60_000 // len(mark))}hello\n"
    said.write_text(line)
    shown.write_text(f"1\n00:00:01,000 --> 00:00:02,000\n{line}")
    assert command("score", said, shown, "--language", "en").exit_code == 0
