"""The whole chain: real speech, a real media server, the bot in its own process, real pages."""

from __future__ import annotations

import asyncio
import io
import json
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import webvtt
from livekit import api

from captioner.demo.demo import bundled_recording
from captioner.room.tokens import agent_token
from eval.corpus.manifest import bundled_corpus
from eval.measures.accuracy import wer
from eval.normalization.normalize import normalize
from eval.runs.browser import Chromium, Viewer, open_chromium
from eval.runs.local_meeting import Listener, LocalMeeting
from eval.testing.browser_meeting import download
from streaming.audio import Pcm

pytestmark = [pytest.mark.room, pytest.mark.browser]

RATE = 48_000
IMAGES = """document.images.length
    + document.querySelector("live-captions").shadowRoot.querySelectorAll("img").length"""
SKIPPED = "Object.keys(document.querySelector('live-captions').skipped).length"
NAME = "<img src=x onerror=\"document.title='pwned'\">"
FORGED = "forged"
ROBOT = "robot"


@pytest.fixture
async def chain(livekit_program: Path) -> AsyncIterator[LocalMeeting]:
    async with LocalMeeting(livekit_program) as chain:
        yield chain


@pytest.fixture
async def chromium(chromium_path: str) -> AsyncIterator[Chromium]:
    async with open_chromium(chromium_path) as chromium:
        yield chromium


def recording(*, until_s: float | None = None) -> Pcm:
    sound = bundled_corpus()[0].audio(RATE)
    return sound[: int(until_s * RATE)] if until_s else sound


def sent_by_bot(listener: Listener) -> list[dict[str, Any]]:
    return [
        arrival.packet
        for arrival in listener.arrivals
        if arrival.by_agent and arrival.sender != ROBOT and "id" in arrival.packet
    ]


