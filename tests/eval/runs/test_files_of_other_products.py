"""Captions that hold what was said word for word, as other tools write them: no error."""

import re
from pathlib import Path

import pytest

from eval.corpus.transcript import FormatError, Repair
from eval.corpus.transcript_formats import transcript_of
from eval.observation import Run
from eval.report.results import results_of
from eval.runs.from_files import Compared, compared

SAID = (
    "We don't need nine people for this today. The plan is good, and it's ready. "
    "Ann will send it to Bob."
)
CUES = (
    "We don't need nine people",
    "for this today. The plan is good,",
    "and it's ready.",
    "Ann will send it to Bob.",
)

APOSTROPHES = "\u2019\u2018\u02bc\u2032\u00b4\u0060\uff07\u201b"


def cues(*texts: str, comma: bool = False, numbers: bool = False, header: str = "") -> str:
    blocks = [header] if header else []
    for n, text in enumerate(texts):
        stamp = f"00:00:{2 * n:02}.000 --> 00:00:{2 * n + 1:02}.900"
        number = f"{n + 1}\n" if numbers else ""
        blocks.append(f"{number}{stamp.replace('.', ',') if comma else stamp}\n{text}")
    return "\n\n".join(blocks) + "\n"


def srt(*texts: str) -> str:
    return cues(*texts, comma=True, numbers=True)


def vtt(*texts: str) -> str:
    return cues(*texts, header="WEBVTT")


def scored(
    folder: Path, captions: str | bytes, name: str = "shown.srt", *, said: str = SAID,
    reference: str = "said.txt",
) -> tuple[float, Compared]:  # fmt: skip
    ours, theirs = folder / reference, folder / name
    ours.write_text(said, "utf-8")
    theirs.write_bytes(captions if isinstance(captions, bytes) else captions.encode())
    found = compared(ours, theirs)
    return results_of(Run(), found.clips).figures["wer"].value, found


def repairs(found: Compared) -> dict[Repair, int]:
    return {one.repair: one.count for one in found.repairs}


