"""Mimi's encoder on a CPU: moshi's weights, less work per step.

One row's audio never changes another row's codes, bit for bit, at the same batch size. Audio is
laid out as [B, time, channels] throughout, so that layers need no transposition, and values that
all layers of the transformer share are computed once per step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from moshi.modules.conv import StreamingConv1d
from moshi.modules.seanet import SEANetResnetBlock
from torch import Tensor, nn
from torch.nn import functional

_FEW = 16
"""Outputs up to which a convolution is faster as one matrix product."""

_ROWS = 4
"""Rows that pass the first layers together, so that intermediate values stay cached."""


class Layer(Protocol):
    """float32[B, T, in], bool[B] → float32[B, T', out]. Only active rows update their state.

    memory: the state, with a row of each tensor for each stream; all 0 before the first audio.
    """

    memory: tuple[Tensor, ...]

    def __call__(self, x: Tensor, active: Tensor) -> Tensor: ...


class MimiEncoder:
    """Encodes ``batch_size`` streams. mimi: from moshi's loader."""

    def __init__(self, mimi: Any, batch_size: int) -> None:
        layers, frames = list(mimi.encoder.model), mimi.frame_size
        stride = 1 + next(i for i, layer in enumerate(layers) if _stride(layer) > 1)
        self._parts = [slice(at, min(at + _ROWS, batch_size)) for at in range(0, batch_size, _ROWS)]
        self._first = [
            stacked(layers[:stride], part.stop - part.start, frames) for part in self._parts
        ]
        frames //= _stride(layers[stride - 1])
        self._rest = stacked(layers[stride:], batch_size, frames)
        slower = mimi.downsample.conv
        self._rest += [
            Transformer(mimi.encoder_transformer.transformer, batch_size, _stride(slower)),
            Slower(slower, batch_size, _stride(slower)),
        ]
        quantizer = mimi.quantizer
        self._books = [Codebooks(part) for part in (quantizer.rvq_first, quantizer.rvq_rest)]

    def encode(self, sound: Tensor, active: Tensor) -> Tensor:
        """float32[B, 1920], bool[B] → int64[B, codebooks, 1]."""
        return self.nearest(self.latent(sound, active))

    def latent(self, sound: Tensor, active: Tensor) -> Tensor:
        """Return the latents: float32[B, dimension]."""
        parts = [
            through(stack, sound[part, :, None], active[part])
            for part, stack in zip(self._parts, self._first, strict=True)
        ]
        return through(self._rest, torch.cat(parts), active)[:, 0]

    def nearest(self, latent: Tensor) -> Tensor:
        """float32[B, dimension] → int64[B, codebooks, 1]."""
        codes = [code for books in self._books for code in books.nearest(latent)]
        return torch.stack(codes, dim=1)[..., None]

    def forget(self, rows: Tensor) -> None:
        """Clear the state of the rows in bool[B]."""
        whole = (slice(None), self._rest)
        for part, stack in (*zip(self._parts, self._first, strict=True), whole):
            for tensor in (tensor for layer in stack for tensor in layer.memory):
                tensor[rows[part]] = 0

    def memory(self, row: int) -> list[Tensor]:
        """Return all state of this row."""
        number, offset = divmod(row, _ROWS)
        own = [tensor[offset] for layer in self._first[number] for tensor in layer.memory]
        return own + [tensor[row] for layer in self._rest for tensor in layer.memory]


def through(stack: Iterable[Layer], x: Tensor, active: Tensor) -> Tensor:
    """One layer after the other."""
    for layer in stack:
        x = layer(x, active)
    return x


def stacked(layers: Iterable[nn.Module], rows: int, frames: int) -> list[Layer]:
    """Build the layers of Mimi's encoder for ``frames`` of each row at once."""
    stack: list[Layer] = []
    elu = False
    for layer in layers:
        if isinstance(layer, nn.ELU):
            elu = True
        elif isinstance(layer, SEANetResnetBlock):
            stack.append(Residual(layer, rows, frames))
        elif isinstance(layer, StreamingConv1d):
            stack.append(Convolution(layer, rows, frames, elu=elu))
            frames, elu = frames // _stride(layer), False
        else:
            raise ValueError(f"Mimi has a layer of an unknown kind: {type(layer).__name__}")
    return stack


def _stride(layer: nn.Module) -> int:
    return int(layer._stride) if isinstance(layer, StreamingConv1d) else 1


class Linear:
    """x Wᵀ + b, packed for x with ``rows`` rows: all dimensions but the last, flattened."""

    def __init__(self, weight: Tensor, rows: int, bias: Tensor | None = None) -> None:
        self._weight, self._bias, self._rows = weight.detach().contiguous(), bias, rows
        self._packed: Tensor | None = None
        if torch.backends.mkl.is_available():
            self._packed = torch.ops.mkl._mkl_reorder_linear_weight(self._weight, rows)

    def __call__(self, x: Tensor) -> Tensor:
        if self._packed is None:
            return functional.linear(x, self._weight, self._bias)
        y: Tensor = torch.ops.mkl._mkl_linear(x, self._packed, self._weight, self._bias, self._rows)
        return y


class Convolution:
    """A causal convolution over ``frames`` new frames and the past ones in its receptive field."""

    def __init__(self, layer: StreamingConv1d, rows: int, frames: int, *, elu: bool) -> None:
        conv = layer.conv.conv
        weight, self._bias = conv.weight.detach(), conv.bias
        self._elu, self._size, self._stride = elu, conv.kernel_size[0], conv.stride[0]
        self._before = self._size - self._stride
        self._sound = torch.zeros(rows, self._before + frames, conv.in_channels)
        self.memory: tuple[Tensor, ...] = (self._sound,)
        self._product: Linear | None = None
        outputs = frames // self._stride
        if conv.in_channels == 1 or self._size == 1 or outputs <= _FEW:
            flat = weight.transpose(1, 2).flatten(1)
            self._product = Linear(flat, rows * outputs, self._bias)
        self._weight = weight[:, :, None].contiguous(memory_format=torch.channels_last)

    def __call__(self, x: Tensor, active: Tensor) -> Tensor:
        new, before = self._sound[:, self._before :], self._sound[:, : self._before]
        if self._elu:
            torch.ops.aten.elu.out(x, out=new)
        else:
            new.copy_(x)
        y = self._convolved()
        if self._before:
            last = self._sound[:, -self._before :]
            before.copy_(torch.where(active[:, None, None], last, before))
        return y

    def _convolved(self) -> Tensor:
        sound = self._sound
        if self._product is None:
            image = sound[:, None].permute(0, 3, 1, 2)  # float32[B, in, 1, T], channels last
            y = functional.conv2d(image, self._weight, self._bias, (1, self._stride))
            return y[:, :, 0].transpose(1, 2)
        if self._size > 1:
            sound = sound.unfold(1, self._size, self._stride).transpose(2, 3).flatten(2)
        return self._product(sound)


class Residual:
    """Two convolutions, the second over single frames, with a residual connection."""

    def __init__(self, block: SEANetResnetBlock, rows: int, frames: int) -> None:
        _, one, _, two = block.block
        self._one = Convolution(one, rows, frames, elu=True)
        self._two = Convolution(two, rows, frames, elu=True)
        self.memory = self._one.memory

    def __call__(self, x: Tensor, active: Tensor) -> Tensor:
        return self._two(self._one(x, active), active).add_(x)


class Slower(Convolution):
    """Mimi's last convolution, which is padded with the first frame."""

    def __init__(self, layer: StreamingConv1d, rows: int, frames: int) -> None:
        super().__init__(layer, rows, frames, elu=False)
        self._begun = torch.zeros(rows, dtype=torch.bool)
        self.memory = (self._sound, self._begun)

    def __call__(self, x: Tensor, active: Tensor) -> Tensor:
        before = self._sound[:, : self._before]
        before.copy_(torch.where(self._begun[:, None, None], before, x[:, :1]))
        self._begun |= active
        return super().__call__(x, active)


@dataclass(frozen=True, slots=True)
class Places:
    """Positions of ``frames`` frames of each row, for all layers of a transformer.

    turn: complex64[B, T, 1, 1, D/2], RoPE. rows, slots: int64[B, T], in the ring. bias: float32
    [B, 1, T, context], 0 where a key is visible, else -infinity.
    """

    turn: Tensor
    rows: Tensor
    slots: Tensor
    bias: Tensor


class Transformer:
    """Mimi's transformer, with RoPE and a position for each row."""

    def __init__(self, transformer: Any, rows: int, frames: int) -> None:
        self._layers = [Block(layer, rows, frames) for layer in transformer.layers]
        self._heard = torch.zeros(rows, dtype=torch.long)
        self._rows = torch.arange(rows)[:, None].expand(rows, frames)
        self._frames = torch.arange(frames)
        ring = self._layers[0].ring
        self._slots = torch.arange(ring.shape[1])
        half = ring.shape[-1] // 2
        self._pitch = torch.exp(torch.arange(half) * (-math.log(transformer.max_period) / half))
        self.memory = (self._heard, *(layer.ring for layer in self._layers))

    def __call__(self, x: Tensor, active: Tensor) -> Tensor:
        places = self._places()
        for layer in self._layers:
            x = layer(x, places)
        self._heard += active * len(self._frames)
        return x

    def _places(self) -> Places:
        at = self._heard[:, None] + self._frames  # [B, T]
        angle = at[..., None] * self._pitch
        context = len(self._slots)
        # The contents of the ring's slots with this step's frames.
        held = at[:, -1:] - (at[:, -1:] - self._slots) % context
        behind = at[:, :, None] - held[:, None]
        seen = (held[:, None] >= 0) & (behind >= 0) & (behind < context)
        bias = torch.zeros(seen.shape).masked_fill_(~seen, -math.inf)
        turn = torch.polar(torch.ones_like(angle), angle)[:, :, None, None]
        return Places(turn, self._rows, at % context, bias[:, None])


class Block:
    """A transformer layer. ring: keys and values, float32[B, context, 2, heads, D]."""

    def __init__(self, layer: Any, rows: int, frames: int) -> None:
        attention, count = layer.self_attn, rows * frames
        depth = attention.embed_dim // attention.num_heads
        self.ring = torch.zeros(rows, attention.context, 2, attention.num_heads, depth)
        self._norm1, self._norm2, self._activation = layer.norm1, layer.norm2, layer.activation
        self._in = Linear(attention.in_projs[0].weight, count)
        self._out = Linear(scaled(attention.out_projs[0].weight, layer.layer_scale_1), count)
        self._wide = Linear(layer.linear1.weight, count)
        self._narrow = Linear(scaled(layer.linear2.weight, layer.layer_scale_2), count)

    def __call__(self, x: Tensor, places: Places) -> Tensor:
        """float32[B, T, dimension] → float32[B, T, dimension]."""
        heard = self._in(self._norm1(x)).unflatten(-1, (3, *self.ring.shape[-2:]))
        turned = torch.view_as_complex(heard[:, :, :2].unflatten(-1, (-1, 2)))
        turned *= places.turn
        self.ring[places.rows, places.slots] = heard[:, :, 1:]
        seen = functional.scaled_dot_product_attention(
            heard[:, :, 0].transpose(1, 2),
            self.ring[:, :, 0].transpose(1, 2),
            self.ring[:, :, 1].transpose(1, 2),
            places.bias,
        )
        x = self._out(seen.transpose(1, 2).flatten(2)).add_(x)
        return self._narrow(self._activation(self._wide(self._norm2(x)))).add_(x)


def scaled(weight: Tensor, scale: nn.Module) -> Tensor:
    """Fold a layer scale into the preceding weight."""
    return weight if isinstance(scale, nn.Identity) else scale.scale[:, None] * weight


class Codebooks:
    """One of Mimi's residual quantisers: each codebook quantises what the previous one left."""

    def __init__(self, quantizer: Any) -> None:
        self._project = quantizer.input_proj
        codes = [layer._codebook.embedding for layer in quantizer.vq.layers[: quantizer.n_q]]
        # The nearest code maximises x·c - |c|²/2, because |x|² is the same for all.
        self._codes = [(code, code.t(), -(code**2).sum(dim=1) / 2) for code in codes]

    def nearest(self, latent: Tensor) -> list[Tensor]:
        """float32[B, dimension] → int64[B] for each codebook."""
        left = self._project(latent[:, :, None])[:, :, 0]
        found = []
        for codes, columns, lengths in self._codes:
            found.append(torch.addmm(lengths, left, columns).argmax(dim=-1))
            left = left - codes[found[-1]]
        return found
