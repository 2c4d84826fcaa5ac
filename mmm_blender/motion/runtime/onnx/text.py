"""The student text encoder in ONNX Runtime.

B prompts, W word places, N of all prompts together, D inner width, C channels out, R rank of the
student's embedding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ....common.arrays import AnyArray
from ...text import TextFeatures
from ...text.student_files import StudentConfig, StudentFiles, pad_tokens, sinusoids
from .layers import (
    Weights,
    add,
    flat,
    layer_norm,
    linear,
)
from .model_file import Graph
from .session import Session
from .text_block import rows_shape, text_block

_LEAST_LENGTH = 1e-12  # of a vector that is brought to length 1; torch's


class OnnxStudent:
    """Prompts to features: every vector has length sqrt(C), so channels are of order one."""

    def __init__(self, files: StudentFiles, threads: int) -> None:
        self.config = files.config
        self.tokenizer = files.tokenizer
        self._rows_VR, self._scale_V1 = files.rows_VR, files.scale_V1
        self._places_WD = sinusoids(files.config.max_tokens, files.config.inner_width)
        self._session = Session(_student_graph(files.config, files.weights), threads)

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        return self.config.width

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts; tokens behind the config's ``max_tokens`` are not read."""
        ids_BW, mask_BW = pad_tokens(
            [self.tokenizer.encode(prompt, self.config.max_tokens) for prompt in prompts],
            self.tokenizer.pad_id,
        )
        share_BW = mask_BW / mask_BW.sum(axis=1, keepdims=True)
        made = self._session.run(
            {
                "embedded_BWR": (self._rows_VR[ids_BW] * self._scale_V1[ids_BW]).astype(np.float32),
                "places_1WD": self._places_WD[None, : ids_BW.shape[1]],
                "sees_BW": mask_BW.astype(np.int32),
                "share_B1W": share_BW[:, None].astype(np.float32),
            }
        )
        scale = np.float32(math.sqrt(self.width))
        words_BWC = _of_length_one(made["words_BWC"]) * mask_BW[..., None]
        return TextFeatures(
            _of_length_one(made["sentence_BC"]) * scale,
            (words_BWC * scale).astype(np.float32),
            mask_BW,
        )


def _of_length_one(values: AnyArray) -> AnyArray:
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return values / np.maximum(length, _LEAST_LENGTH)


def _student_graph(config: StudentConfig, weights: Weights) -> Graph:
    """embedded_BWR, places_1WD, sees_BW, share_B1W (of the mean) to sentence_BC and words_BWC."""
    graph, width = Graph("student"), config.inner_width
    embedded_BWR = graph.input("embedded_BWR", ("B", "W", config.rank), np.float32)
    places_1WD = graph.input("places_1WD", (1, "W", width), np.float32)
    sees_BW = graph.input("sees_BW", ("B", "W"), np.int32)
    share_B1W = graph.input("share_B1W", ("B", 1, "W"), np.float32)
    shape_3 = rows_shape(graph, embedded_BWR, width)
    x_ND = linear(graph, flat(graph, embedded_BWR, config.rank), weights, "enter")
    x_ND = flat(graph, add(graph, graph.node("Reshape", x_ND, shape_3), places_1WD), width)
    for layer in range(config.layers):
        x_ND = text_block(
            graph,
            f"blocks.{layer}",
            weights,
            x_ND,
            shape_3=shape_3,
            heads=config.heads,
            sees_BW=sees_BW,
        )
    x_ND = layer_norm(graph, x_ND, weights, "norm")
    x_BWD = graph.node("Reshape", x_ND, shape_3)
    mean_BD = flat(graph, graph.node("MatMul", share_B1W, x_BWD), width)
    graph.output(
        linear(graph, mean_BD, weights, "sentence_head"), "sentence_BC", ("B", config.width)
    )
    words_NC = linear(graph, x_ND, weights, "word_head")
    words_BWC = graph.node("Reshape", words_NC, rows_shape(graph, embedded_BWR, config.width))
    graph.output(words_BWC, "words_BWC", ("B", "W", config.width))
    return graph
