"""The Moonshine tiny-en model in onnxruntime: audio in, words with probabilities out.

The two graphs and the tokenizer come from the ``moonshine-voice`` wheel. That package is never
imported: it would load PortAudio, and it is five times slower because it decodes every token of a
growing segment again. Here the tokens of the previous decode are a *draft*: one pass of the decoder
checks all of them, and only what changed is generated token by token. The attention of its last
layer, which the graph keeps to itself as it comes, tells where in the sound each token is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from streaming.audio import Pcm
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.model_files import INSTALL, model_folder, pieces, with_output
from streaming.embedded.word_times import token_starts
from streaming.errors import ModelError, RecognizerUnavailable

MODEL_RATE = 16_000
"""The model's sample rate, in Hz."""

Tensors = dict[str, npt.NDArray[Any]]

# onnxruntime's exceptions have no base class of their own.
_RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    kind
    for kind in vars(runtime).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
)
_LOAD_ERRORS: tuple[type[Exception], ...] = (OSError, IndexError, ValueError, *_RUNTIME_ERRORS)
_BEGIN, _END = 1, 2
_LAYERS, _HEADS, _WIDTH = 6, 8, 36
_ATTENTION = f"/model/decoder/layers.{_LAYERS - 1}/encoder_attn/Softmax_output_0"
_MS_A_STEP = 24  # of the attention
_REJOIN = 4  # draft tokens searched for a token that replaced some of them
_MIN_SAMPLES = MODEL_RATE // 2  # less than 0.2 s fails in a convolution


