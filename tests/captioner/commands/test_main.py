from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jwt
import numpy as np
import pytest
from click.testing import CliRunner, Result

import captioner
from captioner.commands.main import main
from captioner.demo.demo import bundled_recording
from captioner.demo.page_server import OVERLAY
from captioner.transcript.records import Opened, Said, Started, encode
from streaming.audio import SAMPLE_RATE, wav

KEYS = {"LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "s" * 32}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LIVEKIT_URL", "LIVEKIT_TOKEN", *KEYS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def run(*args: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, args, env=env)


def claims_of(token: str) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(token, KEYS["LIVEKIT_API_SECRET"], algorithms=["HS256"])
    return claims


def test_the_package_has_a_docstring_and_no_hidden_names() -> None:
    assert captioner.__doc__


@pytest.mark.parametrize("extra", ["redis", "simpy"])
def test_the_commands_start_without_what_extras_bring(extra: str) -> None:
    program = f"import sys; sys.modules[{extra!r}] = None; import captioner.commands.main"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_bots_token_makes_a_visible_agent_that_cannot_speak() -> None:
    made = run("token", "--room", "r", "--identity", "bot", "--agent", env=KEYS)
    claims = claims_of(made.stdout.strip())
    video = claims["video"]
    assert isinstance(video, dict)
    assert claims["kind"] == "agent"
    assert (video["canPublish"], video["hidden"], video["canUpdateOwnMetadata"]) == (
        False, False, True,
    )  # fmt: skip


def test_a_hosts_role_is_signed_and_cannot_be_changed_by_its_owner() -> None:
    made = run("token", "--room", "r", "--identity", "h", "--host", env=KEYS)
    claims = claims_of(made.stdout.strip())
    assert claims["attributes"] == {"room_role": "owner"}
    video = claims["video"]
    assert isinstance(video, dict)
    assert video["canUpdateOwnMetadata"] is False


def test_a_token_without_a_key_says_which_settings_are_missing() -> None:
    made = run("token", "--room", "r", "--identity", "i")
    assert made.exit_code == 1
    assert "LIVEKIT_API_SECRET" in made.stderr
    assert "Traceback" not in made.output


def test_a_wrong_setting_is_named() -> None:
    made = run("token", "--room", "r", "--identity", "i", env={**KEYS, "CAPTIONER_THREADS": "many"})
    assert made.exit_code == 1
    assert "CAPTIONER_THREADS" in made.stderr


def test_a_language_that_nobody_has_names_those_that_are_there(tmp_path: Path) -> None:
    only_english = {"CAPTIONER_MODEL": "tiny-en"}
    made = run("transcribe", "--language", "xx", str(bundled_recording()), env=only_english)
    assert made.exit_code == 1
    assert "knows en here, not 'xx'" in made.stderr
    assert "Kyutai" in made.stderr


@pytest.mark.parametrize("content", [None, b"", b"just a few words, no sound at all\n" * 9])
def test_a_file_that_is_no_audio_ends_in_one_sentence(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "talk.wav"
    if content is not None:
        path.write_bytes(content)
    for command in (["transcribe", str(path)], ["demo", "--once", "--audio", str(path)]):
        made = run(*command)
        assert made.exit_code == 1
        assert "talk.wav" in made.stderr
        assert "Traceback" not in made.output


def test_out_without_an_end_is_wrong_usage() -> None:
    assert run("demo", "--out", "x.vtt").exit_code == 2
    assert run("demo", "--once", "--mic").exit_code == 2
    assert run("transcribe").exit_code == 2


@pytest.mark.room
def test_a_page_port_in_use_is_a_clear_error_and_nothing_stays_behind(taken_port: int) -> None:
    made = run("demo", "--once", "--port", str(taken_port))
    assert made.exit_code == 1
    assert "--port" in made.stderr
    assert str(taken_port) in made.stderr


def test_a_page_that_was_never_built_says_how(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert OVERLAY.name == "overlay"
    monkeypatch.setattr("captioner.demo.page_server.OVERLAY", tmp_path)
    made = run("demo", "--once")
    assert made.exit_code == 1
    assert "make overlay" in made.stderr


def test_check_says_in_plain_words_what_is_missing() -> None:
    made = run("check", env={"LIVEKIT_URL": "ws://127.0.0.1:9"})
    assert made.exit_code == 1
    assert "nothing answers at ws://127.0.0.1:9" in made.stdout
    assert "set LIVEKIT_API_KEY" in made.stdout


def test_check_says_when_decisions_cannot_be_kept(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    bad = {"CAPTIONER_STATE": str(taken)}
    for env, advice in ((bad, "CAPTIONER_STATE"), ({"CAPTIONER_HOSTS": "me"}, "CAPTIONER_HOSTS")):
        made = run("check", env={**KEYS, **env, "LIVEKIT_URL": "no url"})
        assert "BAD  decisions" in made.stdout
        assert advice in made.stdout


def test_check_of_a_url_that_is_none() -> None:
    made = run("check", env={**KEYS, "LIVEKIT_URL": "no url"})
    assert made.exit_code == 1
    assert "check LIVEKIT_URL" in made.stdout


def test_transcripts_come_as_json_too(tmp_path: Path) -> None:
    short = tmp_path / "short.wav"
    short.write_bytes(wav(np.zeros(2 * SAMPLE_RATE, np.float32)))
    made = run("transcribe", "--format", "json", str(short))
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)[0]["file"] == str(short)


@pytest.mark.parametrize(("level", "says"), [(0.05, True), (0.0, False)])
def test_a_file_without_a_word_says_so_unless_it_is_silent(
    tmp_path: Path, level: float, says: bool
) -> None:
    path = tmp_path / "hum.wav"
    hum = level * np.sin(2 * np.pi * 50 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE)
    path.write_bytes(wav(hum.astype(np.float32)))
    made = run("transcribe", str(path))
    assert made.exit_code == 0
    assert ("no speech was recognised" in made.stderr and "hum.wav" in made.stderr) == says


def test_recover_rebuilds_what_a_killed_bot_left_and_says_so(tmp_path: Path) -> None:
    cue = Said("s", "t1-1", "anna", "Anna", 1_000, 2_000, "kept after all", "en")
    lines = [Opened("budget", 0), Started(0, "s", "en"), cue]
    torn = b"".join(map(encode, lines)) + b'{"type":"said","te'
    (tmp_path / "budget.journal").write_bytes(torn)
    made = run("recover", str(tmp_path))
    assert made.exit_code == 0
    assert "budget.vtt  1 captions" in made.stdout
    assert "<v Anna>kept after all" in (tmp_path / "budget.vtt").read_text()


def test_recover_of_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    made = run("recover", str(tmp_path / "none"))
    assert made.exit_code == 1
    assert "no folder" in made.stderr
    assert "Traceback" not in made.output


def test_recover_says_so_where_there_is_no_transcript(tmp_path: Path) -> None:
    made = run("recover", str(tmp_path))
    assert made.exit_code == 0
    assert "no transcript in" in made.stderr


@pytest.mark.parametrize("place", ["none/x.vtt", "."])
def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, place: str) -> None:
    target = str(tmp_path / place)
    for command in (
        ("transcribe", "there-is-none.wav", "--output", target),
        ("demo", "--once", "--out", target),
    ):
        made = run(*command)
        assert made.exit_code == 1
        assert f"cannot write {tmp_path / place}" in made.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_is_none_of_its_words_is_told_which_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CAPTIONER_GATE", "loud")
    made = run("check")
    assert made.exit_code == 1
    assert "CAPTIONER_GATE: must be voice or sound" in made.stderr


def test_check_says_when_transcripts_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder, good in (("file/x", False), ("kept", True)):
        env = {"CAPTIONER_TRANSCRIPTS": str(tmp_path / folder), "LIVEKIT_URL": "no url"}
        made = run("check", env={**KEYS, **env})
        assert ("BAD  transcripts" in made.stdout, "ok   transcripts" in made.stdout) == (
            not good,
            good,
        )


def test_check_asks_for_no_key_where_there_is_a_token() -> None:
    made = run("check", env={"LIVEKIT_TOKEN": "a.b.c", "LIVEKIT_URL": "no url"})
    assert "ok   key" in made.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("run", "--room", "r"),
        ("worker",),
        ("transcribe", "there-is-none.wav"),
        ("demo", "--once", "--audio", "there-is-none.wav"),
    ],
    ids=lambda command: command[0],
)
def test_a_misspelt_setting_is_warned_of_without_its_value(command: tuple[str, ...]) -> None:
    misspelt = {"CAPTIONER_LANGAUGE": "secret value", "CAPTIONER_ROOM": "r", "LIVEKIT_URL": "no"}
    made = run(*command, env=misspelt)
    assert made.exit_code == 1
    assert made.stderr.splitlines()[0] == (
        "main: warning: unknown variable CAPTIONER_LANGAUGE: did you mean CAPTIONER_LANGUAGE?"
    )
    assert "CAPTIONER_ROOM" not in made.stderr
    assert "secret value" not in made.output


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CAPTIONER_LANGUAGE": "xx"}, "xx"),
        ({"CAPTIONER_LANGUAGE": "auto:en,xx"}, "xx"),
        ({"CAPTIONER_ENGINE": "kyutai"}, "CAPTIONER_ASR"),
        ({"CAPTIONER_ASR": "foo"}, "CAPTIONER_ASR"),
        ({"CAPTIONER_ASR": "http://x:1"}, "CAPTIONER_ASR"),
        ({"CAPTIONER_MODEL": "/nonexistent"}, "/nonexistent"),
        ({"CAPTIONER_MODEL": "huge"}, "huge"),
        ({"CAPTIONER_VOCABULARY": "/nonexistent"}, "CAPTIONER_VOCABULARY"),
        ({"CAPTIONER_HOSTS": "room_role"}, "CAPTIONER_HOSTS"),
        ({"CAPTIONER_TRANSCRIPTS": "/dev/null"}, "CAPTIONER_TRANSCRIPTS"),
        ({"CAPTIONER_TRANSCRIPT_NAME": "{foo}"}, "CAPTIONER_TRANSCRIPT_NAME"),
        ({"CAPTIONER_TRANSCRIPT_NAME": " "}, "CAPTIONER_TRANSCRIPT_NAME"),
    ],
    ids=str,
)
def test_a_worker_whose_rooms_would_all_fail_does_not_begin(
    settings: dict[str, str], says: str
) -> None:
    server = {"LIVEKIT_URL": "no url", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32}
    made = run("worker", env=server | settings)
    assert made.exit_code == 1
    [error] = made.stderr.splitlines()
    assert says in error
    assert "no url" not in error


@pytest.mark.parametrize("command", ["run", "worker", "check"])
def test_the_help_names_the_variables_that_matter(command: str) -> None:
    shown = run(command, "--help").stdout
    described = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    for name in ("LIVEKIT_URL", "CAPTIONER_ASR", "CAPTIONER_LANGUAGE", "CAPTIONER_TRANSCRIPTS"):
        assert described[name]
    assert "docs/settings.md" in shown
