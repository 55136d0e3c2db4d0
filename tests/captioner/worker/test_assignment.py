"""What the metadata of a dispatch say, and what a dispatch says that stands for a lost one."""

from __future__ import annotations

import pytest

from captioner.worker.assignment import Assignment, is_captioned


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ("", ""),
        ('{"recording": "board"}', "board"),
        ("[]", ""),
        ('{"recording": 1}', ""),
        ("{", ""),
    ],
)
def test_a_recordings_name_is_taken_from_the_dispatch(metadata: str, name: str) -> None:
    assert Assignment.of("meet", "captions-1", "AD_1", 1, metadata).recording == name


def test_a_vocabulary_is_taken_from_the_dispatch() -> None:
    metadata = '{"vocabulary": ["Zoé <|fr|> Martin", 1, "Étretat"]}'
    assert Assignment.of("meet", "captions-1", "AD_1", 1, metadata).words == (
        "Zoé Martin",
        "Étretat",
    )
    assert Assignment.of("meet", "captions-1", "AD_1", 1, '{"vocabulary": "x"}').words == ()


@pytest.mark.parametrize(
    "metadata", ["", '{"recording": "board", "vocabulary": ["Zoé", "Étretat"]}', "[]"]
)
def test_a_dispatch_that_stands_for_a_lost_one_asks_for_the_same_but_for_no_other_bot(
    metadata: str,
) -> None:
    lost = Assignment.of("meet", "captions-1", "AD_1", 1, metadata)
    assert Assignment.of("meet", "captions-1", "AD_1", 1, lost.metadata()) == lost
    assert is_captioned(lost.metadata())
    assert not is_captioned(metadata)