def last_of_each(packets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last packet of each cue that was not deleted, in the order in which the cues began."""
    last = {packet["id"]: packet for packet in packets}
    return [packet for packet in last.values() if packet["state"] != "deleted"]


async def the_last_packet(listener: Listener) -> None:
    """Wait for the number that the bot repeats when it has nothing more to say."""
    known = len(listener.arrivals)
    await listener.until(
        lambda: any(a.packet.get("type") == "seq" for a in listener.arrivals[known:])
    )


def text_of(packet: dict[str, Any]) -> str:
    (cue,) = webvtt.from_buffer(io.StringIO(f"WEBVTT\n\n{packet['vtt']}\n"))
    assert cue.identifier == packet["id"]
    text: str = cue.text
    return text


def broken_rules(file: str) -> list[str]:
    """What breaks the rules of captions in a file, which one person speaks."""
    said = list(webvtt.from_buffer(io.StringIO(file)))
    times = [(round(one.start_in_seconds, 3), round(one.end_in_seconds, 3)) for one in said]
    starts = [start for start, _ in times[1:]] + [float("inf")]
    broken = []
    for one, (start, end), next_start in zip(said, times, starts, strict=True):
        lines = one.text.split("\n")
        has_end = one.text.endswith((".", "!", "?"))
        for is_broken, rule in (
            (max(map(len, lines)) > 40 or len(lines) > 3, "too long for its lines"),
            (end - start > 7, "too long"),
            (end - start < 1 and next_start > end, "too short to read"),
            (len(one.text.split()) < 4 and not has_end and next_start - end < 1.5, "a fragment"),
        ):
            if is_broken:
                broken.append(f"{rule}: {start}-{end} {one.text!r}")
    assert len(said) > 3
    return broken


def test_the_rules_of_captions_are_known_to_these_tests() -> None:
    line = "it was the best that we could do with all of the money there was"
    cues = [
        (0, 8, line),
        (8, 8.6, "It was the"),
        (9, 10, "best."),
        (12, 12.5, "Yes."),
        (14, 15, "B."),
    ]
    blocks = [f"00:{a:06.3f} --> 00:{b:06.3f}\n<v Anna>{text}" for a, b, text in cues]
    broken = broken_rules("\n\n".join(["WEBVTT", *blocks]))
    assert [fault.partition(":")[0] for fault in broken] == [
        "too long for its lines", "too long", "too short to read", "a fragment",
        "too short to read",
    ]  # fmt: skip


async def closed(viewer: Viewer, count: int) -> None:
    await viewer.until(f'captions.cues().filter((c) => c.state === "closed").length >= {count}')


def forgeries(packet: dict[str, Any]) -> list[bytes]:
    """What somebody could send who has seen ``packet``."""
    block = packet["vtt"].rsplit(">", 1)[0] + ">" + FORGED
    newer = packet | {"rev": packet["rev"] + 1000, "vtt": block, "seq": packet["seq"] + 1000}
    other = newer | {"id": "forged-1", "vtt": block.replace(packet["id"], "forged-1", 1)}
    deletion = {key: newer[key] for key in newer if key not in ("vtt", "lang")}
    return [json.dumps(p).encode() for p in (newer, other, deletion | {"state": "deleted"})]


def garbage(packet: dict[str, Any]) -> list[bytes]:
    """What a broken bot could send."""
    whole = json.dumps(packet).encode()
    chance = random.Random(3)
    wrong: list[object] = [
        packet | {"session": "00000000-0000-0000-0000-000000000000"}, packet | {"v": 2}, [], 7,
        packet | {"rev": "many"}, packet | {"vtt": None}, packet | {"vtt": "WEBVTT"}, None, {},
    ]  # fmt: skip
    return [
        chance.randbytes(300), b"", whole[: len(whole) // 2], b"[" * 5_000,
        b"\xff" * 1_000, *(json.dumps(one).encode() for one in wrong),
    ]  # fmt: skip


async def interfere(chain: LocalMeeting, person: Listener, viewers: list[Viewer]) -> None:
    """In the middle of a caption a person forges packets, and so does another agent, and worse."""
    await person.until(lambda: len(sent_by_bot(person)) >= 3)
    packet = next(one for one in reversed(sent_by_bot(person)) if "vtt" in one)
    for payload in forgeries(packet):
        await person.send(payload)
    server, robot = chain.server, Listener()
    token = agent_token(server.key, server.secret, room=chain.room, identity=ROBOT, name="R")
    await robot.join(server.url, token)
    for viewer in viewers:  # what comes from somebody unknown is not even looked at
        await viewer.until(f'captions.room.remoteParticipants.has("{ROBOT}")')
    for payload in [*forgeries(packet), *garbage(packet), b'{"done":true}']:
        await robot.send(payload)
    await person.until(lambda: any("done" in arrival.packet for arrival in person.arrivals))
    await robot.leave()


async def test_every_page_shows_what_was_published_and_nothing_else(
    chain: LocalMeeting, chromium: Chromium
) -> None:
    viewers = [await chromium.open(chain.url, name) for name in ("Vera", "Sven")]
    async with chain.listener() as listener:
        async with chain.speaker("reader", NAME) as reader:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(interfere(chain, listener, viewers))
                tasks.create_task(reader.play([recording()]))
            in_sight = [await viewer.shown() for viewer in viewers]
        await chain.bot.logged("track_ended")
        await the_last_packet(listener)
        packets = sent_by_bot(listener)
        cues = last_of_each(packets)
        for viewer in viewers:
            await closed(viewer, len(cues))

    await viewers[0].page.keyboard.press("y")
    _, file = await download(viewers[0], "live-captions .downloads button:has-text('.vtt')")
    assert broken_rules(file) == []
    texts = [text_of(packet) for packet in cues]
    final = [(cue["id"], cue["rev"], "closed", text) for cue, text in zip(cues, texts, strict=True)]
    said = {(p["id"], p["rev"], text_of(p) if "vtt" in p else None) for p in packets}
    for viewer, rows in zip(viewers, in_sight, strict=True):
        known = await viewer.cues()
        assert [(cue["id"], cue["rev"], cue["state"], cue["text"]) for cue in known] == final
        assert {(p.cue, p.rev, p.text) for p in await viewer.paintings()} <= said
        assert rows
        assert {row["name"] for row in rows} == {NAME}
        assert await viewer.page.title() == "Live captions"
        assert await viewer.page.evaluate(IMAGES) == 0
        assert await viewer.page.evaluate(SKIPPED) > 0
    reference = normalize(bundled_corpus()[0].transcript, "en")
    assert wer(reference, normalize(" ".join(texts), "en")).rate <= 0.20


async def test_the_file_of_a_recording_keeps_the_rules_of_captions(tmp_path: Path) -> None:
    written = tmp_path / "captions.vtt"
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "captioner", "transcribe", bundled_recording(), "--output", written,
    )  # fmt: skip
    assert await program.wait() == 0
    assert broken_rules(written.read_text(encoding="utf-8")) == []


async def test_who_opens_the_page_late_and_who_lost_the_server_read_on(
    chain: LocalMeeting, chromium: Chromium
) -> None:
    early = await chromium.open(chain.url, "Vera")
    async with chain.speaker("reader", "Reader") as reader:
        await reader.play([recording(until_s=8)])
    await chain.bot.logged("track_ended")
    late = await chromium.open(chain.url, "Lena")
    await early.until('captions.cues().every((cue) => cue.state === "closed")')
    before = await early.cues()
    assert before
    await closed(late, len(before))
    assert await late.cues() == before

    await chain.server.kill()
    for viewer in (early, late):
        await viewer.until('captions.service !== "on"')
    await chain.server.start()
    for viewer in (early, late):
        await viewer.until('captions.service === "on"')
    async with chain.speaker("reader", "Reader") as reader:
        await reader.play([recording(until_s=8)])
    await chain.bot.logged("track_ended", times=2)
    for viewer in (early, late):
        await closed(viewer, len(before) + 1)
        await viewer.until('captions.cues().every((cue) => cue.state === "closed")')
        after = await viewer.cues()
        assert after[: len(before)] == before
        said = " ".join(cue["text"] for cue in after[len(before) :])
        assert {"best", "worst", "times"} <= set(normalize(said, "en"))


async def test_a_meeting_that_begins_again_is_captioned_and_shows_nothing_of_the_one_before(
    chain: LocalMeeting, chromium: Chromium
) -> None:
    server, sessions = chain.server, set[str]()
    for _ in range(2):
        viewer = await chromium.open(chain.url, "Vera")
        assert await viewer.cues() == []
        async with chain.speaker("reader", "Reader") as reader:
            await reader.play([recording(until_s=3)])
            await closed(viewer, 1)
        sessions |= {cue["session"] for cue in await viewer.cues()}
        await viewer.page.context.close()
        async with api.LiveKitAPI(server.url, server.key, server.secret) as operator:
            await operator.room.delete_room(api.DeleteRoomRequest(room=chain.room))
    assert len(sessions) == 2
