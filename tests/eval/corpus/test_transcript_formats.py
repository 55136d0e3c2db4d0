import tomllib
from pathlib import Path

import pytest
import webvtt

from eval.corpus.cue_files import Block, read_cues
from eval.corpus.spoken_words import RefWord
from eval.corpus.transcript import FormatError, Repair, Segment
from eval.corpus.transcript_formats import read_transcript, transcript_of
from eval.corpus.webvtt_check import check

VTT = """WEBVTT - by another product
Kind: captions

STYLE
::cue { color: lime }

REGION
id:fred

NOTE
a note

intro
00:00:01.000 --> 00:00:02.500 position:10%,line-left align:left size:35%
<v.loud Ann Lee>Hello <c.yellow>there</c>,
it&#39;s &lt;5&gt; &amp; more

00:03.000 --> 00:04.000
<v Bob>Yes.</v> <v Ann Lee>No!

5
00:00:05.000 --> 00:00:06.000 line:0
one <00:00:05.400>two <00:00:05.700><b>three</b>
"""

SRT = "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<i>Bonjour</i>\nà tous\n\n2\nnothing\n"


def written(folder: Path, name: str, content: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content.encode(encoding))
    return path


def test_the_captions_of_another_product_are_read(tmp_path: Path) -> None:
    found = read_transcript(written(tmp_path, "a.vtt", VTT))
    assert found.problems == ()
    first, yes, no, last = found.segments
    assert first == Segment(
        "Hello there, it's <5> & more", "Ann Lee", 1000, 2500,
        lines=("Hello there,", "it's <5> & more"), cue="intro",
    )  # fmt: skip
    assert (yes.speaker, yes.text, yes.start_ms) == ("Bob", "Yes.", 3000)
    assert (no.speaker, no.text, no.end_ms) == ("Ann Lee", "No!", 4000)
    assert last.words == (
        RefWord("one", 5000, 5400), RefWord("two", 5400, 5700), RefWord("three", 5700, 6000),
    )  # fmt: skip


def test_times_and_order_are_those_of_webvtt_py() -> None:
    theirs = webvtt.from_string(VTT)
    ours = {(b.start_ms, b.end_ms) for _, b in read_cues(VTT) if isinstance(b, Block)}
    assert ours == {
        (round(c.start_in_seconds * 1000), round(c.end_in_seconds * 1000)) for c in theirs
    } or ours == {(_ms(c.start), _ms(c.end)) for c in theirs}


def _ms(time: str) -> int:
    hours, minutes, seconds = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_and_line_ends_change_nothing(tmp_path: Path, encoding: str, end: str) -> None:
    plain = read_transcript(written(tmp_path, "a.vtt", VTT))
    other = read_transcript(written(tmp_path, "b.vtt", VTT.replace("\n", end), encoding))
    assert other.segments == plain.segments
    assert other.problems == ()


def test_an_old_encoding_is_read_and_said(tmp_path: Path) -> None:
    found = read_transcript(written(tmp_path, "a.txt", "l’œuvre d’été", "cp1252"))
    assert [s.text for s in found.segments] == ["l’œuvre d’été"]
    [mending] = found.mendings
    assert (mending.repair, mending.details) == (
        Repair.ENCODING, ("cp1252",),
    )  # fmt: skip


ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.000 --> 00:00:02.000 align:start position:0%
~
it<00:00:00.500><c> was</c><00:00:01.000><c> the</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
it was the
~

00:00:02.010 --> 00:00:04.000 align:start position:0%
it was the
best<00:00:02.500><c> of</c><00:00:03.000><c> times</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
best of times
~

