import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioner.captions.cues import Cue, CueClosed, CueDeleted, CueUpdated
from captioner.captions.webvtt import plain, voice_name
from captioner.contract import (
    PACKET_MAX,
    Caption,
    CuePacket,
    TrackState,
    caption_packet,
    encode,
    gap_packet,
    read_packet,
    seq_packet,
    track_packet,
)

SESSION = "0b6f0a3e-3c5f-4f1e-9a68-1f0f7c2f6a11"


def caption(
    text: str = "On commence", name: str = "Alice Martin", speaker: str = "alice"
) -> Caption:
    cue = Cue("t3-17", speaker, 62_480, 64_960, text, "fr")
    return Caption(CueUpdated(cue, 4, 2), speaker, name, "TR_x", 64_980)


def test_an_open_cue_travels_as_the_contract_says() -> None:
    assert caption_packet(caption(), session=SESSION, seq=412) == {
        "v": 1, "session": SESSION, "seq": 412, "id": "t3-17", "rev": 4, "state": "open",
        "settled": 2, "speaker": "alice", "track": "TR_x", "lang": "fr", "heard": 64_980,
        "vtt": "t3-17\n00:01:02.480 --> 00:01:04.960\n<v Alice Martin>On commence",
    }  # fmt: skip


def test_a_closed_cue_is_settled_as_a_whole() -> None:
    event = caption().event
    assert isinstance(event, CueUpdated)
    packet = caption_packet(
        Caption(CueClosed(event.cue, 5), "alice", "", "TR_x", 0), session=SESSION, seq=1
    )
    assert (packet["state"], packet["settled"]) == ("closed", len("On commence"))


def test_a_deleted_cue_carries_no_text() -> None:
    packet = caption_packet(
        Caption(CueDeleted("t3-17", 6), "alice", "Alice", "TR_x", 0), session=SESSION, seq=2
    )
    assert packet["state"] == "deleted"
    assert "vtt" not in packet


@given(
    st.text(min_size=1, max_size=120).filter(lambda t: len(t.encode("utf-8", "ignore")) <= 300),
    st.text(max_size=300),
    st.text(alphabet="abcdefgh_-", min_size=1, max_size=128),
)
def test_every_packet_fits(text: str, name: str, speaker: str) -> None:
    packet = encode(caption_packet(caption(text, name, speaker), session=SESSION, seq=10**7))
    assert len(packet) <= PACKET_MAX
    assert json.loads(packet)["speaker"] == speaker


@given(st.text(max_size=80), st.text(max_size=80), st.integers(0, 10**9))
def test_what_is_sent_is_what_is_read(text: str, name: str, start_ms: int) -> None:
    cue = Cue("t3-17", "alice", start_ms, start_ms + 900, text, "fr")
    for event, state, settled in (
        (CueUpdated(cue, 4, 2), "open", 2),
        (CueClosed(cue, 5), "closed", len(text)),
    ):
        told = Caption(event, "alice", name, "TR_x", 7)
        found = read_packet(json.loads(encode(caption_packet(told, session=SESSION, seq=1))))
        assert found == CuePacket(
            SESSION, "t3-17", event.rev, state, "alice", voice_name(name, identity="alice"),
            plain(text), settled, start_ms, start_ms + 900,
        )  # fmt: skip
        assert isinstance(found, CuePacket)
        assert found.heard_ms == 7


def test_a_packet_of_a_kind_that_is_not_known_is_skipped() -> None:
    assert read_packet({"v": 1, "type": "applause", "session": SESSION, "seq": 1}) is None


@pytest.mark.parametrize("vtt", ["", "<b>", "a-9\n00:00:00.000 --> 00:00:01.000\n<v A>x"])
def test_what_is_no_cue_block_of_the_contract_is_an_error(vtt: str) -> None:
    packet = caption_packet(caption(), session=SESSION, seq=1)
    with pytest.raises(ValueError, match="no cue block"):
        read_packet(packet | {"vtt": vtt})


def test_an_emoji_name_gives_way_to_the_text() -> None:
    packet = caption_packet(caption("&" * 96, "👩‍👩‍👧" * 60, "i" * 256), session=SESSION, seq=1)
    assert len(encode(packet)) <= PACKET_MAX
    assert packet["vtt"].endswith("&amp;" * 96)


def test_the_other_packets_say_their_type() -> None:
    assert seq_packet(SESSION, 9)["type"] == "seq"
    gap = gap_packet(SESSION, 9, start_ms=5, end_ms=9, reason="connection-lost")
    assert (gap["type"], gap["start"], gap["end"]) == ("gap", 5, 9)
    state = track_packet(SESSION, 9, track="TR_x", speaker="a", state=TrackState.STALLED)
    assert (state["type"], state["state"]) == ("track", "stalled")
