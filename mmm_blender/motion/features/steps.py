"""Steps from frame to frame, and paths from steps."""

from __future__ import annotations

import numpy as np

from ...common.arrays import FloatArray


def forward_steps(values: FloatArray) -> FloatArray:
    """Differences to the next frame along axis 0; the last row repeats (zero if alone)."""
    if len(values) < 2:
        return np.zeros_like(values)
    steps = np.diff(values, axis=0)
    return np.concatenate([steps, steps[-1:]])


def sums_before(steps: FloatArray) -> FloatArray:
    """Sum of all steps before each frame along axis 0: zero in the first. Same shape."""
    return np.concatenate([np.zeros_like(steps[:1]), np.cumsum(steps[:-1], axis=0)])
