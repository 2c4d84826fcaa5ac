"""Where two motions were joined: the jolt at the border, taken out by a light Gaussian.

Near a border every channel is replaced by its smoothed self, by a weight that is whole at the
border and none a quarter of a second away, so that nothing else is touched and nothing jumps.

Shape suffixes: T frames, J joints, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...common.arrays import FloatArray
from ..clip import MotionClip
from ..rotations import make_continuous, normalize
from ..smoothing import gaussian_smooth

_REACH_SECONDS = 0.35
"""So far from a border its weight is none."""

_SIGMA_SECONDS = 0.035
"""Width of the Gaussian: a jolt from one frame to the next is halved, a step stays."""


def smooth_seams(clip: MotionClip, borders: Sequence[float]) -> MotionClip:
    """The clip smoothed about some moments, in frames (they may lie between two)."""
    weight_T = _weights(clip.frames, borders, _REACH_SECONDS * clip.fps)
    if not (weight_T > 0.0).any():
        return clip
    turns_TJ4 = make_continuous(clip.rotations_TJ4)
    flat_TC = np.concatenate([turns_TJ4.reshape(clip.frames, -1), clip.root_T3], axis=1)
    sigma = _SIGMA_SECONDS * clip.fps
    smooth_TC = gaussian_smooth(flat_TC, sigma, max(1, math.ceil(3.0 * sigma)))
    mixed_TC = flat_TC + weight_T[:, None] * (smooth_TC - flat_TC)
    near_T = weight_T > 0.0
    rotations_TJ4 = clip.rotations_TJ4.copy()
    root_T3 = clip.root_T3.copy()
    mixed_TJ4 = mixed_TC[:, :-3].reshape(rotations_TJ4.shape)
    rotations_TJ4[near_T] = normalize(mixed_TJ4)[near_T]
    root_T3[near_T] = mixed_TC[near_T, -3:]
    return clip.replace(rotations_TJ4=rotations_TJ4, root_T3=root_T3)


def _weights(frames: int, borders: Sequence[float], reach: float) -> FloatArray:
    """1 at the borders, falling smoothly to 0. (T,)."""
    if not len(borders):
        return np.zeros(frames)
    apart_T = np.abs(np.arange(frames)[:, None] - np.asarray(borders, dtype=np.float64)).min(axis=1)
    u_T = np.clip(1.0 - apart_T / reach, 0.0, 1.0)
    # whole over the middle half, so that all of the jolt is under it
    u_T = np.clip(2.0 * u_T, 0.0, 1.0)
    return u_T * u_T * (3.0 - 2.0 * u_T)
