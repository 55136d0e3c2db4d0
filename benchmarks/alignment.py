"""Measure the error of forced alignment against word ends marked by eye.

    python -m benchmarks.alignment

The marks were made on a spectrogram (16 kHz, windows of 16 ms) of the recording that the package
moonshine-voice contains, where the end of a word is visible to about 10 ms: at the end of its
voicing, frication or burst. It is a clear voice in a quiet room; other recordings are harder.
"""

from __future__ import annotations

import time

import numpy as np

from eval.corpus.forced_alignment import RATE, Aligner
from eval.corpus.manifest import bundled_corpus

# Of the first 18 words of "It was the best of times, …", then of some later ones that are distinct.
MARKED_ENDS_MS = {
    0: 1350, 1: 1600, 2: 1690, 3: 2010, 4: 2120, 5: 2830, 6: 3100, 7: 3290, 8: 3380, 9: 3760,
    10: 3880, 11: 4570, 12: 5120, 13: 5270, 14: 5340, 15: 5650, 16: 5720, 17: 6170,
    46: 15930, 47: 16700, 53: 18720, 54: 19100, 55: 19260,
}  # fmt: skip


def main() -> None:
    (clip,) = bundled_corpus()
    aligner = Aligner()
    sound, before = clip.audio(RATE), time.perf_counter()
    words = aligner.align(sound, clip.transcript)
    took = time.perf_counter() - before
    errors = [words[index].end_ms - end for index, end in MARKED_ENDS_MS.items()]
    for index, end in MARKED_ENDS_MS.items():
        print(f"{words[index].text:12} marked {end:6}  found {words[index].end_ms:6}")
    half, most, worst = np.percentile(np.abs(errors), (50, 95, 100))
    print(
        f"\n{len(errors)} word ends: half within {half:.0f} ms, 95 % within {most:.0f} ms, ", end=""
    )
    print(f"all within {worst:.0f} ms; on average {np.mean(errors):+.0f} ms")
    print(f"{clip.seconds / took:.0f} times faster than real time")


if __name__ == "__main__":
    main()
