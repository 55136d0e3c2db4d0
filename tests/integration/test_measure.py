"""What eval sees of a real room and a real browser."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from captioner.settings import Settings
from eval.corpus.manifest import bundled_corpus
from eval.measures.stability import erasure
from eval.runs.listen import overheard
from eval.runs.local_meeting import LocalMeeting
from eval.runs.through_room import through_room
from eval.runs.watch import RATE, Performance
from streaming.audio import Pcm

WORDS = ["alpha", "bravo", "charlie", "delta"]


def speech(seconds: float) -> Pcm:
    (clip,) = bundled_corpus()
    return clip.audio(RATE)[RATE : round((1 + seconds) * RATE)]


@pytest.mark.room
@pytest.mark.browser
async def test_a_word_is_followed_from_the_engine_to_the_screen(
    tmp_path: Path, livekit_program: Path
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([[700 * (n + 1), word] for n, word in enumerate(WORDS)]))
    async with through_room({}, browser=True, tell=print, script=script) as watch:
        first = await watch.observe(Performance({"Anna": speech(4)}))
        second = await watch.observe(Performance({"Ben": speech(4)}))
    for seen, speaker in ((first, "Anna"), (second, "Ben")):
        assert {one.speaker for one in seen.shown} == {speaker}
        firsts = [next(one for one in seen.shown if word in one.text) for word in WORDS]
        for one in firsts:
            stages = (one.said_ms, one.sent_ms, one.received_ms, one.painted_ms)
            assert None not in stages
            assert list(stages) == sorted(stages, key=lambda at: at or 0)
            assert one.at_ms == one.painted_ms
        assert firsts == sorted(firsts, key=lambda one: one.at_ms)
        assert firsts[0].at_ms > 0
        assert seen.shown[-1].state == "closed"
        assert seen.until_ms > 4_000
        assert len(seen.page["painted_ms"]) >= len(seen.shown)
        assert "long_tasks_ms" in seen.page
        assert abs(seen.handed[speaker](3_000) - 3_000) < 1_000


@pytest.mark.room
async def test_people_who_speak_at_once_are_kept_apart(
    tmp_path: Path, livekit_program: Path
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([[700, "hello"]]))
    async with through_room({}, browser=False, tell=print, script=script) as watch:
        seen = await watch.observe(Performance({"Anna": speech(2), "Ben": speech(3)}))
    assert {one.speaker for one in seen.shown} == {"Anna", "Ben"}
    assert set(seen.handed) == {"Anna", "Ben"}
    assert {one.text for one in seen.shown if one.state == "closed"} == {"hello"}


@pytest.mark.room
@pytest.mark.parametrize("text", [True, False])
async def test_a_live_meeting_is_measured_without_keeping_a_word_unless_asked(
    livekit_program: Path, text: bool
) -> None:
    over = asyncio.Event()
    async with LocalMeeting(livekit_program) as chain, chain.speaker("anna", "Anna") as anna:
        server = chain.server
        settings = Settings(
            livekit_url=server.url,
            livekit_api_key=server.key,
            livekit_api_secret=SecretStr(server.secret),
        )
        async with chain.listener() as witness:
            come = asyncio.Event()
            witness.room.on("participant_connected", lambda _who: come.set())
            listening = asyncio.create_task(
                overheard(
                    settings, room=chain.room, name="Check", language="en", text=text, over=over
                )
            )
            await asyncio.wait_for(come.wait(), 30)
            await anna.play([speech(8), np.zeros(2 * RATE, np.float32)])
            await witness.until(lambda: len(witness.captions()) > 3)
            said = " ".join(packet.get("vtt", "") for packet in witness.captions())
        over.set()
        clip = await listening
    assert clip.through == "listen"
    assert clip.reference == ()
    assert clip.shown
    assert {one.speaker for one in clip.shown} == {"1"}
    assert all(one.heard_ms is not None and one.heard_ms < one.at_ms for one in clip.shown)
    assert erasure(one.update() for one in clip.shown).final > 3
    assert "times" in said
    assert any("times" in one.text for one in clip.shown) is text
