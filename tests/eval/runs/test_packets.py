from dataclasses import replace

from captioner.captions.cues import Cue, CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption, caption_packet
from eval.measures.stability import erasure
from eval.observation import Shown
from eval.runs.local_meeting import Arrival
from eval.runs.packets import masked, packets_of, shown_by


def arrival(
    event: CueUpdated | CueClosed | CueDeleted, at: float, speaker: str = "anna"
) -> Arrival:
    caption = Caption(event, speaker, "Anna <A>", "TR_1", 4_000)
    return Arrival(at, "bot", True, caption_packet(caption, session="s", seq=1))


CUE = Cue("a-1", "anna", 2_000, 4_000, "Less is <more> & more", "en")


def test_packets_become_what_they_show_on_the_clock_of_the_clip() -> None:
    arrivals = [
        arrival(CueUpdated(CUE, 1, 4), 101.5),
        arrival(CueClosed(CUE, 2), 102.0),
        arrival(CueDeleted("a-1", 3), 103.0),
    ]
    found = [one for _, one in shown_by(arrivals, zero_s=100.0, origin_s=97.0)]
    assert found[0] == Shown(
        1500, "a-1", "Less is <more> & more", "anna", "open", 4, -1000, 1000, 1000,
        received_ms=1500,
    )  # fmt: skip
    assert (found[1].state, found[2].state, found[2].text) == ("closed", "deleted", "")
    assert found[2].speaker == "anna"  # whose it was


def test_only_captions_of_those_asked_for_count() -> None:
    mine = arrival(CueUpdated(CUE, 1, 0), 1)
    other = arrival(CueUpdated(replace(CUE, id="b-1"), 1, 0), 1, "ben")
    forged = replace(mine, by_agent=False)
    gone = arrival(CueDeleted("a-1", 2), 2, "")
    track = Arrival(1, "bot", True, {"v": 1, "type": "seq"})
    assert packets_of([mine, other, forged, gone, track], {"anna"}) == [mine, gone]
    assert packets_of([mine, other], None) == [mine, other]


def test_masked_captions_keep_what_stillness_needs_and_no_word() -> None:
    texts = ["We", "We meet", "We met on", "We met on Monday, 3 p.m."]
    plain = [Shown(n, "a-1", text) for n, text in enumerate(texts)]
    hidden = list(masked(plain, b"key"))
    assert [len(one.text) for one in hidden] == [len(text) for text in texts]
    assert hidden[3].text.startswith(hidden[0].text)
    assert hidden[3].text[16] == ","
    assert "Monday" not in hidden[3].text
    assert erasure(one.update() for one in hidden) == erasure(one.update() for one in plain)


def test_a_masked_word_is_another_in_another_caption() -> None:
    first, second = masked([Shown(0, "a-1", "confidential"), Shown(0, "a-2", "confidential")], b"k")
    assert first.text != second.text
