"""The command line of asr-server. Exit codes: 0, 1 (failed), 2 (wrong usage)."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import signal
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from streaming.audio import wav
from streaming.command_line import install_extra, unknown_variables
from streaming.errors import StreamingError
from streaming.kyutai_server.api_keys import Keys, read_keys
from streaming.kyutai_server.batch import BatchedModel
from streaming.kyutai_server.limits import Limits
from streaming.kyutai_server.server import Server, listen
from streaming.kyutai_server.test_checkpoint.tones import TONES, sing

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
# streaming.kyutai_server.moshi_model's, without loading torch
DTYPES = ("float32", "bfloat16", "float16")
_DEFAULTS = Limits()
PREFIX = "ASR"
"""Every option is a variable too: ASR_MODEL, ASR_API_KEY_FILE…"""

LOG_MAX, LOG_S = 20, 60.0
"""At most LOG_MAX records of the libraries' logs in LOG_S seconds."""


@click.group(
    invoke_without_command=True,
    context_settings={"auto_envvar_prefix": PREFIX, "show_default": True},
)
@click.version_option(package_name="live-captions")
@click.option("--model", help="A checkpoint: its folder, or owner/name.")
@click.option("--device", default="cpu", help="Where torch computes: cpu or cuda.")
@click.option(
    "--dtype", default="auto", type=click.Choice(["auto", *DTYPES]),
    help="Type of the weights; auto: bfloat16 on cuda, float32 on cpu. The accuracy of others on"
    " speech was not measured.",
)  # fmt: skip
@click.option(
    "--batch-size", default=16, type=click.IntRange(1, 1024), help="Streams at the same time."
)
@click.option(
    "--threads", default=1, type=click.IntRange(1, 256), help="Threads of torch on a CPU."
)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option(
    "--port", default=8080, type=click.IntRange(0, 65_535), help="Port to listen on; 0: a free one."
)
@click.option("--api-key-file", type=FILE, help="File of API keys, one a line.")
@click.option(
    "--streams-per-key", default=_DEFAULTS.streams_per_key, type=click.IntRange(1),
    help="Streams at the same time with one API key.",
)  # fmt: skip
@click.option(
    "--drain-seconds", default=_DEFAULTS.drain_s, help="How long streams may go on after SIGTERM."
)
@click.option(
    "--admit-when-slow", is_flag=True,
    help="For files: admit streams even when a step takes longer than real time.",
)  # fmt: skip
@click.option(
    "--tls-cert",
    type=FILE,
    help="TLS certificate (PEM); holds the key too unless --tls-key is given.",
)
@click.option("--tls-key", type=FILE, help="Private key of the certificate (PEM).")
@click.option("--allow-root", is_flag=True, help="Let root serve other machines.")
@click.pass_context
def main(context: click.Context, model: str | None, device: str, dtype: str, batch_size: int,
         threads: int, host: str, port: int, api_key_file: Path | None, streams_per_key: int,
         drain_seconds: float, admit_when_slow: bool, tls_cert: Path | None,
         tls_key: Path | None, allow_root: bool) -> None:  # fmt: skip
    """Serve a Kyutai speech-to-text model over Kyutai's own websocket protocol.

    Every option can be given as a variable: ASR_MODEL, ASR_API_KEY_FILE and so on.
    """
    for warning in unknown_variables(os.environ, prefix=f"{PREFIX}_", known=_variables(main)):
        click.echo(f"asr-server: warning: {warning}", err=True)
    if context.invoked_subcommand is not None:
        return
    if model is None:
        raise click.UsageError("name a checkpoint: --model FOLDER or --model owner/name")
    keys = _keys(api_key_file)
    if not _is_loopback(host):
        _check_exposure(host, keys, allow_root=allow_root)
    tls = _tls(tls_cert, tls_key)
    limits = Limits(
        streams_per_key=streams_per_key, drain_s=drain_seconds, admit_when_slow=admit_when_slow
    )
    try:
        from streaming.kyutai_server.moshi_model import load_model
    except ImportError as exc:
        _fail(f"{exc.name} is not installed: {install_extra('kyutai')}")
    try:
        loaded = load_model(
            model, batch_size=batch_size, device=device, dtype=dtype, threads=threads
        )
        asyncio.run(serve(loaded, Path(model).name, keys, limits, (host, port, tls)))
    except StreamingError as exc:
        _fail(str(exc))


