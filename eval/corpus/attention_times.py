"""Finds when each word of a transcript was said by the attention of Whisper, in its languages.

Against forced alignment (English) half of the starts lie within 60 ms, 95 % within 0.5 s.
"""

from __future__ import annotations

from eval.corpus.forced_alignment import RATE, NotAligned
from eval.corpus.spoken_words import RefWord
from streaming.audio import Pcm
from streaming.embedded import weights
from streaming.embedded.whisper import Whisper
from streaming.embedded.word_times import within_voice
from streaming.errors import LanguageNotSupported, ModelError
from streaming.voice.meter import VoiceMeter
from streaming.voice.silero import CHUNK_SAMPLES, SileroVoiceActivity

LONGEST_S = 28
VOICE = 0.35


class AttentionAligner:
    """Finds the words of a transcript in its recording. Raises NotAligned where no model is."""

    def __init__(self, language: str) -> None:
        if not weights.is_here():
            raise NotAligned(f"the model that finds words in {language!r} is missing")
        try:
            self._model = Whisper(weights.checked_folder()).speaking(language)
        except LanguageNotSupported as error:
            raise NotAligned(str(error)) from error

    def align(self, pcm: Pcm, transcript: str) -> tuple[RefWord, ...]:
        """Return the words of ``transcript``, as spelled there, in ms from the start of ``pcm``.

        pcm: float32[n] at 16 kHz. Tokens without a letter or digit are left out. Raises NotAligned.
        """
        if len(pcm) > LONGEST_S * RATE:
            raise NotAligned(f"more than {LONGEST_S} s in one recording: cut it in parts")
        texts = [text for text in transcript.split() if any(map(str.isalnum, text))]
        try:
            heard = self._model.align(pcm, transcript)
        except ModelError as error:
            raise NotAligned(str(error)) from error
        spans = within_voice([word.span for word in heard], voiced(pcm), start=0)
        if len(spans) != len(texts):
            raise NotAligned("the words of the transcript are not those of the model")
        return tuple(RefWord(text, *span) for text, span in zip(texts, spans, strict=True))


def voiced(pcm: Pcm) -> list[bool]:
    """Return for each chunk of float32[n] at 16 kHz whether somebody speaks."""
    meter = VoiceMeter(SileroVoiceActivity())
    whole = pcm[: len(pcm) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
    return [meter(chunk) >= VOICE for chunk in whole]
