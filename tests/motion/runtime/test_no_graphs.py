"""A bundle brings numbers and no graph: one that lies in it all the same is not even opened."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.motion.pipeline.pipeline import GenerateRequest, MotionPipeline
from mmm_blender.motion.runtime.onnx.model_file import Graph
from mmm_blender.motion.runtime.onnx.session import Session
from mmm_blender.motion.runtime.opening import ONNX

TINY = Path(__file__).parents[2] / "data" / "tiny"
GRAPHS = ("logits.onnx", "model.onnx", "text/text.onnx", "transformer.onnx.data")
REQUEST = GenerateRequest("a person walks", 1.0, seed=3)


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe shows whether a file is opened")
def test_a_graph_in_a_bundle_is_not_opened(tmp_path: Path) -> None:
    bundle = shutil.copytree(TINY, tmp_path / "bundle")
    for name in GRAPHS:
        os.mkfifo(bundle / name)  # whoever opened it would wait for ever
    made = MotionPipeline.load(bundle, library=ONNX).generate(REQUEST)
    before = MotionPipeline.load(TINY, library=ONNX).generate(REQUEST)
    assert np.array_equal(made.tokens_LP, before.tokens_LP)


def test_weights_stored_in_half_the_bits_are_widened_exactly() -> None:
    numbers = np.random.default_rng(0).standard_normal((7, 5)).astype(np.float16)
    graph = Graph("sum")
    given = graph.input("x", ("N", 5), np.float32)
    graph.output(graph.node("Add", given, graph.weight("w", numbers)), "y", ("N", 5))
    made = Session(graph, 1).run({"x": np.zeros((7, 5), np.float32)})["y"]
    assert made.dtype == np.float32 and np.array_equal(made, numbers.astype(np.float32))