class Moonshine:
    """The model; several threads may decode with one object at the same time.

    Raises RecognizerUnavailable if it cannot be loaded.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folder = folder or model_folder()
        try:
            self._encoder = _session((folder / "encoder_model.ort").read_bytes())
            decoder = (folder / "decoder_model_merged.ort").read_bytes()
            self._decoder = _session(with_output(decoder, _ATTENTION))
            self._pieces = pieces((folder / "tokenizer.bin").read_bytes())
        except _LOAD_ERRORS as error:
            raise RecognizerUnavailable(f"cannot read the model in {folder}: {INSTALL}") from error

    def speaking(self, _language: str) -> Moonshine:
        """Return the model for a language, which is English."""
        return self

    def detect_language(self, _pcm: Pcm, _among: Sequence[str] = ()) -> Mapping[str, float]:
        """Return that it is English, the only language that the model knows."""
        return {"en": 1.0}

    def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
        """Return the words in float32[n] at 16 kHz, with ``draft`` as a guess of their tokens.

        The draft affects the time, but, except for rounding, never the words. A search in
        breadth gives this model no better ones. Raises ModelError.
        """
        try:
            return self._heard(pcm, list(draft))
        except _RUNTIME_ERRORS as error:
            raise ModelError(f"the model failed on {len(pcm)} samples: {error}") from error

    def _heard(self, pcm: Pcm, draft: list[int]) -> Hypothesis:
        most = int(len(pcm) / MODEL_RATE * 7) + 4  # otherwise repetition loops run to the limit
        decoding = _Decoding(self._decoder, *self._encode(pcm))
        tokens: list[int] = []
        probabilities: list[float] = []
        ahead = rest = draft[:most]
        while len(tokens) < most and _END not in tokens[-1:]:
            best, likely = decoding.check(ahead)
            tokens += best
            probabilities += likely
            rest = rest[len(best) - 1 :]
            ahead = _rejoin(rest, tokens[-1])
            rest = ahead or rest
        complete = tokens[-1] == _END
        said = tokens[: -1 if complete else most]
        until = len(pcm) * 1000 // MODEL_RATE
        starts = token_starts(np.concatenate(decoding.attention)[: len(said)])
        edges = [min(n * _MS_A_STEP, until) for n in starts] + [until]
        return Hypothesis(self._words(said, probabilities, edges), tuple(said), complete)

    def _encode(self, pcm: Pcm) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        if len(pcm) < _MIN_SAMPLES:
            pcm = np.pad(pcm, (0, _MIN_SAMPLES - len(pcm)))
        mask = np.ones((1, len(pcm)), np.int64)
        inputs = {"input_values": pcm[None, :], "attention_mask": mask}
        return self._encoder.run(["last_hidden_state"], inputs)[0], mask

    def _words(
        self, tokens: Sequence[int], likely: Sequence[float], edges: Sequence[int]
    ) -> tuple[HeardWord, ...]:
        """edges: when each token begins and the last one ends, in ms."""
        spelled: list[tuple[bytes, float, int]] = []
        for number, (token, probability) in enumerate(zip(tokens, likely, strict=False)):
            piece = self._pieces[token]
            if piece.startswith(b" ") or not spelled:
                spelled.append((piece.strip(b" "), probability, number))
            else:
                text, least, first = spelled[-1]
                spelled[-1] = (text + piece, min(least, probability), first)
        spans = pairwise([*(edges[first] for *_, first in spelled), edges[-1]])
        words = (
            HeardWord(text.decode("utf-8", "ignore").strip(), probability, span, first)
            for (text, probability, first), span in zip(spelled, spans, strict=True)
        )
        return tuple(word for word in words if word.text)


class _Decoding:
    """The decoder's state for one piece of audio.

    attention: of successive tokens to the steps of the sound.
    """

    def __init__(self, decoder: Any, hidden: npt.NDArray[Any], mask: npt.NDArray[Any]) -> None:
        self._decoder = decoder
        self._inputs: Tensors = {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}
        self._inputs |= _no_past()
        self._last = _BEGIN
        self._length = 0
        self.attention: list[npt.NDArray[np.float32]] = []

    def check(self, draft: Sequence[int]) -> tuple[list[int], list[float]]:
        """Return the prefix of ``draft`` that the model confirms, and one more token.

        Each comes with the model's probability.
        """
        logits, attention = self._pass([self._last, *draft])
        best = [int(token) for token in logits.argmax(axis=1)]
        agreed = 0
        while agreed < len(draft) and best[agreed] == draft[agreed] != _END:
            agreed += 1
        said = best[: agreed + 1]
        self.attention.append(attention[: agreed + 1])
        self._last = said[-1]
        self._cut(self._length + agreed + 1)
        return said, _probabilities(logits[: agreed + 1])

    def _pass(
        self, tokens: Sequence[int]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the logits after each token, and the attention, on average over its heads."""
        first = self._length == 0
        kinds = ("decoder", "encoder") if first else ("decoder",)
        names = [name for kind in kinds for name in _cache_names(kind)]
        self._inputs["input_ids"] = np.array([tokens], np.int64)
        self._inputs["use_cache_branch"] = np.array([not first])
        logits, attention, *present = self._decoder.run(
            ["logits", _ATTENTION, *(f"present.{name}" for name in names)], self._inputs
        )
        for name, tensor in zip(names, present, strict=True):
            self._inputs[f"past_key_values.{name}"] = tensor
        return logits[0], attention[0].mean(axis=0)

    def _cut(self, length: int) -> None:
        for name in _cache_names("decoder"):
            past = self._inputs[f"past_key_values.{name}"]
            if past.shape[2] > length:
                self._inputs[f"past_key_values.{name}"] = np.ascontiguousarray(past[:, :, :length])
        self._length = length


def _probabilities(logits: npt.NDArray[np.float32]) -> list[float]:
    """Return the probability of each row's best token."""
    highest = logits.max(axis=1, keepdims=True)
    return [float(p) for p in 1.0 / np.exp(logits - highest).sum(axis=1)]


def _cache_names(kind: str) -> list[str]:
    return [f"{layer}.{kind}.{part}" for layer in range(_LAYERS) for part in ("key", "value")]


def _no_past() -> Mapping[str, npt.NDArray[Any]]:
    nothing = np.zeros((1, _HEADS, 0, _WIDTH), np.float32)
    names = _cache_names("decoder") + _cache_names("encoder")
    return {f"past_key_values.{name}": nothing for name in names}


def _session(model: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the engine's own threads are the parallelism
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    session._model_bytes = None  # otherwise it keeps the file in memory, which it needs no more
    return session


def _rejoin(draft: list[int], token: int) -> list[int]:
    """Return the part of the draft that may follow ``token``, where the model deviated."""
    near = draft[:_REJOIN]
    return draft[near.index(token) + 1 :] if token in near else []
