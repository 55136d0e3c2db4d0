"""When words were said, by the model's attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.segments import CHUNK_MS

Chunks = npt.NDArray[np.int64]

_FLOOR = 1e-3  # less attention than this is none
_PAUSE = 8  # chunks of silence, more than any word has within it


def token_starts(attention: npt.NDArray[np.float32]) -> list[int]:
    """Return the step of the sound at which each token begins.

    attention: of each token to each step. Successive tokens take successive steps, on the path of
    most attention (dynamic time warping).
    """
    cost = -np.log(attention.astype(np.float64) + _FLOOR)
    total = np.where(np.arange(cost.shape[1]), np.inf, 0.0)  # the first begins with the sound
    totals: list[list[float]] = []
    for row in cost:
        before = np.minimum(total, np.append(np.inf, total[:-1]))
        along = np.cumsum(row)
        total = along + np.minimum.accumulate(before + row - along)
        totals.append(total.tolist())
    starts = [0] * len(totals)
    token, step = len(totals) - 1, cost.shape[1] - 1
    while token > 0 and step > 0:
        stay, above = totals[token][step - 1], totals[token - 1]
        if min(above[step - 1], above[step]) > stay:
            step -= 1
            continue
        starts[token] = step
        token -= 1
        step -= above[step - 1] <= above[step]
    return starts


def in_stream(heard: Hypothesis, voiced: Sequence[bool], *, start: int) -> Hypothesis:
    """Return ``heard`` with the spans of its words in ms of stream time.

    voiced, start: as for ``within_voice``.
    """
    after_ms = start * CHUNK_MS
    spans = [(word.span[0] + after_ms, word.span[1] + after_ms) for word in heard.words]
    return heard.placed(within_voice(spans, voiced, start=start))


def within_voice(
    spans: Sequence[tuple[int, int]], voiced: Sequence[bool], *, start: int
) -> list[tuple[int, int]]:
    """Return ``spans`` in ms of stream time without the silence at their ends.

    voiced: for each decoded chunk; start: number of the first. A model's attention often lies in
    the silence beside the first and the last word, or in all of a pause after a word.
    """
    spoken = np.flatnonzero(voiced) + start
    if not len(spoken):
        return list(spans)
    pauses = spoken[1:][np.diff(spoken) > _PAUSE]
    return [_without_silence(span, spoken, pauses) for span in spans]


def _without_silence(span: tuple[int, int], spoken: Chunks, pauses: Chunks) -> tuple[int, int]:
    """pauses: chunks where voice resumes after one."""
    begin_ms, end_ms = span
    after = spoken[spoken >= begin_ms // CHUNK_MS]
    begin_ms = max(begin_ms, int(after[0]) * CHUNK_MS) if len(after) else begin_ms
    resumed = pauses[pauses * CHUNK_MS > begin_ms]
    until_ms = min(end_ms, int(resumed[0]) * CHUNK_MS) if len(resumed) else end_ms
    before = spoken[spoken * CHUNK_MS < until_ms]
    end_ms = min(until_ms, int(before[-1] + 1) * CHUNK_MS) if len(before) else until_ms
    return begin_ms, max(end_ms, begin_ms + 1)
