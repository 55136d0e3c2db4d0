from pathlib import Path

import pytest
from click.testing import CliRunner

from eval.commands.score import score
from eval.corpus.transcript import FormatError
from eval.observation import Run
from eval.report.results import results_of
from eval.runs.from_files import compared

WORDS = [f"w{n}" for n in range(12)]


def stamp(second: float) -> str:
    return f"00:{int(second) // 60:02}:{second % 60:06.3f}"


def talk(cues: int, *, wrong: int = 0) -> tuple[str, str]:
    """A reference, and captions of 12 words each, a wrong word in each of the first ``wrong``."""
    said, shown = [], ["WEBVTT", ""]
    for n in range(cues):
        words = [f"{word}{n}x" for word in WORDS]
        said += words
        if n < wrong:
            words = [*words[:5], "wrong", *words[6:]]
        shown += [f"{stamp(5 * n)} --> {stamp(5 * n + 4)}", " ".join(words), ""]
    return " ".join(said), "\n".join(shown)


def files(folder: Path, **content: str) -> list[Path]:
    paths = []
    for name, text in content.items():
        path = folder / name.replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def test_a_long_recording_is_cut_and_loses_nothing(tmp_path: Path) -> None:
    said, shown = talk(40, wrong=7)
    found = compared(*files(tmp_path, ref_txt=said, hyp_vtt=shown), language="en")
    assert len(found.clips) == 8  # of five cues, 60 words
    assert " ".join(turn.text for clip in found.clips for turn in clip.reference) == said
    assert sum(len(clip.shown) for clip in found.clips) == 40
    assert sum(clip.seconds for clip in found.clips) == pytest.approx(199)
    assert found.clips[3].id == "ref 1:15"
    whole = results_of(Run(), found.clips)
    assert whole.figures["wer"].value == 7 / 480
    assert whole.figures["wer"].sure is not None
    assert whole.figures["vtt_errors"].value == 0


def test_times_of_a_passage_are_on_its_own_clock(tmp_path: Path) -> None:
    said, shown = talk(20)
    stm = "".join(
        f"talk 1 ann {5 * n} {5 * n + 4} {' '.join(said.split()[12 * n : 12 * n + 12])}\n"
        for n in range(20)
    )
    found = compared(*files(tmp_path, ref_stm=stm, hyp_vtt=shown), language="en")
    second = found.clips[1]
    assert second.offset_ms == 25_000
    assert second.reference[0].span == (0, 4000)
    assert (second.shown[0].start_ms, second.shown[0].end_ms) == (0, 4000)
    assert results_of(Run(), found.clips).figures["invented"].value == 0


def test_captions_without_a_right_word_are_one_passage(tmp_path: Path) -> None:
    said, _ = talk(20)
    found = compared(*files(tmp_path, ref_txt=said, hyp_txt="nothing of this"), language="en")
    assert len(found.clips) == 1
    assert results_of(Run(), found.clips).figures["wer"].value == 1


@pytest.mark.parametrize("name", ["ref_txt", "ref_vtt", "ref_stm"])
def test_an_empty_reference_is_none_and_says_so(tmp_path: Path, name: str) -> None:
    _, shown = talk(2)
    empty = {name: "WEBVTT\n" if name == "ref_vtt" else " \n"}
    found = compared(*files(tmp_path, **empty, hyp_vtt=shown), language="en")
    figures = results_of(Run(), found.clips).figures
    assert {"wer", "invented"}.isdisjoint(figures)
    assert [one.name for one in found.doubts] == ["no_reference"]


def test_folders_are_paired_by_name_and_a_recording_without_captions_is_all_wrong(
    tmp_path: Path,
) -> None:
    said, shown = talk(2)
    ours, theirs = tmp_path / "ref", tmp_path / "hyp"
    files(ours, a_txt=said, b_txt=said, notes_md="x")
    files(theirs, a_vtt=shown, c_srt="")
    found = compared(ours, theirs, language="en")
    assert [clip.id for clip in found.clips] == ["a", "b"]
    assert results_of(Run(), found.clips).figures["wer"].value == 0.5
    assert [(one.name, one.facts) for one in found.doubts] == [("no_captions", {"recording": "b"})]
    assert found.left_out == (f"{theirs}/c.srt: no reference of that name in {ours}",)


