import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from click.testing import CliRunner

from eval.commands.main import main
from eval.conditions.recipe import Recipe
from eval.corpus.folder import survey
from eval.corpus.manifest import Clip, Corpus, bundled_corpus
from eval.observation import ObservationError, Shown, observed, read_run
from eval.runs.machine import Work, load_between
from eval.runs.run import RunPlan, aligner_of, fingerprint, measure, todo, with_word_times
from eval.runs.watch import RATE, Performance, Seen
from streaming.audio import SAMPLE_RATE
from streaming.errors import RecognizerUnavailable
from streaming.testing.scripted_server import ScriptedServer, speech


class Parrot:
    """A watch to which everything is one word, and to which one clip is too much."""

    versions: Mapping[str, str] = {"parrot": "1"}

    def __init__(self, *, fails_at: int = 0, stops_at: int = 0) -> None:
        self.played: list[Performance] = []
        self._fails_at, self._stops_at = fails_at, stops_at

    async def observe(self, played: Performance) -> Seen:
        self.played.append(played)
        if len(self.played) == self._fails_at:
            raise RecognizerUnavailable("the parrot sleeps")
        if len(self.played) == self._stops_at:
            raise asyncio.CancelledError
        shown = Shown(700, "p-1", "yes", state="closed", start_ms=0, end_ms=600)
        return Seen([shown], 1000, {"": lambda ms: ms + 7})


def corpus(folder: Path, names: str = "abc") -> Corpus:
    for number, name in enumerate(names):
        sound = np.sin(np.arange(16_000) / (9 + number)) / 2
        soundfile.write(folder / f"{name}.wav", sound, 16_000)
        (folder / f"{name}.txt").write_text("yes")
        (folder / f"{name}.ctm").write_text(f"{name} 1 0.1 0.4 yes\n")
    return survey(folder)


def plan(folder: Path, found: Corpus, *, recipe: Recipe | None = None, **chosen: str) -> RunPlan:
    recipe = recipe or Recipe()
    settings = {"clips": fingerprint(found.clips), "condition": recipe.name, **chosen}
    return RunPlan(found, recipe, "engine", False, folder / "out", settings)


def play(asked: RunPlan, parrot: Parrot) -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Parrot]:
        yield parrot

    async def work() -> None:
        await measure(asked, todo(asked), opened, lambda _done_s, _name: None)

    asyncio.run(work())


def test_each_clip_is_written_down_as_it_was_seen(tmp_path: Path) -> None:
    asked = plan(tmp_path, corpus(tmp_path))
    play(asked, Parrot())
    found = observed(asked.out)
    assert [found[number].id for number in (1, 2, 3)] == ["a", "b", "c"]
    assert found[1].word_times == "given"
    assert found[1].reference[0].words[0].end_ms == 507  # when it was handed over
    assert found[1].vtt_problems == ()
    assert found[1].until_ms == 1000
    assert read_run(asked.out).versions["parrot"] == "1"


def test_a_run_says_what_else_the_machine_did(tmp_path: Path) -> None:
    asked = plan(tmp_path, corpus(tmp_path))
    with pytest.raises(asyncio.CancelledError):
        play(asked, Parrot(stops_at=2))
    first = read_run(asked.out).load
    assert set(first) == {"others", "average_at_start", "average_at_end"}
    assert 0 <= first["others"] <= 1
    play(asked, Parrot())
    assert all(load >= first[name] for name, load in read_run(asked.out).load.items())


def test_what_a_run_spends_itself_is_no_load() -> None:
    begin = Work(at_s=10, all_s=100, own_s=5, average=0.3)
    processors = psutil.cpu_count() or 1
    end = Work(at_s=20, all_s=104 + processors, own_s=9, average=2)
    assert load_between(begin, end) == {
        "average_at_start": 0.3, "average_at_end": 2, "others": 0.1,
    }  # fmt: skip


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    asked = plan(tmp_path, corpus(tmp_path))
    with pytest.raises(asyncio.CancelledError):
        play(asked, Parrot(stops_at=2))
    assert [number for number, _ in todo(asked)] == [2, 3]
    second = Parrot()
    play(asked, second)
    assert len(second.played) == 2
    assert todo(asked) == []


def test_a_clip_that_fails_is_named_and_played_again_next_time(tmp_path: Path) -> None:
    asked = plan(tmp_path, corpus(tmp_path))
    play(asked, Parrot(fails_at=2))
    error = observed(asked.out)[2].error
    assert error is not None
    assert "b.ctm" in error or "b.txt" in error
    assert "the parrot sleeps" in error
    assert [number for number, _ in todo(asked)] == [2]


@pytest.mark.parametrize("change", ["engine", "corpus", "condition"])
def test_a_run_made_otherwise_is_not_continued(tmp_path: Path, change: str) -> None:
    found = corpus(tmp_path)
    asked = plan(tmp_path, found, engine="embedded")
    play(asked, Parrot())
    other = {
        "engine": plan(tmp_path, found, engine="kyutai"),
        "corpus": plan(tmp_path, replace(found, clips=found.clips[1:]), engine="embedded"),
        "condition": plan(tmp_path, found, recipe=Recipe(level_db=-40), engine="embedded"),
    }[change]
    with pytest.raises(ObservationError, match=r"holds a run with other settings .*another --out"):
        todo(other)


