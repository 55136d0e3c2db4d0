from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.spacing import columns, is_unspaced, joined, pieces

CHINESE = "我们今天讨论预算。"
TEXTS = st.text(st.sampled_from("aé ’“”。，「」我ー日カ9ก่한"), max_size=20)


def test_texts_are_joined_by_spaces_except_where_the_script_has_none() -> None:
    assert joined(["It", "is.", "", "Yes."]) == "It is. Yes."
    assert joined(["He said “no”", "“yes”"]) == "He said “no” “yes”"
    assert joined([CHINESE, "好。"]) == f"{CHINESE}好。"
    assert joined(["예산을", "논의합니다."]) == "예산을 논의합니다."
    assert joined(["สวัสดีครับ", "วันนี้"]) == "สวัสดีครับ วันนี้"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Is it “so”? Yes.", ["Is", " it", " “so”?", " Yes."]),
        ("预算，2024年「好」。", ["预", "算，", "2024", "年", "「好」。"]),
        ("ちょっと待って。", ["ちょっ", "と", "待っ", "て。"]),
        ("สวัสดีครับ วันนี้", ["สวัสดีครับ", " วันนี้"]),
        ("", []),
    ],
)
def test_a_line_may_be_broken_between_pieces(text: str, parts: list[str]) -> None:
    assert pieces(text) == parts


@given(TEXTS)
def test_the_pieces_of_a_text_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text.rstrip()


def test_a_wide_character_takes_two_columns() -> None:
    assert columns("abé") == 3
    assert columns(CHINESE) == 18


@pytest.mark.parametrize(
    ("text", "unspaced"), [("我", True), ("ก", True), ("é", False), ("", False)]
)
def test_scripts_without_spaces_are_known(text: str, unspaced: bool) -> None:
    assert is_unspaced(text) is unspaced
