"""Kyutai's speech-to-text model on moshi and torch, as a BatchedModel.

Each row of the batch is a stream. One row's audio never changes another row's tokens, bit for bit,
at the same batch size.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, clean
from streaming.errors import ModelError, RecognizerUnavailable
from streaming.kyutai_server.batch import Flags, StepOutput

# Read when moshi is imported. Compiling on a CPU takes longer than it saves.
os.environ.setdefault("NO_TORCH_COMPILE", "1")
# Read when torch is loaded. Otherwise its idle threads spin and take time from others: on a busy
# machine a step then takes twenty times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from moshi.models import LMGen, loaders

from streaming.kyutai_server.mimi_cpu import MimiEncoder

DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""The choices of --dtype."""


@dataclass(frozen=True, slots=True)
class SentencePieces:
    """The tokens of a sentencepiece model."""

    processor: Any

    def starts_word(self, token: int) -> bool:
        """Return whether this piece starts with a space."""
        return bool(self._known(token) and self.processor.id_to_piece(token).startswith("▁"))

    def text(self, tokens: Sequence[int]) -> str:
        """Return the joined pieces."""
        return str(self.processor.decode([t for t in tokens if self._known(t)])).strip()

    def _known(self, token: int) -> bool:
        return 0 <= token < int(self.processor.vocab_size())


class KyutaiModel:
    """Processes ``batch_size`` streams with Mimi and the language model, in one thread."""

    def __init__(self, mimi: Any, lm: Any, *, batch_size: int, vocabulary: SentencePieces,
                 delay_tokens: int) -> None:  # fmt: skip
        """mimi, lm: from moshi's loaders. delay_tokens: from the checkpoint's stt_config."""
        self.batch_size = batch_size
        self.vocabulary = vocabulary
        # Kyutai counts the current step, so its delay of n means n - 1 steps later.
        self.delay_frames = max(delay_tokens - 1, 0)
        self._device = lm.device
        on_cpu = self._device.type == "cpu"
        self._mimi = (MimiEncoder if on_cpu else MoshiEncoder)(mimi, batch_size)
        self._gen = LMGen(lm, temp=0, temp_text=0.0, use_sampling=False, support_out_of_sync=True)
        self._held: torch.Tensor | None = None
        with torch.no_grad():
            self._gen.streaming_forever(batch_size)
        self._caches = _kv_caches(lm)

    def step(self, pcm: Pcm, active: Flags, reset: Flags) -> StepOutput:
        """Process 80 ms of every active row. Raises ModelError if torch raises."""
        try:
            with torch.no_grad():
                return self._step(pcm, active, reset)
        except (RuntimeError, ValueError, IndexError, AssertionError) as exc:
            raise ModelError(f"a step of the model failed: {type(exc).__name__}: {exc}") from exc

    def memory(self, row: int) -> list[torch.Tensor]:
        """All that is left of what this row heard."""
        return [*_rows(self._caches, row), *self._mimi.memory(row)]

    def _step(self, pcm: Pcm, active: Flags, reset: Flags) -> StepOutput:
        if reset.any():
            self._forget(torch.from_numpy(reset).to(self._device))
        mask = torch.from_numpy(active).to(self._device)
        self._gen.set_exec_mask(mask)
        # Idle rows pass through the model too, so their input must be valid.
        sound = torch.from_numpy(clean(np.where(active[:, None], pcm, np.float32(0))))
        codes = self._mimi.encode(sound.to(self._device), mask)
        if self._held is None:
            self._held = torch.zeros_like(codes)
        # Held back by one step, as in training.
        heard = torch.where(mask[:, None, None], self._held, codes)
        self._held = torch.where(mask[:, None, None], codes, self._held)
        tokens, heads = self._gen.step_with_extra_heads(heard)
        return StepOutput(
            tokens[:, 0, 0].cpu().numpy(),
            np.stack([head[:, 0, 0].float().cpu().numpy() for head in heads])
            if heads
            else np.zeros((0, self.batch_size), np.float32),
        )

    def _forget(self, rows: torch.Tensor) -> None:
        self._mimi.forget(rows)
        self._gen.reset_streaming(reset_mask=rows)
        _clear(self._caches, rows)
        if self._held is not None:
            self._held[rows] = 0


