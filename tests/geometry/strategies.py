"""Hypothesis strategies for geometry."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.rotations import normalize

_MIN_LENGTH = 0.01


def _long_enough(values: FloatArray) -> bool:
    return bool((np.linalg.norm(values, axis=-1) > _MIN_LENGTH).all())


def vectors(*shape: int, limit: float = 10.0) -> st.SearchStrategy[FloatArray]:
    """Arrays (*shape, 3) of any finite vectors within ``limit``, zero included."""
    return arrays(np.float64, (*shape, 3), elements=st.floats(-limit, limit))


def directions(*shape: int) -> st.SearchStrategy[FloatArray]:
    """Arrays (*shape, 3) of vectors that are not near zero."""
    return vectors(*shape).filter(_long_enough)


def quaternions(*shape: int) -> st.SearchStrategy[FloatArray]:
    """Arrays (*shape, 4) of unit quaternions, w first, either sign."""
    parts = arrays(np.float64, (*shape, 4), elements=st.floats(-1.0, 1.0))
    return parts.filter(_long_enough).map(normalize)