def test_a_caption_file_without_a_cue_is_wholly_wrong(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ref", tmp_path / "hyp"
    for folder in (ours, theirs):
        folder.mkdir()
    for name in "abc":
        (ours / f"{name}.txt").write_text("one two three four")
        (theirs / f"{name}.vtt").write_text(
            "WEBVTT\n" if name == "b" else vtt("one two three four")
        )
    found = compared(ours, theirs)
    assert results_of(Run(), found.clips).figures["wer"].value == pytest.approx(1 / 3)
    assert [one.facts["recording"] for one in found.doubts if one.name == "no_captions"] == ["b"]


def test_markdown_in_a_folder_is_a_transcript_if_the_other_has_its_name(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "said", tmp_path / "shown"
    for folder, files in ((ours, ("README.md", "talk.md")), (theirs, ("talk.txt", "notes.md"))):
        folder.mkdir()
        for name in files:
            (folder / name).write_text(f"# Talk\n\n**Ann Lee:** {SAID}\n\n**Bob Ray:** Yes.")
    found = compared(ours, theirs)
    assert ({clip.id for clip in found.clips}, found.left_out) == ({"talk"}, ())


@pytest.mark.parametrize(
    "ending", ["a.vtt", "a.srt", "a.txt", "a.json", "a.ass", "a.ctm", "a.ttml"]
)
def test_captions_that_are_empty_in_any_format_are_wholly_wrong(
    tmp_path: Path, ending: str
) -> None:
    empty = {"json": '{"text": "", "segments": []}', "ttml": "<tt><body/></tt>"}
    rate, found = scored(tmp_path, empty.get(ending[2:], ""), ending)
    assert rate == 1
    assert [one.name for one in found.doubts] == ["no_captions"]


@pytest.mark.parametrize("mark", APOSTROPHES)
def test_any_apostrophe_is_the_same_both_ways(tmp_path: Path, mark: str) -> None:
    for said, shown in ((SAID.replace("'", mark), SAID), (SAID, SAID.replace("'", mark))):
        rate, found = scored(tmp_path, vtt(shown), "shown.vtt", said=said)
        assert rate == 0
        figures = results_of(Run(), found.clips).figures
        assert figures["negation_errors"].value == figures["punctuation_errors"].value == 0


@pytest.mark.parametrize("mark", APOSTROPHES)
def test_any_apostrophe_is_the_same_in_french(tmp_path: Path, mark: str) -> None:
    said = "L'idée n'est pas d'aujourd'hui : c'est celle de l'équipe qu'on a vue dans le rapport."
    rate, found = scored(tmp_path, vtt(said.replace("'", mark)), "shown.vtt", said=said)
    assert (rate, found.language) == (0, "fr")


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_letters_are_read_in_the_encoding_that_fits(tmp_path: Path, encoding: str) -> None:
    said = "Où êtes-vous ? À l'école, déjà. Ça coûte cher, c'est même très gênant à Noël."
    rate, found = scored(tmp_path, vtt(said).encode(encoding), "a.vtt", said=said)
    assert rate == 0
    assert [one.details for one in found.repairs] == [(encoding,)]


def test_a_rare_letter_does_not_change_the_encoding(tmp_path: Path) -> None:
    said = "“Don’t,” said Škoda – it’s €5 or ½."
    rate, found = scored(tmp_path, vtt(said).encode("cp1252"), "a.vtt", said=said)
    assert (rate, [one.details for one in found.repairs]) == (0, [("cp1252",)])


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a co-operative e-mail", "a co\u2011operative e\u2013mail"),
        ("cooperation", "co\u00adope\u200bration"),
        ("an office first", "an oﬃce ﬁrst"),
        ("the café is naïve", "the cafe\u0301 is nai\u0308ve"),
        ("one two", "one\u202ftwo"),
        ("so they said yes", "so \u200ethey\u200f said \u2066yes\u2069"),
        ("wait what", "\uff57\uff41\uff49\uff54\u3000\uff57\uff48\uff41\uff54"),
        ("if x < 5 and y > 3 then go", "if x &lt; 5 and y &gt; 3 then go"),
    ],
)
def test_characters_that_look_the_same_are_the_same(tmp_path: Path, said: str, shown: str) -> None:
    assert scored(tmp_path, vtt(shown), "shown.vtt", said=said)[0] == 0


GAP = srt("We don't need nine people\n\nfor this today.", *CUES[1:]).replace(
    "for this today. The", "The"
)


def test_a_blank_line_inside_a_caption_is_mended_and_counted(tmp_path: Path) -> None:
    rate, found = scored(tmp_path, GAP)
    assert rate == 0
    assert repairs(found) == {Repair.GAP: 1}
    rate, found = scored(tmp_path, GAP.replace(",000", ".000").replace(",900", ".900"), "a.vtt")
    assert rate == 0
    rate, found = scored(tmp_path, "WEBVTT\n\n" + GAP.replace(",", "."), "b.vtt")
    assert (rate, repairs(found)) == (0, {Repair.GAP: 1})


@pytest.mark.parametrize(
    ("change", "repair"),
    [
        (("\n\n", "\n \n"), Repair.SPACES),
        (("\n\n", "\n\t \n"), Repair.SPACES),
        (("\n\n", "\n\u00a0\n"), Repair.SPACES),
        (("\n\n", "\n"), Repair.NO_SEPARATOR),
        (("\n", "\r\r\n"), Repair.LINE_ENDS),
        ((" --> ", "-->"), Repair.TIMES),
        ((" --> ", " -> "), Repair.TIMES),
        ((" --> ", " → "), Repair.TIMES),
        ((" --> ", " –> "), Repair.TIMES),
        ((" --> ", " --&gt; "), Repair.TIMES),
        ((",", "."), Repair.TIMES),
        ((",000", ""), Repair.TIMES),
        ((":", ": "), Repair.TIMES),
    ],
)
def test_subrip_without_a_clean_structure_is_mended_and_counted(
    tmp_path: Path, change: tuple[str, str], repair: Repair
) -> None:
    plain = [text.replace(",", "").replace(".", "") for text in CUES]
    rate, found = scored(tmp_path, srt(*plain).replace(*change))
    assert rate == 0
    assert repair in repairs(found)
    assert found.left_out == ()


