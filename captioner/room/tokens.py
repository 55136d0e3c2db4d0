"""Mints LiveKit access tokens, and checks whether a server accepts our key.

The only file that imports livekit.api.
"""

from __future__ import annotations

import datetime
import http.client as http_client
import urllib.error
import urllib.request
import warnings

from livekit import api

from captioner.errors import ConfigurationError, NotAllowed, RoomUnavailable

TOKEN_HOURS = 6
CALL_MINUTES = 10
SECRET_MIN = 32
HOST_ROLE = {"room_role": "owner"}
"""The signed attribute that identifies a host; from La Suite Meet."""


def participant_token(
    key: str,
    secret: str,
    *,
    room: str,
    identity: str,
    name: str = "",
    host: bool = False,
    speaks: bool = True,
    agent_name: str = "",
) -> str:
    """Mint a token for a person who listens, and may speak.

    agent_name: of the worker that is dispatched to the room if it begins with this person.
    """
    grants = api.VideoGrants(
        room_join=True, room=room, can_publish=speaks, can_update_own_metadata=False
    )
    token = _token(key, secret, room, identity).with_grants(grants).with_name(name)
    if host:
        token = token.with_attributes(dict(HOST_ROLE))
    if agent_name:
        agents = [api.RoomAgentDispatch(agent_name=agent_name)]
        token = token.with_room_config(api.RoomConfiguration(agents=agents))
    return _signed(token)


def agent_token(key: str, secret: str, *, room: str, identity: str, name: str) -> str:
    """Mint a token for the bot: a visible agent that listens and sends data, but no audio."""
    grants = api.VideoGrants(
        room_join=True, room=room, agent=True, can_publish=False, can_subscribe=True,
        can_publish_data=True, can_update_own_metadata=True, hidden=False,
    )  # fmt: skip
    token = _token(key, secret, room, identity).with_kind("agent")
    return _signed(token.with_grants(grants).with_name(name))


def worker_token(key: str, secret: str) -> str:
    """A token for a worker that takes jobs."""
    return _signed(api.AccessToken(key, secret).with_grants(api.VideoGrants(agent=True)))


def server_token(key: str, secret: str, *, room: str) -> str:
    """A token for one call about a room to the media server."""
    grants = api.VideoGrants(room_admin=True, room=room)
    lifetime = datetime.timedelta(minutes=CALL_MINUTES)
    return _signed(api.AccessToken(key, secret).with_ttl(lifetime).with_grants(grants))


def _token(key: str, secret: str, room: str, identity: str) -> api.AccessToken:
    if not key or not secret:
        raise ConfigurationError(
            "no key for the media server: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
        )
    if not room or not identity:
        raise ConfigurationError("a token needs a room and an identity that are not empty")
    lifetime = datetime.timedelta(hours=TOKEN_HOURS)
    return api.AccessToken(key, secret).with_identity(identity).with_ttl(lifetime)


def _signed(token: api.AccessToken) -> str:
    with warnings.catch_warnings():
        # `captioner check` reports short secrets, which livekit-server --dev uses.
        warnings.filterwarnings("ignore", message="The HMAC key is")
        return token.to_jwt()


def probe(url: str, key: str, secret: str, *, timeout_s: float = 5.0) -> float:
    """Check that the media server accepts our key; return its clock minus ours in seconds.

    Blocks. Raises RoomUnavailable, NotAllowed.
    """
    token = api.AccessToken(key, secret).with_grants(api.VideoGrants(room_list=True))
    claims = _signed(token)
    http = url.replace("ws", "http", 1) if url.startswith("ws") else url
    try:
        request = urllib.request.Request(
            f"{http.rstrip('/')}/twirp/livekit.RoomService/ListRooms",
            data=b"{}",
            headers={"Authorization": f"Bearer {claims}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return _clock_offset_s(answer.headers.get("Date"))
    except urllib.error.HTTPError as exc:
        with exc:
            raise _refusal(url, exc.code) from exc
    except (OSError, ValueError, http_client.HTTPException) as exc:
        raise RoomUnavailable(
            f"nothing answers at {url}: check LIVEKIT_URL, and that the media server runs and"
            " can be reached from here"
        ) from exc


def _refusal(url: str, status: int) -> NotAllowed | RoomUnavailable:
    if status in (401, 403):
        return NotAllowed(
            "the media server refuses our key: check LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
            " against its configuration, and this machine's clock"
        )
    return RoomUnavailable(
        f"{url} answers, but not as a LiveKit server does (HTTP {status}): check LIVEKIT_URL"
    )


def _clock_offset_s(date: str | None) -> float:
    if date is None:
        return 0.0
    there = datetime.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S %Z")
    here = datetime.datetime.now(datetime.UTC)
    return (there.replace(tzinfo=datetime.UTC) - here).total_seconds()
