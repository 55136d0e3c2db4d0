"""The test checkpoint with a full-size Mimi, which Kyutai's moshi-server and ours can load.

That server has Mimi's size built in. The small trained codec fills the leading corner of every
tensor of the large one, and the rest is zero; so it works like the small one at the large one's
cost, for comparing servers. Like the small one, it says nothing about accuracy on speech.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path

os.environ.setdefault("NO_TORCH_COMPILE", "1")  # read when moshi is imported

import torch
from moshi.models import loaders
from safetensors.torch import load_file
from torch import Tensor

from streaming.kyutai import protocol
from streaming.kyutai_server.test_checkpoint.checkpoint import (
    DELAY_TOKENS,
    LM_CONFIG,
    OTHERS,
    published,
    written_lm,
)

_CARD = 2_048
_FAR = 1_000.0  # far from all latents, so that no audio gets a code that the small codec lacks
_HOLE = 1 << 16  # bytes

WIDE_LM_CONFIG = LM_CONFIG | {"card": _CARD}
"""The small language model with the audio codes of a large Mimi; the others are silence."""

_MOSHI_SERVER = """\
static_dir = "{static}"
log_dir = "{logs}"
instance_name = "test"
authorized_ids = ["{key}"]

[modules.asr]
path = "{path}"
type = "BatchedAsr"
lm_model_file = "{folder}/model.safetensors"
text_tokenizer_file = "{folder}/words.model"
audio_tokenizer_file = "{folder}/mimi.safetensors"
asr_delay_in_tokens = {delay}
batch_size = {batch_size}
temperature = 0.0

[modules.asr.model]
audio_vocab_size = {audio}
text_in_vocab_size = {text_in}
text_out_vocab_size = {text_out}
audio_codebooks = {codebooks}

[modules.asr.model.transformer]
d_model = {dim}
num_heads = {heads}
num_layers = {layers}
dim_feedforward = {feedforward}
causal = true
norm_first = true
bias_ff = false
bias_attn = false
context = {context}
max_period = 100000
use_conv_block = false
use_conv_bias = true
gating = "silu"
norm = "RmsNorm"
positional_embedding = "Rope"
conv_layout = false
conv_kernel_size = 3
kv_repeat = 1
max_seq_len = 4096

[modules.asr.model.extra_heads]
num_heads = {extra_heads}
dim = {extra_dim}
"""


def make_wide_checkpoint(small: Path, folder: Path) -> None:
    """Write the checkpoint in ``small`` into ``folder``, with a full-size Mimi.

    small: made by ``make_test_checkpoint``. Takes 11 MB on disk, 385 MB by its length.
    """
    folder.mkdir(parents=True, exist_ok=True)
    large = published(loaders.get_mimi(None, None, num_codebooks=32).state_dict())
    _fill(large, load_file(small / "mimi.safetensors"))
    _save_sparse(folder / "mimi.safetensors", large)
    lm = published(written_lm(WIDE_LM_CONFIG).state_dict())
    _save_sparse(folder / "model.safetensors", lm)
    shutil.copyfile(small / "words.model", folder / "words.model")
    others = {name: value for name, value in OTHERS.items() if name != "mimi_config_name"}
    (folder / "config.json").write_text(json.dumps(WIDE_LM_CONFIG | others, indent=1))


def moshi_server_config(folder: Path, *, batch_size: int, scratch: Path) -> str:
    """Return a moshi-server.toml (0.6.4) that serves the wide checkpoint in ``folder``.

    scratch: an existing folder, for its logs and as the root of the files that it serves.
    """
    lm = WIDE_LM_CONFIG
    return _MOSHI_SERVER.format(
        static=scratch, logs=scratch, folder=folder, batch_size=batch_size, path=protocol.PATH,
        key=protocol.PUBLIC_KEY, delay=DELAY_TOKENS, audio=_CARD + 1, text_in=lm["text_card"] + 1,
        text_out=lm["text_card"], codebooks=lm["n_q"], dim=lm["dim"], heads=lm["num_heads"],
        layers=lm["num_layers"], feedforward=int(lm["hidden_scale"] * lm["dim"]),
        context=lm["context"], extra_heads=lm["extra_heads_num_heads"],
        extra_dim=lm["extra_heads_dim"],
    )  # fmt: skip


def _fill(large: dict[str, Tensor], small: dict[str, Tensor]) -> None:
    """Copy each small tensor into the corner of the large one; ELU(0) = 0, so the rest adds 0."""
    for name, tensor in large.items():
        tensor.zero_()
        if name.endswith("._initialized") or name.endswith(".cluster_usage"):
            tensor.fill_(1.0)
        elif name in small:
            corner = small[name]
            tensor[tuple(slice(0, size) for size in corner.shape)] = corner
    first = "quantizer.rvq_first.vq.layers.0._codebook.embedding_sum"
    large[first][len(small[first]) :, -1] = _FAR


def _save_sparse(path: Path, state: dict[str, Tensor]) -> None:
    """Write a safetensors file whose zeros are holes."""
    header: dict[str, object] = {}
    at = 0
    for name, tensor in state.items():
        end = at + tensor.numel() * 4
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    packed = json.dumps(header).encode()
    packed += b" " * (-len(packed) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(packed)) + packed)
        begin = file.tell()
        file.truncate(begin + at)
        for tensor in state.values():
            data = tensor.detach().to(torch.float32).contiguous().numpy().tobytes()
            for hole in range(0, len(data), _HOLE):
                piece = data[hole : hole + _HOLE]
                if any(piece):
                    file.seek(begin + hole)
                    file.write(piece)
            begin += len(data)
