"""What makes Kyutai's models cheaper on a CPU: less work in Mimi, weights in 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from moshi.quantization.core_vq import EuclideanCodebook
from torch import Tensor, nn
from torch.nn import functional

_FEW = 8


class ShortConv1d(nn.Conv1d):  # type: ignore[misc]  # mypy does not see torch
    """A convolution that makes a few outputs of many inputs, as Mimi's last ones do each step.

    As one product of matrices these take a quarter of the time of torch 2.9's convolution.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # so torch calls it
        """float32[B, in, T] → float32[B, out, T']."""
        size, stride = self.kernel_size[0], self.stride[0]
        if (input.shape[-1] - size) // stride >= _FEW:
            return super().forward(input)
        windows = input.unfold(2, size, stride).transpose(1, 2).flatten(2)
        return functional.linear(windows, self.weight.flatten(1), self.bias).transpose(1, 2)


def shorten_convolutions(mimi: Any) -> None:
    """Use ShortConv1d in ``mimi`` wherever a convolution allows it."""
    for module in mimi.modules():
        plain = type(module) is nn.Conv1d and module.groups == 1 and module.padding == (0,)
        if plain and module.dilation == (1,):
            module.__class__ = ShortConv1d  # the same weights, another forward()


def remember_codes(mimi: Any) -> None:
    """Let the codebooks of ``mimi``, 32 in a published one, keep the lengths of their codes.

    moshi 0.2.13 copies and measures all of a codebook's entries at each step.
    """
    for module in mimi.modules():
        if isinstance(module, EuclideanCodebook):
            module._quantize = _nearest(module.embedding)


def _nearest(codes: Tensor) -> Callable[[Tensor], Tensor]:
    """The nearest of ``codes`` is where x·c - |c|²/2 is largest: |x|² is the same for all."""
    columns, lengths = codes.t(), -(codes**2).sum(dim=1) / 2
    return lambda x: torch.addmm(lengths, x, columns).argmax(dim=-1)


class Int8Linear(nn.Module):  # type: ignore[misc]  # mypy does not see torch
    """A linear layer without bias whose weights are int8, with a scale for each output.

    What goes in is not quantised: no scale is shared, so no row changes another one's result.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scale = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12).bfloat16()
        self.register_buffer("weight", (weight / scale[:, None].float()).round().char())
        self.register_buffer("scale", scale)

    def forward(self, rows: Tensor) -> Tensor:
        """bfloat16[…, in] → bfloat16[…, out]."""
        flat = rows.reshape(-1, rows.shape[-1])
        product = torch._weight_int8pack_mm(flat, self.weight, self.scale)
        return product.view(*rows.shape[:-1], -1)


def quantize(lm: Any) -> None:
    """Replace the linear layers of the transformer of ``lm`` (bfloat16) by Int8Linear.

    After its streaming began: its caches have the type that the layers had then.
    """
    for parent in list(lm.transformer.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                assert child.bias is None
                setattr(parent, name, Int8Linear(child))
