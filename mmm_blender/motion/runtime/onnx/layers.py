"""Layers as ONNX operators, the same sums as ``networks`` has in torch.

N rows (all places of all batches), B batch, S places, E width, H heads. Linear layers keep torch's
weights (outputs, inputs), so nothing has to be turned over in memory.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ....common.arrays import AnyArray
from .model_file import MICROSOFT, Graph

Weights = Mapping[str, AnyArray]

_NORM_EPSILON = 1e-5  # torch's


def linear(graph: Graph, x_NE: str, weights: Weights, name: str) -> str:
    """x W^T + b; the bias is left out where there is none."""
    return _gemm(graph, x_NE, name, weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def joined_linear(graph: Graph, x_NE: str, weights: Weights, names: list[str], called: str) -> str:
    """Several linear layers on the same input, their outputs beside each other."""
    joined = np.concatenate([weights[f"{name}.weight"] for name in names])
    biases = [weights[f"{name}.bias"] for name in names if f"{name}.bias" in weights]
    return _gemm(graph, x_NE, called, joined, np.concatenate(biases) if biases else None)


def _gemm(graph: Graph, x_NE: str, name: str, weight: AnyArray, bias: AnyArray | None) -> str:
    inputs = [x_NE, graph.weight(f"{name}.weight", weight)]
    if bias is not None:
        inputs.append(graph.weight(f"{name}.bias", bias))
    return graph.node("Gemm", *inputs, transB=1)


def layer_norm(graph: Graph, x_NE: str, weights: Weights, name: str) -> str:
    """Layer norm over the last axis."""
    scale = graph.weight(f"{name}.weight", weights[f"{name}.weight"])
    shift = graph.weight(f"{name}.bias", weights[f"{name}.bias"])
    return graph.node("LayerNormalization", x_NE, scale, shift, axis=-1, epsilon=_NORM_EPSILON)


def gelu(graph: Graph, x_NE: str) -> str:
    """GELU by the error function."""
    return graph.node("Gelu", x_NE, domain=MICROSOFT)


def quick_gelu(graph: Graph, x_NE: str, slope: float) -> str:
    """x sigmoid(slope x)."""
    return graph.node("QuickGelu", x_NE, domain=MICROSOFT, alpha=slope)


def add(graph: Graph, one: str, other: str) -> str:
    """The sum."""
    return graph.node("Add", one, other)


def flat(graph: Graph, x_BSE: str, width: int) -> str:
    """(B, S, E) to (N, E)."""
    return graph.node("Reshape", x_BSE, graph.constant(-1, width))


def attention(
    graph: Graph,
    query_BSE: str,
    key: str,
    value: str,
    *,
    heads: int,
    seen_BS: str = "",
    causal: bool = False,
) -> str:
    """softmax(q k^T / sqrt(E / H)) v as (B, S, E). key, value: (B, S, E) or (B, H, S, E / H).

    seen_BS: int32, 0 at keys that are not to be seen. causal: no place sees a later one.
    """
    inputs = [query_BSE, key, value]
    if seen_BS:
        inputs += ["", seen_BS]
    return graph.node(
        "MultiHeadAttention",
        *inputs,
        domain=MICROSOFT,
        num_heads=heads,
        unidirectional=int(causal),
        mask_filter_value=-1e9,
    )
