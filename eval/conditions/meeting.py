"""Makes simulated meetings of read speech: who speaks when, over whom, and with which words.

Read sentences are no conversation: nobody hesitates, answers or laughs. What is simulated is the
timing: turns, overlaps, and back-channels ("yes") in another's turn, in shares as they are reported
of the AMI meetings (Carletta et al. 2005). Pure; the same seed makes the same meeting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from eval.conditions.effects import at_level
from eval.corpus.manifest import Clip
from eval.corpus.spoken_words import RefWord, Turn
from streaming.audio import Pcm

PAUSE_S = (0.1, 0.8)
"""Between two turns, and between the sentences of one."""

OVER_MOST = 0.6
"""The share of the sentence before, and of its own, by which a turn may begin too early."""

SENTENCES = 3
"""The most recordings in one turn."""

LEVEL_DB = (-30.0, -22.0)
"""How loud people are, against full scale."""

YES = frozenset(
    "yes yeah no oh well good right indeed true sure oui non bon bien voilà ja".split()  # noqa: SIM905
)
APART_MS = 150
"""A word with such pauses around it can be cut out of a sentence."""

LONGEST_MS = 900


@dataclass(frozen=True, slots=True)
class MeetingRecipe:
    """overlap: the share of the time with speech in which two people speak. backchannel_s: of
    another's turn from one to the next; None for none.
    """

    people: int = 4
    seconds: float = 300.0
    overlap: float = 0.15
    backchannel_s: float | None = 12.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A recording, or the words ``first`` to ``last`` of it, that begins at ``start_s``."""

    speaker: str
    clip: Clip
    start_s: float
    cut_ms: tuple[int, int] | None = None
    words: tuple[RefWord, ...] = ()

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.start_s + _seconds(self)

    @property
    def turn(self) -> Turn:
        """The part as the reference has it."""
        start_ms, begin = round(self.start_s * 1000), self.cut_ms[0] if self.cut_ms else 0
        words = tuple(word.later(start_ms - begin) for word in self.words)
        text = " ".join(w.text for w in words) if self.cut_ms else self.clip.transcript
        return Turn(text, self.speaker, start_ms, round(self.end_s * 1000), words)


@dataclass(slots=True)
class _Voices:
    """Each person's recordings, in an order of their own, again and again."""

    clips: Mapping[str, Sequence[Clip]]
    used: dict[str, int] = field(default_factory=dict)

    def next_of(self, speaker: str) -> Clip:
        number = self.used.get(speaker, 0)
        self.used[speaker] = number + 1
        return self.clips[speaker][number % len(self.clips[speaker])]


def planned(voices: Mapping[str, Sequence[Clip]], recipe: MeetingRecipe) -> list[Part]:
    """Return who says what and when, in order of time. voices: recordings by person."""
    chance = np.random.default_rng(recipe.seed)
    people = list(voices)
    mine = _Voices({name: _shuffled(clips, chance) for name, clips in voices.items()})
    parts: list[Part] = []
    speaker, last = "", 0.0
    while last < recipe.seconds:
        others = [name for name in people if name != speaker] or people
        speaker = others[int(chance.integers(len(others)))]
        start = last + chance.uniform(*PAUSE_S)
        first = mine.next_of(speaker)
        if parts and (lacking_s := _lacking_s(parts, recipe.overlap)) > 0:
            most_s = OVER_MOST * min(first.seconds, _seconds(parts[-1]))
            start = last - min(lacking_s, most_s) * chance.uniform(0.5, 1.0)
            own_s = max((part.end_s for part in parts if part.speaker == speaker), default=0.0)
            start = max(start, own_s + PAUSE_S[0])
        for number in range(int(chance.integers(1, SENTENCES + 1))):
            clip = mine.next_of(speaker) if number else first
            parts.append(Part(speaker, clip, start, words=clip.words))
            start = parts[-1].end_s + chance.uniform(*PAUSE_S)
        last = parts[-1].end_s
    if recipe.backchannel_s is not None and len(people) > 1:
        parts += _backchannels(parts, mine.clips, recipe.backchannel_s, chance)
    return sorted(parts, key=lambda part: part.start_s)


