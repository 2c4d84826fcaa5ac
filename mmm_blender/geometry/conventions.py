"""Axes, units and rates, said once.

Model space: metres, right-handed, Y up; a character of heading 0 faces +Z and its left is +X.
Blender space: metres, right-handed, Z up; the same character faces -Y and its left is +X.
The border between them is one rotation of +90 degrees about X, applied here and nowhere else.

Quaternions are (w, x, y, z), unit length. Arrays carry shape suffixes:
T frames, J joints, 3 xyz, 4 wxyz, 6 two matrix columns; ``...`` any leading dimensions.
"""

from __future__ import annotations

import numpy as np

from ..common.arrays import ArrayLike, FloatArray

MODEL_FPS = 20.0
"""Frames per second of every model clip (HumanML3D's rate)."""


def to_blender_vectors(vectors: ArrayLike) -> FloatArray:
    """Model (x, y, z) to Blender (x, -z, y); shape (..., 3), any unit."""
    v = np.asarray(vectors, dtype=np.float64)
    return np.stack([v[..., 0], -v[..., 2], v[..., 1]], axis=-1)


def to_model_vectors(vectors: ArrayLike) -> FloatArray:
    """Blender (x, y, z) to model (x, z, -y); shape (..., 3), any unit."""
    v = np.asarray(vectors, dtype=np.float64)
    return np.stack([v[..., 0], v[..., 2], -v[..., 1]], axis=-1)