def test_a_spoken_number_is_no_number_of_a_caption(tmp_path: Path) -> None:
    said = "how many are there\n42\nand after that\n3"
    shown = srt("how many are there\n42", "and after that\n3")
    for text in (shown, shown.replace("\n\n", "\n"), shown.replace("\n\n", "\n \n")):
        assert scored(tmp_path, text, said=said)[0] == 0
    assert scored(tmp_path, vtt("how many are there\n42", "and after that\n3"), said=said)[0] == 0


@pytest.mark.parametrize(
    "tagged",
    [
        "We don't<br>need", "We don't<br/>need", "We don't<BR />need", r"We don't\Nneed",
        r"We don't\nneed", r"{\an8}We don't need", r"{\pos(10,20)\fad(1,2)}We don't need",
        r"We don't\hneed", '<font color="#ffff00" size=12>We don\'t</font> need',
        "<p>We don't</p><p>need</p>", '<span tts:color="red">We don\'t</span><br/>need',
        "We <b>d</b>on't need", "{Y:i}We don't need", "We don&amp;#39;t need",
        "&amp;lt;i&amp;gt;We don't&amp;lt;/i&amp;gt; need", "We don't<div>need</div>",
        "♪ We don't need ♪", "- We don't\n- need", ">> We don't need",
    ],
)  # fmt: skip
def test_tags_of_any_format_are_no_words_and_glue_none(tmp_path: Path, tagged: str) -> None:
    texts = [CUES[0].replace("We don't need", tagged), *CUES[1:]]
    for name, text in (("a.srt", srt(*texts)), ("a.vtt", vtt(*texts))):
        assert scored(tmp_path, text, name)[0] == 0


def ctm(*words: str, confidence: bool) -> str:
    end = " 0.98" if confidence else ""
    return "".join(f"talk 1 {n / 2:.2f} 0.25 {word}{end}\n" for n, word in enumerate(words))


NUMBERS = ("we", "9", "nan", "infinity", "0.5", "1", "inf", "go")


@pytest.mark.parametrize("confidence", [True, False])
@pytest.mark.parametrize("words", [NUMBERS, ("9", "8", "7"), ("nan",), ("1", "infinity")])
def test_a_ctm_is_read_by_its_columns_whatever_its_words(
    tmp_path: Path, confidence: bool, words: tuple[str, ...]
) -> None:
    said = " ".join(words)
    rate, found = scored(tmp_path, ctm(*words, confidence=confidence), "a.ctm", said=said)
    assert (rate, found.left_out) == (0, ())


def test_a_ctm_whose_columns_cannot_be_told_says_so(tmp_path: Path) -> None:
    rate, found = scored(tmp_path, "my talk 1 0.5 0.5 0.5\n", "a.ctm", said="0.5")
    assert rate == 0
    assert "may be a word or a confidence" in found.left_out[0]


@pytest.mark.parametrize("name", ["talk", "utt-0001", "a/b/said.wav"])
def test_plain_text_is_scored_against_a_ctm_whatever_it_is_called(
    tmp_path: Path, name: str
) -> None:
    words = ctm(*SAID.split(), confidence=True).replace("talk", name)
    assert scored(tmp_path, words, "shown.ctm")[0] == 0
    assert scored(tmp_path, SAID, "shown.txt", said=words, reference="said.ctm")[0] == 0


def test_plain_text_is_scored_against_a_ctm_of_several_utterances(tmp_path: Path) -> None:
    rows = [ctm(*text.split(), confidence=True).replace("talk", f"utt{n}")
            for n, text in enumerate(CUES)]  # fmt: skip
    rate, found = scored(tmp_path, "".join(rows), "shown.ctm")
    assert rate == 0
    assert [(one.name, one.facts) for one in found.doubts] == [("joined", {"n": "4"})]
    rate, found = scored(tmp_path, SAID, "shown.txt", said="".join(rows), reference="said.ctm")
    assert rate == 0