@main.command("make-test-checkpoint")
@click.argument("folder", type=FOLDER)
@click.option(
    "--moshi-server",
    is_flag=True,
    help="One that Kyutai's moshi-server 0.6.4 can load too: with a codec of full size, 385 MB by"
    " its length, 14 MB on disk.",
)
def make_test_checkpoint_command(folder: Path, moshi_server: bool) -> None:
    """Write a checkpoint of 1 MB that recognises six tones, for tests; takes a minute.

    It also writes tones.wav to try it with. It says nothing about accuracy on speech.
    """
    try:
        from streaming.kyutai_server.test_checkpoint.checkpoint import make_test_checkpoint
        from streaming.kyutai_server.test_checkpoint.full_size import make_wide_checkpoint
    except ImportError as exc:
        _fail(f"{exc.name} is not installed: {install_extra('kyutai')}")
    try:
        if moshi_server:
            with tempfile.TemporaryDirectory() as small:
                make_test_checkpoint(Path(small))
                make_wide_checkpoint(Path(small), folder)
        else:
            make_test_checkpoint(folder)
        (folder / "tones.wav").write_bytes(wav(sing(list(TONES) * 6)))
    except (StreamingError, OSError) as exc:
        _fail(str(exc))
    click.echo(
        f"{folder}: recognises six tones; tones.wav has 36 of them. It proves plumbing, never"
        " accuracy on speech."
    )


def _variables(group: click.Group) -> set[str]:
    """Return the names that click reads: PREFIX_OPTION, and PREFIX_COMMAND_OPTION."""
    commands = {PREFIX: group, **{f"{PREFIX}_{n}": c for n, c in group.commands.items()}}
    names = (f"{start}_{p.name}" for start, one in commands.items() for p in one.params)
    return {name.replace("-", "_").upper() for name in names}


async def serve(model: BatchedModel, name: str, keys: Keys, limits: Limits,
                where: tuple[str, int, ssl.SSLContext | None]) -> None:  # fmt: skip
    """Serve ``model`` until SIGTERM. where: host, port, TLS."""
    on_stderr = logging.StreamHandler()
    on_stderr.addFilter(Bounded())
    logging.basicConfig(handlers=[on_stderr], level=logging.WARNING)
    server = Server(model, name=name, keys=keys, limits=limits)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host, port, tls = where
    async with listen(server, host=host, port=port, tls=tls) as url:
        click.echo(f"listening: {url}")
        await server.run(stop)


class Bounded(logging.Filter):
    """Limits the rate of log records, since clients can cause them; says how many it left out."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._since_s = clock()
        self._passed = self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether ``record`` passes."""
        now_s = self._clock()
        if now_s - self._since_s >= LOG_S:
            self._since_s, self._passed = now_s, 0
        if self._passed >= LOG_MAX:
            self._left_out += 1
            return False
        self._passed += 1
        if self._left_out:
            record.msg = f"{record.getMessage()} (before this, {self._left_out} were left out)"
            record.args, self._left_out = (), 0
        return True


def _keys(path: Path | None) -> Keys:
    if path is None:
        return Keys()
    try:
        return read_keys(path)
    except (OSError, ValueError) as exc:
        raise click.UsageError(f"the file of keys cannot be read: {exc}") from exc


def _check_exposure(host: str, keys: Keys, *, allow_root: bool) -> None:
    """Check what is required before listening on ``host``, which others can reach."""
    if keys.is_public:
        raise click.UsageError(
            f"on {host} everybody could use this server: the default key is public."
            " Give keys of your own with --api-key-file."
        )
    if os.geteuid() == 0 and not allow_root:
        raise click.UsageError(
            f"root does not serve on {host}: run it as a separate user, or give --allow-root"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None:
        if key is not None:
            raise click.UsageError("--tls-key needs the certificate too: --tls-cert FILE")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as exc:
        raise click.UsageError(f"the TLS certificate cannot be used: {exc}") from exc
    return context


def _fail(message: str) -> NoReturn:
    click.echo(f"asr-server: {message}", err=True)
    sys.exit(1)
