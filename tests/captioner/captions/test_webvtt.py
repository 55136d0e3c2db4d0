import io

import webvtt
from hypothesis import given
from hypothesis import strategies as st

from captioner.captions.cues import Cue
from captioner.captions.webvtt import (
    NAME_MAX,
    cue_block,
    document,
    escape,
    plain,
    timestamp,
    voice_name,
)

HARD = [
    "<", ">", "&", "-->", "</v>", "a\nb", "a\n\nb", "nul\x00", "line\u2028sep",
    "\u200f\u05e9\u05dc\u05d5\u05dd",
    "👩‍👩‍👧", "x" * 300, "&lt;b&gt;", "<img src=x onerror=alert(1)>", "\r\n", "NOTE x", "WEBVTT",
]  # fmt: skip


def cue(text: str, *, cue_id: str = "t1-1", start: int = 0, end: int = 1000) -> Cue:
    return Cue(cue_id, "anna", start, end, text, "en")


def parsed(text: str) -> list[webvtt.Caption]:
    return list(webvtt.from_buffer(io.StringIO(text)))


def test_a_block_is_id_times_and_voice() -> None:
    block = cue_block(cue("On commence", start=62_480, end=64_960), name="Alice Martin")
    assert block == "t1-1\n00:01:02.480 --> 00:01:04.960\n<v Alice Martin>On commence"


def test_a_day_long_meeting_keeps_its_hours() -> None:
    assert timestamp(100 * 3_600_000 + 1) == "100:00:00.001"


@given(st.sampled_from(HARD) | st.text(max_size=200), st.sampled_from(HARD) | st.text(max_size=80))
def test_no_text_and_no_name_breaks_out_of_its_cue(text: str, name: str) -> None:
    shown = voice_name(name, identity="id")
    assert shown
    assert len(shown) <= NAME_MAX
    lines = cue_block(cue(text or "x"), name=shown).splitlines()
    assert len(lines) == 3
    assert lines[2].count("<") == 1
    assert "-->" not in lines[2]


@given(st.lists(st.sampled_from(HARD).filter(lambda t: plain(t)), min_size=1, max_size=8))
def test_another_reader_finds_every_cue_of_a_file(texts: list[str]) -> None:
    cues = [(cue(t, cue_id=f"t-{i}", start=i * 10), "Ann") for i, t in enumerate(texts)]
    found = parsed(document(reversed(cues), notes=["kept by law --> not"]))
    assert [c.identifier for c in found] == [c.id for c, _ in cues]
    assert [c.raw_text for c in found] == [f"<v Ann>{escape(t)}" for t in texts]


def test_starts_never_decrease_through_a_file() -> None:
    text = document([(cue("b", cue_id="b", start=500), "B"), (cue("a", cue_id="a"), "A")])
    assert [c.identifier for c in parsed(text)] == ["a", "b"]


def test_a_nameless_speaker_is_called_by_identity() -> None:
    assert voice_name(" \n", identity="sip_1") == "sip_1"
    assert voice_name("", identity="") == "?"
