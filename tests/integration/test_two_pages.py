"""A host's page and a guest's in one real meeting, from the switch to what is left of it all.

The bot runs in a process of its own, on a recogniser that hears words that are chords. The guest's
microphone plays such words in the browser; another person speaks them from Python.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.runs.browser import Viewer
from eval.simulation.participant import Participant
from eval.simulation.testbed import NAME, ROOM
from eval.simulation.verdict import leaks
from eval.testing.browser_meeting import Meeting, meeting_of, speaking

# Counts words of a talk in real time.
pytestmark = [pytest.mark.room, pytest.mark.browser, pytest.mark.calm]

# At the moment a word comes, so that nothing but the refusal ends the cue.
REFUSE = """async (speaker) => {
  const captions = document.querySelector("live-captions");
  const lengths = new Map();
  for (;;) {
    const open = captions.cues().find((cue) => cue.speaker === speaker && cue.state === "open");
    const before = lengths.get(open?.id);
    if (open && before < open.text.length && open.text.length < 80) {
      document.querySelector("#panel input[value='voice.none']").click();
      return open.id;
    }
    if (open) lengths.set(open.id, open.text.length);
    await new Promise((go) => setTimeout(go, 20));
  }
}"""
REFUSED = "Does not wish to be captioned"
HOST, GUEST, LATE = "Hanna Lindqvist", "Gustav Weber", "Lotte Brandt"


@pytest.fixture
async def meeting(
    livekit_program: Path, chromium_path: str, tmp_path: Path
) -> AsyncIterator[Meeting]:
    environment = {
        "CAPTIONER_WANT": "hello",
        "CAPTIONER_STATE": str(tmp_path / "state"),
        "CAPTIONER_TRANSCRIPTS": str(tmp_path / "kept"),
    }
    async with meeting_of(livekit_program, chromium_path, environment, far=GUEST) as meeting:
        yield meeting


def isolated(name: str) -> str:
    """A name in a sentence: the direction of its letters is its own (U+2068 … U+2069)."""
    return f"\u2068{name}\u2069"


def those_of(speaker: str, state: str) -> str:
    chosen = f"(cue) => cue.speaker === '{speaker}' && cue.state === '{state}'"
    return f"captions.cues().filter({chosen})"


async def host_switches(host: Viewer, guest: Viewer) -> None:
    await guest.page.click("#room")
    assert await guest.page.locator("#panel [role=switch]:visible").count() == 0
    await host.page.click("#room")
    await host.page.click("#room-enabled")
    await guest.until("captions.service === 'off'")
    await guest.page.get_by_text(
        f"Captions were switched off by {isolated(HOST)}."
    ).first.wait_for()
    await guest.page.get_by_text(f"Last changed by {isolated(HOST)}.").wait_for()
    await host.page.click("#room-enabled")
    await guest.until("captions.service === 'on'")


async def guest_refuses_and_takes_it_back(host: Viewer, guest: Viewer, speaker: str) -> list[str]:
    """Gives the ids of the cues that were closed before."""
    await guest.page.click("#microphone")
    row = host.page.locator(f"#panel li[data-identity='{speaker}']")
    async with speaking(guest, 1_000):
        await host.until(f"{those_of(speaker, 'open')}.length > 0")
        open_cue: str = await guest.page.evaluate(REFUSE, speaker)
        for viewer in (host, guest):
            await viewer.until(f"captions.cues().every((cue) => cue.id !== '{open_cue}')")
        await row.get_by_text(REFUSED).wait_for()
        before: list[dict[str, Any]] = await host.cues()
    assert [cue for cue in await guest.cues() if cue["state"] == "open"] == []
    await guest.page.click("#panel input[value='voice.all']")
    await row.get_by_text(REFUSED).wait_for(state="detached")
    count = len([cue for cue in before if cue["speaker"] == speaker])
    async with speaking(guest, 2_000):
        for viewer in (host, guest):
            await viewer.until(
                f"captions.cues().filter((cue) => cue.speaker === '{speaker}').length > {count}"
            )
    await guest.page.click("#microphone")
    return [cue["id"] for cue in before]


async def closed(viewer: Viewer) -> list[dict[str, Any]]:
    """All cues once the last one is finished."""
    await viewer.until("captions.cues().every((cue) => cue.state === 'closed')")
    return await viewer.cues()


async def alike(one: Viewer, other: Viewer, hidden: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Wait until both know the same cues, but for those that are hidden from the other."""
    async with asyncio.timeout(60):
        while True:
            cues = [cue for cue in await closed(one) if cue["id"] not in hidden]
            same = f"JSON.stringify(captions.cues()) === JSON.stringify({json.dumps(cues)})"
            with contextlib.suppress(TimeoutError):  # one of them may have changed meanwhile
                await other.until(f"captions.cues().length > 0 && {same}", timeout_s=10)
                return cues


