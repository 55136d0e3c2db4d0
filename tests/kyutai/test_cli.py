"""asr-server as an operator starts and stops it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from streaming.kyutai import protocol
from streaming.kyutai_server import cli
from streaming.kyutai_server.moshi_model import DTYPES
from streaming.kyutai_server.test_checkpoint.tones import sing
from streaming.testing.asr_server import Client, start, started


async def refusal(*arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and what is said on stderr."""
    process = await start(*arguments, **variables)
    _, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, error.decode()


async def test_without_a_model_the_usage_is_wrong() -> None:
    code, error = await refusal()
    assert code == 2
    assert "--model" in error


async def test_every_option_is_a_variable_too(tmp_path: Path) -> None:
    code, error = await refusal(ASR_MODEL=str(tmp_path), ASR_TLS_CERT=str(tmp_path / "none.pem"))
    assert code == 2
    assert "TLS certificate" in error


@pytest.mark.parametrize(
    ("chosen", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "active"}, "ACTIVE")]
)
async def test_idle_threads_of_torch_do_not_spin_unless_told(
    chosen: dict[str, str], policy: str
) -> None:
    """What the library under torch says that it read."""
    inherited = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import streaming.kyutai_server.moshi_model",
        stderr=asyncio.subprocess.PIPE,
        env={**inherited, "OMP_DISPLAY_ENV": "true", **chosen},
    )  # fmt: skip
    _, told = await process.communicate()
    assert f"OMP_WAIT_POLICY = '{policy}'" in told.decode()


def test_every_type_of_numbers_has_its_name_on_the_command_line() -> None:
    assert tuple(DTYPES) == cli.DTYPES


async def test_the_default_key_is_not_served_to_the_world(checkpoint_folder: Path) -> None:
    code, error = await refusal("--model", str(checkpoint_folder), "--host", "0.0.0.0")
    assert code == 2
    assert "--api-key-file" in error


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
async def test_root_serves_this_machine_alone_unless_told(
    checkpoint_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text("secret\n")
    arguments = ["--model", str(checkpoint_folder), "--api-key-file", str(tmp_path / "keys")]
    arguments += ["--host", "0.0.0.0", "--port", "0"]
    code, error = await refusal(*arguments)
    assert code == 2
    assert "--allow-root" in error
    async with started(*arguments, "--allow-root") as (_, url):
        assert url.startswith("ws://0.0.0.0:")


async def test_a_tls_key_alone_never_serves_in_the_clear(tmp_path: Path) -> None:
    code, error = await refusal("--model", "any", "--tls-key", str(tmp_path / "key.pem"))
    assert code == 2
    assert "--tls-cert" in error


async def test_a_file_without_keys_is_refused(checkpoint_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# none yet\n")
    code, error = await refusal(
        "--model", str(checkpoint_folder), "--api-key-file", str(tmp_path / "keys")
    )
    assert code == 2
    assert "holds no key" in error


async def test_a_folder_that_is_no_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    code, error = await refusal("--model", str(tmp_path))
    assert code == 1
    assert "config.json" in error
    assert "Traceback" not in error


async def test_a_port_in_use_is_one_sentence(checkpoint_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, error = await refusal("--model", str(checkpoint_folder), "--port", port)
    assert code == 1
    assert "choose another --port" in error
    assert "Traceback" not in error


async def test_sigterm_lets_streams_finish_and_admits_nobody(
    checkpoint_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text("secret\n")
    arguments = ["--model", str(checkpoint_folder), "--port", "0", "--batch-size", "2"]
    arguments += ["--api-key-file", str(tmp_path / "keys")]
    headers = {protocol.KEY_HEADER: "secret"}
    async with (
        started(*arguments) as (process, url),
        aiohttp.ClientSession(headers=headers) as session,
    ):
        async with session.ws_connect(url) as link:
            client = Client(link)
            assert await client.receive() == protocol.Ready()
            await client.say(sing(["hello"]))
            process.send_signal(signal.SIGTERM)
            while True:  # until the signal has arrived
                async with session.ws_connect(url) as other:
                    answer = await Client(other).receive()
                if answer == protocol.Error(protocol.NO_FREE_CHANNELS):
                    break
            assert await client.words(sing(["world"])) == ["hello", "world"]
        assert await asyncio.wait_for(process.wait(), 60) == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""


async def test_streams_that_do_not_finish_are_ended(checkpoint_folder: Path) -> None:
    arguments = ["--model", str(checkpoint_folder), "--port", "0", "--drain-seconds", "0.1"]
    async with (
        started(*arguments) as (process, url),
        aiohttp.ClientSession(headers={protocol.KEY_HEADER: "public_token"}) as session,
        session.ws_connect(url) as link,
    ):
        client = Client(link)
        assert await client.receive() == protocol.Ready()
        process.send_signal(signal.SIGTERM)
        assert await client.receive() == protocol.Error("the server stops")
        assert await asyncio.wait_for(process.wait(), 60) == 0


FAILING = """
import asyncio
from streaming.kyutai_server import cli
from streaming.kyutai_server import moshi_model
from streaming.errors import ModelError
from streaming.testing.scripted import ScriptedModel, ToyVocabulary

model = ScriptedModel(
    vocabulary=ToyVocabulary(["a"]), fail_at=1, failure=ModelError("a step of the model failed")
)
moshi_model.load_model = lambda *arguments, **options: model
cli.main(["--model", "x/y", "--port", "0"])
"""


async def test_a_failed_step_ends_the_process_with_a_status_that_is_not_0() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FAILING,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, error = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert error.decode() == "asr-server: a step of the model failed\n"


@pytest.mark.parametrize("key", ["", "public_toke", "public_token2", "é"])
async def test_a_key_that_is_nearly_right_is_wrong(checkpoint_folder: Path, key: str) -> None:
    arguments = ["--model", str(checkpoint_folder), "--port", "0", "--batch-size", "1"]
    async with started(*arguments) as (_, url), aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await session.ws_connect(url, params={"auth_id": key})
