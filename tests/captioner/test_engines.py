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
from captioner.settings import OTHER_NAMES, Settings, read_settings
from streaming.audio import SAMPLE_RATE, Framer
from streaming.embedded import weights
from streaming.errors import LanguageNotSupported, RecognizerUnavailable
from streaming.kyutai_server.test_checkpoint.tones import TONES, sing
from streaming.realtime_client.session import MODEL as VOXTRAL
from streaming.testing.scripted_realtime_server import (
    MODEL,
    RealtimeFaults,
    ScriptedRealtimeServer,
)
from streaming.testing.scripted_server import Faults, ScriptedServer, speech
from streaming.voice.gate import VoiceGate


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    for theirs in OTHER_NAMES.values():
        monkeypatch.delenv(theirs, raising=False)
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


async def test_a_file_is_captioned_by_a_server_of_v1_realtime(recording: Path) -> None:
    async with ScriptedRealtimeServer(faults=RealtimeFaults(drop_after=[14])) as server:
        settings = read_settings(
            engine="realtime", asr=server.url, asr_model=MODEL, language="de", fallback="none"
        )
        async with engines.chosen(settings, live=False) as engine:
            cues = await transcribe(recording, engine, lambda _: None)
        assert server.sessions == 2
    assert engine.name == "realtime"
    assert " ".join(cue.text for cue in cues.cues) == "w1 w2 w3 w4"


async def test_check_lets_servers_of_v1_realtime_recognise_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = RealtimeFaults(key="open-sesame")
    async with ScriptedRealtimeServer(faults=faults) as server:
        said = ("--engine", "realtime", "--asr", server.url)
        assert "BAD  speech recogniser  the speech server" in (await check(*said)).output
        monkeypatch.setenv("CAPTIONER_ASR_KEY", "open-sesame")
        assert f"does not serve the model {VOXTRAL}" in (await check(*said)).output
        monkeypatch.setenv("CAPTIONER_ASR_MODEL", MODEL)
        made = await check(*said, "--language", "de")
        assert "realtime, 1 of 1 servers ready, language de" in made.output
        assert server.utterances == 1
        made = await check(*said, "--language", "sv")
        assert "are said to know en, fr" in made.output


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
        with pytest.raises(LanguageNotSupported, match=r"en, fr.*'xx'"):
            async with engines.chosen(
                read_settings(asr="ws://127.0.0.1:9", language="xx", fallback=fallback)
            ):
                pass


async def test_french_is_not_left_to_an_english_model(recording: Path) -> None:
    settings = read_settings(asr="ws://127.0.0.1:9", language="fr", model="tiny-en")
    with pytest.raises(ExceptionGroup) as raised:
        async with engines.chosen(settings, live=False) as engine:
            await transcribe(recording, engine, lambda _: None)
    assert raised.group_contains(RecognizerUnavailable)


@pytest.mark.parametrize(
    ("language", "name", "model"),
    [
        ("fr-CA", "embedded", "base"),
        ("en", "embedded", "tiny-en (base in bad rooms)"),
        ("de", "embedded", "base"),
    ],
)
@pytest.mark.skipif(not weights.is_here(), reason="Whisper base is not here")
async def test_each_language_is_recognised_by_a_model_that_knows_it(
    language: str, name: str, model: str
) -> None:
    async with engines.chosen(read_settings(language=language)) as engine:
        assert (engine.name, engine.model, engine.language) == (name, model, language)


@pytest.mark.skipif(not weights.is_here(), reason="Whisper base is not here")
async def test_a_server_is_first_in_its_languages_and_the_models_here_stand_in() -> None:
    asr = "ws://127.0.0.1:9"
    async with engines.chosen(read_settings(asr=asr, language="fr")) as engine:
        assert [one.capabilities.engine for one in engine.engines] == ["kyutai", "embedded"]
    async with engines.chosen(read_settings(asr=asr, language="de")) as engine:
        assert [one.capabilities.engine for one in engine.engines] == ["embedded"]


