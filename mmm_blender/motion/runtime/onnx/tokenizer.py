"""Encoders and decoders of the motion tokenizer as ONNX graphs, one graph for each body part.

B batch, T frames, C channels of the part, L token places, D length of its latent vector, W width.
Convolutions work on (B, W, T).
"""

from __future__ import annotations

import numpy as np

from ...config import TokenizerConfig
from .layers import Weights, add
from .model_file import Graph

_STRIDE = 2  # of a stage


def encoder_graph(config: TokenizerConfig, weights: Weights, part: int) -> Graph:
    """features_BTC to latent_BLD."""
    graph, at = Graph(f"encoder {part}"), f"parts.{part}.encoder"
    channels = weights[f"{at}.enter.weight"].shape[1]
    latent = weights[f"{at}.leave.weight"].shape[0]
    features_BTC = graph.input("features_BTC", ("B", "T", channels), np.float32)
    x_BWT = _relu(graph, _convolution(graph, _turned(graph, features_BTC), weights, f"{at}.enter"))
    for stage in range(config.stages):
        here = f"{at}.stages.{stage}"
        x_BWT = _convolution(graph, x_BWT, weights, f"{here}.halve", stride=_STRIDE, padding=1)
        x_BWT = _residual_stack(graph, x_BWT, weights, here, config)
    x_BDL = _convolution(graph, x_BWT, weights, f"{at}.leave")
    graph.output(_turned(graph, x_BDL), "latent_BLD", ("B", "L", latent))
    return graph


def decoder_graph(config: TokenizerConfig, weights: Weights, part: int) -> Graph:
    """code_BLD to features_BTC."""
    graph, at = Graph(f"decoder {part}"), f"parts.{part}.decoder"
    latent = weights[f"{at}.enter.weight"].shape[1]
    channels = weights[f"{at}.leave.weight"].shape[0]
    code_BLD = graph.input("code_BLD", ("B", "L", latent), np.float32)
    x_BWT = _relu(graph, _convolution(graph, _turned(graph, code_BLD), weights, f"{at}.enter"))
    for stage in range(config.stages):
        here = f"{at}.stages.{stage}"
        x_BWT = _residual_stack(graph, x_BWT, weights, here, config)
        x_BWT = _convolution(graph, _doubled(graph, x_BWT), weights, f"{here}.smooth")
    x_BWT = _relu(graph, _convolution(graph, x_BWT, weights, f"{at}.refine"))
    x_BCT = _convolution(graph, x_BWT, weights, f"{at}.leave")
    graph.output(_turned(graph, x_BCT), "features_BTC", ("B", "T", channels))
    return graph


def _residual_stack(
    graph: Graph, x_BWT: str, weights: Weights, stage: str, config: TokenizerConfig
) -> str:
    """Blocks of ReLU, dilated convolution, ReLU, mixing, each added to its input."""
    for index, dilation in enumerate(config.dilations):
        block = f"{stage}.residual.{index}"
        made = _relu(graph, x_BWT)
        made = _convolution(graph, made, weights, f"{block}.dilated", dilation=max(dilation, 1))
        made = _convolution(graph, _relu(graph, made), weights, f"{block}.mix")
        x_BWT = add(graph, x_BWT, made)
    return x_BWT


def _convolution(
    graph: Graph,
    x_BWT: str,
    weights: Weights,
    name: str,
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: int | None = None,
) -> str:
    """A convolution over time; it keeps the number of places unless asked otherwise."""
    kernel = weights[f"{name}.weight"].shape[2]
    pad = dilation * (kernel // 2) if padding is None else padding
    return graph.node(
        "Conv",
        x_BWT,
        graph.weight(f"{name}.weight", weights[f"{name}.weight"]),
        graph.weight(f"{name}.bias", weights[f"{name}.bias"]),
        kernel_shape=(kernel,),
        strides=(stride,),
        dilations=(dilation,),
        pads=(pad, pad),
    )


def _relu(graph: Graph, x: str) -> str:
    return graph.node("Relu", x)


def _turned(graph: Graph, x_BST: str) -> str:
    return graph.node("Transpose", x_BST, perm=(0, 2, 1))


def _doubled(graph: Graph, x_BWT: str) -> str:
    """Every place twice (B, W, 2 T)."""
    apart = graph.node("Unsqueeze", x_BWT, graph.constant(3))
    twice = graph.node("Concat", apart, apart, axis=3)
    return graph.node("Reshape", twice, graph.constant(0, 0, -1))
