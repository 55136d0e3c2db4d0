"""What everybody saw settled survives a kill of the bot, before its cue is closed."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from captioner.bot.output_settings import OutputSettings
from captioner.bot.scripted_meeting import scripted_meeting
from captioner.captions.cues import Cue, CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption
from captioner.controls.decisions import Decided
from captioner.controls.state_store import MemoryStore, Stored
from captioner.publishing.room_clock import SignOfLife
from captioner.transcript.folder import TranscriptPolicy
from captioner.transcript.keeper import TranscriptKeeper
from captioner.transcript.records import Minutes, Said, read
from streaming.recognizer import RecognizerEvent, Word, WordEnd


class Kept:
    """A keeper that is on from room time 0, and what a kill would leave of it."""

    def __init__(self, folder: Path) -> None:
        self.refused: set[str] = set()
        self.folder = folder
        self.keeper = TranscriptKeeper(
            TranscriptPolicy(folder, "{room}"),
            room="budget",
            origin_utc_ms=0,
            session="s",
            kept=lambda speaker: speaker not in self.refused,
            refused=lambda speaker: speaker in self.refused,
        )

    async def begin(self) -> None:
        await self.keeper.open()
        self.keeper.start(0, "en")

    def say(self, text: str, *, settled: int, speaker: str = "anna", number: int = 1) -> None:
        cue = Cue(f"t1-{number}", speaker, 1_000, 2_000, text, "en")
        self.keeper.publish(Caption(CueUpdated(cue, 1, settled), speaker, "Anna", "TR_1", 2_000))

    def close(self, text: str, *, end_ms: int = 2_000) -> None:
        cue = Cue("t1-1", "anna", 1_000, end_ms, text, "en")
        self.keeper.publish(Caption(CueClosed(cue, 2), "anna", "Anna", "TR_1", 2_000))

    def delete(self) -> None:
        self.keeper.publish(Caption(CueDeleted("t1-1", 2), "anna", "Anna", "TR_1", 2_000))

    @property
    def journal(self) -> bytes:
        (path,) = self.folder.glob("*.journal")
        return path.read_bytes()

    @property
    def texts(self) -> list[str]:
        """The text of each cue in the file that is rebuilt from the journal."""
        blocks = Minutes(read(self.journal).records).vtt().split("\n\n")
        return [block.split("<v Anna>")[1].strip() for block in blocks if "<v Anna>" in block]


async def test_what_is_settled_of_an_open_cue_is_kept_and_its_tail_is_not(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    await kept.begin()
    kept.say("on commence par", settled=len("on commence"))
    assert kept.texts == []
    kept.keeper.settle()
    assert kept.texts == ["on commence"]
    await kept.keeper.close()


async def test_an_open_cue_is_written_once_for_all_that_settles_between_two_looks(
    tmp_path: Path,
) -> None:
    kept = Kept(tmp_path)
    await kept.begin()
    for count in range(1, 50):
        kept.say("word " * count, settled=5 * count)
    before = len(kept.journal.splitlines())
    for _ in range(3):
        kept.keeper.settle()
    assert len(kept.journal.splitlines()) == before + 1
    await kept.keeper.close()


async def test_the_closed_cue_takes_the_place_of_what_was_kept_of_it(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    await kept.begin()
    kept.say("on commence", settled=2)
    kept.keeper.settle()
    kept.say("on commence par", settled=11)
    kept.keeper.settle()
    assert kept.texts == ["on commence"]
    kept.close("on commence par le budget")
    kept.keeper.settle()
    assert kept.texts == ["on commence par le budget"]
    await kept.keeper.close()


async def test_a_cue_that_is_deleted_leaves_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    await kept.begin()
    kept.say("on commence", settled=11)
    kept.keeper.settle()
    kept.delete()
    kept.keeper.settle()
    assert kept.texts == []
    await kept.keeper.close()
    assert b"commence" not in kept.journal


async def test_a_cue_that_ends_after_the_switch_is_left_out_with_what_was_kept_of_it(
    tmp_path: Path,
) -> None:
    kept = Kept(tmp_path)
    await kept.begin()
    kept.say("on commence", settled=11)
    kept.keeper.settle()
    kept.keeper.stop(1_500)
    kept.close("on commence par le budget")
    await kept.keeper.close()
    assert kept.texts == []


async def test_of_who_refuses_nothing_open_is_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    await kept.begin()
    kept.say("on commence", settled=11)
    kept.keeper.settle()
    kept.refused.add("anna")
    await kept.keeper.erase()
    kept.say("on commence par", settled=15)
    kept.keeper.settle()
    assert kept.texts == []
    assert b"commence" not in kept.journal
    await kept.keeper.close()


async def test_speech_right_after_a_restart_is_kept_if_the_transcript_was_on(
    tmp_path: Path,
) -> None:
    kept = Kept(tmp_path)
    await kept.keeper.open()
    kept.keeper.start(900, "en", again=True)
    kept.close("on commence")
    assert kept.texts == ["on commence"]
    await kept.keeper.close()


def until_gone(path: Path) -> None:
    until = time.monotonic() + 30
    while path.exists() and time.monotonic() < until:
        time.sleep(0.01)


async def test_the_transcript_of_a_meeting_that_goes_on_is_not_too_old(tmp_path: Path) -> None:
    """Its bot was killed, and the clock set forward by a year meanwhile."""
    store = MemoryStore()
    decided = Decided("en", "scripted", transcript=True)
    store.save("RM_scripted", Stored(decided, "before", 0))
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "{room}", keep_days=1))
    mine, old = tmp_path / "scripted.journal", tmp_path / "old.journal"
    for begun in (1, 2):
        async with scripted_meeting(store=store, extras=extras):
            await asyncio.to_thread(until_gone, old)
            assert mine.read_bytes().count(b'"started"') == begun
        for path in (mine, old):
            path.touch()
            os.utime(path, (1_000_000, 1_000_000))


async def test_every_word_shown_settled_is_in_the_journal_or_after_the_sign_of_life(
    tmp_path: Path,
) -> None:
    signs: list[tuple[int, str]] = []  # room time, what the journal has of the open cue by then

    class Store(MemoryStore):
        def live(self, room: str, alive: SignOfLife) -> None:
            (path,) = tmp_path.glob("*.journal")
            said = [r.text for r in read(path.read_bytes()).records if isinstance(r, Said)]
            signs.append((alive.room_ms, said[-1] if said else ""))
            super().live(room, alive)

    def script(_number: int) -> list[RecognizerEvent]:
        words = ((Word(f"w{n}", n * 200), WordEnd(n * 200 + 150)) for n in range(1, 25))
        return [event for pair in words for event in pair]

    store = Store()
    decided = Decided("en", "scripted", transcript=True)
    store.save("RM_scripted", Stored(decided, "before", 0))
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "{room}"))
    async with scripted_meeting(script, store=store, extras=extras) as meeting:
        meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        async with asyncio.timeout(30):
            while len([kept for _, kept in signs if kept]) < 3:
                await meeting.speak("anna", frames=1)
                await asyncio.sleep(0.01)
        (cue, *_) = [p for p in meeting.room.packets if p.get("settled")]
        begun_ms = ms_of(cue["vtt"].split("\n")[1].split(" ")[0])
        for said_ms, kept in signs:
            dealt_with = [f"w{n}" for n in range(1, 25) if begun_ms + n * 200 <= said_ms]
            assert kept.split()[: len(dealt_with)] == dealt_with


def ms_of(timestamp: str) -> int:
    hours, minutes, seconds = timestamp.split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)
