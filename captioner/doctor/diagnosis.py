"""From what a participant saw of captions to what is wrong with them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

BOT_S = 15.0
"""A room that should have captions has a bot within this time."""

ANSWER_S = 1.0
LAG_S = 3.0
"""Captions that come later than this after the voice are late."""

WORDS_SHARE = 0.5
"""Of the sentence's words; fewer are not this sentence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. advice: what to do, or what was found."""

    what: str
    good: bool
    advice: str


@dataclass(slots=True)
class Seen:
    """What the participant saw; None for what did not happen.

    joined_s: until it was in the room with a microphone. bot_s: from the dispatch to the bot.
    waits: the room was told to wait for a recogniser. answer_s: until the bot answered a call.
    state, language, engine, stands_in: what the bot says of itself. track: what it said last of
    this voice. first_s: from the first sound to the first caption. lags_s: of each caption, how
    long after its sound it came. text: of the captions. spoken: the words, if they are known.
    """

    joined_s: float = 0.0
    bot_s: float | None = None
    waits: bool = False
    answer_s: float | None = None
    state: str = ""
    language: str = ""
    engine: str = ""
    stands_in: str = ""
    track: str = ""
    first_s: float | None = None
    lags_s: list[float] = field(default_factory=list)
    text: str = ""
    spoken: str = ""


def diagnose(seen: Seen) -> list[Finding]:
    """One finding for each link, up to the first that is broken."""
    found = [Finding("joining", True, f"in the room with a microphone in {seen.joined_s:.1f} s")]
    for link, happened in (
        (_bot, seen.bot_s), (_answer, seen.answer_s), (_captions, seen.first_s),
        (_lag, 0.0), (_words, 0.0),
    ):  # fmt: skip
        if finding := link(seen):
            found.append(finding)
        if happened is None:
            break
    return found


def _bot(seen: Seen) -> Finding:
    if seen.bot_s is None:
        if seen.waits:
            advice = "every worker is full: the room waits for a recogniser. Start more workers"
        else:
            advice = (
                "no caption bot came: does `captioner worker` run, with a free slot, the same"
                " --agent-name, and a key of this media server?"
            )
        return Finding("bot", False, advice)
    slow = seen.bot_s > BOT_S
    advice = f"in the room after {seen.bot_s:.1f} s" + (
        f", {BOT_S:.0f} are too many: is the worker's machine busy?" if slow else ""
    )
    return Finding("bot", not slow, advice)


def _answer(seen: Seen) -> Finding:
    if seen.answer_s is None:
        advice = "the bot is in the room and answers no call: its process hangs, look at its log"
        return Finding("bot's answers", False, advice)
    slow = seen.answer_s > ANSWER_S
    why = ": the bot's process or its network is slow" if slow else ""
    return Finding("bot's answers", not slow, f"after {seen.answer_s:.2f} s{why}")


_STATES = {
    "off": "captions are off (CAPTIONER_ENABLED): a host has to switch them on",
    "starting": "the bot is still starting: its recogniser loads, or cannot be had",
    "interrupted": "the bot has lost the media server",
    "unavailable": "the bot has no recogniser: `captioner check` says why",
    "encrypted": "the room is encrypted, and the bot has no key (CAPTIONER_E2EE_KEY)",
    "no-language": "the recogniser does not know the room's language",
}

_TRACKS = {
    "delayed": "the recogniser is seconds behind: it is full or too slow",
    "unavailable": "no recogniser takes this voice: every slot is taken, or no server answers",
    "stalled": "the recogniser hears a voice and makes no words of it",
    "refused": "this voice is refused: CAPTIONER_CONSENT asks people first",
}


def _captions(seen: Seen) -> Finding:
    if seen.first_s is not None:
        return Finding("captions", True, f"the first one {seen.first_s:.1f} s after the first word")
    advice = (
        _STATES.get(seen.state)
        or _TRACKS.get(seen.track)
        or (
            "the bot listens, and no caption came: does sound reach it (UDP between the bot and the"
            " media server), and is it voice in the room's language?"
        )
    )
    return Finding("captions", False, advice)


def _lag(seen: Seen) -> Finding | None:
    if not seen.lags_s:
        return None
    lag_s = sorted(seen.lags_s)[len(seen.lags_s) // 2]
    engine = seen.engine
    if seen.stands_in:
        return Finding(
            "recogniser", False,
            f"{seen.stands_in} stands in: no server of {engine} answers; see `captioner check`",
        )  # fmt: skip
    if lag_s > LAG_S:
        why = _TRACKS.get(seen.track, "it is full or too slow, or the way to it is")
        return Finding("recogniser", False, f"{engine}: {lag_s:.1f} s behind the voice: {why}")
    return Finding("recogniser", True, f"{engine}, {lag_s:.1f} s behind the voice")


def _words(seen: Seen) -> Finding | None:
    if not seen.spoken:
        return None
    if seen.language.split("-")[0] != "en":
        advice = f"not compared: the sentence is English, and the room's language {seen.language}"
        return Finding("words", True, advice)
    spoken, heard = _counted(seen.spoken), set(_counted(seen.text))
    found = sum(word in heard for word in spoken)
    share = found / len(spoken)
    advice = f"{found} of {len(spoken)} words of the sentence"
    if share < WORDS_SHARE:
        advice += ": is the sound torn on its way, or the recogniser out of breath?"
    return Finding("words", share >= WORDS_SHARE, advice)


def _counted(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