@pytest.mark.parametrize(
    "name",
    [
        "Ann Lee (she/her)", "Ann Lee, ACME", "Ann Lee (Guest)", "Ann Lee [External]", "Ann",
        "Lee, Ann (ACME Ltd.)", "Ann Lee | ACME", "Ann O’Lee-Smith", "Dr. Ann Lee", "SPEAKER_00",
        "Speaker 1", "[SPEAKER_00]", "Salle 3 (Paris)", "+1 202***1234", "ANN", "Ann de la Tour",
        "安娜", "guest", "Le président", "Mme la ministre", "M. Dupont", "l’animatrice",
    ],
)  # fmt: skip
def test_names_in_front_of_the_text_are_speakers(tmp_path: Path, name: str) -> None:
    texts = [f"{name}: {text}" for text in CUES]
    for form, text in (("a.vtt", vtt(*texts)), ("a.srt", srt(*texts)), ("a.txt", "\n".join(texts))):
        rate, found = scored(tmp_path, text, form)
        assert rate == 0, form
        assert [one.details for one in found.repairs if one.repair == Repair.NAMES]
    for text in CUES:
        voice = [f"<v {name.strip('[]')}>{text}</v>" for text in CUES]
        assert scored(tmp_path, vtt(*voice), "v.vtt")[0] == 0
        assert scored(tmp_path, vtt(*(f"<v>{name}: {text}" for text in CUES)), "v.vtt")[0] == 0


def test_names_only_where_the_speaker_changes_are_speakers(tmp_path: Path) -> None:
    texts = [
        f">> ANN: {CUES[0]}",
        CUES[1],
        f">> BOB: {CUES[2]}",
        f">> ANN: {CUES[3]}",
        ">> BOB: Yes.",
    ]
    rate, found = scored(tmp_path, vtt(*texts), "a.vtt", said=SAID + " Yes.")
    assert rate == 0
    [clip] = found.clips
    assert [one.speaker for one in clip.shown] == ["ANN", "ANN", "BOB", "ANN", "BOB"]


def test_a_colon_inside_speech_is_no_name(tmp_path: Path) -> None:
    said = "Note: the plan is good. We start at 10:30 today. One thing: send it. And then: rest."
    texts = ["Note: the plan is good.", "We start at 10:30 today.", "One thing: send it.",
             "And then: rest."]  # fmt: skip
    rate, found = scored(tmp_path, vtt(*texts), "a.vtt", said=said)
    assert (rate, found.repairs) == (0, ())
    assert scored(tmp_path, "\n".join(texts), "a.txt", said=said)[0] == 0


@pytest.mark.parametrize("name", ["ANN:", "Ann Lee :", "Mme la rapporteure :", "guest:"])
def test_names_on_lines_of_their_own_are_speakers(tmp_path: Path, name: str) -> None:
    texts = [f"{name}\n{text}" for text in CUES]
    for form, text in (("a.vtt", vtt(*texts)), ("a.txt", "\n\n".join(texts))):
        rate, found = scored(tmp_path, text, form)
        assert (rate, repairs(found)) == (0, {Repair.NAMES: len(CUES)})


