"""Transcripts as people lay them out: names, page numbers and headings are no words, speech is."""

import re
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import pytest

from eval.corpus.transcript import Repair
from eval.corpus.transcript_formats import transcript_of
from eval.observation import Run
from eval.report.results import results_of
from eval.runs.from_files import Compared, compared

TURNS = {
    "en": (
        "Good morning everyone, thank you for coming so early today.",
        "Thanks. I wanted to start with the budget, if nobody minds.",
        "Not at all. We have about 20 minutes for it, I think.",
        "So the first thing is that the rent goes up in March.",
        "By how much?",
        "Five per cent, which is more than we expected last year.",
        "No.",
        "Note: that is only a draft. We can talk about it next week.",
    ),
    "fr": (
        "Bonjour à tous, merci d'être venus si tôt ce matin.",
        "Merci. Je voulais commencer par le budget, si cela ne gêne personne.",
        "Pas du tout. Nous avons environ 20 minutes pour cela, je crois.",
        "Alors la première chose, c'est que le loyer augmente en mars.",
        "De combien ?",
        "De cinq pour cent, ce qui est plus que prévu l'année dernière.",
        "Non.",
        "Attention : ce n'est qu'un brouillon. Nous en parlerons la semaine prochaine.",
    ),
}
PEOPLE = {"en": ("Ann Lee", "Bob Ray"), "fr": ("Anne Lefort", "Paul Roy")}
OFFICES = {
    "en": (
        "The Chair of the Committee on Economic and Monetary Affairs and on the Budget",
        "The Minister for Housing, Communities and Local Government of the Region",
    ),
    "fr": (
        "Mme la présidente de la commission des affaires sociales, de la santé et du travail",
        "M. Luc Roy, rapporteur pour avis de la commission des finances et de l'économie générale",
    ),
}
SIDES = {"en": ("Q", "A"), "fr": ("Q", "R")}


def compared_files(
    folder: Path, reference: str, captions: str, names: tuple[str, str] = ("said.txt", "shown.txt")
) -> tuple[float, Compared]:
    paths = [folder / name for name in names]
    for path, text in zip(paths, (reference, captions), strict=True):
        path.write_text(text, "utf-8")
    found = compared(*paths)
    figure = results_of(Run(), found.clips).figures["wer"]
    return figure.value * (figure.out_of or 0) if figure.value else 0, found


def vtt(texts: Sequence[str]) -> str:
    cues = (f"00:{n:02}.000 --> 00:{n:02}.900\n{text}\n" for n, text in enumerate(texts))
    return "\n".join(["WEBVTT\n", *cues])


