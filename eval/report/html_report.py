"""The report: one HTML file that needs no network, no script and no other file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from pathlib import Path
from typing import get_args

from eval.measures.catalogue import FEWEST, MEASURES, PARTS, Figure, Unit
from eval.measures.error_kinds import KINDS
from eval.measures.speakers import speakers_of
from eval.measures.worst_passages import Passage, worst
from eval.report.gates import Profile, Verdict, judged
from eval.report.results import FEW_CLIPS, FEW_WORDS, Group, Results
from eval.report.rules import rules_of
from eval.report.templates import page
from eval.report.wording import Number, Tongue, Wording, wording
from eval.runs.clip_audio import data_uri
from eval.runs.machine import OTHERS_MOST

FEW_WORDS_IN_ALL = 1000
"""With fewer reference words the report says that the sample is small."""
LEFT_OUT_SHOWN = 50
VTT_SHOWN = 20

_ORDER = ("missed", "unsure", "met")
_BIN_S, _BINS_END_S = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a chart: a bar, or a dot with its range, in per cent of the width."""

    label: str
    text: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars, or dots with ranges, under a title; readable as a table."""

    title: str
    head: tuple[str, str, str]
    bars: tuple[Bar, ...]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class PassageAudio:
    """A passage with its audio, if any."""

    passage: Passage
    sound: str | None


def page_of(
    folder: Path,
    results: Results,
    verdicts: Sequence[Verdict],
    profile: Profile,
    tongue: Tongue,
    *,
    with_audio: bool,
) -> str:
    """Return the page. folder: of the run, with the audio of its passages."""
    passages = [
        PassageAudio(passage, _sound(folder, passage) if with_audio else None)
        for passage in worst(results.scores)
    ]
    return rendered(results, verdicts, profile, tongue, passages)


def rendered(
    results: Results,
    verdicts: Sequence[Verdict],
    profile: Profile,
    tongue: Tongue,
    passages: Sequence[PassageAudio],
) -> str:
    """The page."""
    words = wording(tongue)
    return page(
        "report.html",
        words,
        results=results,
        verdicts=sorted(judged(verdicts), key=lambda verdict: _ORDER.index(verdict.state)),
        tally=words.tally(verdicts),
        unmeasured=words.unmeasured(verdicts),
        headline=headline(results, verdicts, words),
        about=about(results, words),
        strict=results.figures.get("wer"),
        verdict=verdict_of(results, verdicts, words),
        basis=_basis(results, words),
        main=_main(results, verdicts),
        doubts=list(doubts_of(results, words)),
        notes=list(notes_of(results, words)),
        profile=profile,
        delays=_delays(results, words),
        parts=_parts(results, words),
        kinds=_kinds(results, words),
        groups=list(_groups(results.groups, words)),
        passages=passages,
        tables=list(_by_unit(results)),
        rules=rules_of(results, words),
        vtt=list(map(words.told, results.vtt_problems[:VTT_SHOWN])),
        vtt_more=max(0, len(results.vtt_problems) - VTT_SHOWN),
        repaired=list(map(words.mending, results.run.repairs)),
        few={"clips": FEW_CLIPS, "words": FEW_WORDS},
        left_out=list(map(words.told, results.left_out[:LEFT_OUT_SHOWN])),
        left_out_more=max(0, len(results.left_out) - LEFT_OUT_SHOWN),
    )


def headline(results: Results, verdicts: Sequence[Verdict], words: Wording) -> str:
    """Return the strict figure as a sentence: wrong words, not weighed; else the verdict."""
    figure = results.figures.get("wer")
    if figure is None:
        return verdict_of(results, verdicts, words)
    strict = words.sentence("wer", figure.value)
    if not results.unreadable:
        return strict
    return words.fill(words.page["incomplete"], n=results.unreadable, strict=strict)


def verdict_of(results: Results, verdicts: Sequence[Verdict], words: Wording) -> str:
    """Return the verdict in one sentence; none is good while recordings are without captions."""
    if results.unreadable:
        return words.fill(words.page["no_verdict"], n=results.unreadable)
    if results.uncaptioned:
        return words.fill(words.page["uncaptioned"], n=results.uncaptioned)
    return words.headline(verdicts)


def about(results: Results, words: Wording) -> str:
    """Return whose captions were measured, of what, when, and in which language."""
    run = results.run
    product = run.product or (run.versions.get("live-captions", "") and words.page["own_product"])
    if not run.product and any(one.clip.through == "file" for one in results.measured):
        product = words.page["unknown_product"]
    source = run.settings.get("captions") or run.settings.get("corpus", "")
    spoken = {one.clip.language for one in results.measured}
    languages = [words.texts["language"].get(one, one) for one in sorted(spoken)]
    day = words.day(run.started)
    return " · ".join(filter(None, [product, Path(source).name, day, ", ".join(languages)]))


def _by_unit(results: Results) -> Iterator[tuple[Unit, list[Figure]]]:
    """Group figures by unit, so that a column has one."""
    for unit in get_args(Unit):
        if found := [f for f in results.figures.values() if MEASURES[f.name].unit == unit]:
            yield unit, found


def _sound(folder: Path, passage: Passage) -> str | None:
    clip = passage.clip
    if passage.start_ms is None or passage.end_ms is None or not (clip.audio or clip.path):
        return None
    path = folder / clip.audio if clip.audio else Path(clip.path)
    return data_uri(path, passage.start_ms, passage.end_ms)


def _main(results: Results, verdicts: Sequence[Verdict]) -> list[Figure]:
    """Return the figures that everybody asks for first, unless a threshold has them."""
    judged = {verdict.rule.measure for verdict in verdicts if verdict.figure}
    names = ["cpwer", "tcorcwer", "first_show_p50", "never_shown", "invented"]
    if "first_show_p50" not in results.figures:
        names.append("lag_p50")
    return [results.figures[name] for name in names if name in results.figures.keys() - judged]


def _basis(results: Results, words: Wording) -> str:
    clips = results.measured
    minutes = sum(one.clip.seconds for one in clips) / 60
    cut = "passages" in results.run.settings  # for fewer recordings
    name = "basis_no_words" if not results.words else "basis_passages" if cut else "basis"
    length = Number(words.number(minutes, 1), round(minutes, 1))
    length_known = words.fill(words.page["minutes"], n=length) if minutes else ""
    return words.fill(
        words.page[name], words=results.words, n=len(clips),
        about=", ".join(filter(None, [length_known, _voices(results, words)])),
    )  # fmt: skip


def _voices(results: Results, words: Wording) -> str:
    """Count the speakers, as far as references or a column named speaker have them."""
    named = frozenset[str]().union(*map(speakers_of, results.measured))
    if not named:
        return words.page["voices_unknown"]
    return words.fill(words.page["voices"], n=len(named))


def doubts_of(results: Results, words: Wording) -> Iterator[str]:
    """Return the reservations about the figures."""
    yield from map(words.doubt, results.run.doubts)
    others = results.run.load.get("others", 0.0)
    if others > OTHERS_MOST and results.figures.keys() & {"first_show_p50", "lag_p50"}:
        yield words.fill(words.page["busy"], x=words.percent(others, 0))
    if 0 < results.words < FEW_WORDS_IN_ALL:
        yield words.fill(words.page["small_sample"], n=FEW_WORDS_IN_ALL)


def notes_of(results: Results, words: Wording) -> Iterator[str]:
    """Return what a reader must know before trusting a figure."""
    for through in ("engine", "room", "browser", "listen"):
        if any(one.clip.through == through for one in results.measured):
            yield words.page[f"through_{through}"]
    if any(one.clip.through == "file" for one in results.measured):
        yield words.page["from_file"]
    elif any(one.clip.fast for one in results.measured):
        yield words.page["fast"]
    sure = any(figure.sure for figure in results.figures.values())
    yield words.page["how_sure" if sure else "no_ranges"]
    if any(one.over_speakers for one in results.figures.values()):
        yield words.page["how_sure_speakers"]
    elif results.figures:
        named = frozenset[str]().union(*map(speakers_of, results.measured))
        name = "no_speakers" if not named else "few_speakers" if len(named) < FEWEST else "mixed"
        yield words.fill(words.page[f"speakers_{name}"], n=len(named), least=FEWEST)


def _delays(results: Results, words: Wording) -> Chart | None:
    delays = [s for one in results.measured for s in one.values.get("first_show", ())]
    if not delays:
        return None
    bins = [0] * (ceil(_BINS_END_S / _BIN_S) + 1)
    for seconds in delays:
        bins[min(max(int(seconds // _BIN_S), 0), len(bins) - 1)] += 1
    most = max(bins)
    bars = []
    for number, count in enumerate(bins):
        begin = words.number(number * _BIN_S, 2)
        end = words.number((number + 1) * _BIN_S, 2)
        name = {0: "under", len(bins) - 1: "over"}.get(number, "from_to")
        label = words.page[name]
        share = words.percent(count / len(delays), 1)
        bars.append(Bar(label.replace("{a}", begin).replace("{b}", end), share, 100 * count / most))
    return Chart(words.page["delays"], (words.page["delay_axis"], "", words.page["words_axis"]),
                 tuple(bars))  # fmt: skip


def _parts(results: Results, words: Wording) -> list[Figure]:
    names = (f"{part}_p{percent}" for part in PARTS for percent in (50, 95))
    return [results.figures[name] for name in names if name in results.figures]


def _kinds(results: Results, words: Wording) -> Chart | None:
    found = [results.figures.get(f"{kind}_errors") for kind in KINDS]
    known = [figure for figure in found if figure]
    if not known:
        return None
    return _dots(words.page["kinds"], known, [words.label(f.name) for f in known], words)


def _groups(groups: Sequence[Group], words: Wording) -> Iterator[Chart]:
    for column, members in groupby(groups, key=lambda group: group.column):
        pairs = [(group, group.figures["wer"]) for group in members if "wer" in group.figures]
        pairs.sort(key=lambda pair: pair[1].value)
        if pairs:
            notes = [
                " · ".join(filter(None, (_size(group, words), words.over_speakers(figure))))
                for group, figure in pairs
            ]
            title = words.page.get(f"column_{column}", column)
            yield _dots(
                title, [f for _, f in pairs], [g.value or "–" for g, _ in pairs], words, notes
            )


def _size(group: Group, words: Wording) -> str:
    size = " · ".join(
        f"{words.page[name]}{words.colon}{count}"
        for name, count in (("recordings", group.clips), ("words", group.words))
    )
    if not group.small:
        return size
    return f"{size} · {words.page['too_little']}"


def _dots(
    title: str,
    figures: Sequence[Figure],
    labels: Sequence[str],
    words: Wording,
    notes: Sequence[str] = (),
) -> Chart:
    """Place values with their ranges on one scale that begins at 0."""
    most = max((f.sure.high if f.sure else f.value) for f in figures) or 1.0
    bars = [
        Bar(
            label,
            words.value(f.name, f.value) + (f" ({words.range(f)})" if f.sure else ""),
            100 * f.value / most,
            100 * f.sure.low / most if f.sure else None,
            100 * f.sure.high / most if f.sure else None,
            notes[n] if notes else "",
        )
        for n, (f, label) in enumerate(zip(figures, labels, strict=True))
    ]
    head = (title, "", words.page["value"])
    return Chart(title, head, tuple(bars), dots=True)