class MoshiEncoder:
    """Mimi's encoder as moshi runs it, in place of MimiEncoder on a GPU."""

    def __init__(self, mimi: Any, batch_size: int) -> None:
        mimi.decoder_transformer = None  # encoding only, no decoding: saves 8 MB per slot
        self._mimi = mimi
        with torch.no_grad():
            mimi.streaming_forever(batch_size)
        self._caches = _kv_caches(mimi)

    def encode(self, sound: torch.Tensor, active: torch.Tensor) -> torch.Tensor:
        """float32[B, 1920], bool[B] → int64[B, codebooks, 1]. Only active rows change."""
        self._mimi.set_exec_mask(active)
        codes: torch.Tensor = self._mimi.encode(sound[:, None])
        return codes

    def forget(self, rows: torch.Tensor) -> None:
        """Clear the state of the rows in bool[B]."""
        self._mimi.reset_streaming(reset_mask=rows)
        _clear(self._caches, rows)

    def memory(self, row: int) -> list[torch.Tensor]:
        """What its attention keeps of what this row heard."""
        return _rows(self._caches, row)


def _rows(caches: list[torch.Tensor], row: int) -> list[torch.Tensor]:
    return [cache[:, row] for cache in caches]


def _clear(caches: list[torch.Tensor], rows: torch.Tensor) -> None:
    # A reset only moves the ring's end: a NaN left in it would still corrupt the next stream,
    # because 0 · NaN is NaN. It also removes all speech from memory.
    for cache in caches:
        cache[:, rows] = 0


def _kv_caches(model: Any) -> list[torch.Tensor]:
    states = (getattr(module, "_streaming_state", None) for module in model.modules())
    rings = (getattr(state, "kv_cache", None) for state in states)
    return [ring.cache for ring in rings if ring is not None]


def load_model(
    name: str, *, batch_size: int, device: str = "cpu", dtype: str = "auto", threads: int = 1
) -> KyutaiModel:
    """Load a checkpoint in the published format.

    name: a folder with a config.json, or owner/name of a repository, which is downloaded once.
    dtype: a key of DTYPES; auto is bfloat16 on cuda, float32 on cpu. threads: of torch, on the cpu.
    Raises RecognizerUnavailable, which says what is wrong and what to do.
    """
    torch.set_num_threads(threads)
    info = _checkpoint(name)
    kind = DTYPES[_auto(device) if dtype == "auto" else dtype]
    try:
        mimi = info.get_mimi(device)
        lm = info.get_moshi(device, kind)
        vocabulary = SentencePieces(info.get_text_tokenizer())
    except Exception as exc:  # any exception of moshi, torch or safetensors for a broken file
        raise RecognizerUnavailable(
            f"the checkpoint {name} cannot be loaded: {type(exc).__name__}: {exc}"
        ) from exc
    delay_s = float(info.stt_config["audio_delay_seconds"])
    return KyutaiModel(
        mimi,
        lm,
        batch_size=batch_size,
        vocabulary=vocabulary,
        delay_tokens=round(delay_s * SAMPLE_RATE / FRAME_SAMPLES),
    )


def _auto(device: str) -> str:
    return "bfloat16" if device.startswith("cuda") else "float32"


def _checkpoint(name: str) -> Any:
    folder = Path(name)
    if not folder.is_dir() and (folder.is_absolute() or name.startswith(".") or "/" not in name):
        raise RecognizerUnavailable(
            f"there is no folder {name}: name one with a config.json, or owner/name"
        )
    try:
        info = _local(folder) if folder.is_dir() else loaders.CheckpointInfo.from_hf_repo(name)
    except RecognizerUnavailable:
        raise
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RecognizerUnavailable(
            f"the checkpoint {name} cannot be downloaded ({type(exc).__name__}). Without a network:"
            " download it elsewhere, and name the folder with its config.json here."
        ) from exc
    if "audio_delay_seconds" not in info.stt_config:
        raise RecognizerUnavailable(
            f"{name} is not a speech-to-text checkpoint: it has no stt_config"
        )
    return info


def _local(folder: Path) -> Any:
    """Return the checkpoint in ``folder``, which must be complete: nothing is downloaded."""
    config = folder / "config.json"
    if not config.is_file():
        raise RecognizerUnavailable(f"{folder} has no config.json: it is not a checkpoint")
    names = _json(config)
    files = {
        "moshi_weights": names.get("moshi_name", loaders.MOSHI_NAME),
        "mimi_weights": names.get("mimi_name", loaders.MIMI_NAME),
        "tokenizer": names.get("tokenizer_name", loaders.TEXT_TOKENIZER_NAME),
    }
    if "mimi_config_name" in names:
        files["mimi_config_path"] = names["mimi_config_name"]
    missing = [str(file) for file in files.values() if not (folder / str(file)).is_file()]
    if missing:
        raise RecognizerUnavailable(f"{folder} lacks {', '.join(missing)}, which its config names")
    paths = {key: folder / str(file) for key, file in files.items()}
    return loaders.CheckpointInfo.from_hf_repo(str(folder), config_path=config, **paths)


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        raise RecognizerUnavailable(f"{path} is not JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise RecognizerUnavailable(f"{path} is not a JSON object")
    return value
