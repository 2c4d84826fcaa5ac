"""Multi-head attention, the one that the transformer, the text encoders and the judge share.

B batch, H heads, Q queries, S keys, E width; each head has E / H channels. Which linear layers make
queries, keys and values is the caller's: weight files have them apart or in one.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def split_heads(x_BSE: Tensor, heads: int) -> Tensor:
    """(B, S, E) to (B, H, S, E / H)."""
    return x_BSE.unflatten(-1, (heads, -1)).transpose(1, 2)


def attend(
    query_BHQE: Tensor,
    key_BHSE: Tensor,
    value_BHSE: Tensor,
    mask: Tensor | None,
    dropout: float = 0.0,
) -> Tensor:
    """(B, Q, E): values weighted by softmax(q k^T / sqrt(E / H)) (Vaswani et al., 2017, eq. 1).

    mask: boolean, broadcasts to (B, H, Q, S); True lets a query see a key, None lets all.
    """
    mixed_BHQE = functional.scaled_dot_product_attention(
        query_BHQE, key_BHSE, value_BHSE, attn_mask=mask, dropout_p=dropout
    )
    return mixed_BHQE.transpose(1, 2).flatten(2)