def test_what_was_played_under_conditions_can_be_heard(tmp_path: Path) -> None:
    asked = plan(tmp_path, corpus(tmp_path), recipe=Recipe(level_db=-40))
    parrot = Parrot()
    play(asked, parrot)
    one = observed(asked.out)[1]
    assert one.condition == "level -40 dB"
    assert one.audio == "audio/0001.ogg"
    heard, rate = soundfile.read(asked.out / one.audio)
    assert len(heard) / rate == pytest.approx(1.0, abs=0.02)
    assert np.abs(parrot.played[0].microphones[""]).max() == pytest.approx(0.0141, abs=0.001)


def test_every_speaker_of_a_scene_has_a_microphone_and_word_times(tmp_path: Path) -> None:
    for name in ("anna", "ben"):
        soundfile.write(tmp_path / f"s.{name}.wav", np.ones(16_000) / 9, 16_000)
    (tmp_path / "s.stm").write_text("s 1 anna 0 1 good morning\ns 1 ben 0 1 hello\n")
    asked = plan(tmp_path, survey(tmp_path))
    parrot = Parrot()
    play(asked, parrot)
    assert list(parrot.played[0].microphones) == ["anna", "ben"]
    assert parrot.played[0].seconds == pytest.approx(1.0, abs=0.01)
    assert "no word times" in observed(asked.out)[1].left_out[0]  # nobody speaks in this sound


def test_words_without_times_are_found_in_the_sound() -> None:
    (clip,) = bundled_corpus()
    bare = Clip(clip.path, "en", clip.seconds, clip.transcript)
    turns, how, notes = with_word_times(bare, aligner_of)
    assert (how, notes) == ("aligned", ())
    assert abs(turns[0].words[3].end_ms - clip.words[3].end_ms) <= 50


def test_words_of_other_languages_are_found_by_the_attention_of_a_model(french: list[Clip]) -> None:
    turns, how, notes = with_word_times(replace(french[0], turns=()), aligner_of)
    assert (how, notes) == ("attention", ())
    starts = [word.start_ms for turn in turns for word in turn.words]
    assert starts == sorted(starts)
    assert 0 <= starts[0] < starts[-1] < french[0].seconds * 1000


def test_no_word_is_found_in_a_language_that_nobody_knows() -> None:
    clip = replace(bundled_corpus()[0], language="tlh", turns=(), words=())
    _, how, notes = with_word_times(clip, aligner_of)
    assert how is None
    assert "tlh" in notes[0]


def test_the_command_runs_the_engine_on_the_recording_at_hand(tmp_path: Path) -> None:
    out = tmp_path / "report"
    arguments = ["run", "--fast", "--out", str(out), "--fail-if", "wer>0.5", "--no-audio"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert (out / "report.html").exists()
    figures = json.loads((out / "results.json").read_text())["figures"]
    assert figures["wer"]["value"] < 0.1
    assert "first_show_p50" not in figures
    again = CliRunner().invoke(main, [*arguments, "--fail-if", "wer>0.0001"])
    assert "1 of 1 clips are done already" in again.output
    assert again.exit_code == 1
    refused = CliRunner().invoke(main, [*arguments, "--noise", "10"])
    assert refused.exit_code == 1
    assert "condition was 'clean'" in refused.output


def test_wrong_options_say_what_is_right(tmp_path: Path) -> None:
    for options, complaint in (
        (["--fast", "--through", "room"], "a room runs in real time"),
        (["--noise", "loud"], "write it as 10"),
        (["--codec", "mp3@1"], "write it as opus@24k"),
    ):
        result = CliRunner().invoke(main, ["run", "--out", str(tmp_path / "o"), *options])
        assert result.exit_code == 2
        assert complaint in result.output


def test_sound_is_played_at_one_rate(tmp_path: Path) -> None:
    parrot = Parrot()
    play(plan(tmp_path, corpus(tmp_path, "a")), parrot)
    assert len(parrot.played[0].microphones[""]) == pytest.approx(RATE, rel=0.01)


async def test_the_command_runs_a_server_that_speaks_kyutais_protocol(tmp_path: Path) -> None:
    said = [5, 9, 2, 7, 5, 3]
    sound = np.concatenate([frame.pcm for frame in speech([None, *said, None])])
    soundfile.write(tmp_path / "a.wav", sound, SAMPLE_RATE)
    (tmp_path / "a.txt").write_text(" ".join(f"w{number}" for number in said))
    out = tmp_path / "out"
    async with ScriptedServer() as server:
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "eval.commands.main", "run",
            "--engine", "kyutai", "--asr", server.url,
            "--corpus", tmp_path, "--out", out, "--no-audio",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        written, complaints = await command.communicate()
    assert command.returncode == 0, complaints.decode()
    assert "Wrong words" in written.decode()
    (clip,) = observed(out).values()
    assert read_run(out).settings["engine"] == "kyutai"
    assert clip.shown[-1].text.lower() == "w5 w9 w2 w7 w5 w3"
