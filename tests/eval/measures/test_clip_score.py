import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from eval.corpus.spoken_words import RefWord, Turn
from eval.measures.catalogue import MEASURES, PARTS
from eval.measures.clip_score import cues_of, parts_of, score
from eval.observation import Observation, Run, Shown
from eval.report.gates import judge, read_rule
from eval.report.results import as_csv, as_json, results_of, score_all

SAID = Turn(
    "It was not the best",
    words=(
        RefWord("It", 0, 200),
        RefWord("was", 200, 500),
        RefWord("not", 500, 800),
        RefWord("the", 800, 900),
        RefWord("best", 900, 1400),
    ),
)


def live(
    *shown: Shown, reference: tuple[Turn, ...] = (SAID,), name: str = "a", **more: object
) -> Observation:
    clip = Observation(name, "en", 3.0, reference, shown, "browser", until_ms=5000)
    for field, value in more.items():
        object.__setattr__(clip, field, value)
    return clip


def grown(at: int, *texts: str, cue: str = "c", speaker: str = "") -> list[Shown]:
    """A text every 400 ms from ``at``, then closed."""
    shown = [Shown(at + 400 * n, cue, text, speaker) for n, text in enumerate(texts)]
    return [*shown, Shown(at + 400 * len(texts), cue, texts[-1], speaker, "closed")]


CLIP = live(*grown(600, "It was", "It was now the", "It was now the best."))


def test_words_are_counted_by_kind_and_weight() -> None:
    found = score(CLIP).sums
    assert found["wer"] == (1, 5)
    assert found["negation_errors"] == (1, 5)
    assert found["content_errors"] == (0, 5)
    assert found["ner_like"] == (4, 5)
    assert found["case_errors"] == (0, 4)


def test_delays_run_from_the_end_of_a_word_to_its_first_show() -> None:
    found = score(CLIP)
    assert found.values["first_show"] == pytest.approx([0.4, 0.1, 0.1, 0.0])
    assert found.sums["never_shown"] == (1, 5)
    assert found.sums["late"] == (0, 4)


def test_a_delay_is_split_into_the_parts_that_were_looked_at() -> None:
    word = Turn("Hello", words=(RefWord("Hello", 0, 500),))
    shown = Shown(1000, "c", "Hello", said_ms=800, sent_ms=850, received_ms=900, painted_ms=1000)
    found = score(live(shown, reference=(word,))).values
    parts = {name: found[name] for name in PARTS if name in found}
    assert parts == {"engine": [0.3], "bot": [0.05], "network": [0.05], "page": [0.1]}
    seen = Shown(1000, "c", "Hello", received_ms=900, painted_ms=1000)
    found = score(live(seen, reference=(word,))).values
    parts = {name: found[name] for name in PARTS if name in found}
    assert parts == {"engine_bot_network": [0.4], "page": [0.1]}


def test_what_the_page_measured_of_itself_is_in_the_figures() -> None:
    page = {"painted_ms": [10.0, 30.0], "draw_ms": [2.0], "long_tasks_ms": [70.0]}
    found = results_of(Run(), [live(*CLIP.shown, page=page), CLIP]).figures
    assert [found[f"painting_p{q}"].value for q in (50, 95)] == pytest.approx([0.02, 0.029])
    assert (found["long_tasks"].value, found["long_tasks"].clips) == (1, 1)
    assert "painting_p95" not in results_of(Run(), [CLIP]).figures


def test_the_parts_of_a_delay_add_up_to_it() -> None:
    found = score(live(Shown(1900, "c", "It", received_ms=1700, painted_ms=1900))).values
    assert found["engine_bot_network"][0] + found["page"][0] == pytest.approx(
        found["first_show"][0]
    )


def test_a_clip_played_fast_has_no_delays() -> None:
    fast = score(live(*CLIP.shown, fast=True))
    assert "first_show" not in fast.values
    assert not {"never_shown", "late", "stalls", "stuck_partials"} & fast.sums.keys()
    assert {"wer", "erasure", "line_jumps"} <= fast.sums.keys()


