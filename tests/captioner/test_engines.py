from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from captioner import engines
from captioner.commands.main import main
from captioner.commands.transcribe import transcribe
from captioner.errors import ConfigurationError
from captioner.settings import Settings, read_settings
from streaming.audio import SAMPLE_RATE, Framer
from streaming.errors import LanguageNotSupported, RecognizerUnavailable
from streaming.kyutai_server.test_checkpoint.tones import TONES, sing
from streaming.testing.scripted_server import Faults, ScriptedServer, speech
from streaming.voice.gate import VoiceGate


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    pcm = np.concatenate([frame.pcm for frame in speech([1, 2, 3, None, None, None, 4])])
    soundfile.write(path, pcm, SAMPLE_RATE, subtype="FLOAT")
    return path


async def check(*args: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, ("check", *args))


async def test_a_file_is_captioned_by_a_kyutai_server(recording: Path) -> None:
    async with ScriptedServer(faults=Faults(drop_after=[17])) as server:
        settings = read_settings(asr=server.url, fallback="none")
        async with engines.chosen(settings, live=False) as engine:
            cues = await transcribe(recording, engine, lambda _: None)
        assert server.sessions == 2
    assert engine.name == "kyutai"
    assert " ".join(cue.text for cue in cues.cues) == "w1 w2 w3 w4"


@pytest.mark.parametrize(("chosen", "heard"), [("voice", False), ("sound", True)])
async def test_tones_are_a_voice_only_to_who_hears_any_sound(chosen: str, heard: bool) -> None:
    settings = read_settings(asr="ws://127.0.0.1:9", fallback="none", gate=chosen)
    noise = np.random.default_rng(1).normal(0, 1e-3, 10 * SAMPLE_RATE).astype(np.float32)
    framer = Framer()
    async with engines.chosen(settings) as engine:
        gate = VoiceGate(engine.load_voice())
        assert not any([gate.feed(frame) for frame in framer.feed(noise)][-25:])
        passed = [gate.feed(frame) for frame in framer.feed(sing(list(TONES) * 3))]
    assert any(passed) is heard


async def test_a_file_is_not_captioned_without_a_server(recording: Path) -> None:
    settings = read_settings(asr="ws://127.0.0.1:9", fallback="none")
    with pytest.raises(ExceptionGroup) as raised:
        async with engines.chosen(settings, live=False) as engine:
            await transcribe(recording, engine, lambda _: None)
    assert raised.group_contains(RecognizerUnavailable, match="cannot be reached")


async def test_check_counts_the_servers_and_names_those_that_are_no_good() -> None:
    async with ScriptedServer() as good, ScriptedServer(capacity=0) as full:
        said = (await check("--asr", f"{good.url}, {full.url}")).output.splitlines()[0]
    assert said.startswith("ok")
    assert "kyutai, 1 of 2 servers ready, language en" in said
    assert f"{full.url.removeprefix('ws://')} has no free slot" in said


async def test_a_key_is_sent_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedServer(faults=Faults(key="open-sesame")) as server:
        monkeypatch.setenv("CAPTIONER_ASR_KEY", "open-sesame")
        assert (await check("--asr", server.url)).output.startswith("ok")
        monkeypatch.setenv("CAPTIONER_ASR_KEY", "shut-sesame")
        made = await check("--asr", server.url)
    assert "does not know the key" in made.output
    assert "sesame" not in made.output


def test_the_command_line_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPTIONER_ENGINE", "embedded")
    monkeypatch.setenv("CAPTIONER_ASR", "ws://one")
    settings = read_settings(engine="kyutai", asr="ws://two")
    assert (settings.engine_name, settings.asr) == ("kyutai", "ws://two")
    assert read_settings().engine_name == "embedded"


def test_to_name_a_server_is_to_choose_the_engine() -> None:
    assert read_settings().engine_name == "embedded"
    assert read_settings(asr="ws://asr").engine_name == "kyutai"


@pytest.mark.parametrize("asr", ["", " , ", "http://asr", "asr:8080"])
async def test_what_is_no_address_is_a_configuration_error(asr: str) -> None:
    with pytest.raises(ConfigurationError, match="--asr or CAPTIONER_ASR"):
        async with engines.chosen(read_settings(engine="kyutai", asr=asr, fallback="none")):
            pass


async def test_a_language_that_no_engine_knows_is_an_error_before_the_meeting() -> None:
    for fallback in ("none", "embedded"):
        with pytest.raises(LanguageNotSupported, match="'de'"):
            async with engines.chosen(
                read_settings(asr="ws://127.0.0.1:9", language="de", fallback=fallback)
            ):
                pass


async def test_french_is_not_left_to_an_english_model(recording: Path) -> None:
    settings = read_settings(asr="ws://127.0.0.1:9", language="fr")
    with pytest.raises(ExceptionGroup) as raised:
        async with engines.chosen(settings, live=False) as engine:
            await transcribe(recording, engine, lambda _: None)
    assert raised.group_contains(RecognizerUnavailable)
