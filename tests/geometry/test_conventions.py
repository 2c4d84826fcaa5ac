from __future__ import annotations

import numpy as np
from hypothesis import given

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry import conventions as c
from tests.geometry.strategies import vectors


def test_axes_of_model_and_blender() -> None:
    up, forward, left = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    assert c.to_blender_vectors(up).tolist() == [0.0, 0.0, 1.0]
    assert c.to_blender_vectors(forward).tolist() == [0.0, -1.0, 0.0]
    assert c.to_blender_vectors(left).tolist() == [1.0, 0.0, 0.0]


@given(vectors(2, 3))
def test_vectors_come_back_and_keep_their_length(v: FloatArray) -> None:
    there = c.to_blender_vectors(v)
    assert np.array_equal(c.to_model_vectors(there), v)
    assert np.allclose(np.linalg.norm(there, axis=-1), np.linalg.norm(v, axis=-1))


def test_handedness_is_kept() -> None:
    basis = c.to_blender_vectors(np.eye(3))
    assert np.linalg.det(basis) > 0
