from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import webvtt

from captioner.bot.output_settings import OutputSettings
from captioner.bot.outputs import Outputs
from captioner.captions.cues import Cue, CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption, GapReason, Missing
from captioner.contract_requests import Consent
from captioner.controls.controls import Controls
from captioner.controls.decisions import Decided, Decision, Policy, Wish
from captioner.errors import InvalidRequest, RequestCode
from captioner.publishing.publisher import Publisher
from captioner.publishing.room_clock import RoomClock
from captioner.room.scripted_room import ScriptedRoom
from captioner.transcript.folder import TranscriptPolicy, tidy
from captioner.transcript.journal_file import JournalFile
from captioner.transcript.journal_writer import JournalWriter
from captioner.transcript.keeper import GUARD_MS, TranscriptKeeper
from captioner.transcript.records import Opened, Record, Said, read


def caption(
    number: int, start_ms: int, speaker: str = "anna", *, text: str = "word", closed: bool = True
) -> Caption:
    cue = Cue(f"t1-{number}", speaker, start_ms, start_ms + 900, text, "en")
    event = CueClosed(cue, 2) if closed else CueUpdated(cue, 1, 0)
    return Caption(event, speaker, speaker.title(), "TR_1", start_ms + 1000)


class Rig:
    """A keeper whose speakers agree unless they are in ``refuse``."""

    def __init__(self, folder: Path, **facts: Any) -> None:
        self.folder = folder
        self.refuse: set[str] = set()
        self.went_off = asyncio.Event()
        facts = {"room": "budget", "origin_utc_ms": 0, "session": "s"} | facts
        self.keeper = TranscriptKeeper(
            TranscriptPolicy(folder, "{room}"),
            kept=lambda speaker: speaker not in self.refuse,
            refused=lambda speaker: speaker in self.refuse,
            changed=self.went_off.set,
            **facts,
        )

    async def start(self, at_ms: int, language: str) -> None:
        await self.keeper.open()
        self.keeper.start(at_ms, language)

    def on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.iterdir())

    def ids(self) -> list[str]:
        return [cue.identifier for cue in webvtt.read(str(self.folder / "budget.vtt")).captions]


@contextlib.asynccontextmanager
async def running(outputs: Outputs) -> AsyncIterator[None]:
    work = asyncio.create_task(outputs.run())
    yield
    work.cancel()
    await outputs.close()


@contextlib.asynccontextmanager
async def rig_in(folder: Path, **facts: Any) -> AsyncIterator[Rig]:
    rig = Rig(folder, **facts)
    yield rig
    await rig.keeper.close()


