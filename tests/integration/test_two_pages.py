"""A host's page and a guest's in one real meeting, from the switch to what is left of it all.

The bot runs in a process of its own, on a recogniser that hears words that are chords. The guest's
microphone plays such words in the browser; another person speaks them from Python.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import Browser, async_playwright

from captioner.simulation.cable import Cable
from captioner.simulation.judge import leaks
from captioner.simulation.person import Person
from captioner.simulation.stage import NAME, ROOM, Stage
from captioner.tokens import participant_token
from captioner.web import serve_page
from eval.browser import FLAGS, Viewer
from streaming.chords import chord

pytestmark = [pytest.mark.room, pytest.mark.browser]

RATE = 48_000
REFUSED = "Does not wish to be captioned"
HOST, GUEST, LATE = "Hanna Lindqvist", "Gustav Weber", "Lotte Brandt"

# The page asks for a microphone and gets one whose sound `say` gives it.
MICROPHONE = (
    f"const RATE = {RATE};"
    + """
const context = new AudioContext({ sampleRate: RATE });
const microphone = context.createMediaStreamDestination();
navigator.mediaDevices.getUserMedia = async () => microphone.stream.clone();
window.say = async (base64) => {
  await context.resume();
  const samples = new Int16Array(Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)).buffer);
  const sound = context.createBuffer(1, samples.length, RATE);
  sound.copyToChannel(Float32Array.from(samples, (one) => one / 32768), 0);
  const source = new AudioBufferSourceNode(context, { buffer: sound });
  source.connect(microphone);
  source.start();
  await new Promise((ended) => source.addEventListener("ended", ended));
};
"""
)


@dataclass
class Meeting:
    """A bot's room, and pages that enter it: the guest's over a cable that can be cut."""

    stage: Stage
    cable: Cable
    browser: Browser
    address: str = ""
    identities: dict[str, str] = field(default_factory=dict)

    def join(self, name: str, guest: bool) -> dict[str, object]:
        identity = self.identities.setdefault(name, f"viewer-{len(self.identities)}-{name[:3]}")
        server = self.stage.server
        token = participant_token(
            server.key, server.secret, room=ROOM, identity=identity, name=name, host=not guest
        )
        url = self.cable.url if name == GUEST else server.url
        return {"url": url, "token": token, "room": ROOM, "identity": identity, "can_speak": True}

    async def open(self, name: str, role: str = "guest") -> Viewer:
        context = await self.browser.new_context(viewport={"width": 1280, "height": 720})
        await context.add_init_script(MICROPHONE)
        page = await context.new_page()
        await page.goto(f"{self.address}?name={name}&role={role}&lang=en")
        viewer = Viewer(page)
        await viewer.until("captions?.captions.you !== null")
        return viewer


@pytest.fixture
async def meeting(
    livekit_program: Path, chromium_path: str, tmp_path: Path
) -> AsyncIterator[Meeting]:
    environment = {
        "CAPTIONER_WANT": "hello",
        "CAPTIONER_STATE": str(tmp_path / "state"),
        "CAPTIONER_TRANSCRIPTS": str(tmp_path / "kept"),
    }
    async with (
        Stage(livekit_program, environment=environment) as stage,
        Cable(stage.server) as cable,
        async_playwright() as driver,
    ):
        browser = await driver.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        meeting = Meeting(stage, cable, browser)
        async with serve_page(meeting.join, port=0) as meeting.address:
            yield meeting
        await browser.close()


async def say(viewer: Viewer, numbers: list[int]) -> None:
    sound = np.concatenate([chord(number, rate=RATE) for number in numbers])
    samples = (sound * 32_767).astype(np.int16).tobytes()
    await viewer.page.evaluate("(sound) => say(sound)", base64.b64encode(samples).decode())


@asynccontextmanager
async def speaking(viewer: Viewer, first: int) -> AsyncIterator[None]:
    """One word after the other without a pause, so that a cue is open."""

    async def speak() -> None:
        for number in range(first, first + 500, 5):
            await say(viewer, list(range(number, number + 5)))

    task = asyncio.create_task(speak())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def those_of(speaker: str, state: str) -> str:
    chosen = f"(cue) => cue.speaker === '{speaker}' && cue.state === '{state}'"
    return f"captions.cues().filter({chosen})"


async def host_switches(host: Viewer, guest: Viewer) -> None:
    await guest.page.click("#room")
    assert await guest.page.locator("#panel [role=switch]:visible").count() == 0
    await host.page.click("#room")
    await host.page.click("#room-enabled")
    await guest.until("captions.service === 'off'")
    await guest.page.get_by_text(f"Captions were switched off by {HOST}.").first.wait_for()
    await guest.page.get_by_text(f"Switched by {HOST}.").wait_for()
    await host.page.click("#room-enabled")
    await guest.until("captions.service === 'on'")


async def guest_refuses_and_takes_it_back(host: Viewer, guest: Viewer, speaker: str) -> list[str]:
    """Gives the ids of the cues that were closed before."""
    await guest.page.click("#microphone")
    row = host.page.locator(f"#panel li[data-identity='{speaker}']")
    async with speaking(guest, 1_000):
        young = f"{those_of(speaker, 'open')}.filter((cue) => cue.text.length < 40)"
        for viewer in (host, guest):
            await viewer.until(f"{young}.length > 0")
        (open_cue,) = [cue["id"] for cue in await guest.cues() if cue["state"] == "open"]
        await guest.page.click("#panel input[value='voice.none']")
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


async def guest_is_cut_and_heals(
    meeting: Meeting, host: Viewer, guest: Viewer, anna: Person
) -> None:
    meeting.cable.cut()
    missed = len(await guest.cues())
    await anna.say(range(100, 125))
    await host.until(f"captions.cues().length > {missed}")
    assert len(await guest.cues()) == missed
    meeting.cable.mend()
    await anna.say([130])
    whole = await closed(host)
    await guest.until(f"captions.cues().length >= {len(whole)}")
    assert await closed(guest) == whole
    spoken = re.findall(r"\w+", " ".join(cue["text"] for cue in whole))
    assert len(spoken) == len(set(spoken))


def assert_nothing_is_left(meeting: Meeting, folder: Path, metrics: str, said: set[str]) -> None:
    """Neither a word nor who reads: of those who decided something, that alone is kept."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    disk = "\n".join(path.read_text(encoding="utf-8") for path in files)
    log = "\n".join(meeting.stage.bot.lines)
    assert all((disk, log, metrics))
    everybody = {*meeting.identities, *meeting.identities.values(), NAME}
    assert leaks({"log": log, "metrics": metrics}, said | everybody | {ROOM}) == {
        "log": 0,
        "metrics": 0,
    }
    only_read = {LATE, meeting.identities[LATE], NAME}
    assert leaks({"disk": disk}, said | only_read) == {"disk": 0}
    (state,) = [json.loads(p.read_text(encoding="utf-8")) for p in files if p.suffix == ".json"]
    agreed = {"captioned": True, "kept": True}
    assert state["decided"]["consents"] == {meeting.identities[GUEST]: agreed}
    assert set(state) | set(state["decided"]) == {
        "v", "decided", "session", "identity", "origin_utc_ms", "alive_utc_ms",
        "language", "engine", "enabled", "transcript", "by", "strict", "consents",
    }  # fmt: skip


async def test_a_host_and_a_guest_through_switch_consent_late_join_cut_and_heal(
    meeting: Meeting, tmp_path: Path
) -> None:
    host, guest = await meeting.open(HOST, "host"), await meeting.open(GUEST)
    await host_switches(host, guest)
    hidden = await guest_refuses_and_takes_it_back(host, guest, meeting.identities[GUEST])
    anna = await meeting.stage.enter("anna", speaks=True, reads=False)
    await anna.say(range(10, 30))
    await host.until(f"{those_of('anna', 'closed')}.length > 0")
    said = [cue for cue in await closed(host) if cue["id"] not in hidden]

    late = await meeting.open(LATE)
    await late.until(f"captions.cues().length >= {len(said)}")
    assert await late.cues() == said

    await guest_is_cut_and_heals(meeting, host, guest, anna)
    words = {word for cue in await host.cues() for word in cue["text"].split()}
    assert len(words) > 40
    assert_nothing_is_left(meeting, tmp_path, await meeting.stage.metrics(), words)
