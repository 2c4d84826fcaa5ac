"""The masked transformer as ONNX graphs: a text prepared once, then logits at every step.

B batch, L token places, S places with the sentence in front (L + 1), W words, C text channels,
E width, H heads, V length of a place's code vectors, N places whose logits are wanted, F numbers of
the path condition.
"""

from __future__ import annotations

import numpy as np

from ...config import PATH_FEATURES, TransformerConfig
from .layers import (
    Weights,
    add,
    attention,
    flat,
    gelu,
    joined_linear,
    layer_norm,
    linear,
)
from .model_file import Graph


def text_graph(config: TransformerConfig, weights: Weights) -> Graph:
    """sentence_BC, words_BWC to sentence_B1E, and key{i}, value{i} (B, H, W, E / H)."""
    graph = Graph("text")
    channels, width, heads = config.text_width, config.width, config.heads
    sentence_BC = graph.input("sentence_BC", ("B", channels), np.float32)
    words_BWC = graph.input("words_BWC", ("B", "W", channels), np.float32)
    sentence_BE = linear(graph, sentence_BC, weights, "embed_sentence")
    sentence_B1E = graph.node("Unsqueeze", sentence_BE, graph.constant(1))
    graph.output(sentence_B1E, "sentence_B1E", ("B", 1, width))
    if not config.cross_layers:
        return graph
    size_2 = graph.node("Shape", words_BWC, start=0, end=2)
    split = graph.node("Concat", size_2, graph.constant(heads, width // heads), axis=0)
    words_NE = linear(graph, flat(graph, words_BWC, channels), weights, "embed_words")
    for layer in range(config.cross_layers):
        block = f"cross.{layer}"
        normed_NE = layer_norm(graph, words_NE, weights, f"{block}.norm_words")
        for kind in ("key", "value"):
            made_NE = linear(graph, normed_NE, weights, f"{block}.attention.{kind}")
            made_BWHE = graph.node("Reshape", made_NE, split)
            made_BHWE = graph.node("Transpose", made_BWHE, perm=(0, 2, 1, 3))
            graph.output(made_BHWE, f"{kind}{layer}", ("B", heads, "W", width // heads))
    return graph


def path_graph(config: TransformerConfig, weights: Weights) -> Graph:
    """path_NF to path_NE, what is added to the places."""
    graph = Graph("path")
    path_NF = graph.input("path_NF", ("N", PATH_FEATURES), np.float32)
    hidden_NE = gelu(graph, linear(graph, path_NF, weights, "embed_path.hidden"))
    made_NE = linear(graph, hidden_NE, weights, "embed_path.out")
    known_N1 = graph.node("Slice", path_NF, graph.constant(0), graph.constant(1), graph.constant(1))
    graph.output(graph.node("Mul", made_NE, known_N1), "path_NE", ("N", config.width))
    return graph


def logits_graph(config: TransformerConfig, weights: Weights, columns: int) -> Graph:
    """Logits of the codes (N, columns x K) at the places whose rows ``wanted_N`` names.

    vectors_BLV: the places' code vectors. added_BLE: positions, and the path where there is one.
    places_1SE: positions, the sentence first. sees_BW, sees_BS: int32, 0 at what is not attended
    to. wanted_N: rows of the (B, S) places.
    """
    graph = Graph("logits")
    width, heads = config.width, config.heads
    vector = weights["embed.weight"].shape[1]
    vectors_BLV = graph.input("vectors_BLV", ("B", "L", vector), np.float32)
    added_BLE = graph.input("added_BLE", ("A", "L", width), np.float32)
    places_1SE = graph.input("places_1SE", (1, "S", width), np.float32)
    sentence_B1E = graph.input("sentence_B1E", ("B", 1, width), np.float32)
    sees_BS = graph.input("sees_BS", ("B", "S"), np.int32)
    wanted_N = graph.input("wanted_N", ("N",), np.int64)
    shape = _Shapes(graph, vectors_BLV, width)
    x_NE = linear(graph, flat(graph, vectors_BLV, vector), weights, "embed")
    x_NE = flat(graph, add(graph, shape.apart(x_NE), added_BLE), width)
    x_NE = _cross(graph, config, weights, x_NE, shape)
    x_BSE = graph.node("Concat", sentence_B1E, shape.apart(x_NE), axis=1)
    x_BSE = add(graph, x_BSE, places_1SE)
    longer = _Shapes(graph, x_BSE, width)
    x_NE = flat(graph, x_BSE, width)
    for layer in range(config.layers):
        last = layer == config.layers - 1
        x_NE = _self_block(
            *(graph, f"blocks.{layer}", weights, x_NE),
            shape=longer,
            heads=heads,
            sees_BS=sees_BS,
            wanted_N=wanted_N if last else "",
        )
    x_NE = layer_norm(graph, x_NE, weights, "norm")
    heads_of = [f"heads.{column}" for column in range(columns)]
    logits = joined_linear(graph, x_NE, weights, heads_of, "heads")
    codes = weights["heads.0.weight"].shape[0]
    graph.output(logits, "logits", ("N", columns * codes))
    return graph


class _Shapes:
    """Rows (N, E) back to (B, S, E), sizes as in a value that has them."""

    def __init__(self, graph: Graph, like_BSX: str, width: int) -> None:
        size_2 = graph.node("Shape", like_BSX, start=0, end=2)
        self._graph = graph
        self._shape = graph.node("Concat", size_2, graph.constant(width), axis=0)

    def apart(self, x_NE: str) -> str:
        """(N, E) to (B, S, E)."""
        return self._graph.node("Reshape", x_NE, self._shape)


def _cross(
    graph: Graph, config: TransformerConfig, weights: Weights, x_NE: str, shape: _Shapes
) -> str:
    """The blocks that attend to the words."""
    heads, each = config.heads, config.width // config.heads
    if not config.cross_layers:
        return x_NE
    sees_BW = graph.input("sees_BW", ("B", "W"), np.int32) if config.word_mask else ""
    for layer in range(config.cross_layers):
        block = f"cross.{layer}"
        key, value = (
            graph.input(f"{kind}{layer}", ("B", heads, "W", each), np.float32)
            for kind in ("key", "value")
        )
        normed_NE = layer_norm(graph, x_NE, weights, f"{block}.norm_attention")
        query_NE = linear(graph, normed_NE, weights, f"{block}.attention.query")
        mixed_BLE = attention(
            graph, shape.apart(query_NE), key, value, heads=heads, seen_BS=sees_BW
        )
        x_NE = _finish(graph, block, weights, x_NE, flat(graph, mixed_BLE, config.width))
    return x_NE


def _self_block(
    graph: Graph,
    block: str,
    weights: Weights,
    x_NE: str,
    *,
    shape: _Shapes,
    heads: int,
    sees_BS: str,
    wanted_N: str,
) -> str:
    """Places attend to places. wanted_N: rows of the places that go on from here; "" for all."""
    names = [f"{block}.attention.{kind}" for kind in ("query", "key", "value")]
    width = weights[f"{names[0]}.weight"].shape[0]
    normed_NE = layer_norm(graph, x_NE, weights, f"{block}.norm_attention")
    parts = [shape.apart(linear(graph, normed_NE, weights, name)) for name in names]
    mixed_NE = flat(graph, attention(graph, *parts, heads=heads, seen_BS=sees_BS), width)
    if wanted_N:
        x_NE, mixed_NE = (graph.node("Gather", each, wanted_N, axis=0) for each in (x_NE, mixed_NE))
    return _finish(graph, block, weights, x_NE, mixed_NE)


def _finish(graph: Graph, block: str, weights: Weights, x_NE: str, mixed_NE: str) -> str:
    """The attention's result and the MLP's, each added to the input."""
    x_NE = add(graph, x_NE, linear(graph, mixed_NE, weights, f"{block}.attention.leave"))
    normed_NE = layer_norm(graph, x_NE, weights, f"{block}.norm_mlp")
    hidden_NM = gelu(graph, linear(graph, normed_NE, weights, f"{block}.mlp.0"))
    return add(graph, x_NE, linear(graph, hidden_NM, weights, f"{block}.mlp.2"))