async def guest_is_cut_and_heals(
    meeting: Meeting, host: Viewer, guest: Viewer, anna: Participant
) -> None:
    meeting.cable.cut()
    missed = len(await guest.cues())
    await anna.say(range(100, 125))
    await host.until(f"captions.cues().length > {missed}")
    assert len(await guest.cues()) == missed
    meeting.cable.mend()
    await anna.say([130])
    whole = await alike(host, guest)
    assert len(whole) > missed
    spoken = re.findall(r"\w+", " ".join(cue["text"] for cue in whole))
    assert len(spoken) == len(set(spoken))


def text_of(files: Iterable[Path]) -> str:
    return "\n".join(path.read_bytes().decode(errors="replace") for path in files)


def assert_nothing_is_left(meeting: Meeting, folder: Path, metrics: str, said: set[str]) -> None:
    """Neither a word nor a name; an identity in the audit alone, of who decided something."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    (audit,) = [path for path in files if path.name.startswith("audit-")]
    disk = text_of(path for path in files if path != audit)
    log = "\n".join(meeting.testbed.bot.lines)
    assert all((disk, log, metrics))
    everybody = {*meeting.identities, *meeting.identities.values(), NAME}
    assert leaks({"log": log, "metrics": metrics}, said | everybody | {ROOM}) == {
        "log": 0,
        "metrics": 0,
    }
    assert leaks({"disk": disk}, said | everybody) == {"disk": 0}
    decided = {meeting.identities[HOST], meeting.identities[GUEST]}
    assert leaks({"audit": text_of([audit])}, said | everybody - decided) == {"audit": 0}
    (database,) = [path for path in files if path.suffix == ".sqlite3"]
    with contextlib.closing(sqlite3.connect(database)) as rooms:
        ((state,),) = rooms.execute("SELECT state FROM rooms").fetchall()
    found = json.loads(state)
    assert list(found["decided"]["consents"].values()) == [
        {"v": 1, "captioned": True, "kept": True}
    ]
    assert set(found) | set(found["decided"]) == {
        "decided", "session", "origin_utc_ms", "alive",
        "language", "engine", "enabled", "transcript", "by", "known", "consents",
        "numbers", "spoken",
    }  # fmt: skip


async def test_a_host_and_a_guest_through_switch_consent_late_join_cut_and_heal(
    meeting: Meeting, tmp_path: Path
) -> None:
    host, guest = await meeting.open(HOST, "host"), await meeting.open(GUEST)
    await host_switches(host, guest)
    hidden = await guest_refuses_and_takes_it_back(host, guest, meeting.identities[GUEST])
    anna = await meeting.testbed.enter("anna", speaks=True, reads=False)
    await anna.say(range(10, 30))
    await host.until(f"{those_of('anna', 'closed')}.length > 0")
    late = await meeting.open(LATE)
    await alike(host, late, hidden)

    await guest_is_cut_and_heals(meeting, host, guest, anna)
    words = {word for cue in await host.cues() for word in cue["text"].split()}
    assert len(words) > 40
    assert_nothing_is_left(meeting, tmp_path, await meeting.testbed.metrics(), words)
