"""Real speech with the embedded recogniser: several people at once, compared with each alone.

It measures the effect of speaking at the same time; ``caption-eval run`` measures how many words
are correct.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np

from captioner.audio_file import read_audio
from captioner.demo.demo import bundled_recording
from captioner.demo.sound_publisher import SoundPublisher
from captioner.room.tokens import participant_token
from eval.simulation.participant import Participant
from eval.simulation.testbed import ROOM, Testbed
from streaming.audio import Pcm

RATE = 48_000
SILENCE = np.zeros(2 * RATE, np.float32)
READER = "reader-of-speech"

PHRASE = 3

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Differences in several people's captions. words: total shown for each alone.

    differ: words that differ when all speak at once. strayed: phrases of three words under a wrong
    name. doubled: such phrases that occur once more.
    """

    people: int
    words: int
    differ: int
    strayed: int
    doubled: int


def overlap_of(alone: Mapping[str, Words], at_once: Mapping[str, Words]) -> Overlap:
    """Compare the captions of all at once with those of each alone. Pure."""
    said = {who: set(_phrases(words)) for who, words in alone.items()}
    differ = strayed = doubled = 0
    for who, words in at_once.items():
        others = set().union(*(said[other] for other in said if other != who)) - said[who]
        strayed += sum(phrase in others for phrase in _phrases(words))
        for before, after in _changes(alone[who], words):
            differ += max(len(before), len(after))
            if len(after) - len(before) >= PHRASE:
                doubled += sum(phrase in said[who] for phrase in _phrases(after))
    return Overlap(len(alone), sum(map(len, alone.values())), differ, strayed, doubled)


async def overlap(program: Path, people: int) -> Overlap:
    """Let each play a part of the recording in the model's package, in real time."""
    sound = read_audio(bundled_recording(), rate=RATE)
    parts = {f"voice-{n}": part for n, part in enumerate(np.array_split(sound, people))}
    async with Testbed(program, real_speech=True) as testbed:
        reader = await testbed.enter(READER)
        alone, at_once = {}, {}
        for number, (who, part) in enumerate(parts.items(), 1):
            await _speak(testbed, who, part)
            await testbed.bot.logged("track_ended", times=number)
            alone[who] = await _shown(reader, who)
        await asyncio.gather(*(_speak(testbed, f"{who}-too", part) for who, part in parts.items()))
        await testbed.bot.logged("track_ended", times=2 * people)
        for who in parts:
            at_once[who] = await _shown(reader, f"{who}-too")
    return overlap_of(alone, at_once)


async def _speak(testbed: Testbed, who: str, sound: Pcm) -> None:
    """Join, speak, leave."""
    server, speaker = testbed.server, SoundPublisher(rate=RATE)
    token = participant_token(server.key, server.secret, room=ROOM, identity=who)
    await speaker.join(server.url, token)
    await speaker.play([SILENCE, sound, SILENCE])
    await speaker.leave()


async def _shown(reader: Participant, who: str) -> Words:
    """Return the final text under a name."""
    await reader.until(lambda: not reader.page.missing)
    mine = [cue.text for cue in reader.page.shown() if cue.speaker == who]
    return tuple(re.findall(r"[\w']+", " ".join(mine).lower()))


def _phrases(words: Words) -> list[Words]:
    return [words[n : n + PHRASE] for n in range(len(words) - PHRASE + 1)]


def _changes(one: Words, other: Words) -> Iterator[tuple[Words, Words]]:
    """Return the differing words of both."""
    for code, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if code != "equal":
            yield one[a:b], other[c:d]