def laid_out(form: str, texts: Sequence[str], people: Sequence[str]) -> str:
    """Write each text in a form, and what stands after "¶" behind every third."""
    line, _, page = form.partition("¶")
    lines = list[str]()
    for n, text in enumerate(texts):
        name = people[n % 2]
        facts = {"name": name, "NAME": name.upper(), "text": text, "n": n + 1, "page": n // 2 + 1}
        lines.append(line.format(**facts))
        lines += [page.format(**facts)] if page and n % 2 else []
    return "\n".join(lines)


def checked(folder: Path, laid: str, texts: Sequence[str], name: str) -> list[Compared]:
    """Compare a layout as reference and as captions with plain texts that lack a word."""
    plain = [text.replace("budget, ", "") for text in texts]
    errors, reference = compared_files(folder, laid, vtt(plain), (name, "shown.vtt"))
    assert errors == pytest.approx(1)
    lacking = laid.replace("budget, ", "").replace("budget,&nbsp;", "")
    errors, captions = compared_files(folder, "\n".join(texts), lacking, ("said.txt", name))
    assert errors == pytest.approx(1)
    for found in (reference, captions):
        assert {one.name for one in found.doubts} <= {"names_differ"}
        assert found.left_out == ()
    return [reference, captions]


NAMED = [
    "{name} – {text}", "{NAME} — {text}", "{name} - {text}", "- {name} – {text}",
    "{name}. – {text}",
    "- {name}: {text}", "• {name} : {text}", "{name} | {text}", "{name}> {text}", "{name}… {text}",
    "{name}; {text}", "{name}  {text}", "{NAME}. {text}", "{NAME} {text}", "{name} {text}",
    "**{name}** {text}", "**{name}**\n{text}", "**{name}** – {text}", "*{name}*: {text}",
    "_{name}_ {text}", "* **{name}**: {text}", "> **{name}:** {text}",
    "- **{name}** (0:0{n}): {text}",
    "### {name}\n\n{text}", "{name}, 0:0{n} — {text}", "0:0{n} — {name} — {text}",
    "{n}. {name}: {text}", "{n}\t{name}: {text}", "1. {name}: {text}", "@{name} {text}",
    "0:0{n} | {name} | {text}", "0:0{n};{name};{text}", "| 0:0{n} | {name} | {text} |",
    "<b>{name}:</b> {text}<br>", "<p><strong>{name}</strong> {text}</p>", "<b>{name}</b> {text}",
    "<p>{name}&nbsp;: {text}</p>", "<dt>{name}</dt><dd>{text}</dd>",
    "<div><span class='speaker'>{name}</span><span class='time'>0:0{n}</span><p>{text}</p></div>",
    "<tr><td>0:0{n}</td><td>{name}</td><td>{text}</td></tr>", "{name}&#160;: {text}",
    "10:02:1{n} From {name} to Everyone: {text}", "10:02:1{n} De {name} à Tout le monde : {text}",
    "[30/11/2026, 10:0{n}:00] {name}: {text}", "30/11/2026, 10:0{n} - {name}: {text}",
    "{name}\t\t00:0{n}.000\t{n}.0\t00:0{n}.900\t{n}.9\t0.9\t{text}",
    "[00:0{n}.120] - {name}\n{text}\n\nwww.happyscribe.com",
    "10:02:1{n} From {name} To Everyone:\n\t{text}", "10:02:1{n}\t From  {name} : {text}",
]  # fmt: skip


@pytest.mark.parametrize(("form", "language"), [*zip(NAMED, cycle(TURNS), strict=False)])
def test_names_are_read_however_they_are_set_apart(
    tmp_path: Path, form: str, language: str
) -> None:
    people = PEOPLE[language]
    laid = laid_out(form, TURNS[language], people)
    name = "a.md" if "*" in form or "#" in form else "a.txt"
    reference, captions = checked(tmp_path, laid, TURNS[language], name)
    names = {name.casefold() for name in people}
    assert {one.speaker.casefold() for one in reference.clips[0].reference} == names
    assert {one.speaker.casefold() for one in captions.clips[0].shown} == names


@pytest.mark.parametrize("language", TURNS)
@pytest.mark.parametrize(
    "form", ["{name} {text}", "{name}) {text}", "{name}    {text}", "{name} – {text}",
             "{name}: {text}", "{n:2}        {name}    {text}"],
)  # fmt: skip
def test_columns_of_questions_and_answers_are_speakers(
    tmp_path: Path, form: str, language: str
) -> None:
    checked(tmp_path, laid_out(form, TURNS[language], SIDES[language]), TURNS[language], "a.txt")


@pytest.mark.parametrize("language", TURNS)
def test_an_office_of_many_words_is_a_speaker(tmp_path: Path, language: str) -> None:
    people = OFFICES[language]
    assert all(len(office) > 60 for office in people)
    laid = laid_out("{name} : {text}", TURNS[language], people)
    [reference, _] = checked(tmp_path, laid, TURNS[language], "a.txt")
    assert {one.speaker for one in reference.clips[0].reference} == {*people}


@pytest.mark.parametrize("form", ["Speaker 1 (00:00):", "Ann Lee  0:03"])
def test_who_speaks_alone_is_named_once(tmp_path: Path, form: str) -> None:
    checked(tmp_path, "\n".join([form, *TURNS["en"]]), TURNS["en"], "a.txt")


@pytest.mark.parametrize("language", TURNS)
@pytest.mark.parametrize("label", ["Question :", "Q:", "Le Monde :", "**Question** –"])
def test_one_side_alone_may_have_a_name(tmp_path: Path, label: str, language: str) -> None:
    texts = TURNS[language]
    laid = "\n\n".join(text if n % 2 else f"{label} {text}" for n, text in enumerate(texts))
    checked(tmp_path, laid, texts, "a.txt")


PAGES = [
    "{text}¶\nPage {page} of 4\n", "{text}¶\nPage {page} sur 4\n", "{text}¶\n- {page} -\n",
    "{text}¶{page}\n", "{text}¶\n{page}/4\n\fWeekly meeting, 3 May\n", "{n}. {text}", "{n}) {text}",
    "{name}: {text}¶Weekly meeting\t{page}", "{name}: {text}¶Weekly meeting – page {page}",
    "{name}: {text}¶{page} | Page", "{name}: {text}¶Compte rendu du conseil\nConfidentiel",
    "{n:3}  {text}", "§{n} {text}",
]  # fmt: skip


@pytest.mark.parametrize(("form", "language"), [*zip(PAGES, cycle(TURNS), strict=False)])
def test_what_pages_and_lists_add_is_left_out_and_said(
    tmp_path: Path, form: str, language: str
) -> None:
    laid = laid_out(form, TURNS[language], PEOPLE[language])
    for found in checked(tmp_path, laid, TURNS[language], "a.txt"):
        assert Repair.PRODUCT_LINES in {one.repair for one in found.repairs}


MARKDOWN = """# Weekly meeting

| Time | Speaker | Text |
|:-----|---------|-----:|
{rows}
"""
PAGE = """<!DOCTYPE html>
<html><head><title>Weekly meeting</title><style>p {{ color: red }}</style>
<script>var said = "nothing";</script></head>
<body><h1>Weekly meeting</h1>
{rows}
</body></html>
"""


@pytest.mark.parametrize("language", TURNS)
@pytest.mark.parametrize(
    ("frame", "form", "name"),
    [
        (MARKDOWN, "| 0:0{n} | **{name}** | {text} |", "a.md"),
        (MARKDOWN.replace("Text", "Remarks"), "| 0:0{n} | {name} | {text} |", "a.txt"),
        (PAGE, "<p><b>{name}:</b>\n{text}</p>", "a.html"),
        (PAGE, "<p><b>{name}:</b> {text}</p>", "a.txt"),
        (PAGE.replace("<body>", "<body><table><tr><th>Time<th>Who<th>What"),
         "<tr><td>0:0{n}<td>{name}<td>{text}", "a.htm"),
        ("# Meeting\n\n## Budget\n\n{rows}", "**{name}:** {text}", "a.md"),
    ],
)  # fmt: skip
def test_tables_headings_and_web_pages_are_read(
    tmp_path: Path, frame: str, form: str, name: str, language: str
) -> None:
    rows = laid_out(form, TURNS[language], PEOPLE[language])
    checked(tmp_path, frame.format(rows=rows), TURNS[language], name)


def test_a_column_of_words_that_no_reader_knows_is_named(tmp_path: Path) -> None:
    rows = "| Text | Remarks |\n|---|---|\n| We need nine. | he laughs |\n| The plan is good. | |"
    _, found = compared_files(tmp_path, rows, "We need nine. The plan is good.")
    assert ":3: left out, as no reader knows its column: he laughs" in found.left_out[0]


@pytest.mark.parametrize("ending", ["vtt", "srt"])
@pytest.mark.parametrize(
    "form", ["{name} – {text}", "- {name} – {text}", "{NAME} {text}", "<b>{name}</b> {text}",
             "{name} | {text}", "{NAME}. {text}"],
)  # fmt: skip
def test_captions_too_have_names_before_other_marks(tmp_path: Path, form: str, ending: str) -> None:
    texts = TURNS["en"]
    laid = vtt(laid_out(form, texts, PEOPLE["en"]).split("\n"))
    shown = laid if ending == "vtt" else laid.removeprefix("WEBVTT\n\n").replace(".", ",", 2)
    errors, found = compared_files(
        tmp_path, "\n".join(texts), shown, ("said.txt", f"shown.{ending}")
    )
    assert errors == 0
    assert len({one.speaker for one in found.clips[0].shown}) == 2


SPOKEN = [
    "So – I think we should go.\nWell – no, not today.\nSo – let us wait.\nWell – fine.\nAnd then?",
    "Note: the plan is good.\nNote: it is a draft.\nNote: send it to Bob.\nThe rest is fine.",
    "Q fever is rare.\nA good day to all.\nQ fever again, then.\nA bad day too.",
    "New York is nice.\nNew York has rain.\nSan Francisco is far.\nSan Francisco has fog.",
    "1\n2\n3\ngo\nnow we wait\n4\n5",
    "1999 was good\n2000 was better\n2001 was bad",
    "There are three things.\n1 is the rent.\n2 is the team.\nWe go on.\nRight.\nFine.\nYes.\nNo.",
    "Yes\nNo\nYes\nNo\nMaybe\nYes",
    "We go on.\nThank you\nThat was it.\nThank you\nNext one.\nThank you\nAnd the last.",
    "Chapter 1\nWe begin here.\nChapter 2\nWe go on.\nChapter 3\nWe end.",
    "WE NEED NINE PEOPLE\nWE NEED A ROOM\nWE NEED FOOD\nTHE PLAN IS GOOD\nTHE PLAN IS DONE",
    "Alors – je pense que oui.\nBon – on y va.\nAlors – attendons.\nBon – très bien.\nOui.",
    "Attention : c'est chaud.\nAttention : c'est froid.\nAttention : on part.\nOui.",
    "Well… I think so.\nWell… maybe not.\nWell… let us see.\nOK then.",
    "Today | is the day\nTomorrow | is not\nThat was | it",
    "**No** I will not.\n**No** he said.\n**Yes** they did.\n**Yes** we can.\nThe end.",
    "x = 5 is wrong\ny = 6 is right\nx = 7 too",
    "The tag <b> is bold.\nThat is all.\nWe go on.\nRight.\nFine.",
    "3/4 of them came\n4/5\nthat is good\n5/6\nand better",
]
DECIDED = [
    "we count\n1\nthen comes\n2\nand then\n3\nand we stop",
    "Please open the book.\nPage 3\nRead it aloud.\nPage 4\nNow read that.",
    "Question: is it right?\nI think so.\nQuestion: do we go?\nYes.\nQuestion: when?\nNow.",
    "New York – nice place.\nI like it.\nNew York – again.\nSan Francisco – fog.\nThat is all.",
    "A Table is here.\nQ Anon is there.\nA Chair is here.\nQ Anon again.",
    "1 apple is enough\n2 apples are better\n3 apples are best\nThat is all.",
    "# Budget is the word.\nWe go on.\nRight.\nFine.",
]
"""Speech that a file alone would take for something else, and the other file does not."""


def words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub("<.>", "", text))


@pytest.mark.parametrize("text", SPOKEN)
def test_speech_that_only_resembles_a_layout_stays_in_a_file_alone(text: str) -> None:
    found = transcript_of(Path("a.txt"), text.encode())
    assert words(" ".join(one.text or "" for one in found.segments)) == words(text)


@pytest.mark.parametrize("text", [*SPOKEN, *DECIDED])
def test_speech_that_only_resembles_a_layout_is_no_error(tmp_path: Path, text: str) -> None:
    plain = re.sub(r"[|*#–…=]|<b>|\n", " ", text)
    for pair in ((text, plain), (plain, text), (text, text)):
        errors, found = compared_files(tmp_path, *pair)
        assert errors == 0
        reference = " ".join(turn.text for turn in found.clips[0].reference)
        told = "perhaps_said" in {one.name for one in found.doubts}
        assert told or words(reference) == words(text)
