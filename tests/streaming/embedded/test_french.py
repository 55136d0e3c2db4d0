"""Real French, where recordings are named (SPEECH)."""

from __future__ import annotations

import asyncio

import pytest

from eval.corpus.manifest import Clip, bundled_corpus
from eval.measures.accuracy import WordErrors, wer
from eval.normalization.normalize import normalize
from streaming.audio import SAMPLE_RATE, Framer
from streaming.embedded import weights
from streaming.embedded.engine import EmbeddedEngine
from streaming.embedded.whisper import Whisper
from streaming.recognizer import Word

pytestmark = pytest.mark.skipif(not weights.is_here(), reason="Whisper base is not here")


async def hear(engine: EmbeddedEngine, clip: Clip, *, seconds: float = 30.0) -> str:
    framer = Framer()
    pcm = clip.audio(SAMPLE_RATE)[: int(seconds * SAMPLE_RATE)]
    async with engine.open(clip.language, live=False) as recognizer:

        async def send() -> None:
            for frame in framer.feed(pcm) + framer.flush():
                await recognizer.send(frame)
            await recognizer.finish()

        sending = asyncio.create_task(send())
        said = [event.text async for event in recognizer if isinstance(event, Word)]
        await sending
    return " ".join(said)


async def test_french_and_english_are_heard_side_by_side(french: list[Clip]) -> None:
    async with EmbeddedEngine() as engine:
        *heard, english = await asyncio.gather(
            *(hear(engine, clip) for clip in french), hear(engine, bundled_corpus()[0], seconds=4)
        )
    pairs = zip(french, heard, strict=True)
    errors = (wer(normalize(c.transcript, "fr"), normalize(text, "fr")) for c, text in pairs)
    assert sum(errors, WordErrors()).rate <= 0.3
    assert "best of times" in english


def test_a_name_that_the_vocabulary_has_is_heard(all_french: list[Clip]) -> None:
    clip = next((clip for clip in all_french if "del potro" in clip.transcript), None)
    if clip is None:
        pytest.skip("the recordings do not have the name")
    speech = Whisper(weights.checked_folder()).speaking("fr")
    pcm = clip.audio(16_000)
    told = speech.expecting(("Mashhad", "Del Potro", "Zoé Martin"))
    assert "Potro" not in speech.decode(pcm).text
    heard = told.decode(pcm).text
    assert "Del Potro" in heard
    assert "Martin" not in heard
