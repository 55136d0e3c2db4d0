"""Measure the cost of full-size Kyutai models on this machine: ms per step, by type and batch size.

    .venv-kyutai/bin/python -m benchmarks.full_size [--models 1b 2.6b] [--threads N]

The models have the published shapes and random weights: their cost is that of the published
models, their words mean nothing. Every row of the batch is active. A step must take less than 80 ms
to keep up with speech. Mimi is always float32. Each
figure comes from a process of its own, so that memory holds one model; what does not fit is left
out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from itertools import product
from typing import Any

import numpy as np
import psutil

from streaming.audio import FRAME_SAMPLES

_SHARED: dict[str, Any] = {
    "card": 2048, "n_q": 32, "dep_q": 0, "delays": [0] * 33, "dim": 2048,
    "existing_text_padding_id": 3, "hidden_scale": 4.125, "causal": True, "layer_scale": None,
    "max_period": 100000.0, "gating": "silu", "norm": "rms_norm_f32",
    "positional_embedding": "rope", "depformer_dim": 1024, "depformer_num_heads": 16,
    "depformer_num_layers": 6, "depformer_dim_feedforward": None, "depformer_multi_linear": True,
    "depformer_pos_emb": "none", "depformer_weights_per_step": True, "conditioners": {},
    "cross_attention": False,
}  # fmt: skip
MODELS: dict[str, dict[str, Any]] = {
    "1b": _SHARED | {
        "text_card": 8000, "num_heads": 16, "num_layers": 16, "context": 750,
        "extra_heads_num_heads": 4, "extra_heads_dim": 6,
    },
    "2.6b": _SHARED | {"text_card": 4000, "num_heads": 32, "num_layers": 48, "context": 375},
}  # fmt: skip
"""As in the config.json of kyutai/stt-1b-en_fr-candle and kyutai/stt-2.6b-en."""

TYPES = ("float32", "bfloat16")

LIMIT_S = 240
"""For one figure, including the time to build the model."""

OTHERS_GB = 1.5
"""Mimi, torch, and the temporary memory of a step."""


class TooLarge(Exception):
    """There is not enough memory for the model."""


def built(name: str, dtype: str, batch_size: int, threads: int) -> Any:
    """A KyutaiModel of full size."""
    # First, because it configures how torch is loaded.
    from streaming.kyutai_server.moshi_model import DTYPES, KyutaiModel, SentencePieces

    # ruff: isort: split
    import torch
    from moshi.models import loaders

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    mimi = loaders.get_mimi(None, None, num_codebooks=32)
    for key, tensor in mimi.state_dict().items():
        if key.endswith("cluster_usage") or key.endswith("_initialized"):
            tensor.fill_(1.0)
        elif key.endswith("embedding_sum"):
            tensor.normal_()
    lm = loaders.get_moshi_lm(None, lm_kwargs=MODELS[name], device="meta", dtype=DTYPES[dtype])
    cells = batch_size * MODELS[name]["num_layers"] * MODELS[name]["context"] * 2 * 2048
    numbers = cells + sum(tensor.numel() for tensor in lm.state_dict().values())
    needed = numbers * DTYPES[dtype].itemsize / 2**30 + OTHERS_GB
    free = psutil.virtual_memory().available / 2**30
    if needed > free:
        raise TooLarge(f"needs {needed:.1f} GB, {free:.1f} are free")
    lm = lm.to_empty(device="cpu")
    for key, tensor in lm.state_dict().items():
        tensor.fill_(1.0) if key.endswith("alpha") else tensor.uniform_(-0.02, 0.02)
    return KyutaiModel(
        mimi, lm, batch_size=batch_size, vocabulary=SentencePieces(None), delay_tokens=6
    )  # fmt: skip


def measure(name: str, dtype: str, batch_size: int, threads: int, seconds: float) -> str:
    """A row's end: the median of the steps and of Mimi's part in ms, and the memory in GB."""
    model = built(name, dtype, batch_size, threads)
    random = np.random.default_rng(1)
    every, none = np.ones(batch_size, np.bool_), np.zeros(batch_size, np.bool_)
    costs: list[float] = []
    parts: list[float] = []
    encode = model._mimi.encode

    def timed(sound: Any, active: Any) -> Any:
        began = time.perf_counter()
        codes = encode(sound, active)
        parts.append(time.perf_counter() - began)
        return codes

    model._mimi.encode = timed
    until = time.perf_counter() + seconds
    while len(costs) < 5 or time.perf_counter() < until:
        pcm = random.normal(0, 0.1, (batch_size, FRAME_SAMPLES)).astype(np.float32)
        began = time.perf_counter()
        model.step(pcm, every, none)
        costs.append(time.perf_counter() - began)
    gb = psutil.Process().memory_info().rss / 2**30
    step, mimi = (float(np.median(times[2:])) * 1000 for times in (costs, parts))
    return f"{step:.0f} | {mimi:.0f} | {gb:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--types", nargs="*", default=list(TYPES), choices=list(TYPES))
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=8.0, help="of steps, for each figure")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        name, dtype, size = args.one
        try:
            print(measure(name, dtype, int(size), args.threads, args.seconds))
        except TooLarge as exc:
            print(f"{exc} | |")
        return
    print(f"{args.threads} torch threads; random weights: cost, not accuracy\n")
    print("| model | type | batch | ms a step | of it Mimi | resident GB |\n" + "|---" * 6 + "|")
    for name, dtype, size in product(args.models, args.types, args.sizes):
        command = [sys.executable, "-m", "benchmarks.full_size", "--one", name, dtype, str(size)]
        command += ["--threads", str(args.threads), "--seconds", str(args.seconds)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
            row = done.stdout.strip() or f"failed: {done.stderr.strip().splitlines()[-1:]} | |"
        except subprocess.TimeoutExpired:
            row = f"not done in {LIMIT_S} s | |"
        print(f"| {name} | {dtype} | {size} | {row} |", flush=True)


if __name__ == "__main__":
    main()
