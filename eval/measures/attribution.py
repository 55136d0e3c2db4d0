"""Word errors that count words under the wrong name.

The only file that imports meeteval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COLLAR_S = 5
"""Tolerance of word times in tcpWER, as in the CHiME challenges."""


class NoAttribution(Exception):
    """meeteval is not installed. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Normalised words that one speaker said, or that are shown under one name. Times in ms."""

    speaker: str
    words: tuple[str, ...]
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Errors of one recording. words: in the reference.

    cp: with names of captions matched to speakers as well as possible (cpWER).
    tcp: the same, but a word counts only within COLLAR_S of its time; None without times.
    tcorc: whoever said it (tcORC-WER): each utterance of the reference goes to the captions that
    fit it best, within COLLAR_S; None without times.
    di: with each caption assigned to the best speaker (DI-cpWER); cp - di is attribution.
    """

    words: int
    cp: int
    tcp: int | None
    di: int
    tcorc: int | None = None

    @property
    def misattributed(self) -> float:
        """Return the words under the wrong name, which cp counts twice: as missing and as extra."""
        return max(0, self.cp - self.di) / 2


def attribution(reference: Sequence[Utterance], shown: Sequence[Utterance]) -> Attribution:
    """Compare who said what (von Neumann et al. 2023 and 2024, computed by meeteval).

    Raises NoAttribution.
    """
    try:
        from meeteval.io import SegLST
        from meeteval.wer import (
            cp_word_error_rate,
            greedy_di_cp_word_error_rate,
            greedy_time_constrained_orc_wer,
            time_constrained_minimum_permutation_word_error_rate,
        )
    except ImportError as error:
        raise NoAttribution(
            "who said what was not measured: the package meeteval is not installed; it is built "
            "from source, so install a C++ compiler and then `pip install meeteval`"
        ) from error
    words = sum(len(utterance.words) for utterance in reference)
    shown = [utterance for utterance in shown if utterance.words]
    if not shown:
        timed = words if _timed(reference) else None
        return Attribution(words, words, timed, words, timed)
    ours, theirs = SegLST(_segments(reference)), SegLST(_segments(shown))
    tcp = tcorc = None
    if _timed(reference) and _timed(shown):
        tcp = time_constrained_minimum_permutation_word_error_rate(
            ours, theirs, collar=COLLAR_S, reference_sort=False, hypothesis_sort=False
        ).errors
        tcorc = greedy_time_constrained_orc_wer(
            ours, theirs, collar=COLLAR_S, reference_sort=False, hypothesis_sort=False
        ).errors
    return Attribution(
        words,
        cp_word_error_rate(ours, theirs, reference_sort=False, hypothesis_sort=False).errors,
        tcp,
        greedy_di_cp_word_error_rate(
            ours, theirs, reference_sort=False, hypothesis_sort=False
        ).errors,
        tcorc,
    )


def _timed(utterances: Sequence[Utterance]) -> bool:
    return all(u.start_ms is not None and u.end_ms is not None for u in utterances)


def _segments(utterances: Sequence[Utterance]) -> list[dict[str, object]]:
    """Convert to meeteval's form, ordered by time if times are known."""
    if _timed(utterances):
        utterances = sorted(utterances, key=lambda utterance: utterance.start_ms or 0)
    return [
        {
            "session_id": "",
            "speaker": utterance.speaker,
            "words": " ".join(utterance.words),
            "start_time": (utterance.start_ms or 0) / 1000,
            "end_time": (utterance.end_ms or 0) / 1000,
        }
        for utterance in utterances
    ]