@pytest.mark.parametrize("mark", ["\t", ";"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.txt"])
@pytest.mark.parametrize("header", ["Début Fin Intervenant Texte", "Start End Speaker Text"])
def test_tables_of_spreadsheets_are_read(tmp_path: Path, mark: str, name: str, header: str) -> None:
    rows = (
        mark.join([f"00:00:{n:02}", f"00:00:{n + 1:02}", "Ann Lee", text])
        for n, text in enumerate(CUES)
    )
    table = "\r\n".join(["\ufeff" + header.replace(" ", mark), *rows])
    rate, found = scored(tmp_path, table, name)
    assert (rate, {shown.speaker for shown in found.clips[0].shown}) == (0, {"Ann Lee"})


def test_a_quotation_over_two_rows_of_a_table_is_text(tmp_path: Path) -> None:
    texts = ["He said", '"We wait', 'and see."', '"No," he said', "again."]
    rows = "\n".join(f"{n}00\t{n}90\t{text}" for n, text in enumerate(texts))
    said = " ".join(texts)
    assert scored(tmp_path, f"start\tend\ttext\n{rows}", "a.tsv", said=said)[0] == 0
    cells = "\n".join(f'{n}00\t{n}90\t"{text}\nso"' for n, text in enumerate(CUES))
    said = " so ".join([*CUES, ""])
    assert scored(tmp_path, f"start\tend\ttext\n{cells}", "a.tsv", said=said)[0] == 0


@pytest.mark.parametrize(
    "form",
    [
        "M. Jean Dupont. {}", "Mme Ann Lee, ministre déléguée. – {}", "M. le président. {}",
        "Mme la ministre de l'action publique. {}", "M. Jean Dupont (SOC). {}", "Mr. SMITH. {}",
        "The CHAIRMAN. {}", "Q. {}", "A.   {}", "Ann Lee\t{}", "Ann Lee\n{}",
    ],
)  # fmt: skip
def test_names_in_records_of_parliaments_and_courts_are_speakers(tmp_path: Path, form: str) -> None:
    texts = [form.format(text) for text in (*CUES, "Mr. Lee. Please. Go on.")]
    said = f"{SAID} Mr. Lee. Please. Go on."
    rate, found = scored(tmp_path, "\n\n".join(texts), "a.txt", said=said)
    assert (rate, repairs(found)) == (0, {Repair.NAMES: len(texts)})
    rate, _ = scored(tmp_path, said, "a.txt", said="\n\n".join(texts))
    assert rate == 0


RECORDS = [
    ("Mme la présidente. {}", "M. Jean Dupont, rapporteur. {}", "{}", "{}", "M. Luc Ray (LR). {}"),
    ("The SPEAKER pro tempore. {}", "Mr. SMITH of Ohio. {}", "{}", "{}", "Ms. LEE. {}"),
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_in_which_each_speaks_for_several_paragraphs_has_names(
    tmp_path: Path, record: tuple[str, ...]
) -> None:
    texts = (*CUES, "Mr. Lee knows it.")
    said, shown = "\n\n".join(record).format(*texts), " ".join(texts).replace("nine", "five")
    assert scored(tmp_path, shown, "a.txt", said=said)[1].clips[0].reference[0].text == CUES[0]
    assert scored(tmp_path, said, "a.txt", said=" ".join(texts))[0] == 0
    rate, _ = scored(tmp_path, shown, "a.txt", said=said)
    assert rate == pytest.approx(
        1 / len(" ".join(texts).replace("'t", " not").replace("'s", " is").split())
    )


@pytest.mark.parametrize(
    ("begin", "wrong"),
    [("M. le ministre, mes chers collègues.", 6), ("M. le ministre, Mme la ministre.", 6),
     ("M. le président.", 3)],
)  # fmt: skip
def test_people_who_are_greeted_are_no_names(tmp_path: Path, begin: str, wrong: int) -> None:
    rest = "Nous sommes ici pour parler de ce que nous avons fait avec vous."
    rate, _ = scored(tmp_path, rest, "a.txt", said=f"{begin} {rest}")
    assert rate == pytest.approx(wrong / (13 + wrong))
    assert scored(tmp_path, f"{begin} {rest}", "a.txt", said=f"{begin} {rest}")[0] == 0


@pytest.mark.parametrize(
    "said", ["Mr. Lee. Please go on.\nThen stop.\nWe wait.", "Paris\nis nice\nRome\nis not"]
)
def test_a_name_that_both_files_have_was_said(tmp_path: Path, said: str) -> None:
    rate, found = scored(tmp_path, vtt(*said.split("\n")), "a.vtt", said=said)
    assert (rate, found.repairs, len(found.clips[0].reference[0].text)) == (0, (), len(said))


def test_a_colon_in_speech_below_a_name_is_no_name(tmp_path: Path) -> None:
    turns = [*CUES, "Note: it is only a draft.", "He said: we wait."]
    said = " ".join(turns)
    for form in ("{}:\n\n{}\n\n", "[00:00:0{n}] {}\n{}\n\n", "0:0{n}\n{}\n{}\n"):
        people = ("Ann Lee", "Bob Ray")
        shown = "".join(form.format(people[n % 2], text, n=n) for n, text in enumerate(turns))
        rate, found = scored(tmp_path, f"Planning\n\n{shown}", "a.txt", said=said)
        assert (rate, found.doubts, repairs(found)[Repair.NAMES]) == (0, (), len(turns))


def test_a_name_above_a_text_is_one_though_some_texts_look_like_names(tmp_path: Path) -> None:
    said = [*CUES, "Paris", "No"]
    shown = [f"{('Ann', 'Bob')[n % 2]}\n{text}" for n, text in enumerate(said)]
    rate, found = scored(tmp_path, srt(*shown), said=" ".join(said))
    assert (rate, found.doubts, repairs(found)) == (0, (), {Repair.NAMES: len(said)})


SPOKEN = [
    "He said:\ncome in\nand then we left\nShe said:\nnot today please",
    "0:01\nParis\nis nice today\n0:04\nRome\nis far too warm\n0:09\nBerlin\nis elsewhere",
    "0:01 yes we can\nand more of it\n0:04 No You Can Not\nand that is all",
    "Good evening\nAnn: hello there my friend\nBob: how are you today\nAnn: I am fine thanks",
    "Good evening\n0:03 hello there my friend\n0:05 how are you today\n0:08 I am fine thanks",
    "We meet at 10:30\n10:30 is fine\nthen 12:15",
    "Ann  0:03\nwe meet at 10:30\nor later\nBob  0:07\nwhy not at 11:30\nor even later",
    "0:01\nten more\n0:03\n10 seconds\n0:05\nand 5 minutes\n",
    "We need a\nTranscript\nof all the speakers\nParticipants\nare waiting for it",
    "0:01 we saw it\n0:03 Detected by radar it fled\n0:06 Audio file: none\n0:09 the end",
]


@pytest.mark.parametrize("text", SPOKEN)
def test_what_looks_like_a_name_a_time_or_a_title_was_said_if_the_other_file_has_it(
    tmp_path: Path, text: str
) -> None:
    said = re.sub(r"(?m)^\d:\d\d\b|^Ann  .*|^Bob  .*|^Ann: |^Bob: |:(?!\d)", " ", text)
    rate, found = scored(tmp_path, text, "a.txt", said=said)
    assert (rate, found.doubts) == (0, ())
    rate, found = scored(tmp_path, said, "a.txt", said=text)
    assert (rate, found.doubts) == (0, ())


@pytest.mark.parametrize(
    "sound", ["*laughs*", "♪ soft music ♪", "♪ … ♪", "♪♪", "[Music]", "(rires)", "*Rires.*"]
)
@pytest.mark.parametrize("ending", ["vtt", "txt"])
def test_sounds_are_no_words(tmp_path: Path, sound: str, ending: str) -> None:
    texts = [sound, f"{sound} {CUES[0]}", f"{CUES[1]} {sound}", *CUES[2:]]
    form = vtt(*texts) if ending == "vtt" else "\n".join(texts)
    counted = {Repair.SOUNDS: 3} if re.search(r"[*♪] ?\w", sound) else {}
    rate, found = scored(tmp_path, form, f"a.{ending}")
    assert (rate, repairs(found), found.doubts) == (0, counted, ())
    rate, found = scored(tmp_path, SAID, "a.txt", said=form, reference=f"said.{ending}")
    assert (rate, repairs(found), found.doubts) == (0, counted, ())


@pytest.mark.parametrize(
    "texts",
    [
        ["I *really* mean it", "you *must not* do that again", "and that is *all* I say"],
        ["♪ the music goes on ♪", "♪ my friend\nand we sing ♪", "and now back to the news"],
    ],
)
def test_words_that_are_sung_or_stressed_stay_words(tmp_path: Path, texts: list[str]) -> None:
    said = " ".join(texts).replace("*", "").replace("♪", "")
    rate, found = scored(tmp_path, vtt(*texts), "a.vtt", said=said)
    assert (rate, repairs(found), found.doubts) == (0, {}, ())
    rate, found = scored(tmp_path, said, "a.txt", said=vtt(*texts), reference="said.vtt")
    assert (rate, repairs(found), found.doubts) == (0, {}, ())


def test_what_stands_in_brackets_was_said_if_the_other_file_has_it(tmp_path: Path) -> None:
    said = "The law (which is old) must change (laughs) now. We (all of us) agree (applause)."
    shown = "The law which is old must change now. We all of us agree."
    for reference, captions in ((said, shown), (shown, said)):
        rate, found = scored(tmp_path, captions, "a.txt", said=reference)
        assert (rate, found.doubts) == (0, ())
    assert scored(tmp_path, shown.replace("must", ""), "a.txt", said=said)[0] == 1 / 13


def test_what_only_a_reference_has_between_notes_is_doubted(tmp_path: Path) -> None:
    said = vtt("♪ We are the champions ♪", "and now back to the news")
    rate, found = scored(
        tmp_path, "and now back to the news", "a.txt", said=said, reference="said.vtt"
    )
    assert rate > 0
    assert [one.name for one in found.doubts] == ["perhaps_names"]


def test_a_timed_caption_without_its_sounds_keeps_the_times_of_its_words(tmp_path: Path) -> None:
    shown = "♪ soft music ♪ we <00:00:00.500>need *laughs* <00:00:01.000>nine"
    found = transcript_of(Path("a.vtt"), vtt(shown).encode())
    assert [word.text for one in found.segments for word in one.words] == ["we", "need", "nine"]


NAMED = """talk 1 Ann 0 2 we need nine people
talk 1 Bob 2 4 for this today
talk 1 Ann 4 6 the plan is good
"""


@pytest.mark.parametrize(
    ("ann", "bob"),
    [
        ("Ann", "Bob"), ("Ann (she/her)", "Bob (Guest)"), ("ANN", "bob"), ("Ann Lee", "Bob Ray"),
        ("Lee, Ann", "Bob, ACME"), ("Speaker 1", "Speaker 2"), ("", ""), ("Ann", "Room 3"),
    ],
)  # fmt: skip
def test_right_words_are_right_however_people_are_named(tmp_path: Path, ann: str, bob: str) -> None:
    texts = [
        f"<v {ann}>we need nine people",
        f"<v {bob}>for this today",
        f"<v {ann}>the plan is good",
    ]
    rate, _ = scored(tmp_path, vtt(*texts), "a.vtt", said=NAMED, reference="said.stm")
    assert rate == 0


WORDS = '"IntervalTier"\n"words"\n0\n2\n2\n0\n1\n"hello"\n1\n2\n"there"\n'


@pytest.mark.parametrize(
    "content",
    [
        f'File type = "ooTextFile short"\n"TextGrid"\n\n0\n2\n<exists>\n1\n{WORDS}',
        f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n1\n{WORDS}',
        f'"ooTextFile"\n"TextGrid"\n0 2 <exists> 1\n{WORDS}',
        '"Praat chronological TextGrid text file"\n0 2   ! Time domain.\n1   ! Number of tiers.\n'
        '"IntervalTier" "words" 0 2\n\n1 0 1   ! interval\n"hello"\n1 1 2\n"there"\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-8-sig"])
def test_textgrids_of_all_ages_are_read(tmp_path: Path, content: str, encoding: str) -> None:
    shown = content.encode(encoding)
    assert scored(tmp_path, shown, "a.TextGrid", said="hello there")[0] == 0


def test_a_torn_textgrid_is_read_up_to_there_and_says_so(tmp_path: Path) -> None:
    torn = f'File type = "ooTextFile"\n"TextGrid"\n0\n2\n<exists>\n1\n{WORDS}'.replace(
        '1\n2\n"there"\n', "1\n"
    )
    rate, found = scored(tmp_path, torn, "a.TextGrid", said="hello there")
    assert rate == 0.5
    assert "it ends in the middle" in found.left_out[0]
    assert "not_understood" in [one.name for one in found.doubts]


def test_a_word_document_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = Path(__file__).parent.parent / "files_of_tools" / "teams-word.docx"
    said = "We don't need nine people for this today. The plan is good. Yes, send it to Bob at 9."
    for name in ("a.vtt", "a.srt", "a.txt"):
        rate, found = scored(tmp_path, path.read_bytes(), name, said=said)
        assert (rate, found.left_out) == (0, ())
        assert [one.details for one in found.repairs if one.repair == Repair.CONTENT] == [
            ("read as .docx",)
        ]
    with pytest.raises(FormatError, match="begins like a Word document"):
        scored(tmp_path, path.read_bytes()[:99], "a.vtt")


@pytest.mark.parametrize("copied", [len(CUES), 2])
def test_a_file_that_is_joined_to_itself_is_read_once(tmp_path: Path, copied: int) -> None:
    rate, found = scored(tmp_path, srt(*CUES) + "\n" + srt(*CUES[:copied]))
    assert (rate, repairs(found)) == (0, {Repair.DOUBLED: copied})


@pytest.mark.parametrize("overlapping", [True, False])
@pytest.mark.parametrize("slip", ["", "s"])
def test_captions_with_all_their_revisions_are_read_as_the_last(
    tmp_path: Path, slip: str, overlapping: bool
) -> None:
    blocks = list[str]()
    for n, text in enumerate(CUES):
        words = text.split()
        for k in range(1, len(words) + 1):
            end = f"0{n}.950" if overlapping else f"0{n}.{100 * (k + 1):03}"
            shown = " ".join(words[:k]) + (slip if k < len(words) else "")
            blocks.append(f"00:0{n}.{100 * k:03} --> 00:{end}\n{shown}\n")
    rate, found = scored(tmp_path, "\n".join(["WEBVTT\n", *blocks]), "a.vtt")
    assert (rate, found.doubts, {*repairs(found)}) == (0, (), {Repair.GROWING})


def test_captions_that_only_begin_alike_are_read_whole(tmp_path: Path) -> None:
    texts = ["I think we go", "I think we stay", "I think we wait", "I think we sing"]
    rate, found = scored(tmp_path, vtt(*texts), "a.vtt", said=" ".join(texts))
    assert (rate, found.doubts) == (0, ())


def test_files_that_are_joined_follow_each_other(tmp_path: Path) -> None:
    joined = "\n".join([srt(*CUES[:2]), srt(*CUES[2:])])
    rate, found = scored(tmp_path, joined)
    assert (rate, repairs(found)) == (0, {Repair.RESTART: 1})


@pytest.mark.parametrize("captions", [1, 4])
def test_names_that_webex_gives_captions_are_speakers(tmp_path: Path, captions: int) -> None:
    texts = CUES[:captions]
    people = ["Ann Lee", "Ann Lee", "Bob Stone (she/her)", "Ann Lee"][:captions]
    blocks = [
        cues(text, header=f'{n} "{name}" ({999 + n})').replace("\n\n", "\n")
        for n, (name, text) in enumerate(zip(people, texts, strict=True), start=1)
    ]
    shown = "\n".join(["WEBVTT\n", *blocks])
    rate, found = scored(tmp_path, shown, "a.vtt", said=" ".join(texts))
    assert (rate, found.left_out, found.doubts) == (0, (), ())
    assert [cue.speaker for clip in found.clips for cue in clip.shown] == people


def test_names_of_captions_that_only_count_are_no_text(tmp_path: Path) -> None:
    blocks = [
        cues(text, header=f"part {n} of 4").replace("\n\n", "\n")
        for n, text in enumerate(CUES, start=1)
    ]
    rate, found = scored(tmp_path, "\n".join(["WEBVTT\n", *blocks]), "a.vtt")
    assert (rate, found.left_out) == (0, ())
    rate, found = scored(tmp_path, "\n".join(["WEBVTT\n", blocks[0]]), "a.vtt", said=CUES[0])
    assert "put text below them" in found.left_out[0]


def test_text_where_a_number_should_be_is_named(tmp_path: Path) -> None:
    shown = "today.\n00:00:01,000 --> 00:00:02,000\nWe need nine people\n"
    _, found = scored(tmp_path, shown, said="We need nine people today.")
    assert "put text below them" in found.left_out[0]


def test_an_alternative_that_no_other_precedes_is_named_and_hides_nothing(tmp_path: Path) -> None:
    shown = "<ALT>\n" + ctm(*SAID.split(), confidence=True)
    rate, found = scored(tmp_path, shown, "a.ctm")
    assert rate == 0
    assert "<ALT> without <ALT_BEGIN>" in found.left_out[0]