def test_captions_are_found_that_have_their_language_in_their_name(tmp_path: Path) -> None:
    said, shown = talk(2)
    ours, theirs = tmp_path / "ref", tmp_path / "hyp"
    files(ours, a_txt=said)
    files(theirs, **{"a_en.vtt": shown})
    found = compared(ours, theirs, language="en")
    assert found.doubts == ()
    assert results_of(Run(), found.clips).figures["wer"].value == 0


def test_recordings_in_one_file_are_clips(tmp_path: Path) -> None:
    ref = "x 1 ann 0 1 hello there\ny 1 bob 0 1 good day\nz 1 bob 0 1 lost\n"
    hyp = "x 1 S1 0 1 hello here\ny 1 S1 0 1 good day\nw 1 S1 0 1 more\n"
    found = compared(*files(tmp_path, ref_stm=ref, hyp_stm=hyp), language="en")
    assert [clip.id for clip in found.clips] == ["x", "y", "z"]
    assert found.doubts[0].facts == {"recording": "z"}
    assert "no reference for the recording 'w'" in found.left_out[0]
    assert results_of(Run(), found.clips).figures["wer"].value == 0.4


def test_bad_lines_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    said, shown = talk(2)
    broken = shown.replace("00:00:05.000", "later")
    found = compared(*files(tmp_path, ref_txt=said, hyp_vtt=broken), language="en")
    assert "hyp.vtt:6: no caption" in found.left_out[0]
    figures = results_of(Run(), found.clips).figures
    assert figures["wer"].value == 0.5
    assert figures["vtt_errors"].value == 1


@pytest.mark.parametrize(
    ("ref", "hyp", "why"),
    [
        ("ref_rttm", "hyp_vtt", "holds no words to compare with"),
        ("ref_doc", "hyp_vtt", "the ending '.doc' is unknown"),
    ],
)
def test_what_cannot_be_compared_is_named(tmp_path: Path, ref: str, hyp: str, why: str) -> None:
    line = "SPEAKER talk 1 1.5 2.25 <NA> <NA> ann <NA> <NA>\n"
    with pytest.raises(FormatError, match=why):
        compared(*files(tmp_path, **{ref: line, hyp: "WEBVTT\n"}), language="en")


def test_a_file_is_not_compared_with_a_folder(tmp_path: Path) -> None:
    (path,) = files(tmp_path, ref_txt="x")
    with pytest.raises(FormatError, match="one is a folder"):
        compared(path, tmp_path, language="en")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="nothing to compare"):
        compared(tmp_path / "empty", tmp_path / "empty", language="en")


ENGLISH = "this is what they have said about it when we were there with them and that was all " * 3
FRENCH = "c'est ce que nous avons dit dans cette salle avec vous et elle est là pour les voir " * 3
NEITHER = "alpha bravo charlie delta echo foxtrot golf hotel india juliett " * 4


def folders(tmp_path: Path, **texts: str) -> list[Path]:
    for side in ("said", "shown"):
        (tmp_path / side).mkdir()
        for name, text in texts.items():
            (tmp_path / side / f"{name}.txt").write_text(text, encoding="utf-8")
    return [tmp_path / "said", tmp_path / "shown"]


def test_each_recording_of_a_folder_is_compared_in_its_own_language(tmp_path: Path) -> None:
    found = compared(*folders(tmp_path, a=ENGLISH, b=FRENCH, c="oui"))
    assert [clip.language for clip in found.clips] == ["en", "fr", "en"]
    assert (found.language, found.doubts) == ("en, fr", ())


