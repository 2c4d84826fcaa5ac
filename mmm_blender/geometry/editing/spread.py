"""An edit of single keys spread over the keys around them, on top of what these say.

What an edited key said before is taken from the keys beside it; the difference is added to the keys
around, less and less with every frame. Rotations are turned on, all else is added.

K keys of one property of a bone, in order; N numbers of the property; 4 quaternion w first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ..rotation_modes import QUATERNION
from ..rotations import (
    make_continuous,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_to_rotation_vector,
    rotation_vector_to_quat,
)
from .edit_mask import masked_runs

_DENSE_FRAMES = 2.0
"""Keys further apart than this say nothing of what lay between: handles spread an edit there."""
_NOISE = 2.0
"""What is no more than this times how well keys are known from those beside them is no edit."""


@dataclass(frozen=True, eq=False)
class KeyedValues:
    """frames_K; values_KN: as ``mode`` has them, a rotation mode or a name of anything else."""

    frames_K: FloatArray
    values_KN: FloatArray
    mode: str


def spread_edit(
    keyed: KeyedValues, edited_K: BoolArray, reach: float, held_K: BoolArray | None = None
) -> FloatArray | None:
    """Values (K, N) with the edit spread over so many frames on both sides; None where nothing was
    edited beyond what keys differ anyway, or the keys are too few to know.

    held_K: keys up to which an edit spreads at the most, beside the edited ones. Edited and held
    keys, and all that are further away, come back bit for bit.
    """
    free_K = ~edited_K
    if free_K.sum() < 2 or not edited_K.any():
        return None
    values_KN = keyed.values_KN
    if keyed.mode == QUATERNION:
        values_KN = make_continuous(values_KN)
    deltas_KN = np.zeros((len(values_KN), 3 if keyed.mode == QUATERNION else values_KN.shape[1]))
    for start, stop in masked_runs(edited_K):
        said_EN = _said_before(keyed.frames_K, values_KN, free_K, (start, stop))
        if said_EN is None:
            return None
        deltas_KN[start:stop] = _difference(said_EN, values_KN[start:stop], keyed.mode)
    noise = _noise(keyed, values_KN, free_K)
    if np.linalg.norm(deltas_KN, axis=1).max() <= _NOISE * noise:
        return None
    anchors_K = edited_K if held_K is None else edited_K | held_K
    added_KN = _weighted(keyed.frames_K, deltas_KN, anchors_K, reach)
    changed_K = free_K & ~anchors_K & (np.abs(added_KN) > 0.0).any(axis=1)
    moved_KN = _added(values_KN, added_KN, keyed.mode)
    if keyed.mode == QUATERNION:  # as the keys were written: a quaternion and its negative are one
        flipped_K = (values_KN * keyed.values_KN).sum(axis=1) < 0.0
        moved_KN = np.where(flipped_K[:, None], -moved_KN, moved_KN)
    return np.where(changed_K[:, None], moved_KN, keyed.values_KN)


def _said_before(
    frames_K: FloatArray, values_KN: FloatArray, free_K: BoolArray, run: tuple[int, int]
) -> FloatArray | None:
    """What the keys of a run said, from free ones beside it: a cubic between both sides, a straight
    line beyond an end. None where they are too far away."""
    start, stop = run
    before = np.flatnonzero(free_K[:start])[-2:]
    after = stop + np.flatnonzero(free_K[stop:])[:2]
    count = stop - start
    if len(before) and frames_K[start] - frames_K[before[-1]] > _DENSE_FRAMES:
        return None
    if len(after) and frames_K[after[0]] - frames_K[stop - 1] > _DENSE_FRAMES:
        return None
    if len(before) + len(after) < 2 or frames_K[stop - 1] - frames_K[start] > _DENSE_FRAMES * count:
        return None
    times_E = frames_K[start:stop]
    if not len(before) or not len(after):
        return _line(frames_K, values_KN, after if len(after) else before, times_E)
    left, right = int(before[-1]), int(after[0])
    length = frames_K[right] - frames_K[left]
    middle_N = (values_KN[right] - values_KN[left]) / length
    slope_a = _slope(frames_K, values_KN, before, middle_N)
    slope_b = _slope(frames_K, values_KN, after, middle_N)
    t_E1 = ((times_E - frames_K[left]) / length)[:, None]
    square, cube = t_E1**2, t_E1**3
    return (
        (2 * cube - 3 * square + 1) * values_KN[left]
        + (cube - 2 * square + t_E1) * length * slope_a
        + (3 * square - 2 * cube) * values_KN[right]
        + (cube - square) * length * slope_b
    )


def _slope(
    frames_K: FloatArray, values_KN: FloatArray, two: IntArray, otherwise_N: FloatArray
) -> FloatArray:
    """Units a frame between two keys; otherwise where there is but one."""
    if len(two) < 2:  # keys
        return otherwise_N
    a, b = int(two[0]), int(two[1])
    return np.asarray((values_KN[b] - values_KN[a]) / (frames_K[b] - frames_K[a]))


def _line(
    frames_K: FloatArray, values_KN: FloatArray, two: IntArray, times_E: FloatArray
) -> FloatArray:
    slope_N = _slope(frames_K, values_KN, two, np.zeros(values_KN.shape[1]))
    return values_KN[two[0]] + (times_E - frames_K[two[0]])[:, None] * slope_N


def _noise(keyed: KeyedValues, values_KN: FloatArray, free_K: BoolArray) -> float:
    """How far free keys are from what those beside them say: half of them are nearer."""
    inner = np.flatnonzero(free_K[:-2] & free_K[1:-1] & free_K[2:]) + 1
    if not len(inner):
        return 0.0
    frames_K = keyed.frames_K
    share = (frames_K[inner] - frames_K[inner - 1]) / (frames_K[inner + 1] - frames_K[inner - 1])
    between = values_KN[inner - 1] + share[:, None] * (values_KN[inner + 1] - values_KN[inner - 1])
    apart = _difference(between, values_KN[inner], keyed.mode)
    return float(np.median(np.linalg.norm(apart, axis=1)))


def _difference(before: FloatArray, after: FloatArray, mode: str) -> FloatArray:
    """What leads from one to the other: a rotation vector, or numbers to add."""
    if mode != QUATERNION:
        return after - before
    return quat_to_rotation_vector(quat_multiply(quat_conjugate(normalize(before)), after))


def _added(values_KN: FloatArray, deltas_KN: FloatArray, mode: str) -> FloatArray:
    if mode != QUATERNION:
        return values_KN + deltas_KN
    return quat_multiply(values_KN, rotation_vector_to_quat(deltas_KN))


def _weighted(
    frames_K: FloatArray, deltas_KN: FloatArray, anchors_K: BoolArray, reach: float
) -> FloatArray:
    """Of each key the share of the anchors before and after it: all of it there, none of it one
    frame beyond the reach or at the next anchor."""
    anchors = np.flatnonzero(anchors_K)
    added_KN = np.zeros_like(deltas_KN)
    for number, anchor in enumerate(anchors):
        for step in (-1, 1):
            other = number + step
            width = reach + 1.0
            if 0 <= other < len(anchors):
                width = min(width, abs(frames_K[anchors[other]] - frames_K[anchor]))
            away_K = step * (frames_K - frames_K[anchor])
            near_K = (away_K > 0.0) & (away_K < width)
            weights_K = 0.5 + 0.5 * np.cos(np.pi * away_K[near_K] / width)
            added_KN[near_K] += weights_K[:, None] * deltas_KN[anchor]
    return added_KN
