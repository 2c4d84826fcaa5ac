"""The one transformer block that both text encoders are made of.

Shapes: B prompts, W word places, D width, H heads, E = D / H.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..attention import attend, split_heads

Activation = Callable[[Tensor], Tensor]

# CLIP's stand-in for GELU: x * sigmoid(1.702 x).
QUICK_GELU_SLOPE = 1.702


def quick_gelu(x: Tensor) -> Tensor:
    """Approximate GELU the way CLIP was trained with."""
    return x * torch.sigmoid(QUICK_GELU_SLOPE * x)


class Block(nn.Module):
    """Pre-norm self-attention and MLP, each added to the stream."""

    def __init__(self, width: int, heads: int, mlp_width: int, activation: Activation) -> None:
        super().__init__()
        self.heads = heads
        self.activation = activation
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp_in = nn.Linear(width, mlp_width)
        self.mlp_out = nn.Linear(mlp_width, width)

    def forward(self, x_BWD: Tensor, mask: Tensor) -> Tensor:
        """``mask`` is boolean, broadcasts to (B, H, W, W); True lets a query see a key."""
        x_BWD = x_BWD + self._attend(self.norm_attention(x_BWD), mask)
        hidden = self.activation(self.mlp_in(self.norm_mlp(x_BWD)))
        return x_BWD + self.mlp_out(hidden)

    def _attend(self, x_BWD: Tensor, mask: Tensor) -> Tensor:
        query_BHWE, key_BHWE, value_BHWE = (
            split_heads(each, self.heads) for each in self.query_key_value(x_BWD).chunk(3, dim=-1)
        )
        return self.attention_out(attend(query_BHWE, key_BHWE, value_BHWE, mask))