def test_a_caption_that_stays_open_is_stuck() -> None:
    shown = (Shown(600, "c", "It was"),)
    assert score(live(*shown, until_ms=60_000)).sums["stuck_partials"] == (1, 1)
    assert score(CLIP).sums["stuck_partials"] == (0, 1)


def test_lines_that_a_browser_painted_are_believed() -> None:
    one = Shown(600, "c", "It was", lines=("It was",))
    two = Shown(900, "c", "It was the", lines=("It", "was the"))
    assert score(live(one, two)).sums["line_jumps"] == (1, 3)


def test_words_in_a_clip_without_speech_are_made_up() -> None:
    silent = live(*grown(600, "thank you"), reference=())
    found = score(silent)
    assert found.sums["invented"] == (2, 0.05)
    assert "wer" not in found.sums


def test_a_right_word_with_a_wrong_time_is_not_made_up() -> None:
    late = Shown(2900, "d", "best and more", state="closed", start_ms=2500, end_ms=2900)
    first = Shown(1500, "c", "It was not the", state="closed", start_ms=0, end_ms=900)
    assert score(live(first, late)).sums["invented"][0] == 2


def test_a_deleted_cue_leaves_nothing() -> None:
    shown = [*grown(600, "thank you"), Shown(2000, "c", "", state="deleted")]
    assert cues_of(shown) == []
    assert score(live(*shown)).sums["erasure"] == (2, 0)


def test_a_language_without_normaliser_is_left_out_of_word_errors_only() -> None:
    found = score(live(*CLIP.shown, language="pl"))
    assert "wer" not in found.sums
    assert "first_show" in found.values
    assert "there is one for: en, fr" in found.left_out[0]


def test_a_language_without_word_lists_has_word_errors_but_no_kinds_of_them() -> None:
    found = score(live(*CLIP.shown, language="de"))
    assert "wer" in found.sums
    assert not {"ner_like", "content_errors", "name_errors"} & found.sums.keys()


def test_a_clip_that_failed_is_not_measured_but_named() -> None:
    found = score(live(error="a.tsv:3: no sound in it"))
    assert found.sums == {}
    assert found.left_out == ("a.tsv:3: no sound in it",)


TWO = (
    Turn("good morning everyone", "ann", 0, 1000, (
        RefWord("good", 0, 300), RefWord("morning", 300, 600), RefWord("everyone", 600, 1000))),
    Turn("hello ann", "bob", 500, 1500, (RefWord("hello", 500, 900), RefWord("ann", 900, 1500))),
)  # fmt: skip


def test_speakers_whom_both_sides_name_are_compared_one_by_one() -> None:
    shown = [
        *grown(700, "good morning everyone", cue="a", speaker="ann"),
        *grown(900, "hello Anne", cue="b", speaker="bob"),
    ]
    found = score(live(*shown, reference=TWO))
    assert [part.speaker for part in parts_of(found.clip)] == ["ann", "bob"]
    assert found.speakers == {"ann": (0, 3), "bob": (1, 2)}
    assert found.sums["wer"] == found.sums["cpwer"] == (1, 5)
    assert found.sums["misattribution"] == (0, 5)


def test_other_names_are_matched_for_who_said_what_only() -> None:
    shown = [
        *grown(700, "good morning everyone", cue="a", speaker="Speaker 1"),
        *grown(1900, "hello ann", cue="b", speaker="Speaker 2"),
    ]
    found = score(live(*shown, reference=TWO))
    assert found.sums["wer"] == (0, 5)
    assert found.sums["cpwer"] == found.sums["misattribution"] == (0, 5)


def test_who_said_what_is_left_out_where_it_would_take_hours() -> None:
    long = tuple(Turn("yes " * 11_000, name) for name in ("ann", "bob"))
    found = score(live(*grown(900, "no", speaker="ann"), reference=long, fast=True))
    assert "cpwer" not in found.sums
    assert found.sums["wer"] == (22_000, 22_000)
    assert "more than 20,000 words" in found.left_out[-1]


