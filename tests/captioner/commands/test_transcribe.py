from __future__ import annotations

import io
import json
from pathlib import Path

import webvtt

from captioner.bot.bot import Engine
from captioner.captions.cues import Cue
from captioner.commands.transcribe import FileCaptions, Format, render, transcribe
from captioner.demo.demo import bundled_recording
from streaming.recognizer import Word, WordEnd
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer


def transcript(name: str, *texts: str) -> FileCaptions:
    cues = [
        Cue(f"f-{i}", name, i * 1000, i * 1000 + 900, text, "en")
        for i, text in enumerate(texts, start=1)
    ]
    return FileCaptions(Path(f"{name}.wav"), cues, 10_000)


FILES = [transcript("one", "Good morning.", "All well?"), transcript("two", "Yes.")]


def test_several_files_follow_each_other_and_every_cue_keeps_an_id_of_its_own() -> None:
    cues = list(webvtt.from_buffer(io.StringIO(render(FILES, Format.VTT))))
    assert [c.start for c in cues] == ["00:00:01.000", "00:00:02.000", "00:00:11.000"]
    assert len({c.identifier for c in cues}) == 3


def test_text_and_json_have_each_file_apart() -> None:
    assert render(FILES, Format.TXT) == "Good morning. All well?\n\nYes.\n"
    assert [f["file"] for f in json.loads(render(FILES, Format.JSON))] == ["one.wav", "two.wav"]


async def test_a_file_goes_through_the_pipeline_to_its_end() -> None:
    script = [Word("It", 1200), WordEnd(1300), Word("was.", 1400), WordEnd(1600)]
    heard: list[int] = []
    engine = Engine("en", (ScriptedEngine(lambda: ScriptedRecognizer(script)),))
    done = await transcribe(bundled_recording(), engine, heard.append)
    assert [cue.text for cue in done.cues] == ["It was."]
    assert 44_000 < done.length_ms < 45_000
    assert heard
