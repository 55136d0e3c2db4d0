"""Hosts, speakers and readers in a real room, with a recogniser that says what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import api, rtc

from captioner.bot.bot import Bot, Engine
from captioner.contract_requests import CONSENT, HELLO, SET
from captioner.controls import controls
from captioner.controls.decisions import Policy, Want
from captioner.controls.sqlite_store import SqliteStore
from captioner.controls.state_store import StateStore
from captioner.demo.livekit_server import MediaServer
from captioner.demo.sound_publisher import SoundPublisher
from captioner.room.tokens import agent_token, participant_token
from eval.runs.local_meeting import Listener
from streaming.recognizer import Tail, Word, WordEnd
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer

pytestmark = pytest.mark.room

ROOM = "room"


class Spoken(ScriptedRecognizer):
    """Says one word and then shows another that it never settles."""

    def __init__(self) -> None:
        super().__init__([Word("Good.", 0), WordEnd(100), Tail("morn", 300)])
        self.left = asyncio.Event()

    async def __aexit__(self, *failure: Any) -> None:
        self.left.set()
        await super().__aexit__(*failure)


def bot_of(
    server: MediaServer, opened: list[Spoken], *, want: Want = Want.ALWAYS,
    store: StateStore | None = None, identity: str = "bot",
) -> Bot:  # fmt: skip
    def opens() -> Spoken:
        opened.append(Spoken())
        return opened[-1]

    def token_as(name: str) -> str:
        return agent_token(server.key, server.secret, room=ROOM, identity=name, name="Captions")

    return Bot(
        Engine("en", (ScriptedEngine(opens),), load_voice=lambda: lambda _frame: True),
        url=server.url,
        token=lambda: token_as(identity),
        token_as=token_as,
        policy=Policy({"scripted": ("en",)}, want=want),
        store=store,
    )


@contextlib.asynccontextmanager
async def running(bot: Bot) -> AsyncIterator[Bot]:
    task = asyncio.create_task(bot.run())
    joined = asyncio.create_task(bot.joined.wait())
    async with asyncio.timeout(30):
        await asyncio.wait({task, joined}, return_when=asyncio.FIRST_COMPLETED)
    joined.cancel()
    try:
        yield bot
    finally:
        bot.stop()
        await task


@contextlib.asynccontextmanager
async def speaking(server: MediaServer, identity: str) -> AsyncIterator[SoundPublisher]:
    speaker = SoundPublisher()
    token = participant_token(server.key, server.secret, room=ROOM, identity=identity)
    await speaker.join(server.url, token)
    hum = 0.1 * np.sin(np.arange(48_000 * 60) * 0.02).astype(np.float32)
    play = asyncio.create_task(speaker.play([hum]))
    try:
        yield speaker
    finally:
        play.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await play
        await speaker.leave()


class Page(Listener):
    """What a page does, without a page."""

    async def ask(self, method: str, bot: str = "bot", **request: Any) -> dict[str, Any]:
        answer = await self.room.local_participant.perform_rpc(
            destination_identity=bot, method=method, payload=json.dumps({"v": 1, **request})
        )
        found: dict[str, Any] = json.loads(answer)
        return found

    def says(self, key: str, bot: str = "bot") -> str | None:
        participant = self.room.remote_participants.get(bot)
        return participant.attributes.get(f"captions.{key}") if participant else None

    async def sees(self, key: str, value: str, bot: str = "bot") -> None:
        changed = asyncio.Event()
        for event in ("participant_attributes_changed", "participant_connected"):
            self.room.on(event, lambda *_: changed.set())
        async with asyncio.timeout(60):
            while self.says(key, bot) != value:
                changed.clear()
                await changed.wait()

    def texts(self, state: str) -> list[str]:
        return [p["vtt"].split(">", 2)[-1] for p in self.captions() if p["state"] == state]

    def states(self) -> list[str]:
        return [a.packet["state"] for a in self.arrivals if a.packet.get("type") == "track"]


Enter = Callable[..., Awaitable[Page]]


@pytest.fixture
async def enter(media_server: MediaServer) -> AsyncIterator[Enter]:
    pages: list[Page] = []

    async def one(identity: str, *, host: bool = False) -> Page:
        token = participant_token(
            media_server.key, media_server.secret, room=ROOM, identity=identity,
            name=identity.title(), host=host,
        )  # fmt: skip
        pages.append(Page())
        await pages[-1].join(media_server.url, token)
        return pages[-1]

    yield one
    for page in pages:
        await page.leave()


async def refusal(asking: Awaitable[object]) -> rtc.RpcError:
    with pytest.raises(rtc.RpcError) as refused:
        await asking
    assert len(refused.value.message.encode()) <= 256
    return refused.value


async def test_a_host_switches_off_and_everybody_sees_it(
    media_server: MediaServer, enter: Enter
) -> None:
    host, guest, opened = await enter("olga", host=True), await enter("gwen"), list[Spoken]()
    async with running(bot_of(media_server, opened)), speaking(media_server, "anna"):
        await guest.until(lambda: "Good." in guest.texts("closed"))
        assert (await host.ask(HELLO, want=True))["you"]["host"]
        answer = await host.ask(SET, enabled=False)
        assert (answer["state"], answer["enabled"]) == ("off", False)
        await guest.sees("state", "off")
        assert guest.says("by") == "Olga"
        await asyncio.wait_for(opened[0].left.wait(), 60)
        heard, count = len(opened[0].heard), len(opened)
        assert (await host.ask(SET, enabled=True))["state"] == "on"
        await guest.until(lambda: guest.texts("closed").count("Good.") == 2)
        assert (len(opened[0].heard), len(opened)) == (heard, count + 1)


async def test_who_is_no_host_is_refused_and_changes_nothing(
    media_server: MediaServer, enter: Enter
) -> None:
    guest = await enter("gwen")
    forger = Page()
    grants = api.VideoGrants(room_join=True, room=ROOM, can_update_own_metadata=True)
    token = (
        api.AccessToken(media_server.key, media_server.secret)
        .with_identity("felix")
        .with_grants(grants)
    )
    await forger.join(media_server.url, token.to_jwt())
    await forger.room.local_participant.set_attributes({"room_role": "owner"})
    async with running(bot_of(media_server, [])) as bot:
        for page, why in ((guest, "not-host"), (forger, "unsigned")):
            refused = await refusal(page.ask(SET, enabled=False))
            assert (refused.code, refused.data) == (2, why)
            assert (await page.ask(HELLO, want=True))["you"]["why"] == why
        assert bot.controls.decided.enabled
    await forger.leave()


async def test_bad_requests_have_a_code_and_a_sentence_and_change_nothing(
    media_server: MediaServer, enter: Enter
) -> None:
    host = await enter("olga", host=True)

    async def ask(method: str, payload: str) -> int:
        calling = host.room.local_participant.perform_rpc(
            destination_identity="bot", method=method, payload=payload
        )
        return (await refusal(calling)).code

    async with running(bot_of(media_server, [])) as bot:
        before = bot.controls.decided
        assert await ask(SET, "nonsense") == 1
        assert await ask(SET, '{"v":7}') == 3
        assert await ask(SET, json.dumps({"language": "x" * 13_000})) == 5
        no_such = await refusal(host.ask(SET, language="tlh"))
        assert (no_such.code, json.loads(no_such.data or "")) == (6, {"languages": ["en"]})
        assert (await refusal(host.ask(SET, transcript=True))).code == 8
        assert bot.controls.decided == before


async def test_a_refused_voice_is_purged_everywhere(
    media_server: MediaServer, enter: Enter
) -> None:
    viewer, opened = await enter("viewer"), list[Spoken]()
    async with (
        running(bot_of(media_server, opened)) as bot,
        speaking(media_server, "anna") as anna,
    ):
        await viewer.until(lambda: "morn" in viewer.texts("open"))
        answer = json.loads(
            await anna.ask("bot", CONSENT, '{"v":1,"captioned":false,"kept":false}')
        )
        assert (answer["captioned"], answer["kept"]) == (False, False)
        await viewer.until(lambda: viewer.states()[-1] == "refused")
        await asyncio.wait_for(opened[-1].left.wait(), 60)
        assert viewer.captions()[-1]["state"] == "deleted"
        late = await enter("late")
        hello = await late.ask(HELLO, want=True)
        assert hello["cues"] == []
        assert [t["state"] for t in hello["tracks"]] == ["refused"]
        assert len(opened) == 1
        assert not bot.controls.captions("anna")
        await anna.ask("bot", CONSENT, '{"v":1,"captioned":true,"kept":true}')
        await viewer.until(lambda: len(viewer.texts("closed")) == 2)


async def test_nothing_is_listened_to_until_somebody_reads(
    media_server: MediaServer, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controls, "IDLE_S", 0.5)
    viewer, opened = await enter("viewer"), list[Spoken]()
    async with (
        running(bot_of(media_server, opened, want=Want.HELLO)),
        speaking(media_server, "anna"),
    ):
        await viewer.sees("state", "idle")
        assert opened == []
        assert (await viewer.ask(HELLO, want=True))["state"] == "on"
        await viewer.until(lambda: "Good." in viewer.texts("closed"))
        await viewer.ask(HELLO, want=False)
        await viewer.sees("state", "idle")
        await asyncio.wait_for(opened[0].left.wait(), 60)
        second = await enter("second")
        await second.ask(HELLO, want=True)
        await viewer.sees("state", "on")
        await second.leave()
        await viewer.sees("state", "idle")


async def test_what_cannot_be_stored_protects_all_the_same_and_exposes_nobody(
    media_server: MediaServer, enter: Enter, tmp_path: Path
) -> None:
    host = await enter("olga", host=True)
    taken = tmp_path / "taken"
    taken.write_text("no folder")
    async with running(bot_of(media_server, [], store=SqliteStore(taken))):
        await host.sees("consent", "if-agreed")  # what was decided before is not known
        assert (await refusal(host.ask(CONSENT, captioned=True, kept=True))).code == 7
        answer = await host.ask(SET, enabled=False)
        assert (answer["enabled"], answer["state"], answer["stored"]) == (False, "off", False)
        assert "may be forgotten" in answer["warning"]
        assert (await refusal(host.ask(SET, enabled=True))).code == 7
        await host.sees("state", "off")
        assert not (await host.ask(CONSENT, captioned=False, kept=False))["stored"]


async def test_a_restarted_bot_knows_what_was_decided_and_says_what_nobody_heard(
    media_server: MediaServer, enter: Enter, tmp_path: Path
) -> None:
    host, opened = await enter("olga", host=True), list[Spoken]()
    async with speaking(media_server, "anna") as anna:
        async with running(bot_of(media_server, opened, store=SqliteStore(tmp_path))) as first:
            await host.until(lambda: bool(host.texts("closed")))
            await anna.ask("bot", CONSENT, '{"v":1,"captioned":false,"kept":false}')
            for enabled in (False, True):
                await host.ask(SET, enabled=enabled)
        again = bot_of(media_server, opened, store=SqliteStore(tmp_path), identity="bot-2")
        async with running(again) as second:
            clocks = [bot.publisher.clock for bot in (first, second)]
            assert clocks[0].origin_utc_ms == clocks[1].origin_utc_ms
            assert second.publisher.session != first.publisher.session
            answer = await host.ask(HELLO, "bot-2", want=True)
            assert [gap["reason"] for gap in answer["gaps"]] == ["bot-restarted"]
            assert [t["state"] for t in answer["tracks"]] == ["refused"]
            assert len(opened) == 1
            await host.sees("by", "Olga", "bot-2")


async def test_a_flood_from_one_caller_is_refused_and_the_others_are_answered(
    media_server: MediaServer, enter: Enter
) -> None:
    loud, calm = await enter("loud"), await enter("calm")
    async with running(bot_of(media_server, [], want=Want.HELLO)):
        await calm.sees("state", "idle")
        await loud.sees("state", "idle")
        flood = [loud.ask(HELLO, want=False) for _ in range(500)]
        answers = asyncio.gather(*flood, return_exceptions=True)
        assert (await calm.ask(HELLO, want=True))["state"] == "on"
        refused = [a for a in await answers if isinstance(a, rtc.RpcError)]
        assert {"too many requests: wait a second"} == {r.message for r in refused if r.code == 4}
        assert (await calm.ask(HELLO, want=True))["state"] == "on"
