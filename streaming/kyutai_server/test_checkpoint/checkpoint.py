"""A checkpoint of 1 MB in Kyutai's published format that recognises six tones, for tests.

A tiny model with random weights gives the same output for any input, so tests with it prove
nothing. Here the codec is trained for half a minute until its first codebook distinguishes the
tones, and the language model's weights are set by hand. It says nothing about accuracy on speech.
"""

from __future__ import annotations

import io
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_TORCH_COMPILE", "1")  # read when moshi is imported

import sentencepiece
import torch
from moshi.models import loaders
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE
from streaming.errors import ModelError
from streaming.kyutai_server.test_checkpoint.tones import TONES
from streaming.kyutai_server.token_words import PADDING, WORD_STARTS

DELAY_TOKENS = 2
"""Steps from audio to its text; 0.16 s."""

FILES = ("config.json", "mimi_config.json", "mimi.safetensors", "model.safetensors", "words.model")
"""The files of a complete checkpoint folder."""

_SILENCE = len(TONES)
_CODES = 16
_CODEBOOKS = 4
_WORD_TOKENS = range(4, 4 + len(TONES))
_PROTOTYPE_SCALE = 8.0
_LESSON_ROWS, _LESSON_FRAMES = 8, 8

MIMI_CONFIG: dict[str, Any] = {
    "sample_rate": SAMPLE_RATE,
    "channels": 1,
    "frame_rate": 12.5,
    "seanet": {
        "channels": 1, "dimension": 32, "causal": True, "n_filters": 4, "n_residual_layers": 1,
        "activation": "ELU", "compress": 2, "dilation_base": 2, "disable_norm_outer_blocks": 0,
        "kernel_size": 7, "residual_kernel_size": 3, "last_kernel_size": 3, "norm": "none",
        "pad_mode": "constant", "ratios": [8, 6, 5, 4], "true_skip": True,
    },
    "quantizer": {
        "dimension": 16, "n_q": _CODEBOOKS, "bins": _CODES,
        "input_dimension": 32, "output_dimension": 32,
    },
    "transformer": {
        "d_model": 32, "num_heads": 2, "num_layers": 2, "causal": True, "layer_scale": 0.0,
        "context": 20, "conv_layout": True, "max_period": 10000, "gating": "none",
        "norm": "layer_norm", "positional_embedding": "rope", "dim_feedforward": 64,
        "input_dimension": 32, "output_dimensions": [32],
    },
}  # fmt: skip
"""A small Mimi, whose transformers add nothing (layer scale 0)."""

LM_CONFIG: dict[str, Any] = {
    "card": _CODES, "n_q": _CODEBOOKS, "dep_q": 0, "delays": [0] * (_CODEBOOKS + 1), "dim": 64,
    "text_card": 4 + len(TONES), "existing_text_padding_id": PADDING, "num_heads": 4,
    "num_layers": 2, "hidden_scale": 4.125, "causal": True, "layer_scale": None, "context": 20,
    "max_period": 100000.0, "gating": "silu", "norm": "rms_norm_f32",
    "positional_embedding": "rope", "depformer_dim": 64, "depformer_num_heads": 4,
    "depformer_num_layers": 1, "depformer_dim_feedforward": None, "depformer_multi_linear": True,
    "depformer_pos_emb": "none", "depformer_weights_per_step": True, "conditioners": {},
    "cross_attention": False, "extra_heads_num_heads": 4, "extra_heads_dim": 6,
}  # fmt: skip
"""A small language model with pause heads."""

