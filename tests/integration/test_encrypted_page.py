"""End-to-end encrypted meetings in a browser: sound, calls and captions."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.testing.browser_meeting import meeting_of, speaking

pytestmark = [pytest.mark.room, pytest.mark.browser]

KEY = "a key that+all/share="
SKIPPED = "captions.skipped['not-encrypted']"


async def test_pages_with_the_key_read_each_other_and_others_are_told_what_they_lack(
    livekit_program: Path, chromium_path: str
) -> None:
    environment = {"CAPTIONER_WANT": "hello", "CAPTIONER_E2EE_KEY": KEY}
    async with meeting_of(livekit_program, chromium_path, environment) as meeting:
        reader, speaker = await meeting.open("Rita", key=KEY), await meeting.open("Saul", key=KEY)
        keyless, other = await meeting.open("Kim"), await meeting.open("Otto", key="another")
        await speaker.page.click("#microphone")
        async with speaking(speaker, 100):
            for viewer in (reader, speaker):
                await viewer.until("captions.cues().length > 0")
            await keyless.page.get_by_text("the link to this page has no key").wait_for()
            await other.page.get_by_text("the meeting have different keys").wait_for()
        assert await reader.page.get_by_text("Connected, end-to-end encrypted").is_visible()
        assert {cue["speaker"] for cue in await reader.cues()} == {meeting.identities["Saul"]}
        for viewer in (keyless, other):
            assert await viewer.cues() == []
            # Nothing that would not be true here.
            for part in ("live-captions .status", "live-captions .notes", "#alone", "#notice"):
                assert not await viewer.page.locator(part).is_visible()
        for viewer in (reader, speaker):
            assert not await viewer.page.is_visible("#note")
            assert not await viewer.page.evaluate(f"Boolean({SKIPPED})")


async def test_without_the_key_the_bot_says_so_and_captions_no_noise(
    livekit_program: Path, chromium_path: str
) -> None:
    environment = {"CAPTIONER_WANT": "hello"}
    async with meeting_of(livekit_program, chromium_path, environment) as meeting:
        speaker = await meeting.open("Saul", key=KEY)
        await speaker.page.click("#microphone")
        async with speaking(speaker, 100):
            await speaker.until("captions.service === 'encrypted'")
            await speaker.page.get_by_text("the caption service cannot hear it").first.wait_for()
        assert await speaker.cues() == []
        assert meeting.testbed.recognizer.frames == 0
