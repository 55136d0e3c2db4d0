"""moonshine-voice's own stream, with the model and the voice detection of its package."""

from __future__ import annotations

import sys

from moonshine_voice import ModelArch, get_model_path
from moonshine_voice.transcriber import Transcriber, TranscriptEvent

from benchmarks.peers.program import Shown, blocks

RATE = 16_000


def main() -> None:
    shown = Shown()

    def tell(event: TranscriptEvent) -> None:
        if line := getattr(event, "line", None):
            shown.show(str(line.line_id), line.text)

    transcriber = Transcriber(str(get_model_path("tiny-en")), ModelArch.TINY)
    stream = transcriber.create_stream(update_interval=float(sys.argv[1]))
    stream.add_listener(tell)
    stream.start()
    for block in blocks(RATE):
        stream.add_audio(block.tolist(), RATE)
    stream.stop()


if __name__ == "__main__":
    main()
