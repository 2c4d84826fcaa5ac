"""The transformer block of both text encoders as ONNX operators.

B prompts, W word places, N of all prompts together, D width.
"""

from __future__ import annotations

from .layers import Weights, add, attention, flat, gelu, layer_norm, linear, quick_gelu
from .model_file import Graph

_QUICK_GELU_SLOPE = 1.702  # CLIP's


def text_block(
    graph: Graph,
    block: str,
    weights: Weights,
    x_ND: str,
    *,
    shape_3: str,
    heads: int,
    sees_BW: str = "",
) -> str:
    """Pre-norm self-attention and MLP, each added to the stream; CLIP's where nothing is masked."""
    causal = not sees_BW
    width = weights[f"{block}.attention_out.weight"].shape[0]
    normed_ND = layer_norm(graph, x_ND, weights, f"{block}.norm_attention")
    joined_NX = linear(graph, normed_ND, weights, f"{block}.query_key_value")
    parts = graph.nodes("Split", 3, joined_NX, axis=1, num_outputs=3)
    apart = [graph.node("Reshape", part, shape_3) for part in parts]
    mixed_BWD = attention(graph, *apart, heads=heads, seen_BS=sees_BW, causal=causal)
    mixed_ND = flat(graph, mixed_BWD, width)
    x_ND = add(graph, x_ND, linear(graph, mixed_ND, weights, f"{block}.attention_out"))
    normed_ND = layer_norm(graph, x_ND, weights, f"{block}.norm_mlp")
    middle = linear(graph, normed_ND, weights, f"{block}.mlp_in")
    middle = quick_gelu(graph, middle, _QUICK_GELU_SLOPE) if causal else gelu(graph, middle)
    return add(graph, x_ND, linear(graph, middle, weights, f"{block}.mlp_out"))


def rows_shape(graph: Graph, like_BWX: str, width: int) -> str:
    """(B, W, width), of a value that has B and W."""
    size_2 = graph.node("Shape", like_BWX, start=0, end=2)
    return graph.node("Concat", size_2, graph.constant(width), axis=0)
