"""A back end that is in no room asks as a host does: a token proves that it may."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from captioner.bot.output_settings import OutputSettings
from captioner.bot.scripted_meeting import ScriptedMeeting, scripted_meeting
from captioner.contract_requests import LANGUAGE, SET, TRANSCRIPT
from captioner.errors import InvalidRequest, NotAllowed, RequestCode
from captioner.room.signed import WebhookEvent, admin_of, is_admin, webhook_event
from captioner.room.tokens import agent_token, participant_token, server_token
from captioner.transcript.folder import TranscriptPolicy

KEY, SECRET = "key", "s" * 32
CALLER = "0d8b1c1e-5b5e-4b53-9a44-6f1f2d1c0f11"
"""The media server names the caller of PerformRpc anew each time."""

PROOF = functools.partial(is_admin, key=KEY, secret=SECRET)


def token(room: str = "scripted", *, key: str = KEY, secret: str = SECRET) -> str:
    return server_token(key, secret, room=room)


def claims(**changed: Any) -> str:
    good = {"iss": KEY, "exp": 9_999_999_999, "video": {"roomAdmin": True, "room": "scripted"}}
    return jwt.encode({k: v for k, v in (good | changed).items() if v is not None}, SECRET)


async def test_a_back_end_switches_and_everybody_sees_it_without_a_name() -> None:
    async with scripted_meeting(is_admin=PROOF) as meeting:
        meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        answer = await meeting.room.ask(CALLER, SET, enabled=False, admin=token())
        assert (answer["state"], answer["enabled"], answer["stored"]) == ("off", False, True)
        assert meeting.room.told["captions.by"] == ""
        answer = await meeting.room.ask(CALLER, LANGUAGE, language="en", speaker="anna",
                                        admin=token())  # fmt: skip
        assert answer["by"] == "host"


@pytest.mark.parametrize(
    "forged",
    [
        token("another"),
        token(secret="x" * 32),
        token(key="another"),
        participant_token(KEY, SECRET, room="scripted", identity="anna", host=True),
        agent_token(KEY, SECRET, room="scripted", identity="bot", name=""),
        claims(exp=1),
        claims(exp=None),
        claims(video={"roomAdmin": "yes", "room": "scripted"}),
        claims(video=[]),
        jwt.encode({"iss": KEY, "exp": 9_999_999_999, "video": {"roomAdmin": True,
                    "room": "scripted"}}, "", algorithm="none"),
        "no token",
    ],
)  # fmt: skip
async def test_nobody_else_is_taken_for_a_back_end(forged: str) -> None:
    async with scripted_meeting(is_admin=PROOF) as meeting:
        meeting.come("anna")
        for method, request in (
            (SET, {"enabled": False}),
            (LANGUAGE, {"language": "en", "speaker": "anna"}),
            (TRANSCRIPT, {}),
        ):
            with pytest.raises(InvalidRequest) as refused:
                await meeting.room.ask("anna", method, **request, admin=forged)
            assert refused.value.code is RequestCode.NOT_ALLOWED
        assert meeting.bot.controls.decided.enabled


async def test_a_bot_without_the_secret_believes_nobody() -> None:
    async with scripted_meeting() as meeting:
        with pytest.raises(InvalidRequest, match="API secret"):
            await meeting.room.ask(CALLER, SET, enabled=False, admin=token())


async def test_two_back_ends_download_at_once(tmp_path: Path) -> None:
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "m"))
    async with scripted_meeting(is_admin=PROOF, transcripts=True, extras=extras) as meeting:
        meeting.come("anna")
        await meeting.room.ask(CALLER, SET, transcript=True, admin=token())
        await _parts_of_two(meeting)


async def _parts_of_two(meeting: ScriptedMeeting) -> None:
    tokens = [claims(sub=name) for name in ("one", "two")]
    parts = [await meeting.room.ask(CALLER, TRANSCRIPT, at=0, admin=each) for each in tokens]
    assert parts[0]["data"] == parts[1]["data"]
    assert parts[0]["file"] == "m.vtt"


def test_a_token_makes_an_administrator_of_its_own_room_alone() -> None:
    assert admin_of(token("here"), key=KEY, secret=SECRET) == "here"
    assert admin_of(claims(video={"room": "here"}), key=KEY, secret=SECRET) == ""
    assert not is_admin(claims(video={"roomAdmin": True, "room": ""}), "", key=KEY, secret=SECRET)


def test_a_webhook_counts_only_with_a_token_for_just_this_body() -> None:
    body = json.dumps({"event": "room_started", "id": "EV_1", "createdAt": "17",
                       "room": {"name": "budget", "sid": "RM_1"}}).encode()  # fmt: skip
    hashed = base64.b64encode(hashlib.sha256(body).digest()).decode()
    event = webhook_event(body, claims(sha256=hashed), key=KEY, secret=SECRET)
    assert event == WebhookEvent("EV_1", "room_started", "budget", "RM_1", "", 17)
    signed = claims(sha256="XQ==")
    for wrong in (signed, claims(), "", token(secret="x" * 32)):
        with pytest.raises(NotAllowed):
            webhook_event(body, wrong, key=KEY, secret=SECRET)
