"""Pages in a real meeting, whose microphones say words that are chords."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, async_playwright

from captioner.demo.page_server import serve_page
from captioner.room.tokens import participant_token
from eval.runs.browser import FLAGS, Viewer
from eval.simulation.fault_proxy import FaultProxy
from eval.simulation.testbed import ROOM, Testbed
from streaming.testing.tone_words import chord

RATE = 48_000
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
    """A meeting with a bot, and the pages that join it.

    far: the name of whoever joins through ``cable``, which can be cut. identities: by name. called:
    those who show another name than that under which they are known here.
    """

    testbed: Testbed
    cable: FaultProxy
    browser: Browser
    far: str = ""
    address: str = ""
    identities: dict[str, str] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)

    def join(self, name: str, guest: bool) -> dict[str, object]:
        """What the page is given with which it joins."""
        identity = self.identities.setdefault(name, f"viewer-{len(self.identities)}-{name[:3]}")
        server = self.testbed.server
        token = participant_token(
            server.key, server.secret,
            room=ROOM, identity=identity, name=self.called.get(name, name), host=not guest,
        )  # fmt: skip
        url = self.cable.url if name == self.far else server.url
        return {"url": url, "token": token, "room": ROOM, "identity": identity, "can_speak": True}

    async def open(
        self, name: str, role: str = "guest", *, key: str = "", language: str = "en"
    ) -> Viewer:
        """The page of somebody called ``name``, once it knows the caption service.

        key: of an encrypted meeting.
        """
        context = await self.browser.new_context(viewport={"width": 1280, "height": 720})
        await context.add_init_script(MICROPHONE)
        page = await context.new_page()
        await page.goto(f"{self.address}?name={name}&role={role}&lang={language}#key={key}")
        viewer = Viewer(page)
        await viewer.until("captions?.captions.facts !== null")
        return viewer


@asynccontextmanager
async def meeting_of(
    livekit_program: Path, chromium_path: str, environment: Mapping[str, str], *, far: str = ""
) -> AsyncIterator[Meeting]:
    """Set it all up. environment: for the bot. far: of the Meeting."""
    async with (
        Testbed(livekit_program, environment=environment) as testbed,
        FaultProxy(testbed.server) as cable,
        async_playwright() as driver,
    ):
        browser = await driver.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        meeting = Meeting(testbed, cable, browser, far)
        async with serve_page(meeting.join, port=0) as meeting.address:
            yield meeting
        await browser.close()


async def say(viewer: Viewer, numbers: list[int]) -> None:
    """Say the words of these numbers into the page's microphone; returns when all is said."""
    sound = np.concatenate([chord(number, rate=RATE) for number in numbers])
    samples = (sound * 32_767).astype(np.int16).tobytes()
    await viewer.page.evaluate("(sound) => say(sound)", base64.b64encode(samples).decode())


@asynccontextmanager
async def speaking(viewer: Viewer, first: int) -> AsyncIterator[None]:
    """While in the context, say one word after the other without a pause, so that a cue is open.

    first: the number of the first word.
    """

    async def speak() -> None:
        for number in range(first, first + 500, 5):
            await say(viewer, list(range(number, number + 5)))

    task = asyncio.create_task(speak())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def download(viewer: Viewer, button: str) -> tuple[str, str]:
    """Name and text of the file that a click on a button gives."""
    async with viewer.page.expect_download() as downloading:
        await viewer.page.locator(button).click()
    given = await downloading.value
    return given.suggested_filename, (await given.path()).read_text(encoding="utf-8")


async def open_room(viewer: Viewer) -> None:
    """Open the room's panel, if it is closed: by its key, as the toolbar may rest."""
    if not await viewer.page.is_visible("#panel"):
        await viewer.page.keyboard.press("r")
    await viewer.page.locator("#panel").wait_for()
