"""CLIP's text tower in ONNX Runtime.

B prompts, W word places, N of all prompts together, D width, C channels of a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...text import TextFeatures
from ...text.clip_files import ClipFiles
from .layers import flat, layer_norm, linear
from .model_file import Graph
from .session import Session
from .text_block import rows_shape, text_block


class OnnxClip:
    """Prompts to the features that the published motion models were trained on."""

    def __init__(self, files: ClipFiles, threads: int) -> None:
        self.config = files.config
        self.tokenizer = files.tokenizer
        self._files = files
        self._table_VD = np.array(files.weights["token_embedding.weight"])
        self._places_WD = np.array(files.weights["place_embedding"])
        self._session = Session(_clip_graph(files), threads)
        files.weights.clear()  # the session has them, and the file need not be held open

    @property
    def width(self) -> int:
        """C, the channels of the sentence and of every word."""
        return self.config.projected_width

    def encode(self, prompts: Sequence[str]) -> TextFeatures:
        """Encode B prompts; what does not fit the tower's places is not read."""
        ids_BW = self._files.tokenize(prompts)
        # the first one: a prompt may spell the end of text itself
        end_B = (ids_BW == self.tokenizer.end_id).argmax(axis=1)
        rows, places = ids_BW.shape
        made = self._session.run(
            {
                "embedded_BWD": (self._table_VD[ids_BW] + self._places_WD).astype(np.float32),
                "end_B": np.arange(rows) * places + end_B,
            }
        )
        seen_BW = np.arange(places) <= end_B[:, None]
        return TextFeatures(made["sentence_BC"], made["words_BWD"], seen_BW)


def _clip_graph(files: ClipFiles) -> Graph:
    """embedded_BWD, end_B (rows of all places) to sentence_BC and words_BWD."""
    graph, config, weights = Graph("clip"), files.config, files.weights
    embedded_BWD = graph.input("embedded_BWD", ("B", "W", config.width), np.float32)
    end_B = graph.input("end_B", ("B",), np.int64)
    shape_3 = rows_shape(graph, embedded_BWD, config.width)
    x_ND = flat(graph, embedded_BWD, config.width)
    for layer in range(config.layers):
        x_ND = text_block(
            graph, f"blocks.{layer}", weights, x_ND, shape_3=shape_3, heads=config.heads
        )
    x_ND = layer_norm(graph, x_ND, weights, "norm")
    last_BD = graph.node("Gather", x_ND, end_B, axis=0)
    graph.output(
        linear(graph, last_BD, weights, "projection"), "sentence_BC", ("B", config.projected_width)
    )
    words_BWD = graph.node("Reshape", x_ND, shape_3)
    graph.output(words_BWD, "words_BWD", ("B", "W", config.width))
    return graph