def test_captions_under_each_other_s_names_are_misattributed() -> None:
    shown = [
        *grown(700, "good morning everyone", cue="a", speaker="bob"),
        *grown(900, "hello ann", cue="b", speaker="ann"),
    ]
    found = score(live(*shown, reference=TWO)).sums
    assert found["cpwer"] == (0, 5)  # which names the captions bear is nothing to it
    assert found["wer"][0] == 6
    assert found["misattribution"] == (3, 5)


def many() -> list[Observation]:
    right = grown(600, "It was", "It was not the best.")
    return [
        live(*(CLIP.shown if n % 3 else right), name=str(n), columns={"sex": "fm"[n % 2]})
        for n in range(12)
    ]


def test_a_rate_of_many_clips_is_the_rate_of_their_sums() -> None:
    found = results_of(Run(), many())
    assert found.figures["wer"].value == 8 / 60
    all_delays = [value for one in found.scores for value in one.values["first_show"]]
    assert found.figures["first_show_p95"].value == pytest.approx(np.quantile(all_delays, 0.95))
    sure = found.figures["wer"].sure
    assert sure is not None
    assert 0 < sure.low < 8 / 60 < sure.high < 0.2


def test_thousands_of_clips_are_scored_like_one() -> None:
    clips = [CLIP, live(*grown(600, "It was not the best."))] * 2_000
    scores = score_all(clips)
    assert scores[0] == score(CLIP)
    assert [one.clip for one in scores] == clips
    assert scores[::2] == [scores[0]] * 2_000


def test_groups_have_figures_of_their_own_and_a_warning() -> None:
    groups = {(g.column, g.value): g for g in results_of(Run(), many()).groups}
    assert groups.keys() == {("sex", "f"), ("sex", "m")}
    assert groups["sex", "f"].words == 30
    assert groups["sex", "f"].small
    assert sum(g.figures["wer"].value * g.words for g in groups.values()) == pytest.approx(8)


def test_a_group_has_a_range_over_its_speakers_too() -> None:
    clips = [
        replace(clip, columns={**clip.columns, "speaker": f"{n // 2}"})
        for n, clip in enumerate([*many(), *many()])
    ]
    groups = {(g.column, g.value): g for g in results_of(Run(), clips).groups}
    figure = groups["sex", "f"].figures["wer"]
    assert figure.speakers == 12
    assert figure.over_speakers is not None
    assert figure.over_speakers.low < figure.value < figure.over_speakers.high


def test_the_files_hold_every_figure_and_every_clip() -> None:
    clips = [*many(), live(name="broken", error="=cmd, no sound")]
    found = results_of(Run(left_out=("x.tsv:3: no file",)), clips)
    verdicts = judge([read_rule("wer<=0.1")], found.figures)
    content = json.loads(as_json(found, verdicts, "own"))
    assert content["counts"] == {
        "clips": 13, "measured": 12, "reference_words": 60, "left_out": 2,
    }  # fmt: skip
    assert content["figures"]["wer"]["value"] == pytest.approx(8 / 60)
    assert content["verdicts"] == [{"rule": "wer<=0.1", "state": "unsure"}]
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert len(rows) == 13
    assert [row["wer"] for row in rows[:3]] == ["0.0", "0.2", "0.2"]
    assert rows[1]["column.sex"] == "m"
    assert rows[12]["error"] == "=cmd, no sound"


def test_every_measure_has_a_name_in_both_languages() -> None:
    from eval.report.wording import TONGUES, wording

    for tongue in TONGUES:
        words = wording(tongue)
        for name in MEASURES:
            assert words.label(name)
            assert "{x}" not in words.sentence(name, 0.5)
    english, french = (wording(tongue).texts for tongue in TONGUES)
    assert {k: set(v) for k, v in english.items()} == {k: set(v) for k, v in french.items()}