OTHERS: dict[str, Any] = {
    "model_type": "stt",
    "mimi_name": "mimi.safetensors",
    "mimi_config_name": "mimi_config.json",
    "moshi_name": "model.safetensors",
    "tokenizer_name": "words.model",
    "stt_config": {
        "audio_delay_seconds": DELAY_TOKENS * FRAME_SAMPLES / SAMPLE_RATE,
        "audio_silence_prefix_seconds": 0.0,
    },
    "lm_gen_config": {"temp": 0.0, "temp_text": 0.0, "top_k": 1, "top_k_text": 1},
}
"""The rest of config.json."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """Audio float32[N, 1, T] and labels of its frames: int[N, T / 1920], -100 if ambiguous."""

    pcm: Tensor
    labels: Tensor


def make_test_checkpoint(folder: Path, *, steps: int = 800, seed: int = 1) -> None:
    """Train it and write FILES into ``folder``; under a minute on two cores.

    Raises ModelError if the training did not succeed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(
        1
    )  # the model is too small for more: threads would only wait for each other
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        mimi = _trained_mimi(steps)
        lm = written_lm(LM_CONFIG)
    save_file(published(mimi.state_dict()), folder / "mimi.safetensors")
    save_file(published(lm.state_dict()), folder / "model.safetensors")
    (folder / "words.model").write_bytes(_tokenizer())
    (folder / "mimi_config.json").write_text(json.dumps(MIMI_CONFIG, indent=1))
    # Last, because a folder with a config.json counts as complete.
    (folder / "config.json").write_text(json.dumps(LM_CONFIG | OTHERS, indent=1))


def is_complete(folder: Path) -> bool:
    """Return whether ``folder`` has a complete checkpoint of ours."""
    return all((folder / name).is_file() for name in FILES)