async def test_nothing_is_on_disk_until_it_is_switched_on(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.keeper.publish(caption(1, 10_000))
        rig.keeper.publish(Missing(0, 1_000, GapReason.DROPPED))
        rig.refuse.add("anna")
        await rig.keeper.erase()
    assert rig.on_disk() == b""


async def test_what_was_said_before_the_switch_is_never_kept(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.keeper.publish(caption(1, 9_000, closed=False))
        await rig.start(10_000, "en")
        rig.keeper.publish(caption(1, 9_900))  # began before, ended after
        rig.keeper.publish(caption(2, 10_000 + GUARD_MS - 1))
        rig.keeper.publish(caption(3, 10_000 + GUARD_MS))
    assert rig.ids() == ["t1-3"]


async def test_what_is_said_after_it_was_switched_off_is_not_kept_and_again_when_on_again(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        await rig.start(0, "en")
        rig.keeper.stop(20_000)
        rig.keeper.publish(caption(1, 10_000))  # finished late, said in time
        rig.keeper.publish(caption(2, 19_500))  # ends after
        rig.keeper.publish(caption(3, 25_000))
        await rig.start(30_000, "en")
        rig.keeper.publish(caption(4, 26_000))
        rig.keeper.publish(caption(5, 31_000))
    assert rig.ids() == ["t1-1", "t1-5"]
    text = (tmp_path / "budget.vtt").read_text()
    assert "Not kept from 00:00:20.000" in text
    assert "Kept from 00:00:30.000" in text


async def test_open_cues_are_never_written(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        await rig.start(0, "en")
        rig.keeper.publish(caption(1, 5_000, text="half a sec", closed=False))
        assert b"half" not in rig.on_disk()
    assert b"half" not in rig.on_disk()


async def test_who_refuses_is_left_out_and_erased_from_what_is_written(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        await rig.start(0, "en")
        rig.keeper.publish(caption(1, 5_000, text="a secret"))
        rig.keeper.publish(caption(2, 6_000, "bo"))
        rig.refuse.add("anna")
        await rig.keeper.erase()
        assert rig.ids() == ["t1-2"]  # at once, not at the end
        assert b"secret" not in rig.on_disk()
        rig.keeper.publish(caption(3, 7_000))
        rig.refuse.clear()
        rig.keeper.allow("anna", 10_000)
        rig.keeper.publish(caption(4, 9_000))
        rig.keeper.publish(caption(5, 11_000))
    assert rig.ids() == ["t1-2", "t1-5"]


async def test_a_restarted_bot_goes_on_in_the_same_file_and_can_erase_what_the_first_wrote(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as first:
        await first.start(0, "en")
        first.keeper.publish(caption(1, 5_000))
        first.keeper.publish(caption(2, 6_000, "bo"))
    async with rig_in(tmp_path, session="later") as second:
        second.refuse.add("bo")
        await second.keeper.erase()
        await second.start(60_000, "en")
        second.keeper.publish(Missing(6_900, 60_000, GapReason.BOT_RESTARTED))
        second.keeper.publish(caption(1, 70_000))
    assert second.ids() == ["t1-1", "s2-t1-1"]
    assert "Gap from 00:00:06.900 to 00:01:00.000" in (tmp_path / "budget.vtt").read_text()


async def test_what_a_killed_bot_had_still_to_erase_is_erased_once_the_next_one_has_looked(
    tmp_path: Path,
) -> None:
    async with rig_in(tmp_path) as rig:
        await rig.start(0, "en")
        rig.keeper.publish(caption(1, 5_000, speaker="bob"))
        rig.keeper.publish(caption(2, 5_000, text="a secret"))
    before = (tmp_path / "budget.vtt").read_bytes()
    async with rig_in(tmp_path) as rig:
        rig.refuse.add("anna")
        await rig.keeper.erase()
    (tmp_path / "budget.vtt").write_bytes(before)
    async with rig_in(tmp_path) as rig:
        rig.refuse.add("anna")
        await rig.keeper.erase()
        assert b"secret" not in rig.on_disk()


async def test_a_cue_that_is_deleted_is_gone_from_the_file(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        await rig.start(0, "en")
        rig.keeper.publish(caption(1, 5_000))
        rig.keeper.publish(caption(2, 6_000))
        rig.keeper.publish(Caption(CueDeleted("t1-1", 3), "anna", "Anna", "TR_1", 7_000))
    assert rig.ids() == ["t1-2"]


async def test_a_recording_that_runs_is_noted_also_if_it_began_before(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig:
        rig.keeper.recording(1_000, running=True)
        await rig.start(5_000, "en")
        rig.keeper.recording(9_000, running=False)
    text = (tmp_path / "budget.vtt").read_text()
    assert "The recording begins at 00:00:01.000" in text
    assert "The recording ends at 00:00:09.000" in text


async def test_a_folder_that_cannot_be_written_is_said_and_nothing_changes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with rig_in(tmp_path / "file") as rig:
        with pytest.raises(InvalidRequest, match="cannot be written") as refused:
            await rig.start(0, "en")
        assert refused.value.code == RequestCode.NOT_AVAILABLE
        assert not rig.keeper.on
        rig.keeper.publish(caption(1, 5_000))


async def test_two_bots_do_not_write_one_transcript(tmp_path: Path) -> None:
    async with rig_in(tmp_path) as rig, rig_in(tmp_path) as other:
        await rig.start(0, "en")
        with pytest.raises(InvalidRequest, match="another bot"):
            await other.start(0, "en")


@pytest.fixture
def small_disk() -> Iterator[Any]:
    """No file can grow beyond what it is told: the error comes from the kernel."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int | None) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size or before[0], before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_ends_the_transcript_visibly_and_what_is_lost_is_counted(
    tmp_path: Path, small_disk: Any
) -> None:
    async with rig_in(tmp_path) as rig:
        await rig.start(0, "en")
        rig.keeper.publish(caption(1, 5_000))
        small_disk((tmp_path / "budget.journal").stat().st_size + 30)
        for number in range(2, 6):
            rig.keeper.publish(caption(number, number * 5_000))
        async with asyncio.timeout(60):
            await rig.went_off.wait()
        assert not rig.keeper.on
        assert rig.keeper.why == "full"
        assert rig.keeper.lost == 4
        small_disk(None)
        await rig.start(60_000, "en")  # the host tries again
        assert rig.keeper.on
        rig.keeper.publish(caption(9, 50_000))  # said while everybody saw it off
        rig.keeper.publish(caption(10, 70_000))
    assert rig.ids() == ["t1-1", "t1-10"]


class Stuck(JournalFile):
    """A disk that takes nothing until it is let go."""

    let_go = threading.Event()

    def append(self, record: Record) -> None:
        if isinstance(record, Said):
            self.let_go.wait()
        super().append(record)


async def test_captions_do_not_wait_for_a_disk_that_is_stuck(tmp_path: Path) -> None:
    file = Stuck.open(tmp_path, "budget", Opened("budget", 0))
    assert file is not None
    writer = JournalWriter(file, failed=lambda _: None).start()
    for number in range(200):  # if each waited the grace, this alone took 4 s
        writer.put(Said("s", f"t1-{number}", "anna", "Anna", number, number + 1, "word", "en"))
    assert file.minutes.cues == 0
    Stuck.let_go.set()
    await asyncio.to_thread(writer.close)
    assert writer.lost == 0
    assert [path for path, _ in tidy(TranscriptPolicy(tmp_path), now_s=0, every=True).rebuilt]
    assert (tmp_path / "budget.vtt").read_text().count("word") == 200


SAYING = """
import asyncio, itertools, os, random, sys
from pathlib import Path
from captioner import log
from captioner.contract import Caption
from captioner.captions.cues import Cue, CueClosed
from captioner.transcript.folder import TranscriptPolicy
from captioner.transcript.keeper import TranscriptKeeper

log.configure(form="json", level=log.WARNING)

async def main(folder, session):
    keeper = TranscriptKeeper(TranscriptPolicy(Path(folder), "m"), room="r", origin_utc_ms=0,
                              session=session, kept=lambda _: True, refused=lambda _: False)
    await keeper.open()
    keeper.start(0, "en")
    for n in itertools.count():
        at = 1000 + random.randrange(10_000_000)
        cue = Cue(f"t1-{n}", "anna", at, at + 900, "word " * random.randrange(1, 20), "en")
        keeper.publish(Caption(CueClosed(cue, 1), "anna", "Anna", "TR_1", at))
        os.write(1, f"{session} {n}\\n".encode())  # now, and not before, it would be sent
        if random.random() < 0.3:
            await asyncio.sleep(random.random() / 200)

asyncio.run(main(*sys.argv[1:]))
"""


def kill_while_it_writes(folder: Path, session: str, after_s: float) -> set[tuple[str, int]]:
    """Run a bot's transcript in a process, kill it; what it had sent by then."""
    process = subprocess.Popen(
        [sys.executable, "-c", SAYING, str(folder), session], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    killer = threading.Timer(after_s, process.send_signal, [signal.SIGKILL])
    killer.start()
    lines += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    killer.join()
    return {
        (name.decode(), int(n))
        for name, n in (line.split() for line in lines if line[-1:] == b"\n")
    }


KILLS = int(os.environ.get("TRANSCRIPT_KILLS", "6"))


def test_sigkill_at_any_point_loses_no_cue_that_was_sent(tmp_path: Path) -> None:
    chance = random.Random(5)
    sent: dict[str, set[int]] = {}
    for turn in range(KILLS):  # each goes on in the file that the killed one left
        for name, number in kill_while_it_writes(tmp_path, f"b{turn}", chance.random() * 0.4):
            sent.setdefault(name, set()).add(number)
    tidy(TranscriptPolicy(tmp_path), now_s=0)
    records = read((tmp_path / "m.journal").read_bytes()).records
    said = [record for record in records if isinstance(record, Said)]
    kept = [(one.session, one.id) for one in said]
    expected = {(name, f"t1-{n}") for name in sent for n in sent[name]}
    assert expected
    assert expected - set(kept) == set()
    assert len(kept) == len(set(kept))
    cues = webvtt.read(str(tmp_path / "m.vtt")).captions
    words = " ".join(one.text for one in said).split()
    assert sum(len(cue.text.split()) for cue in cues) == len(words)
    assert [cue.start_in_seconds for cue in cues] == sorted(cue.start_in_seconds for cue in cues)


async def test_what_could_not_be_erased_is_told_and_erased_once_the_disk_has_room(
    tmp_path: Path, small_disk: Any
) -> None:
    publisher = Publisher(RoomClock.start(monotonic=lambda: 0.0))
    policy = Policy({"scripted": ("en",)}, transcripts=True)
    controls = Controls(Decided("en", "scripted"), policy)
    outputs = Outputs(
        publisher, controls, OutputSettings(transcripts=TranscriptPolicy(tmp_path, "m"))
    )

    def decide(wish: Wish) -> None:
        before, controls.decided = controls.decided, controls.fulfilled(wish)
        outputs.apply(Decision(wish.caller, before, controls.decided))

    async with running(outputs):
        await outputs.enter(ScriptedRoom(publisher.clock.now_ms))
        switch = Wish("host", {"transcript": True})
        await outputs.prepare(controls.fulfilled(switch))
        decide(switch)
        await publisher.publish(caption(1, 5_000, text="secret"))
        small_disk((tmp_path / "m.journal").stat().st_size)
        decide(controls.agree("anna", Consent(captioned=True, kept=False)))
        for _ in range(2):
            with pytest.raises(InvalidRequest, match="cannot be erased"):
                await outputs.erase()
        assert b"secret" in (tmp_path / "m.journal").read_bytes()
        small_disk(None)
        await outputs.erase()
        assert b"secret" not in (tmp_path / "m.journal").read_bytes()
        assert "secret" not in (tmp_path / "m.vtt").read_text()
