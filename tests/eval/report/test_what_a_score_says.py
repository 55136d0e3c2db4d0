"""What ``caption-eval score`` says of files, as a buyer of captions reads it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eval.commands.main import main
from eval.normalization.mojibake import mojibake
from eval.observation import Doubt
from eval.report.compare import Comparison
from eval.report.compare_page import table
from eval.report.gates import Verdict, read_rule
from eval.report.wording import TONGUES, wording

SAID = (
    "We need nine people for this today. The plan is good, and it is ready. Ann will send it to "
    "Bob, who has not seen it. They ask what the whole of it costs, and nobody knows."
)
LU = (
    "Nous avons besoin de neuf personnes pour cela. Le plan est bon, et il est prêt. Anne va "
    "l'envoyer à Bob, qui ne l'a pas vu. Ils demandent ce que tout cela coûte, et nul ne sait."
)


def stamp(s: int) -> str:
    return f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02},000"


def srt(*texts: str, begin_s: int = 0) -> str:
    return "".join(
        f"{n + 1}\n{stamp(begin_s + 4 * n)} --> {stamp(begin_s + 4 * n + 2)}\n{text}\n\n"
        for n, text in enumerate(texts)
    )


def sentences(text: str) -> list[str]:
    return [f"{one.strip('. ')}." for one in text.split(". ")]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def score(folder: Path, said: str, shown: str | bytes, name: str, *options: str) -> Result:
    return run(write(folder, "said.txt", said), write(folder, name, shown), *options)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["score", *map(str, arguments)])


def accuracy(done: Result) -> float:
    return float(done.stdout.partition("Weighted accuracy: ")[2].partition("\N{NO-BREAK SPACE}")[0])


@pytest.mark.parametrize("form", ["agent·e·s", "agent.e.s", "agent-e-s", "agent(e)s"])
def test_inclusive_spelling_is_no_error_and_is_said(tmp_path: Path, form: str) -> None:
    said = f"{LU} Les {form} sont là."
    done = score(tmp_path, said, srt(*sentences(f"{LU} Les agents sont là.")), "a.srt")
    assert accuracy(done) == 100
    assert f"1 word in inclusive spelling ({form})" in done.stdout
    assert "inclusive" not in score(tmp_path, LU, srt(*sentences(LU)), "a.srt").stdout


NOT_CAPTIONS = {
    "service.json": '{"jobName": "j", "outcome": {"transcripts": [{"transcript": "We need"}]}}',
    "torn.json": '{"a":[1,',
    "odd.json": '[1,2,{"text":null,"start":"x","end":[]}]',
    "torn.ttml": '<tt><body><p begin="1s">un',
    "page.vtt": "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>",
    "scc.srt": "Scenarist_SCC V1.0\n\n00:00:00:15\t9420 9420 94ae 94ae 9452 9452 d0f2\n",
    "one.srt": "x\n" * 40 + srt("We need"),
}


@pytest.mark.parametrize("name", NOT_CAPTIONS)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    done = score(tmp_path, SAID, NOT_CAPTIONS[name], name)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert f"{name}: can hardly be read at all" in done.stderr
    assert "save it again, as .vtt, .srt or .txt" in done.stderr


@pytest.mark.parametrize("tongue", ["en", "fr"])
def test_a_file_that_cannot_be_read_makes_no_folder_better_in_silence(
    tmp_path: Path, tongue: str
) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "said", f"{name}.txt", SAID)
        write(tmp_path / "shown", f"{name}.srt", srt(*sentences(SAID)))
    write(tmp_path / "shown", "b.srt", NOT_CAPTIONS["page.vtt"])
    out = tmp_path / "out"
    done = run(tmp_path / "said", tmp_path / "shown", "--out", out, "--report-language", tongue)
    assert done.exit_code == 1
    first, *rest = done.stdout.splitlines()
    assert first.startswith({"en": "Incomplete: 1 recording could", "fr": "Incomplet"}[tongue])
    assert any(line.startswith(("No verdict", "Pas de verdict")) for line in rest)
    assert not any(line.startswith(("Good", "Bon")) for line in rest)
    why = {"en": "b.srt: can hardly be read at all", "fr": "b.srt: presque rien n'y est lisible"}
    assert why[tongue] in done.stdout
    found = json.loads((out / "results.json").read_text("utf-8"))
    assert found["figures"]["wer"]["value"] == 0
    assert found["run"]["doubts"][0] == {"name": "unreadable", "facts": {"n": "1", "names": "b"}}
    again = CliRunner().invoke(main, ["report", str(out)])
    assert (again.exit_code, again.stdout.split(":")[0]) == (1, "Incomplete")


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.vtt", "WEBVTT\n"), ("a.srt", ""), ("a.vtt", "WEBVTT\n\nNOTE nothing was said\n")],
)
def test_a_valid_file_without_a_caption_is_wholly_wrong_and_weighs_nothing(
    tmp_path: Path, name: str, content: str
) -> None:
    for said in (SAID, LU, "Yes."):
        done = score(tmp_path, said, content, name)
        assert done.exit_code == 0
        assert done.stdout.startswith("100.0\N{NO-BREAK SPACE}%")
        assert accuracy(done) == 0
        assert "Not good enough yet: 1 recording has no captions at all." in done.stdout


@pytest.mark.parametrize("options", [[], ["--language", "fr-CA"]])
def test_captions_in_another_language_are_not_accurate_and_it_is_said(
    tmp_path: Path, options: list[str]
) -> None:
    done = score(tmp_path, LU, srt(*sentences(SAID)), "a.srt", *options)
    assert accuracy(done) <= 5
    assert "The captions look like English, while French is spoken (said):" in done.stdout
    told = score(tmp_path, LU, srt(*sentences(SAID)), "a.srt", "--report-language", "fr").stdout
    assert "semblent être en anglais, alors que la parole est en français" in told
    alike = score(tmp_path, SAID, srt(*sentences(SAID)), "a.srt", "--language", "fr-CA").stdout
    assert "The words look like English, and are compared as French" in alike
    assert "The captions look" not in alike


def test_many_recordings_in_another_language_are_one_doubt(tmp_path: Path) -> None:
    for n in range(9):
        write(tmp_path / "said", f"{n}.txt", LU)
        write(tmp_path / "shown", f"{n}.srt", srt(*sentences(LU if n == 4 else SAID)))
    done = run(tmp_path / "said", tmp_path / "shown")
    assert (
        "The captions look like English, while French is spoken (0, 1, 2, 3, 5, 6, …)"
        in done.stdout
    )


def test_more_made_up_words_than_spoken_ones_are_no_share_of_these(tmp_path: Path) -> None:
    done = score(tmp_path, "Yes.", srt("no no no no"), "a.srt")
    assert done.stdout.startswith(
        "400.0\N{NO-BREAK SPACE}% wrong, missing or made-up words, relative to"
    )


def test_recordings_without_captions_are_not_good_enough(tmp_path: Path) -> None:
    for n in range(30):
        write(tmp_path / "said", f"{n}.txt", SAID)
        write(tmp_path / "shown", f"{n}.srt", "" if n < 2 else srt(*sentences(SAID)))
    done = run(tmp_path / "said", tmp_path / "shown", "--threshold", "wer<=50%")
    assert "Not good enough yet: 2 recordings have no captions at all." in done.stdout
    assert accuracy(run(tmp_path / "said", tmp_path / "shown")) == pytest.approx(93.3)


def test_thresholds_are_counted_out_of_all_whether_met_or_not(tmp_path: Path) -> None:
    rules = ["--threshold", "wer<=1%", "--threshold", "first_show_p50<=1"]
    good = score(tmp_path, SAID, srt(*sentences(SAID)), "a.srt", *rules).stdout
    assert "Good as far as it was measured: 1 of 2 thresholds met" in good
    bad = score(tmp_path, SAID, srt("We need nine people"), "a.srt", *rules).stdout
    assert "Not good enough yet: 1 of 2 thresholds not met. 1 could not be measured." in bad


def test_one_is_one_in_every_sentence() -> None:
    words = {tongue: wording(tongue) for tongue in TONGUES}
    facts = {"file": "a.srt", "n": "1", "all": "1"}
    said = {tongue: words[tongue].doubt(Doubt("not_understood", facts)) for tongue in TONGUES}
    assert said["en"].startswith("In a.srt, 1 line was not understood, of 1;")
    assert said["fr"].startswith("Dans a.srt, 1 ligne n'a pas été comprise, sur 1")
    unsure = Verdict(read_rule("wer<=0.1"), None, "unsure")
    assert words["en"].headline([unsure]).endswith("but for 1 of 1 it is too close to tell.")
    found = Comparison((), {}, 0, 0, obstacles={"recordings": ("1", "30")})
    assert "different recordings: 1 recording and 30" in table(found, words["en"])


def test_garbled_letters_are_said_and_count_as_viewers_see_them(tmp_path: Path) -> None:
    garbled = srt(*sentences(LU.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")))
    done = score(tmp_path, LU, garbled.encode().decode("cp1252", "replace"), "a.srt")
    assert "a.srt has garbled letters, such as “Ãª” for “ê”" in done.stdout
    assert not done.stdout.startswith("0.0")
    assert "garbled" not in score(tmp_path, LU, srt(*sentences(LU)), "a.srt").stdout


@pytest.mark.parametrize(
    "text", ["AMANHÃ… NÃO, SÃO «IRMÃ»", "SÉCURITÉ… «BEAUTÉ»", "ÂGE", "5 °C à Å"]
)
def test_letters_that_may_be_meant_are_not_called_garbled(text: str) -> None:
    assert mojibake(text) is None


@pytest.mark.parametrize(
    ("begin_s", "said"),
    [
        (5, "begin 5.0 s after"),
        (3600, "begin 1:00:00 h after"),
        (2, ""),
        (-4, "begin 4.0 s before"),
    ],
)
def test_captions_on_another_clock_are_said_to_be(tmp_path: Path, begin_s: int, said: str) -> None:
    texts = sentences(SAID)
    reference = write(tmp_path, "said.srt", srt(*texts, begin_s=4))
    done = run(reference, write(tmp_path, "a.srt", srt(*texts, begin_s=4 + begin_s)))
    assert "made-up words, relative" in done.stdout
    assert (said in done.stdout) if said else ("The captions begin" not in done.stdout)
    assert (
        "The captions begin" not in score(tmp_path, SAID, srt(*texts, begin_s=90), "a.srt").stdout
    )


def test_sound_that_is_not_there_or_of_one_of_several_is_an_error(tmp_path: Path) -> None:
    done = score(tmp_path, SAID, srt(*sentences(SAID)), "a.srt", "--audio", "nope.wav")
    assert (done.exit_code, "nope.wav' does not exist" in done.stderr) == (2, True)
    for name in ("a", "b"):
        write(tmp_path / "ref", f"{name}.txt", SAID)
        write(tmp_path / "hyp", f"{name}.srt", srt(*sentences(SAID)))
    sound = write(tmp_path, "a.wav", b"")
    done = score(tmp_path, SAID, srt(*sentences(SAID)), "a.srt", "--audio", str(tmp_path / "a.srt"))
    assert done.exit_code == 1
    assert "a.srt has no audio; choose a file that does" in done.stderr
    done = run(tmp_path / "ref", tmp_path / "hyp", "--audio", str(sound))
    assert done.exit_code == 1
    assert "is the sound of one recording, and these are 2" in done.stderr


def test_a_french_report_says_in_french_what_was_mended_and_left_out(tmp_path: Path) -> None:
    shown = srt(*sentences(LU)).replace("00:00:08,000 -->", "plus tard -->").encode("cp1252")
    done = score(tmp_path, LU, shown, "a.srt", "--report-language", "fr")
    mended, left_out = done.stdout.splitlines()[-4], done.stdout.splitlines()[-1]
    assert mended.replace("\N{NO-BREAK SPACE}", " ").endswith(
        "a.srt : texte qui n'est pas en UTF-8, lu dans l'encodage le plus vraisemblable : cp1252"
    )
    assert "a.srt:10: pas un sous-titre" in left_out
