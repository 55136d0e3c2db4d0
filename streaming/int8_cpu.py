"""Weights in 8 bits, for a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


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
