"""Values at every frame, as few keys with handles.

Handles lie a third of the way to the next key, so a segment is a cubic polynomial of the frame
(Hermite's), and slopes on both sides of a key are one: the handles are aligned.

T frames, C channels of one bone, K keys (knots), S = K - 1 segments.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray

_DENSE = 0.34
"""Share of frames with a key from which on slopes are plain differences: nothing is left to fit."""
_SWEEPS, _STEP = 12, 0.9
"""Of the solver (damped Jacobi): a slope weighs more than both beside it, so that it settles."""
_STIFFNESS = 1e-6
"""Keeps slopes of segments without frames inside from being undetermined."""


def fitted_slopes(values_TC: FloatArray, knots_K: IntArray) -> FloatArray:
    """Slopes (K, C) in units a frame at keys that stand on the values: least squares over all
    frames."""
    plain_KC = _differences(values_TC)[knots_K]
    if len(knots_K) > _DENSE * len(values_TC) or len(knots_K) < 2:
        return plain_KC
    own_K1, beside_S1, rest_KC = _normal_equations(values_TC, knots_K)
    scale_K1 = _STEP / (own_K1 + _STIFFNESS)
    wanted_KC = scale_K1 * (rest_KC + _STIFFNESS * plain_KC)
    next_S1, last_S1 = scale_K1[:-1] * beside_S1, scale_K1[1:] * beside_S1
    slopes_KC = plain_KC
    for _ in range(_SWEEPS):
        found_KC = wanted_KC + (1.0 - _STEP) * slopes_KC
        found_KC[:-1] -= next_S1 * slopes_KC[1:]
        found_KC[1:] -= last_S1 * slopes_KC[:-1]
        slopes_KC = found_KC
    return slopes_KC


def evaluated(
    values_KC: FloatArray, slopes_KC: FloatArray, knots_K: IntArray, frames: int
) -> FloatArray:
    """The curves at each of so many frames, from keys at ``knots_K``. (T, C)."""
    if len(knots_K) < 2:
        return np.repeat(values_KC, frames, axis=0)
    at_T, length_T, h = _hermite(knots_K, frames)
    length_T1 = length_T[:, None]
    return (
        h[0][:, None] * values_KC[at_T]
        + h[1][:, None] * length_T1 * slopes_KC[at_T]
        + h[2][:, None] * values_KC[at_T + 1]
        + h[3][:, None] * length_T1 * slopes_KC[at_T + 1]
    )


def worst_frames(cost_T: FloatArray, knots_K: IntArray, limit_T: BoolArray) -> IntArray:
    """In each segment that has a frame beyond its limit the frame that costs most, without its
    ends: where a key has to be added."""
    if not limit_T.any():
        return np.empty(0, dtype=np.int64)
    inner_T = cost_T.copy()
    inner_T[knots_K] = -1.0
    added: list[int] = []
    for first, last in pairwise(knots_K):
        if last - first > 1 and limit_T[first : last + 1].any():
            added.append(int(first + np.argmax(inner_T[first : last + 1])))
    return np.array(added, dtype=np.int64)


def _differences(values_TC: FloatArray) -> FloatArray:
    """Slopes of the values themselves, units a frame. (T, C)."""
    if len(values_TC) < 2:
        return np.zeros_like(values_TC)
    return np.gradient(values_TC, axis=0)


def _hermite(
    knots_K: IntArray, frames: int
) -> tuple[IntArray, FloatArray, tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
    """Of each frame its segment, the segment's length, and Hermite's four polynomials. (T,)."""
    frame_T = np.arange(frames)
    at_T = np.clip(np.searchsorted(knots_K, frame_T, side="right") - 1, 0, len(knots_K) - 2)
    length_T = (knots_K[at_T + 1] - knots_K[at_T]).astype(np.float64)
    t = (frame_T - knots_K[at_T]) / length_T
    square, cube = t * t, t * t * t
    polynomials = (
        2 * cube - 3 * square + 1,
        cube - 2 * square + t,
        3 * square - 2 * cube,
        cube - square,
    )
    return at_T, length_T, polynomials


def _summed(at_T: IntArray, values_T: FloatArray, count: int) -> FloatArray:
    """Sums of the values that go to each place."""
    return np.asarray(np.bincount(at_T, values_T, count), dtype=np.float64)


def _normal_equations(
    values_TC: FloatArray, knots_K: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of the slopes: a frame knows the two keys of its segment only, so a slope has to do with
    itself (K, 1), with the next one (S, 1), and with what they are to make of the values (K, C)."""
    count = len(knots_K)
    at_T, length_T, h = _hermite(knots_K, len(values_TC))
    left_T, right_T = h[1] * length_T, h[3] * length_T
    through_TC = (
        h[0][:, None] * values_TC[knots_K[at_T]] + h[2][:, None] * values_TC[knots_K[at_T + 1]]
    )
    missing_TC = values_TC - through_TC
    own_K = _summed(at_T, left_T**2, count) + _summed(at_T + 1, right_T**2, count)
    beside_S = _summed(at_T, left_T * right_T, count)[:-1]
    starts_S = knots_K[:-1]
    rest_KC = np.zeros((count, values_TC.shape[1]))
    rest_KC[:-1] += np.add.reduceat(left_T[:, None] * missing_TC, starts_S)
    rest_KC[1:] += np.add.reduceat(right_T[:, None] * missing_TC, starts_S)
    return own_K[:, None], beside_S[:, None], rest_KC
