from __future__ import annotations

from prometheus_client import REGISTRY

from captioner.captions.cues import CaptionEvent, Cue, CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption
from captioner.publishing.erasure import ErasureMeter


def counted(*events: CaptionEvent) -> tuple[float, float]:
    """(words, words taken back)"""

    def now() -> list[float]:
        names = ("captioner_words_total", "captioner_words_erased_total")
        return [REGISTRY.get_sample_value(name) or 0.0 for name in names]

    before, meter = now(), ErasureMeter()
    for event in events:
        meter.publish(Caption(event, "anna", "Anna", "TR_1", 0))
    words, erased = (after - was for after, was in zip(now(), before, strict=True))
    return words, erased


def shown(text: str, *, cue: str = "a-1") -> CueUpdated:
    return CueUpdated(Cue(cue, "anna", 0, 1_000, text, "en"), 1, 0)


def closed(text: str, *, cue: str = "a-1") -> CueClosed:
    return CueClosed(Cue(cue, "anna", 0, 1_000, text, "en"), 2)


def test_words_that_only_grow_are_never_taken_back() -> None:
    assert counted(shown("it was"), shown("it was the best"), closed("it was the best")) == (4, 0)


def test_what_changes_and_what_is_behind_it_was_taken_back() -> None:
    events = shown("it was the beast of"), shown("it was the best"), closed("it was the best of")
    assert counted(*events) == (5, 2)


def test_speakers_are_apart_and_a_deleted_cue_is_no_erasure_of_the_recogniser() -> None:
    events = shown("hello"), shown("bonjour", cue="b-1"), CueDeleted("a-1", 2)
    assert counted(*events, closed("bonjour", cue="b-1")) == (1, 0)