def overlapped_share(parts: Sequence[Part]) -> float:
    """Return the share of the time with speech in which at least two people speak."""
    speech_s, double_s = _speech_s(parts)
    return double_s / speech_s if speech_s else 0.0


def _lacking_s(parts: Sequence[Part], overlap: float) -> float:
    """How much longer two people should have spoken at once so far."""
    speech_s, double_s = _speech_s(parts)
    return overlap * speech_s - double_s


def _speech_s(parts: Sequence[Part]) -> tuple[float, float]:
    """Return how long anybody speaks, and two at once."""
    edges = sorted([(part.start_s, 1) for part in parts] + [(part.end_s, -1) for part in parts])
    speech = double = since = 0.0
    speaking = 0
    for at, change in edges:
        speech += (at - since) * (speaking > 0)
        double += (at - since) * (speaking > 1)
        speaking, since = speaking + change, at
    return speech, double


def _backchannels(
    parts: Sequence[Part], clips: Mapping[str, Sequence[Clip]], each_s: float,
    chance: np.random.Generator,
) -> Iterator[Part]:  # fmt: skip
    """Short words of others within the longer turns."""
    short = {name: words for name in clips if (words := list(_short_words(name, clips[name])))}
    until = each_s
    for part in parts:
        until -= _seconds(part)
        middle = part.start_s + _seconds(part) * chance.uniform(0.3, 0.7)
        busy = {one.speaker for one in parts if one.start_s < middle + 1 and middle - 1 < one.end_s}
        able = [name for name in short if name not in busy]
        if until > 0 or not able:
            continue
        until = each_s
        name = able[int(chance.integers(len(able)))]
        word = short[name][int(chance.integers(len(short[name])))]
        yield replace(word, start_s=middle)


def _short_words(speaker: str, clips: Sequence[Clip]) -> Iterator[Part]:
    """One or two words that stand alone in a recording: those that people say so, if any."""
    found = [
        Part(speaker, clip, 0.0, (words[0].start_ms, words[-1].end_ms), words)
        for clip in clips
        for words in _standing_alone(clip.words)
    ]
    fitting = [part for part in found if part.words[0].text.lower().strip(".,!?") in YES]
    yield from fitting or found


def _standing_alone(words: Sequence[RefWord]) -> Iterator[tuple[RefWord, ...]]:
    for count in (1, 2):
        for first in range(1, len(words) - count):
            chosen = tuple(words[first : first + count])
            before = chosen[0].start_ms - words[first - 1].end_ms
            after = words[first + count].start_ms - chosen[-1].end_ms
            length = chosen[-1].end_ms - chosen[0].start_ms
            if min(before, after) >= APART_MS and length <= LONGEST_MS:
                yield chosen


def voiced(
    parts: Sequence[Part], sounds: Mapping[str, Pcm], rate: int, *, seed: int
) -> dict[str, Pcm]:
    """Return each person's microphone: float32[samples], all of one length.

    sounds: by clip name, at ``rate``. Everybody has a loudness of their own.
    """
    chance = np.random.default_rng(seed)
    levels = {name: chance.uniform(*LEVEL_DB) for name in sorted({part.speaker for part in parts})}
    size = round(max((part.end_s for part in parts), default=0.0) * rate) + 1
    microphones = {name: np.zeros(size, np.float32) for name in levels}
    for part in parts:
        sound = at_level(sounds[part.clip.name], rate, levels[part.speaker])
        if part.cut_ms:
            sound = sound[part.cut_ms[0] * rate // 1000 : part.cut_ms[1] * rate // 1000]
        start = round(part.start_s * rate)
        sound = sound[: size - start]
        microphones[part.speaker][start : start + len(sound)] += sound
    return microphones


def _seconds(part: Part) -> float:
    return (part.cut_ms[1] - part.cut_ms[0]) / 1000 if part.cut_ms else part.clip.seconds


def _shuffled(clips: Sequence[Clip], chance: np.random.Generator) -> list[Clip]:
    return [clips[int(index)] for index in chance.permutation(len(clips))]