async def test_check_says_which_model_serves_which_language() -> None:
    def said(made: Result) -> list[str]:
        return [line.split(maxsplit=1)[1] for line in made.output.splitlines()[:2]]

    if weights.is_here():
        assert said(await check("--language", "fr")) == [
            "speech recogniser  embedded, model base, language fr",
            "languages          en by tiny-en; fr, de, es, it and 94 more by base",
        ]
    made = await asyncio.to_thread(
        CliRunner().invoke, main, ["check"], env={"CAPTIONER_MODEL": "tiny-en"}
    )
    assert said(made) == [
        "speech recogniser  embedded, model tiny-en, language en",
        "languages          en by tiny-en; `captioner models --fetch` gets a model of 99",
    ]


@pytest.mark.skipif(not weights.is_here(), reason="Whisper base is not here")
def test_models_lists_what_is_here_and_what_it_is() -> None:
    made = CliRunner().invoke(main, ["models"])
    assert made.exit_code == 0
    for told in ("tiny-en", "base", "fr, de", "(99)", "MIT", weights.SHA256[weights.WEIGHTS]):
        assert told in made.output
    assert "fr is recognised by base" in made.output


def test_a_model_that_is_no_folder_is_an_error_with_advice() -> None:
    made = CliRunner().invoke(main, ["models"], env={"CAPTIONER_MODEL": "/nowhere"})
    assert made.exit_code == 1
    assert "auto, tiny-en, base, or a folder" in made.stderr


async def test_the_variables_of_la_suite_meets_agent_name_the_server_and_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ScriptedServer(faults=Faults(key="open-sesame")) as server:
        monkeypatch.setenv("KYUTAI_STT_BASE_URL", f"{server.url}/api/asr-streaming")
        monkeypatch.setenv("KYUTAI_API_KEY", "open-sesame")
        said = (await check()).output.splitlines()[0]
    assert said.startswith("ok")
    assert "1 of 1 servers ready, named by KYUTAI_STT_BASE_URL" in said


def test_our_own_variables_beat_those_of_la_suite_meets_agent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KYUTAI_STT_BASE_URL", "ws://theirs")
    monkeypatch.setenv("KYUTAI_API_KEY", "theirs")
    assert read_settings().asr == "ws://theirs"
    assert read_settings(asr="ws://option").asr == "ws://option"
    monkeypatch.setenv("CAPTIONER_ASR", "ws://ours")
    monkeypatch.setenv("CAPTIONER_ASR_KEY", "ours")
    settings = read_settings()
    assert (settings.asr, settings.asr_key.get_secret_value()) == ("ws://ours", "ours")
    assert settings.asr_named_by == "CAPTIONER_ASR"
    monkeypatch.setenv("CAPTIONER_ASR", "")
    assert read_settings().engine_name == "embedded"


def test_a_kyutai_server_is_not_taken_for_one_of_another_protocol(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KYUTAI_STT_BASE_URL", "ws://theirs")
    monkeypatch.setenv("KYUTAI_API_KEY", "theirs")
    for settings in (read_settings(engine="realtime"), read_settings(engine="embedded")):
        assert (settings.asr, settings.asr_key.get_secret_value()) == ("", "")


async def test_what_is_no_address_is_named_by_the_variable_that_holds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KYUTAI_STT_BASE_URL", "https://theirs")
    with pytest.raises(ConfigurationError, match="KYUTAI_STT_BASE_URL"):
        async with engines.chosen(read_settings(fallback="none")):
            pass


async def test_an_operators_vocabulary_comes_after_the_rooms(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("Zoé Martin\n\nÉtretat\n", encoding="utf-8")
    settings = read_settings(vocabulary=str(file), words="Yport")
    async with engines.chosen(settings) as engine:
        assert engine.expect(["Fécamp"]) == ("Fécamp", "Yport", "Zoé Martin", "Étretat")
        assert len(engine.expect([f"Nomination {n}" for n in range(200)])) < 50


async def test_a_vocabulary_that_cannot_be_read_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CAPTIONER_VOCABULARY"):
        async with engines.chosen(read_settings(vocabulary=str(tmp_path / "none"))):
            pass
