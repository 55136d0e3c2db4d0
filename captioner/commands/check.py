"""Checks, before anything starts, that everything is there that the bot needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

from captioner import engines
from captioner.atomic_file import must_be_writable
from captioner.controls.open_store import open_store
from captioner.demo.page_server import overlay_folder
from captioner.doctor.diagnosis import Finding
from captioner.errors import CaptionerError, ConfigurationError, NotAllowed
from captioner.room.tokens import SECRET_MIN, probe
from captioner.settings import Settings
from streaming.embedded.models import installed
from streaming.errors import StreamingError

CLOCK_MAX_S = 30.0
"""Tokens are refused if the clocks differ by more than a little."""


_FEW = 4  # languages that are named


def check(settings: Settings) -> Iterator[Finding]:
    """Run the checks, one after the other."""
    yield _look("speech recogniser", lambda: _recognizer(settings))
    if "embedded" in (settings.engine_name, settings.fallback):
        yield _look("languages", lambda: _languages(settings))
    yield _look("page", lambda: f"built, in {overlay_folder().name}/")
    yield _look("decisions", lambda: _decisions(settings))
    if settings.transcripts is not None:
        folder = settings.transcripts
        yield _look("transcripts", lambda: _transcripts(folder))
    yield _look("key", lambda: _key(settings))
    yield _look("media server", lambda: _server(settings))


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except (CaptionerError, StreamingError) as exc:
        return Finding(what, False, str(exc))


def _recognizer(settings: Settings) -> str:
    async def look() -> str:
        if settings.engine_name in engines.REMOTE:
            return await engines.probe(settings)
        async with engines.chosen(settings) as engine:
            model = f", model {engine.model}" if engine.model else ""
            return f"{engine.name}{model}, language {settings.language}"

    return asyncio.run(look())


def _languages(settings: Settings) -> str:
    """Which model of ours serves which language."""
    models = installed(settings.model, device=settings.device)
    taken: set[str] = set()
    served = []
    for model in models:
        rest = [tag for tag in model.languages if tag not in taken]
        taken.update(rest)
        if rest:
            more = f" and {len(rest) - _FEW} more" if len(rest) > _FEW else ""
            served.append(f"{', '.join(rest[:_FEW])}{more} by {model.name}")
    missing = "" if len(taken) > 1 else "; `captioner models --fetch` gets a model of 99"
    return f"{'; '.join(served)}{missing}"


def _decisions(settings: Settings) -> str:
    settings.policy({})
    secret = settings.livekit_api_secret.get_secret_value()
    open_store(settings.state_place, owner="check", secret=secret).probe()
    return "kept over a restart of the bot"


def must_be_folder(folder: Path) -> None:
    """Make the folder of transcripts. Raises ConfigurationError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigurationError(
            f"cannot make the folder {folder}: {exc.strerror}. Set CAPTIONER_TRANSCRIPTS to one"
            " that the bot may write"
        ) from exc


def _transcripts(folder: Path) -> str:
    must_be_folder(folder)
    must_be_writable(folder / "check.vtt")
    return "kept once a host switches them on"


def _key(settings: Settings) -> str:
    if settings.livekit_token.get_secret_value():
        return "not needed: LIVEKIT_TOKEN is set, a token for one room"
    secret = settings.livekit_api_secret.get_secret_value()
    if not settings.livekit_api_key or not secret:
        raise ConfigurationError("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET")
    if len(secret) < SECRET_MIN:
        return f"set, but the secret is shorter than {SECRET_MIN} characters: easy to guess"
    return "set"


def _server(settings: Settings) -> str:
    url, key = settings.livekit_url, settings.livekit_api_key
    secret = settings.livekit_api_secret.get_secret_value()
    try:
        offset_s = probe(url, key or "none", secret or "none")
    except NotAllowed:
        if key and secret:
            raise
        return f"{url} answers; without a key no more can be said"
    if abs(offset_s) > CLOCK_MAX_S:
        raise ConfigurationError(
            f"this machine's clock and the media server's differ by {abs(offset_s):.0f} s:"
            " set both by NTP, or tokens will be refused"
        )
    return f"{url} answers and knows the key"
