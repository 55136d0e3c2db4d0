"""What was promised to a person holds, whatever becomes of the disk, the caller or the bot."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from captioner.bot.bot import Engine
from captioner.bot.output_settings import OutputSettings
from captioner.bot.scripted_meeting import HOST, ScriptedMeeting, scripted_meeting
from captioner.contract_requests import CONSENT, HELLO, SET, TRANSCRIPT
from captioner.controls import controls, decision_writer
from captioner.controls.sqlite_store import SqliteStore
from captioner.controls.state_store import MemoryStore, StateStore, Stored
from captioner.errors import InvalidRequest, RequestCode, StateError
from captioner.publishing.room_clock import SignOfLife
from captioner.room.scripted_room import ScriptedRoom
from captioner.transcript.folder import TranscriptPolicy
from streaming.recognizer import Capabilities, RecognizerEvent, Word, WordEnd
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer


class Disk(MemoryStore):
    """A store whose disk waits while it is told to, and fails while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.saves = 0
        self.takes_s = 0.0
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._goes_on = threading.Event()
        self._goes_on.set()

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        self._goes_on.clear()
        try:
            yield
        finally:
            self._goes_on.set()

    async def until(self, seen: Callable[[Stored], bool]) -> None:
        async with asyncio.timeout(30):
            while (stored := self.rooms.get("RM_scripted")) is None or not seen(stored):
                self._changed.clear()
                await self._changed.wait()

    def goes_on(self) -> None:
        self._goes_on.set()

    def load(self, room: str) -> Stored | None:
        self._goes_on.wait()
        if self.fails:
            raise StateError("disk full")
        return super().load(room)

    def save(self, room: str, stored: Stored) -> None:
        self._goes_on.wait()
        time.sleep(self.takes_s)
        if self.fails:
            raise StateError("disk full")
        self.saves += 1
        super().save(room, stored)
        self._loop.call_soon_threadsafe(self._changed.set)

    def live(self, room: str, alive: SignOfLife) -> None:
        self._goes_on.wait()
        super().live(room, alive)
        self._loop.call_soon_threadsafe(self._changed.set)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store counts as silent soon."""
    monkeypatch.setattr(decision_writer, "STORE_S", 1.0)
    monkeypatch.setattr(decision_writer, "RETRY_S", 0.1)


@contextlib.asynccontextmanager
async def talking(store: StateStore, **options: Any) -> AsyncIterator[ScriptedMeeting]:
    """A stage on which Anna is captioned, and Olga is a host."""
    async with scripted_meeting(store=store, **options) as meeting:
        meeting.come("anna")
        meeting.come("olga", attributes=HOST)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        await meeting.speak("anna", frames=5)
        yield meeting


def is_heard(meeting: ScriptedMeeting, identity: str = "anna") -> bool:
    return meeting.microphones[identity].heard


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.glob("m.*")}


def text_of(folder: Path) -> str:
    return b"".join(files_of(folder).values()).decode()


def sentences(_number: int) -> list[RecognizerEvent]:
    """A sentence every second."""
    return [
        event
        for ms in range(0, 600_000, 1_000)
        for event in (Word("word", ms), Word("spoken.", ms + 300), WordEnd(ms + 500))
    ]


async def keeps(meeting: ScriptedMeeting, folder: Path) -> None:
    """Wait until the transcript has something that Anna said."""
    await meeting.room.ask("olga", SET, transcript=True)
    while "word" not in text_of(folder):
        await meeting.speak("anna", frames=3)


async def passes_a_frame() -> None:
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("trouble", ["fails", "is silent"])
async def test_who_refuses_is_captioned_no_more_at_once_whatever_the_disk_does(
    quick: None, trouble: str
) -> None:
    disk = Disk()
    async with talking(disk) as meeting:
        with disk.silent() if trouble == "is silent" else contextlib.nullcontext():
            disk.fails = trouble == "fails"
            asking = asyncio.create_task(
                meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
            )
            await passes_a_frame()
            assert not is_heard(meeting)
            answer = await asking
            assert (answer["captioned"], answer["stored"]) == (False, False)
            assert "may be forgotten" in answer["warning"]
            with pytest.raises(InvalidRequest) as refused:
                await meeting.room.ask("anna", CONSENT, captioned=True, kept=True)
            assert refused.value.code is RequestCode.NOT_STORED
            off = await meeting.room.ask("olga", SET, enabled=False)
            assert (off["state"], off["stored"]) == ("off", False)
            with pytest.raises(InvalidRequest):
                await meeting.room.ask("olga", SET, enabled=True)
            assert meeting.room.told["captions.state"] == "off"
        disk.fails = False
        await disk.until(lambda stored: stored.decided == meeting.bot.controls.decided)
        assert disk.rooms["RM_scripted"].decided.consents["anna"].captioned is False
        assert (await meeting.room.ask("olga", SET, enabled=True))["stored"]


async def test_captions_and_the_sign_of_life_of_others_go_on_while_the_disk_is_silent(
    quick: None,
) -> None:
    disk = Disk()
    async with talking(disk) as meeting:
        meeting.come("bob")
        with disk.silent():
            await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
            while not meeting.said("bob"):
                await meeting.speak("bob", frames=3)
        await disk.until(lambda stored: "anna" in stored.decided.consents)
        before = disk.rooms["RM_scripted"].alive
        await disk.until(lambda stored: stored.alive != before)


async def test_a_refusal_does_not_wait_for_the_flood_of_somebody_else() -> None:
    disk = Disk()
    async with talking(disk) as meeting:
        disk.takes_s = 0.1
        before = disk.saves
        flood = [
            asyncio.create_task(
                meeting.room.ask(f"loud{n % 10}", CONSENT, captioned=True, kept=n % 2 == 0)
            )
            for n in range(200)
        ]
        await asyncio.sleep(0)
        asking = asyncio.create_task(meeting.room.ask("anna", CONSENT, captioned=False, kept=False))
        await passes_a_frame()
        assert not is_heard(meeting)
        assert (await asking)["stored"]
        assert disk.saves - before <= 3  # what was under way, and one more
        await asyncio.gather(*flood)
        assert disk.saves - before < 10


async def test_a_wish_that_is_fulfilled_already_writes_nothing() -> None:
    disk = Disk()
    async with talking(disk) as meeting:
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
        before = disk.saves
        for _ in range(20):
            assert (await meeting.room.ask("anna", CONSENT, captioned=False, kept=False))["stored"]
            assert (await meeting.room.ask("olga", SET, enabled=True))["stored"]
        assert disk.saves == before


async def test_a_refusal_does_not_wait_for_an_engine_that_loads_and_a_later_switch_holds() -> None:
    loads, loaded = asyncio.Event(), asyncio.Event()

    async def choose(name: str, language: str) -> Engine:
        loads.set()
        await loaded.wait()
        capabilities = Capabilities(name, (language,), True, 0)
        return Engine(language, (ScriptedEngine(lambda: ScriptedRecognizer([]), capabilities),))

    async with talking(MemoryStore(), choose=choose) as meeting:
        await meeting.room.ask("olga", SET, enabled=False)
        switching = asyncio.create_task(meeting.room.ask("olga", SET, engine="other", enabled=True))
        await loads.wait()
        async with asyncio.timeout(30):
            await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
            await meeting.room.ask("olga", SET, enabled=False)
        loaded.set()
        answer = await switching
        assert (answer["engine"], answer["enabled"]) == ("other", False)
        assert meeting.room.told["captions.state"] == "off"


@pytest.mark.parametrize("slow", ["disk", "media server"])
async def test_what_is_written_of_who_refuses_goes_though_the_caller_is_gone_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    disk_goes_on, server_goes_on = threading.Event(), asyncio.Event()
    for goes_on in (disk_goes_on, server_goes_on):
        goes_on.set()
    sync, send = os.fsync, ScriptedRoom.send

    def fsync(file: int) -> None:
        disk_goes_on.wait()
        sync(file)

    async def send_slowly(room: ScriptedRoom, payload: bytes, *, topic: str) -> None:
        await server_goes_on.wait()
        await send(room, payload, topic=topic)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(ScriptedRoom, "send", send_slowly)
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "m"))
    async with talking(MemoryStore(), script=sentences, extras=extras, transcripts=True) as meeting:
        await keeps(meeting, tmp_path)
        (disk_goes_on if slow == "disk" else server_goes_on).clear()
        asking = asyncio.create_task(meeting.room.ask("anna", CONSENT, captioned=False, kept=False))
        await passes_a_frame()
        asking.cancel()  # as the SDK does when the caller's time is up
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        disk_goes_on.set()
        server_goes_on.set()
        assert (await meeting.room.ask("anna", CONSENT, captioned=False, kept=False))["stored"]
        assert "word" not in text_of(tmp_path)


async def test_a_bot_erases_as_it_starts_what_one_before_it_was_killed_over(
    tmp_path: Path,
) -> None:
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "m"))
    store = MemoryStore()
    async with talking(store, script=sentences, extras=extras, transcripts=True) as meeting:
        await keeps(meeting, tmp_path)
        await meeting.room.ask("olga", SET, transcript=False)
        kept = files_of(tmp_path)
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
    for path, data in kept.items():  # killed after the refusal was stored, before it erased
        path.write_bytes(data)
    async with scripted_meeting(store=store, extras=extras, transcripts=True):
        assert "word" not in text_of(tmp_path)


async def test_a_bot_with_an_empty_folder_captions_nobody_before_the_page_says_the_wish_again(
    tmp_path: Path,
) -> None:
    async with talking(SqliteStore(tmp_path / "one")) as meeting:
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
    store = SqliteStore(tmp_path / "two")
    async with scripted_meeting(store=store, there=("anna", "bob", "carl")) as meeting:
        await meeting.speak("anna", "bob", "carl", frames=3)
        assert not any(is_heard(meeting, name) for name in ("anna", "bob", "carl"))
        assert "refused" not in meeting.states("bob")
        await meeting.room.ask("bob", HELLO, want=True, wish="none", before=True)
        assert is_heard(meeting, "bob")
        answer = await meeting.room.ask(
            "anna", HELLO, want=True, wish={"captioned": False, "kept": False}, before=True
        )
        assert (answer["you"]["captioned"], answer["you"]["said"]) == (False, True)
        assert meeting.room.told["captions.consent"] == "if-agreed"
        assert not is_heard(meeting, "carl")
        assert not is_heard(meeting, "anna")


async def test_a_bot_that_goes_on_after_a_first_one_that_soon_died_captions_who_has_no_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    async with scripted_meeting(store=store, there=("bob", "carl")) as meeting:
        assert not is_heard(meeting, "carl")
    monkeypatch.setattr(controls, "CHECK_S", 0.3)
    async with scripted_meeting(store=store, there=("bob", "carl")) as meeting:
        await meeting.room.ask("bob", HELLO, want=True, wish="none", before=True)
        assert is_heard(meeting, "bob")
        async with asyncio.timeout(30):
            while not meeting.said("carl"):
                await meeting.speak("carl", frames=3)


async def test_a_first_bot_captions_who_was_there_before_it_after_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(controls, "CHECK_S", 0.3)
    async with scripted_meeting(there=("anna", "bob")) as meeting:
        assert not is_heard(meeting)
        meeting.come("nora")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        assert is_heard(meeting, "nora")
        await meeting.room.ask("bob", CONSENT, captioned=True, kept=True)
        assert is_heard(meeting, "bob")
        async with asyncio.timeout(30):
            while not meeting.said("anna"):
                await meeting.speak("anna", frames=3)


async def test_a_store_that_is_silent_as_the_bot_starts_gives_what_it_knows_later(
    quick: None,
) -> None:
    disk = Disk()
    async with talking(disk) as meeting:
        await meeting.room.ask("anna", CONSENT, captioned=False, kept=False)
        await meeting.room.ask("olga", CONSENT, captioned=True, kept=True)
        await meeting.room.ask("olga", SET, enabled=True)
    with disk.silent():
        async with scripted_meeting(store=disk, there=("anna", "olga", "bob")) as meeting:
            assert meeting.room.told["captions.consent"] == "if-agreed"
            assert not any(is_heard(meeting, name) for name in ("anna", "olga", "bob"))
            answer = await meeting.room.ask("bob", CONSENT, captioned=False, kept=False)
            assert not answer["stored"]
            disk.goes_on()
            await meeting.room.until(
                lambda: meeting.room.told["captions.consent"] == "unless-refused"
            )
            assert [is_heard(meeting, name) for name in ("anna", "olga", "bob")] == [
                False, True, False,
            ]  # fmt: skip
            answer = await meeting.room.ask("bob", CONSENT, captioned=False, kept=False)
            assert answer["stored"]


async def test_a_host_gets_what_is_kept_while_it_is_and_after_and_nobody_else_does(
    tmp_path: Path,
) -> None:
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "m", keep_days=30))
    async with talking(MemoryStore(), script=sentences, extras=extras, transcripts=True) as meeting:
        ask = meeting.room.ask
        with pytest.raises(InvalidRequest, match="nothing is kept"):
            await ask("olga", TRANSCRIPT)
        await keeps(meeting, tmp_path)
        for on in (True, False):
            await ask("olga", SET, transcript=on)
            facts = await ask("olga", TRANSCRIPT)
            assert (facts["file"], facts["days"], "data" in facts) == ("m.vtt", 30, False)
            part = await ask("olga", TRANSCRIPT, at=0)
            text = zlib.decompress(base64.b64decode(part["data"])).decode()
            assert "word" in text
        with pytest.raises(InvalidRequest) as refusal:
            await ask("anna", TRANSCRIPT)
        assert refusal.value.code == RequestCode.NOT_ALLOWED
