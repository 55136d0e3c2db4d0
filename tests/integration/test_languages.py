"""Two people of one room speak two languages, which are found by their voices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser

from captioner.demo.sound_publisher import SoundPublisher
from eval.corpus.manifest import Clip, bundled_corpus
from eval.measures.accuracy import wer
from eval.normalization.normalize import normalize
from eval.runs.browser import Viewer
from eval.runs.local_meeting import LocalMeeting
from streaming.audio import Pcm
from streaming.embedded import weights

pytestmark = [
    pytest.mark.room,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not weights.is_here(), reason="Whisper base is not here"),
]

RATE = 48_000
TIMES = "It was the best of times, it was the worst of times, it was the age of wisdom"

SHOWN = """(language) => {
  const cues = document.querySelector("live-captions").shadowRoot.querySelectorAll("[part~=cue]");
  return [...cues].filter((cue) => cue.lang === language).map((cue) => cue.textContent).join(" ");
}"""


def with_pause(pcm: Pcm) -> Pcm:
    return np.concatenate([pcm, np.zeros(3 * RATE, np.float32)])


async def said_in(viewer: Viewer, language: str) -> str:
    said: str = await viewer.page.evaluate(SHOWN, language)
    return said


async def says(speaker: SoundPublisher, viewer: Viewer, pcm: Pcm, name: str) -> None:
    await speaker.play([with_pause(pcm)])
    await viewer.until(f'captions.cues().some((c) => c.name === "{name}" && c.state === "closed")')
    await viewer.until(f'!captions.cues().some((c) => c.name === "{name}" && c.state === "open")')


async def test_each_is_captioned_in_their_own_language_and_may_choose_another(
    french: list[Clip], livekit_program: Path, browser: Browser, tmp_path: Path
) -> None:
    environment = {
        "CAPTIONER_WANT": "always", "CAPTIONER_LANGUAGE": "auto:en,fr",
        "CAPTIONER_STATE": str(tmp_path),
    }  # fmt: skip
    async with (
        LocalMeeting(livekit_program, room="two", environment=environment) as meeting,
        meeting.speaker("marie", "Marie") as marie,
        meeting.speaker("john", "John") as john,
    ):
        page = await browser.new_page(locale="fr")
        viewer = Viewer(page)
        await page.goto(f"{meeting.url}?name=Nina&lang=fr")
        await viewer.until("captions?.captions.you !== null && captions.service === 'on'")
        await says(marie, viewer, french[0].audio(RATE), "Marie")
        await says(john, viewer, bundled_corpus()[0].audio(RATE)[: int(6.2 * RATE)], "John")
        for language, reference in (("fr", french[0].transcript), ("en", TIMES)):
            words = normalize(await said_in(viewer, language), language)
            assert wer(normalize(reference, language), words).rate <= 0.4, (language, words)

        await page.click("#room")
        people = page.locator("#panel .people")
        await people.get_by_text("français (reconnue à la voix)").wait_for()
        await people.get_by_text("anglais (reconnue à la voix)").wait_for()
        assert "anglais ou français" in await page.locator("#room-language").inner_text()
        await page.select_option("#own-language", "de")
        await viewer.until('captions.captions.you.language === "de"')
        of_john = people.locator("[data-identity=john] select")
        await of_john.focus()
        await of_john.select_option("es")
        await people.get_by_text("espagnol (choisie par un organisateur)").wait_for()
        await page.close()
