"""Training steps that keep a GPU busy: captured once as a CUDA graph, then replayed.

A small network's step is thousands of tiny kernels, and launching them one by one from Python takes
several times as long as running them. A step that draws its batch on the device and looks at no
number on the CPU can be captured and replayed as one launch (Nguyen et al., "Accelerating PyTorch
with CUDA Graphs", PyTorch blog, 2021).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .loop import Plan, Run, rate_at

_WARM_STEPS = 40
_SYNC_EVERY = 10  # steps between waits for the device, so that the clock tells the truth


class DeviceStep:
    """A training step on the device, eager at first, then captured where that is wanted.

    body: draws a batch, descends and returns the loss; in a captured step it may not wait for the
    device. Steps of which ``eager(step)`` is true run outside the graph.
    """

    def __init__(
        self, body: Callable[[], Tensor], capture: bool, eager: Callable[[int], bool]
    ) -> None:
        self._body, self._eager = body, eager
        self._graph: Any = None
        self._loss = torch.zeros(())
        # all on one stream of its own: what is captured may not touch the default one
        self._stream = torch.cuda.Stream() if capture else None

    def __call__(self, step: int) -> Tensor:
        """One step; the loss, still on the device."""
        if self._stream is None:
            return self._body()
        outside = torch.cuda.current_stream()
        self._stream.wait_stream(outside)
        with torch.cuda.stream(self._stream):
            loss = self._on_stream(step)
        outside.wait_stream(self._stream)
        return loss

    def _on_stream(self, step: int) -> Tensor:
        if step < _WARM_STEPS or self._eager(step):
            return self._body()
        if self._graph is None:
            torch.cuda.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, stream=self._stream):
                self._loss = self._body()
        self._graph.replay()
        return self._loss


def run_steps(
    run: Run,
    plan: Plan,
    step: Callable[[int], Tensor],
    after: Callable[[int, Callable[[], float]], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Train to the end of the plan. step(number): one descended step's loss. after(steps done,
    loss): called after every step; asking for the loss waits for the device."""
    on_gpu = next(run.model.parameters()).is_cuda
    started, before = clock(), run.seconds
    while (progress := plan.progress(run.step, run.seconds)) < 1:
        run.set_rate(rate_at(plan, run.step, progress))
        loss = step(run.step)
        run.step += 1
        run.update_ema()
        if on_gpu and run.step % _SYNC_EVERY == 0:
            torch.cuda.synchronize()
        run.seconds = before + clock() - started
        if after is not None:
            after(run.step, lambda loss=loss: float(loss))
