"""A graph in ONNX Runtime: opened from memory, run on the processor's cores.

Nothing is read from a file: the program makes the graph, and hands its weights over as arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state  # pyright: ignore[reportAttributeAccessIssue]

from ....common.arrays import AnyArray
from .model_file import Graph

_state: Any = onnxruntime_pybind11_state
LIBRARY = f"onnxruntime {onnxruntime.__version__}"

_ERRORS_ONLY = 3
_ERRORS = (_state.Fail, _state.RuntimeException, _state.InvalidArgument, _state.InvalidGraph)
"""What ONNX Runtime raises, lack of memory included; they have no base of their own."""


class Session:
    """One graph, ready to run."""

    def __init__(self, graph: Graph, threads: int) -> None:
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _ERRORS_ONLY
        # the graphs are made of joined operators already: to look for more takes time alone
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        # a worker waits most of its time, beside a Blender that wants the cores
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        names = list(graph.weights)
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(graph.weights[name]) for name in names]
        options.add_external_initializers(names, values)
        try:
            self._session: Any = onnxruntime.InferenceSession(
                graph.content(), options, providers=["CPUExecutionProvider"]
            )
        except _ERRORS as error:
            raise RuntimeError(str(error)) from error
        self._outputs = [each.name for each in self._session.get_outputs()]
        self._inputs = {each.name for each in self._session.get_inputs()}

    def run(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Outputs by name; inputs that the graph does not have are left out."""
        given = {
            name: np.ascontiguousarray(values)
            for name, values in inputs.items()
            if name in self._inputs
        }
        try:
            return dict(zip(self._outputs, self._session.run(None, given), strict=True))
        except _ERRORS as error:
            raise RuntimeError(str(error)) from error
