"""Whisper in CTranslate2: audio in any of its languages in, words with their times out.

Whisper's encoder is made for 30 s of sound. It takes less, at a cost in proportion, but given less
than about 10 s, or sound up to its end, the model goes on by itself or says things twice. So the
sound is followed by silence. The method of the word times is Whisper's own: the cheapest path
through the attention of some of the decoder's heads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import ctranslate2
import numpy as np
from tokenizers import Tokenizer

from streaming.audio import Pcm
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.mel import FRAMES_A_SECOND, log_mel
from streaming.embedded.vocabulary import PROMPT_TOKENS, made_up
from streaming.errors import LanguageNotSupported, ModelError, RecognizerUnavailable
from streaming.recognizer import primary
from streaming.spacing import is_unspaced

FILES = ("config.json", "model.bin", "tokenizer.json")
"""What a model's folder holds, beside a vocabulary."""

_RATE = 16_000
_LONGEST_S = 30
_SHORTEST_S = 10
_SILENCE_S = 2  # after the sound
_BEAM = 5
_TOKENS_A_SECOND = 14  # otherwise repetition loops run to the limit; some scripts need many
_TOKENS = 8
_TOKENS_A_CHARACTER = 4  # at most
_HALF = "\N{REPLACEMENT CHARACTER}"  # of a character
_MS_A_STEP = 20  # of the attention
_EARLY_MS = 60  # the median start of a word by attention, against forced alignment
_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")
_ERRORS = (RuntimeError, ValueError, OSError)


