"""The table that ``caption-eval simulate`` prints: measured and required values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from captioner.contract import CuePacket
from eval.simulation.caption_receiver import CaptionReceiver
from eval.simulation.costs import Load
from eval.simulation.real_speech import Overlap
from eval.simulation.runner import READER, Played
from eval.simulation.testbed import NAME, ROOM
from eval.simulation.transcript_verdict import TranscriptVerdict, judge_transcript
from eval.simulation.verdict import Fate, MeetingVerdict, different, judge_meeting, leaks

USAGE_ROWS = 20
BUSY_PERCENT = 20


@dataclass(frozen=True, slots=True)
class Row:
    """good: None where nothing is demanded."""

    what: str
    measured: str
    must: str = ""
    good: bool | None = None


@dataclass(frozen=True, slots=True)
class Costs:
    """base: one reads and nobody is there."""

    base: Load
    muted: Load
    quiet: Load
    speaking: Load
    silent: int  # people in ``muted`` and ``quiet``


def rows_of(played: Played) -> Iterator[Row]:
    """Rows on the words."""
    verdict = verdict_of(played)
    fates, reader = verdict.fates, played.reader
    pages = [reader, *played.others.values()]
    broken = sum(sum(page.faults.values()) for page in pages)
    unlike = sum(len(apart(played, who)) for who in played.others)
    said = len(played.said)
    yield Row("words said", str(said))
    yield _none("misattributed words", verdict.misattributed)
    yield _none("doubled words", verdict.doubled)
    yield _none("words that nobody said", verdict.made_up)
    yield _none("cues that changed after closing, or before settled", broken)
    if late_ms := verdict.early_late_ms:
        told = f"{min(late_ms)} to {max(late_ms)} ms"
        yield Row("start of a cue after that of its first word", told)
    yield _none("words lost outside declared gaps", fates[Fate.LOST])
    yield _few("words that a second listener had whole, and the bot not", fates[Fate.TORN], said)
    busy = "words torn for the second listener, too (a busy machine)"
    yield _few(busy, fates[Fate.NOT_DELIVERED], said, percent=BUSY_PERCENT)
    yield Row("words in declared gaps", str(fates[Fate.IN_GAP]))
    yield Row("words not judged (around a switch, no connection)", str(fates[Fate.EXCUSED]))
    yield _none("words shown though refused or switched off", fates[Fate.LEAKED])
    yield _none("cues that late and healed viewers have otherwise", unlike)
    if played.transcripts:
        kept = transcript_of(played)
        yield Row("words in the transcript", str(kept.kept))
        yield _none("words shown, and neither in the transcript nor in a gap", len(kept.missing))
        yield _none("words in it of people who want nothing kept", len(kept.forbidden))
        yield _none("words in it twice", len(kept.twice))
    for click in played.clicks:
        told = f"{click.stopped_s:.2f} s, {click.seen_s:.2f} s"
        good = max(click.stopped_s, click.seen_s) <= 1
        yield Row("host's click → nothing recognised, seen by all", told, "≤ 1 s", good)
    if played.late_s:
        yield Row("somebody late has it all, at worst", f"{max(played.late_s):.2f} s")
    yield from _leaks(played)
    for what in played.failed:
        yield Row("the simulation itself failed at", what, "never", good=False)


def rows_of_costs(costs: Costs) -> Iterator[Row]:
    """Rows on the cost."""
    for what, load, most in (("muted", costs.muted, 0.1), ("open, quiet", costs.quiet, 2.5)):
        each = (load.cpu - costs.base.cpu) / costs.silent * 100
        told = f"{each:.2f} % of a core, {load.slots} slots"
        good = each <= most and not load.slots
        yield Row(f"a silent attendee, {what}", told, f"≤ {most} %, 0 slots", good)
    load = costs.speaking
    delays = (load.frame_ms, load.publish_ms)
    good = sum(math.inf if ms is None else ms for ms in delays) <= 50
    told = f"≤ {load.frame_ms} ms + ≤ {load.publish_ms} ms"
    yield Row("5 speak at once: frame → recogniser, word → packet, p95", told, "≤ 50 ms", good)
    told = f"{load.packets_s:.0f}, largest {load.largest} bytes"
    good = 0 < load.packets_s <= 50 and load.largest <= 1_200
    yield Row("5 speak at once: packets a second to a viewer", told, "≤ 50, ≤ 1200 bytes", good)
    yield Row("5 speak at once: the bot's processor time", f"{load.cpu * 100:.0f} % of a core")


def rows_of_speech(found: Overlap) -> Iterator[Row]:
    """Rows on the effect of speaking at the same time, with real speech."""
    real = f"real speech, {found.people} at once"
    yield Row(f"{real}: words otherwise than alone", f"{found.differ} of {found.words}")
    yield _none(f"{real}: phrases under another's name", found.strayed)
    yield _none(f"{real}: phrases doubled", found.doubled)


def verdict_of(played: Played) -> MeetingVerdict:
    """Rows on the fate of every word."""
    page = played.reader
    return judge_meeting(
        played.said, page.shown(), page.gaps, played.facts, origin_s=played.origin_s
    )


def transcript_of(played: Played) -> TranscriptVerdict:
    """Return what became of the words in the transcript."""
    page = played.reader
    return judge_transcript(
        played.transcripts,
        played.said,
        {word for cue in page.shown() for word in cue.text.split()},
        page.gaps,
        played.facts,
        keeps=played.keeps,
        origin_s=played.origin_s,
    )


def rows_of_usage(played: Played) -> Iterator[Row]:
    """Rows on what the bot had of the machine, some of them."""
    every = max(len(played.usage) // USAGE_ROWS, 1)
    for at_s, usage, tasks in played.usage[::every]:
        told = f"{usage.rss_mb:.0f} MB, {usage.files} files, {usage.threads} threads, {tasks} tasks"
        yield Row(f"the bot after {at_s:.0f} s", told)


def _leaks(played: Played) -> Iterator[Row]:
    """Rows on what a run leaves with its operator, which must not contain speech."""
    words = [*(said.word for said in played.said), READER]
    seen = leaks({"log": played.log, "metrics": played.metrics}, [*words, NAME, ROOM])
    for what, count in seen.items():
        yield _none(f"words, names, readers in the bot's {what}", count)
    # It has the name of the host who switched last, to show it after a restart.
    kept = leaks({"state files": played.on_disk}, [*words, ROOM])["state files"]
    yield _none("words, readers in the bot's state files", kept)


def render(rows: Sequence[Row]) -> str:
    """Format the columns; a bad row begins with BAD."""
    wide = max(len(row.what) for row in rows)
    middle = max(len(row.measured) for row in rows)
    marks = {True: "ok", False: "BAD", None: ""}
    lines = (
        f"{marks[row.good]:<4}{row.what:<{wide}}  {row.measured:<{middle}}  {row.must}".rstrip()
        for row in rows
    )
    return "\n".join(lines)


def _none(what: str, count: int) -> Row:
    return Row(what, str(count), "0", count == 0)


def _few(what: str, count: int, of: int, *, percent: int = 2) -> Row:
    """With more of them, the machine was too busy for conclusions."""
    return Row(what, str(count), f"≤ {percent} %", count <= percent / 100 * of)


def apart(played: Played, who: str) -> set[CuePacket]:
    """Return the cues that differ between the reader and ``who``, in the session of both."""

    def now(page: CaptionReceiver) -> list[CuePacket]:
        return [cue for cue in page.shown() if cue.session == played.reader.session]

    return different(
        now(played.reader),
        now(played.others[who]),
        played.facts.refused,
        not_kept=played.facts.not_kept,
        origin_s=played.origin_s,
        had_all_s=played.had_all_s.get(who, math.inf),
    )
