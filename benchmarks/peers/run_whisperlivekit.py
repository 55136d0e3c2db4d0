"""WhisperLiveKit with faster-whisper and LocalAgreement, in an environment of its own."""

from __future__ import annotations

import asyncio
import logging
import sys

import numpy as np
from whisperlivekit import AudioProcessor, TranscriptionEngine

from benchmarks.peers.program import Shown, blocks

RATE = 16_000


async def main(language: str, model: str) -> None:
    logging.disable(logging.WARNING)
    engine = TranscriptionEngine(
        model_path=model, model_dir=model, lan=language, pcm_input=True, vac=True,
        backend="faster-whisper", backend_policy="localagreement", min_chunk_size=0.5,
    )  # fmt: skip
    processor = AudioProcessor(transcription_engine=engine)
    showing = asyncio.create_task(_show(await processor.create_tasks()))
    heard = blocks(RATE)
    while (block := await asyncio.to_thread(next, heard, None)) is not None:
        await processor.process_audio((block * 32_767).astype(np.int16).tobytes())
    await processor.process_audio(b"")
    await showing
    await processor.cleanup()


async def _show(results: object) -> None:
    shown = Shown()
    async for found in results:  # type: ignore[attr-defined]
        texts = [line.text or "" for line in found.lines]
        for number, text in enumerate(texts):
            last = number == len(texts) - 1
            shown.show(str(number), f"{text} {found.buffer_transcription}" if last else text)
        if not texts:
            shown.show("0", found.buffer_transcription)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
