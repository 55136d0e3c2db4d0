"""Who said it, on every page, in histories and in files: a real room and a real browser."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import webvtt

from eval.runs.browser import Viewer
from eval.testing.browser_meeting import Meeting, download, meeting_of, open_room, speaking
from streaming.testing.tone_words import word

pytestmark = [pytest.mark.room, pytest.mark.browser]

CAMILLE = "Camille Martin"
NAMES = {CAMILLE, f"{CAMILLE} (2)"}
TURNED = "Levi \u202eliat"
"""A name that would turn what stands behind it to the left."""

ISOLATED = "\u2068Levi liat\u2069"

EVERYTHING = """document.documentElement.outerHTML
    + document.querySelector("live-captions").shadowRoot.innerHTML"""
READ = """document.body.innerText + document.querySelector("live-captions").shadowRoot
    .querySelector(".root").innerText"""
# Whether the last letter of a sentence stands to the right of all others.
ENDS_RIGHT = """(sentence) => {
  const range = document.createRange();
  const walker = document.createTreeWalker(sentence, NodeFilter.SHOW_TEXT);
  const rights = [];
  while (walker.nextNode())
    for (let at = 0; at < walker.currentNode.length; at += 1) {
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + 1);
      rights.push(range.getBoundingClientRect().right);
    }
  return rights.at(-1) === Math.max(...rights);
}"""


def voices(vtt: str) -> dict[str, set[str]]:
    """What each name says in a file."""
    said: dict[str, set[str]] = {}
    for cue in webvtt.from_buffer(io.StringIO(vtt)):
        said.setdefault(cue.voice or "", set()).update(cue.text.split())
    return said


async def have_both_speak(meeting: Meeting, pages: list[Viewer], reader: Viewer) -> dict[str, str]:
    """Let both speak until both are captioned; give the name of each by identity."""
    for page in pages:
        await page.page.click("#microphone")
    async with speaking(pages[0], 100), speaking(pages[1], 1_000):
        for who in ("first", "second"):
            own = f"cue.speaker === '{meeting.identities[who]}' && cue.state === 'closed'"
            await reader.until(f"captions.cues().some((cue) => {own})")
    await reader.until("captions.cues().every((cue) => cue.state === 'closed')")
    return {cue["speaker"]: cue["name"] for cue in await reader.cues()}


async def history_of(viewer: Viewer) -> str:
    """The history as a .vtt file, after a look at the names in it."""
    await viewer.page.keyboard.press("y")
    headings = viewer.page.locator("live-captions .entry-name")
    await headings.first.wait_for()
    assert set(await headings.all_inner_texts()) == NAMES
    _, text = await download(viewer, "live-captions .downloads button:has-text('.vtt')")
    await viewer.page.keyboard.press("Escape")
    return text


async def has_named(viewer: Viewer, identity: str, name: str) -> None:
    """Wait until a tile and the room's panel have the name."""
    for part in (".tile", "#panel .one"):
        about = viewer.page.locator(f"{part}[data-identity='{identity}']")
        await about.get_by_text(name, exact=part == ".tile").first.wait_for()


async def test_everybody_is_called_the_same_everywhere_and_is_you_on_their_own_page(
    livekit_program: Path, chromium_path: str, tmp_path: Path
) -> None:
    environment = {"CAPTIONER_WANT": "hello", "CAPTIONER_TRANSCRIPTS": str(tmp_path / "kept")}
    async with meeting_of(livekit_program, chromium_path, environment) as meeting:
        meeting.called |= {"first": CAMILLE, "second": CAMILLE, "host": TURNED, "nobody": ""}
        host, first = await meeting.open("host", "host"), await meeting.open("first")
        second = await meeting.open("second", language="fr")
        nobody = await meeting.open("nobody")
        everybody = [host, first, second, nobody]
        await open_room(host)
        await host.page.click("#room-transcript")
        for viewer in everybody:
            await viewer.until("captions.captions.facts.transcript")

        names = await have_both_speak(meeting, [first, second], host)
        assert set(names.values()) == NAMES
        said = {
            names[meeting.identities["first"]]: {word(100 + n) for n in range(500)},
            names[meeting.identities["second"]]: {word(1_000 + n) for n in range(500)},
        }
        for viewer in (host, first, nobody):
            await open_room(viewer)
            for identity, name in names.items():
                await has_named(viewer, identity, name)
        _, kept = await download(host, ".kept-file button")
        for file in [kept, *[await history_of(viewer) for viewer in everybody]]:
            found = voices(file)
            assert set(found) == NAMES
            for name, words in found.items():
                assert {one.strip(".").lower() for one in words} <= said[name]

        await they_refuse_and_leave_it(meeting, second, everybody, names)
        await the_host_switches_off(host, everybody)


async def they_refuse_and_leave_it(
    meeting: Meeting, second: Viewer, everybody: list[Viewer], names: dict[str, str]
) -> None:
    """What they have said stays; their own notice says "Vous", those of others their name."""
    identity = meeting.identities["second"]
    mine = second.page.locator("live-captions .note")
    own = f"captions.cues().filter((cue) => cue.speaker === '{identity}')"
    count = await second.page.evaluate(
        f"((captions) => {own}.length)(document.querySelector('live-captions'))"
    )
    async with speaking(second, 2_000):
        await everybody[0].until(f"{own}.length > {count}")
        await second.page.locator("#notice button", has_text="Ne pas me sous-titrer").click()
        await second.page.locator("#notice button", has_text="Le laisser").click()
        await mine.get_by_text("Vos propos ne sont pas sous-titrés").wait_for()
        assert names[identity] not in await mine.inner_text()
        for viewer in everybody:
            if viewer is not second:
                note = viewer.page.locator("live-captions .note", has_text="does not wish")
                await note.get_by_text(names[identity]).wait_for()
            await viewer.until(f"{own}.length >= {count}")
    for viewer in everybody:
        read = await viewer.page.evaluate(READ)
        assert not [one for one in meeting.identities.values() if one in read]


async def the_host_switches_off(host: Viewer, everybody: list[Viewer]) -> None:
    """Every sentence that names them ends where it should."""
    await open_room(host)
    await host.page.click("#room-enabled")
    for viewer in everybody:
        await viewer.until("captions.service === 'off'")
        await open_room(viewer)
        for part in ("live-captions .status > span", "#panel .panel-facts p"):
            sentence = viewer.page.locator(part, has_text=ISOLATED)
            await sentence.wait_for()
            assert await sentence.evaluate(ENDS_RIGHT)
        assert "\u202e" not in json.dumps(
            await viewer.page.evaluate(EVERYTHING), ensure_ascii=False
        )