class Whisper:
    """The model; several threads may decode with one object at the same time.

    folder: a model in CTranslate2's format with its tokenizer. workers: decodes in parallel.
    device: "cpu" or "cuda". Raises RecognizerUnavailable if it cannot be loaded.
    """

    def __init__(self, folder: Path, *, workers: int = 1, device: str = "cpu") -> None:
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise RecognizerUnavailable(
                f"no Whisper model in {folder}: {' and '.join(missing)} missing there"
            )
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises nothing more special
            raise RecognizerUnavailable(f"cannot read {folder / 'tokenizer.json'}") from error
        kind = "int8" if device == "cpu" else "int8_float16"
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder), device=device, compute_type=kind, inter_threads=workers,
                intra_threads=1,
            )  # fmt: skip
            config = json.loads((folder / "config.json").read_bytes())
        except _ERRORS as error:
            raise RecognizerUnavailable(f"cannot load the model in {folder}: {error}") from error
        if "alignment_heads" not in config:
            raise RecognizerUnavailable(
                f"the model in {folder} cannot tell when words were said: its config.json has no "
                "alignment_heads; convert it again with a current ctranslate2"
            )
        names = map(_LANGUAGE.fullmatch, self._tokenizer.get_vocab())
        self.languages = frozenset(name[1] for name in names if name) or frozenset({"en"})
        self._begin = self._token("<|startoftranscript|>")
        self._text_end = self._token("<|endoftext|>")
        try:  # CTranslate2 takes a vocabulary that is not the model's
            self.speaking(min(self.languages)).decode(np.zeros(_RATE, np.float32))
        except ModelError as error:
            raise RecognizerUnavailable(f"the model in {folder} does not work: {error}") from error

    def speaking(self, language: str) -> WhisperSpeech:
        """Return the model for one language. Raises LanguageNotSupported."""
        tag = primary(language)
        if tag not in self.languages:
            raise LanguageNotSupported(f"this Whisper model does not know {language!r}")
        if not self._model.is_multilingual:
            return WhisperSpeech(self, (self._begin,))
        task = (self._token(f"<|{tag}|>"), self._token("<|transcribe|>"))
        return WhisperSpeech(self, (self._begin, *task))

    def detect_language(self, pcm: Pcm, among: Sequence[str] = ()) -> dict[str, float]:
        """Return the probability of each language for float32[n] at 16 kHz, the highest first.

        among: primary tags of the only languages that there can be; all if empty.
        """
        try:
            [found] = self._model.detect_language(self.encode(pcm)[0])
        except _ERRORS as error:
            raise ModelError(f"the model failed on {len(pcm)} samples: {error}") from error
        likely = {name.strip("<|>"): p for name, p in found}
        chosen = {name: p for name, p in likely.items() if not among or name in among}
        whole = sum(chosen.values()) or 1.0
        return {name: p / whole for name, p in chosen.items()}

    def encode(self, pcm: Pcm) -> tuple[ctranslate2.StorageView, int]:
        """Return what the encoder makes of the sound and the silence after it, and its frames."""
        seconds = min(_LONGEST_S, max(_SHORTEST_S, len(pcm) / _RATE + _SILENCE_S))
        frames = int(seconds * FRAMES_A_SECOND) // 2 * 2  # an odd number fails
        features = log_mel(pcm, bands=self._model.n_mels, frames=frames)
        return self._model.encode(ctranslate2.StorageView.from_array(features[None])), frames

    def decode(self, pcm: Pcm, begin: Sequence[int], vocabulary: Sequence[str] = ()) -> Hypothesis:
        """Return the words in float32[n] at 16 kHz. begin: tokens of language and task."""
        try:
            encoded = self.encode(pcm)
            heard = self._heard(pcm, begin, encoded, self.prompt(vocabulary)[0])
            if made_up(heard.words, vocabulary):
                heard = self._heard(pcm, begin, encoded, ())
        except _ERRORS as error:
            raise ModelError(f"the model failed on {len(pcm)} samples: {error}") from error
        return heard

    def prompt(self, vocabulary: Sequence[str]) -> tuple[tuple[int, ...], int]:
        """Return the tokens of a text before the sound that has these words, as far as it goes.

        The second value is the number of entries in it.
        """
        tokens: list[int] = []
        for used, entry in enumerate(vocabulary):
            text = f" {entry}," if used + 1 < len(vocabulary) else f" {entry}."
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
            if len(tokens) + len(ids) > PROMPT_TOKENS:
                return tuple(tokens), used
            tokens += [token for token in ids if token < self._text_end]
        return tuple(tokens), len(vocabulary)

    def _heard(
        self,
        pcm: Pcm,
        begin: Sequence[int],
        encoded: tuple[ctranslate2.StorageView, int],
        before: Sequence[int],
    ) -> Hypothesis:
        """before: tokens of the text before."""
        most = int(len(pcm) / _RATE * _TOKENS_A_SECOND) + _TOKENS
        previous = [self._token("<|startofprev|>"), *before] if before else []
        prompt = [*previous, *begin, self._token("<|notimestamps|>")]
        [result] = self._model.generate(
            encoded[0], [prompt], beam_size=_BEAM,
            max_length=2 * most + len(previous),
        )  # fmt: skip
        said = [token for token in result.sequences_ids[0] if token < self._text_end]
        words = self._aligned(pcm, begin, said[:most], *encoded)
        return Hypothesis(words, tuple(said[:most]), complete=len(said) < most)

    def align(self, pcm: Pcm, begin: Sequence[int], text: str) -> tuple[HeardWord, ...]:
        """Return the words of ``text``, which is what is said, with their places in the sound."""
        tokens: list[int] = self._tokenizer.encode(f" {text}", add_special_tokens=False).ids
        try:
            return self._aligned(pcm, begin, tokens, *self.encode(pcm))
        except _ERRORS as error:
            raise ModelError(f"the model failed on {len(pcm)} samples: {error}") from error

    def _aligned(
        self,
        pcm: Pcm,
        begin: Sequence[int],
        tokens: list[int],
        encoded: ctranslate2.StorageView,
        frames: int,
    ) -> tuple[HeardWord, ...]:
        if not tokens:
            return ()
        heard = max(2, len(pcm) * FRAMES_A_SECOND // _RATE)
        [found] = self._model.align(encoded, list(begin), [tokens], [min(frames, heard)])
        starts = _starts(found.alignments, len(tokens) + 1, until=len(pcm) * 1000 // _RATE)
        return self._words(tokens, found.text_token_probs, starts)

    def _words(
        self, tokens: Sequence[int], likely: Sequence[float], starts: Sequence[int]
    ) -> tuple[HeardWord, ...]:
        words: list[HeardWord] = []
        edges = [*self._word_edges(tokens), len(tokens)]
        for first, end in pairwise(edges):
            piece = self._tokenizer.decode(list(tokens[first:end]))
            text, joined = piece.strip(), bool(words) and not piece.startswith(" ")
            span = starts[first], max(starts[end], starts[first] + _MS_A_STEP)
            if any(c.isalnum() for c in text) or not words:
                words.append(HeardWord(text, min(likely[first:end]), span, first, joined))
            elif text:  # as French has it: a space before "?"
                gap = "" if joined else "\N{NO-BREAK SPACE}"
                words[-1] = replace(words[-1], text=f"{words[-1].text}{gap}{text}")
        return tuple(word for word in words if word.text)

    def _word_edges(self, tokens: Sequence[int]) -> list[int]:
        """Return where words begin: at a space, and at characters of scripts that have none."""
        edges: list[int] = []
        first, before = 0, ""
        for end in range(1, len(tokens) + 1):
            piece = self._tokenizer.decode(list(tokens[first:end]))
            if piece.endswith(_HALF) and end - first < _TOKENS_A_CHARACTER:
                continue
            if not edges or piece[:1] == " " or is_unspaced(piece) or is_unspaced(before[-1:]):
                edges.append(first)
            first, before = end, piece
        return edges

    def _token(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise RecognizerUnavailable(f"the tokenizer has no {name}: it is not Whisper's")
        return int(token)


class WhisperSpeech:
    """The model for one language: a ``SpeechModel``."""

    def __init__(
        self, model: Whisper, begin: Sequence[int], vocabulary: Sequence[str] = ()
    ) -> None:
        self._model = model
        self._begin = begin
        self._vocabulary = vocabulary

    def expecting(self, vocabulary: Sequence[str]) -> WhisperSpeech:
        """Return the same, told of names and terms that may be said."""
        return WhisperSpeech(self._model, self._begin, vocabulary)

    def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
        """Return the words in float32[n] at 16 kHz. Raises ModelError.

        draft: of no use here, because CTranslate2 takes every given token in a step of its own.
        """
        return self._model.decode(pcm, self._begin, self._vocabulary)

    def align(self, pcm: Pcm, text: str) -> tuple[HeardWord, ...]:
        """Return the words of ``text``, which is what is said, with their places in the sound.

        float32[n] at 16 kHz, at most 30 s. Raises ModelError.
        """
        return self._model.align(pcm, self._begin, text)


def _starts(alignments: Sequence[tuple[int, int]], count: int, *, until: int) -> list[int]:
    """Return when each of ``count`` tokens begins, in ms up to ``until``.

    alignments: pairs of token and step of the attention.
    """
    token, step = np.array(alignments).T
    first = np.searchsorted(token, np.arange(count))
    steps = step[np.minimum(first, len(step) - 1)]
    return [min(int(n) * _MS_A_STEP + _EARLY_MS, until) for n in steps]