def test_what_could_not_be_told_among_several_languages_is_named(tmp_path: Path) -> None:
    found = compared(*folders(tmp_path, a=ENGLISH, b=FRENCH, c=NEITHER))
    assert [doubt.name for doubt in found.doubts] == ["languages_unknown"]
    assert found.doubts[0].facts["names"] == "c"


def test_recordings_in_another_language_than_asked_are_named(tmp_path: Path) -> None:
    found = compared(*folders(tmp_path, a=ENGLISH, b=FRENCH), language="en-GB")
    assert [(doubt.name, doubt.facts["names"]) for doubt in found.doubts] == [
        ("language_unlikely", "b")
    ]


def test_short_french_is_not_called_captions_in_another_language(tmp_path: Path) -> None:
    (said, shown) = files(tmp_path, ref_txt="Bonjour à tous", hyp_txt=FRENCH)
    found = compared(said, shown)
    assert (found.language, found.doubts) == ("fr", ())


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Il y a 70 agents et 12 apprentis.", "il y a soixante-dix agents et douze apprentis"),
        ("Au XIXe siècle et avant", "au dix-neuvième siècle et avant"),
        ("Hay 70 personas aquí.", "hay setenta personas aquí"),
    ],
)
def test_a_few_words_are_compared_in_the_language_that_has_most_of_them(
    tmp_path: Path, said: str, shown: str
) -> None:
    found = compared(*files(tmp_path, ref_txt=said, hyp_txt=shown))
    assert (results_of(Run(), found.clips).figures["wer"].value, found.doubts) == (0, ())


def test_captions_in_another_language_are_named_by_one_sentence(tmp_path: Path) -> None:
    found = compared(*files(tmp_path, ref_txt=ENGLISH[:82], hyp_txt=FRENCH[:84]))
    assert [(doubt.name, doubt.facts["likely"]) for doubt in found.doubts] == [
        ("captions_language", "fr")
    ]


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        ("LE DEPUTE A ETE ELU A LYON, BIENTOT", 0),
        ("LE DÉPUTÉ A ÉTÉ ÉLU À LYON, BIENTÔT", 0),
        ("le depute a été élu à Lyon, bientot", 2 / 8),
    ],
)
def test_capitals_without_accents_are_no_errors(tmp_path: Path, shown: str, wrong: float) -> None:
    said = "Le député a été élu à Lyon, bientôt"
    found = compared(*files(tmp_path, ref_txt=said, hyp_txt=shown), language="fr")
    assert results_of(Run(), found.clips).figures["wer"].value == wrong


@pytest.mark.parametrize(
    ("begin", "wrong"),
    [
        ("LE 1er MAI", 0), ("(rires) LE 1er MAI", 0), ("LE 1er MAI,", 0), ("LE 1er MÀI", 0),
        ("le 1er mai", 0), ("LE 2e MAI", 1),
    ],
)  # fmt: skip
def test_capitals_without_accents_may_have_other_letters_among_them(
    tmp_path: Path, begin: str, wrong: int
) -> None:
    said = "le 1er mai, les députés ont été entendus à Lyon. C'était très intéressant, à 3 km d'ici"
    shown = f"{begin}, LES DEPUTES ONT ETE ENTENDUS A LYON. C'ETAIT TRES INTERESSANT, A 3 km D'ICI"
    for reference, captions in ((said, shown), (shown, said)):
        both = files(tmp_path, ref_txt=reference, hyp_txt=captions)
        wer = results_of(Run(), compared(*both, language="fr").clips).figures["wer"]
        assert wer.value == pytest.approx(wrong / 17)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ("klingon", "give one of en, fr, de, es, it, nl, pt"),
        ("French", "give fr"),
        ("allemand", "give de"),
    ],
)
def test_what_is_no_language_is_a_usage_error(tmp_path: Path, given: str, advice: str) -> None:
    said, shown = map(str, folders(tmp_path, a=ENGLISH))
    result = CliRunner().invoke(score, [said, shown, "--language", given])
    assert result.exit_code == 2
    assert advice in " ".join(result.output.replace("│", " ").split())
