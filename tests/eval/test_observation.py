import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.corpus.spoken_words import RefWord, Turn, Update
from eval.observation import (
    Observation,
    ObservationError,
    Run,
    Shown,
    observed,
    read_observation,
    read_run,
    write_observation,
    write_run,
)

WHOLE = Observation(
    id="a/1",
    language="fr",
    seconds=2.5,
    reference=(Turn("l'été", "Zoé", 0, 400, (RefWord("l'été", 0, 400),)), Turn("oui", "Ann")),
    shown=(
        Shown(900, "a-1", "l'é", "Zoé", settled=2, lines=("l'é",)),
        Shown(1200, "a-1", "l'été", "Zoé", "closed", 5, 0, 400, 400, 800, 850, 900, 1200),
    ),
    through="browser",
    path="a/1.flac",
    condition="noise 10 dB",
    columns={"accent": "québécois"},
    word_times="given",
    until_ms=4000,
    vtt_problems=(),
    left_out=("line 3: no time",),
)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    run = Run("caption-eval run", "2026-01-01T00:00:00Z", {"python": "3.11"}, left_out=("x:1: y",))
    write_run(tmp_path, run)
    write_observation(tmp_path, 7, WHOLE)
    assert read_run(tmp_path) == run
    assert observed(tmp_path) == {7: WHOLE}


words = st.lists(
    st.builds(RefWord, st.text(), st.integers(0, 9), st.integers(9, 99)), max_size=3
).map(tuple)
turns = st.builds(Turn, st.text(), st.text(), words=words)
changes = st.builds(Shown, st.integers(), st.text(), st.text(), lines=st.none() | st.just(("a",)))


@given(st.builds(Observation, st.text(), st.just("en"), st.just(1.0),
                 st.lists(turns, max_size=2).map(tuple), st.lists(changes, max_size=2).map(tuple),
                 st.just("room"), error=st.none() | st.text()))  # fmt: skip
def test_any_observation_survives_a_file(observation: Observation) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_observation(Path(folder), 1, observation)
        assert read_observation(Path(folder, "clips", "0001.json")) == observation


def test_another_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    write_run(tmp_path, Run())
    path = tmp_path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2}))
    with pytest.raises(ObservationError, match=r"run\.json: was not written by this version"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 1}', '{"version": 1, "through": "x"}'])
def test_what_is_no_observation_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "0001.json"
    path.write_text(content)
    with pytest.raises(ObservationError, match=r"0001\.json"):
        read_observation(path)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ObservationError, match="holds no run"):
        observed(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(ObservationError, match="cannot be written"):
        write_run(blocked, Run())


def test_a_deleted_cue_shows_nothing() -> None:
    assert Shown(5, "a", "", state="deleted").update() == Update(5, "a", None)