00:00:04.010 --> 00:00:06.000 align:start position:0%
best of times
indeed
""".replace("~", " ")


def test_captions_that_roll_up_are_read_once(tmp_path: Path) -> None:
    found = read_transcript(written(tmp_path, "a.vtt", ROLLING))
    assert [s.text for s in found.segments] == ["it was the", "best of times", "indeed"]
    assert found.segments[1].words[0] == RefWord("best", 2010, 2500)
    assert [one.repair for one in found.mendings] == [Repair.ROLL_UP]
    said_twice = "WEBVTT\n" + "".join(
        f"\n00:0{n}.000 --> 00:0{n}.900\n{text}\n"
        for n, text in enumerate(["no", "no", "yes", "well"])
    )
    assert len(read_transcript(written(tmp_path, "b.vtt", said_twice)).segments) == 4


def test_subrip_is_read_as_captions(tmp_path: Path) -> None:
    found = read_transcript(written(tmp_path, "a.srt", SRT))
    assert [(s.text, s.start_ms, s.end_ms) for s in found.segments] == [
        ("Bonjour à tous", 1000, 2000)
    ]


def test_a_cue_with_broken_times_is_left_out_and_named(tmp_path: Path) -> None:
    broken = VTT.replace("00:03.000", "soon")
    found = read_transcript(written(tmp_path, "a.vtt", broken))
    assert len(found.segments) == 2
    assert found.problems[0] == f"{tmp_path}/a.vtt:18: no caption: its time line cannot be read"


def test_stm_has_speakers_and_times(tmp_path: Path) -> None:
    found = read_transcript(
        written(
            tmp_path,
            "a.stm",
            ";; comment\n"
            "talk 1 ann 0.50 1.25 <o,f0,female> good  morning\n"
            "talk 1 bob 1.0\n"
            "talk 1 bob 2 1 no\n"
            "talk 1 x 3 4 ignore_time_segment_in_scoring\n",
        )
    )
    assert found.segments == (Segment("good morning", "ann", 500, 1250, recording="talk"),)
    assert [problem.split(".stm:")[1] for problem in found.problems] == [
        "3: expected recording, channel, speaker, start, end and text",
        "4: ends (1) before it starts (2)",
        "5: to be ignored in scoring, it says",
    ]


def test_ctm_has_words_with_or_without_confidence(tmp_path: Path) -> None:
    found = read_transcript(
        written(tmp_path, "a.ctm", "my talk.wav 1 0.5 0.25 good\nx 1 1 0.5 day 0.98\nx 1 a b c\n")
    )
    assert [s.words for s in found.segments] == [
        (RefWord("good", 500, 750),),
        (RefWord("day", 1000, 1500),),
    ]
    assert [s.recording for s in found.segments] == ["my talk.wav", "x"]
    assert found.problems[0].startswith(f"{tmp_path}/a.ctm:3: expected path, channel")


def test_rttm_says_who_spoke_when(tmp_path: Path) -> None:
    line = "SPEAKER talk 1 1.5 2.25 <NA> <NA> ann <NA> <NA>\n"
    found = read_transcript(written(tmp_path, "a.rttm", line + "SPKR-INFO talk\nSPEAKER x\n"))
    assert found.segments == (Segment(None, "ann", 1500, 3750, recording="talk"),)
    assert len(found.problems) == 1


LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "ann - words"
        xmin = 0
        xmax = 2.5
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 1.25
            text = "say ""5"" now"
    item [2]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 2.5
        points: size = 1
        points [1]:
            number = 1
            mark = "x"
"""
SHORT = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2.5\n<exists>\n2\n'
    '"IntervalTier"\n"ann - words"\n0\n2.5\n2\n0\n0.5\n""\n0.5\n1.25\n"say ""5"" now"\n'
    '"TextTier"\n"clicks"\n0\n2.5\n1\n1\n"x"\n'
)


@pytest.mark.parametrize("content", [LONG, SHORT])
def test_both_text_formats_of_praat_are_read(tmp_path: Path, content: str) -> None:
    found = read_transcript(written(tmp_path, "a.TextGrid", content))
    word = RefWord('say "5" now', 500, 1250)
    assert found.segments == (Segment('say "5" now', "ann", 500, 1250, (word,)),)
    assert found.problems == ()


@pytest.mark.parametrize("content", ["", "hello", SHORT[:90]])
def test_what_is_no_textgrid_is_named(tmp_path: Path, content: str) -> None:
    found = read_transcript(written(tmp_path, "a.TextGrid", content))
    assert found.segments == ()
    assert "is not a TextGrid" in found.problems[0]


