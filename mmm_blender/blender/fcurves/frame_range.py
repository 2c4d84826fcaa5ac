"""Scene frames from a first to a last one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...common.arrays import ArrayLike, BoolArray, FloatArray


@dataclass(frozen=True)
class FrameRange:
    """Scene frames, both ends included."""

    first: float
    last: float

    def touches(self, first: float, last: float) -> bool:
        """Some frame lies in both ranges."""
        return first <= self.last and last >= self.first

    def contains(self, frames_N: ArrayLike) -> BoolArray:
        """Which frames are in it. (N,)"""
        frames = np.asarray(frames_N)
        return (frames >= self.first) & (frames <= self.last)

    @property
    def frames(self) -> FloatArray:
        """The whole frames in it. (T,)"""
        return np.arange(self.first, self.last + 1, dtype=np.float64)


ALL_FRAMES = FrameRange(-math.inf, math.inf)
"""The whole of time."""