def _trained_mimi(steps: int) -> Any:
    mimi = loaders.get_mimi(None, MIMI_CONFIG, num_codebooks=_CODEBOOKS)
    prototypes = _fill_codebooks(mimi)[: _SILENCE + 1]
    parts = [mimi.encoder, mimi.downsample, mimi.quantizer.rvq_first.input_proj]
    weights = [weight for part in parts for weight in part.parameters()]
    optimizer = torch.optim.Adam(weights, lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        lesson = _lesson(_LESSON_ROWS, _LESSON_FRAMES)
        loss = functional.cross_entropy(
            _logits(mimi, prototypes, lesson.pcm), lesson.labels, ignore_index=-100
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    _examine(mimi, prototypes)
    return mimi


def _logits(mimi: Any, prototypes: Tensor, pcm: Tensor) -> Tensor:
    """Return -distance² of each frame to each prototype: [N, prototypes, frames]."""
    latent = mimi.quantizer.rvq_first.input_proj(mimi.downsample(mimi.encoder(pcm)))
    return -((latent[:, None] - prototypes[None, :, :, None]) ** 2).sum(dim=2)


def _examine(mimi: Any, prototypes: Tensor) -> None:
    lesson = _lesson(32, 24)
    with torch.no_grad():
        heard = _logits(mimi, prototypes, lesson.pcm).argmax(dim=1)
    clear = lesson.labels >= 0
    right = float((heard == lesson.labels)[clear].float().mean())
    if right < 0.998:
        raise ModelError(f"the test checkpoint recognises only {right:.2%} of the frames")


def _fill_codebooks(mimi: Any) -> Tensor:
    """Set the entries of every codebook; those of the first, [16, 16], are far apart."""
    first = torch.eye(_CODES) * _PROTOTYPE_SCALE
    # Place unused codes where no latents are.
    first[_SILENCE + 1 :] = first[_SILENCE + 1 :] * 100
    layers = [*mimi.quantizer.rvq_first.vq.layers, *mimi.quantizer.rvq_rest.vq.layers]
    for number, layer in enumerate(layers):
        book = layer._codebook
        book.embedding_sum.copy_(first if number == 0 else torch.randn(_CODES, _CODES))
        book.cluster_usage.fill_(1.0)
        book._initialized.fill_(1.0)
    return first


def _lesson(count: int, frames: int) -> _Lesson:
    """Make tones of random length, level and position, with pauses and some noise."""
    samples = frames * FRAME_SAMPLES
    pcm = torch.randn(count, samples) * (torch.rand(count, 1) * 0.003)
    what = torch.full((count, samples), _SILENCE)
    hertz = list(TONES.values())
    for row in range(count):
        at = _between(0, 6000)
        while at < samples:
            tone = _between(0, len(hertz))
            end = min(samples, at + int(SAMPLE_RATE * 0.24 * (0.9 + 0.4 * torch.rand(1).item())))
            level = 0.03 * (0.7 / 0.03) ** torch.rand(1).item()
            phase = torch.rand(1).item() * 2 * math.pi
            time = torch.arange(end - at) / SAMPLE_RATE
            pcm[row, at:end] += level * torch.sin(2 * math.pi * hertz[tone] * time + phase)
            what[row, at:end] = tone
            at = end + _between(1900, 9600)
    return _Lesson(pcm[:, None], _labels(what.view(count, frames, FRAME_SAMPLES)))


def _labels(what: Tensor) -> Tensor:
    """Return each frame's label; -100 if a third or more of it is something else."""
    counts = functional.one_hot(what, _SILENCE + 1).sum(dim=2)
    share, label = counts.max(dim=2)
    return torch.where(share > FRAME_SAMPLES * 2 // 3, label, -100)


def _between(low: int, high: int) -> int:
    return int(torch.randint(low, high, (1,)))


def written_lm(config: dict[str, Any]) -> Any:
    """Set the weights: a tone after padding begins a word, its next frame names it, then padding.

    config: LM_CONFIG, or with more audio codes; all but those of tones mean silence. The only state
    is the previous text token: attention and feed-forward add nothing.
    """
    lm = loaders.get_moshi_lm(None, lm_kwargs=config, dtype=torch.float32)
    silence, started, padded, said = _SILENCE, 8, 9, 10  # dimensions of the model, after the tones
    with torch.no_grad():
        for weight in (*lm.parameters(),):
            if weight.dim() > 1 and weight is not lm.out_norm.alpha:
                weight.zero_()
        for norm in lm.modules():
            if hasattr(norm, "alpha"):
                norm.alpha.fill_(1.0)
        for code in range(config["card"] + 1):
            lm.emb[0].weight[code, min(code, silence)] = 1.0
        for token in range(config["text_card"] + 1):
            before = started if token == WORD_STARTS else said if token in _WORD_TOKENS else padded
            lm.text_emb.weight[token, before] = 1.0
        _write_text(lm.text_linear.weight, silence, started, padded, said)
        _write_heads(lm.extra_heads, silence)
    return lm


def _write_text(linear: Tensor, silence: int, started: int, padded: int, said: int) -> None:
    linear[PADDING, silence] = 10.0
    linear[PADDING, said] = 5.0
    linear[WORD_STARTS, padded] = 2.0
    for tone, token in enumerate(_WORD_TOKENS):
        linear[WORD_STARTS, tone] = 2.0
        linear[token, tone] = 3.0
        linear[token, started] = 3.0


def _write_heads(heads: Any, silence: int) -> None:
    scale = math.sqrt(LM_CONFIG["dim"] / 2)  # norm of a vector with two ones
    for head in heads:
        others = LM_CONFIG["extra_heads_dim"] - 1
        head.weight[0, silence] = math.log(0.95 / 0.05 * others) / scale
        head.weight[0, :silence] = -20.0 / scale


def _tokenizer() -> bytes:
    """Make a sentencepiece model whose pieces 4… are the words, each with a leading space."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a"]), model_writer=out, model_type="bpe",
        vocab_size=4 + len(TONES) + 2, unk_id=0, bos_id=1, eos_id=2, pad_id=3,
        user_defined_symbols=[f"▁{word}" for word in TONES], hard_vocab_limit=False,
        minloglevel=2,
    )  # fmt: skip
    return out.getvalue()


def published(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename ``state`` as in the published files."""
    return {
        name.replace("self_attn.in_projs.0.weight", "self_attn.in_proj_weight").replace(
            "self_attn.out_projs.0.weight", "self_attn.out_proj.weight"
        ): tensor.contiguous()
        for name, tensor in state.items()
    }