def test_an_unknown_ending_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"'\.doc' is unknown; give one of \.txt, \.vtt"):
        read_transcript(tmp_path / "a.doc")
    with pytest.raises(FormatError, match=r"a\.txt: cannot be read"):
        read_transcript(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("cue", "wrong"),
    [
        ("00:01.000 --> 00:02.000\nfine &amp; <i>well</i> <00:00:01.500>then", None),
        ("00:01,000 --> 00:02.000\nx", "'00:01,000' is not a time"),
        ("00:02.000 --> 00:01.000\nx", "ends before it starts"),
        ("00:01.000-->00:02.000\nx", "no space around -->"),
        ("00:01.000 --> 00:02.000 align=left\nx", "'align=left' is not a cue setting"),
        ("00:01.000 --> 00:02.000\na < b", "a < that is not written"),
        ("00:01.000 --> 00:02.000\na & b", "an & that is not"),
        ("00:01.000 --> 00:02.000\n<font color=red>x</font>", "is not a WebVTT tag"),
        ("00:01.000 --> 00:02.000\n<v>x", "a voice without a name"),
        ("00:01.000 --> 00:02.000\n<00:00:01.500>a <00:00:01.400>b", "does not increase"),
        ("00:01.000 --> 00:02.000\nx\x07", "a control character"),
        ("a\n00:01.000 --> 00:02.000\nx\n\na\n00:01.000 --> 00:02.000\ny", "the id 'a'"),
        ("00:02.000 --> 00:03.000\nx\n\n00:01.000 --> 00:02.000\ny", "before the cue above"),
        ("just text", "neither a cue nor a note"),
        ("00:01.000 --> 00:02.000\nx\n\nSTYLE\n::cue {}", "STYLE after the first cue"),
    ],
)
def test_each_rule_of_webvtt_is_checked(cue: str, wrong: str | None) -> None:
    found = [sentence for _, sentence in check(f"WEBVTT\n\n{cue}\n")]
    assert len(found) == (wrong is not None) or wrong == "is not a WebVTT tag"
    assert wrong is None or wrong in found[0]


def test_a_file_without_header_is_no_webvtt() -> None:
    assert list(check("00:01.000 --> 00:02.000\nx\n")) == [(1, "does not begin with WEBVTT")]


def test_what_the_bot_writes_is_valid() -> None:
    from captioner.captions.cues import Cue
    from captioner.captions.webvtt import document, plain, voice_name

    hard = ["<", ">", "&", "-->", "</v>", "a\nb", "\x00", "\u2028", "🙂", "x" * 300]
    cues = [
        (Cue(f"a-{n}", "i", n, n + 5, plain(text) or "x", "en"), voice_name(text, identity="i"))
        for n, text in enumerate(hard)
    ]
    assert list(check(document(cues))) == []


def test_the_documented_repairs_are_those_that_are_made() -> None:
    root = Path(__file__).parents[3]
    page = (root / "docs" / "evaluation.md").read_text("utf-8")
    for tongue in ("en", "fr"):
        words = tomllib.loads((root / f"eval/templates/{tongue}.toml").read_text("utf-8"))
        assert list(words["repair"]) == list(Repair)
    for name, text in tomllib.loads((root / "eval/templates/en.toml").read_text("utf-8"))[
        "repair"
    ].items():
        assert f"| {name} | {text} |" in page


def test_what_was_said_above_the_names_is_read_if_only_the_products_own_line_follows_them() -> None:
    lines = (
        "The plan is good.",
        "Ann Lee  0:05",
        "Bob Ray  0:03",
        "Transcribed by https://otter.ai",
    )
    found = transcript_of(Path("otter.txt"), "\n\n".join(lines).encode())
    assert "The plan is good." in [segment.text for segment in found.segments]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ass", "0:00:03.48,The plan is good.\n[Events]\nFormat: Start, End, Text\n"),
        (
            "a.TextGrid",
            'File type = "ooTextFile"\nObject class = "TextGrid"\nxmin = 0\nxmax = 9\n'
            'tiers? <exists>\nsize = 1\nitem []:\nitem [1]:\nclass = "IntervalTier"\n'
            'name = "Mary"\nxmin = 0\nxmax =\nintervals: size = 2\nxmin = 0\ntext = "The plan',
        ),
        ("a.vtt", "WEBVTT\n\n00:00:01.130 --> 00:00:03.000 The plan is good.\n"),
    ],
)
def test_speech_where_none_belongs_is_named(name: str, content: str) -> None:
    assert transcript_of(Path(name), content.encode()).problems


@pytest.mark.parametrize("rate", ["-1", "0", "nan", "inf", "x"])
def test_a_rate_of_ticks_that_is_none_counts_as_the_usual_one(rate: str) -> None:
    ns = 'xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"'
    said = '<body><div><p begin="2t" end="3t">The plan is good.</p></div></body>'
    found = transcript_of(Path("a.ttml"), f'<tt {ns} ttp:tickRate="{rate}">{said}</tt>'.encode())
    assert [segment.start_ms for segment in found.segments] == [2_000]
