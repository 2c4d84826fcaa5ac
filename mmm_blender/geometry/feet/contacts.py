"""Which foot joint stands on the floor, found from joint positions."""

from __future__ import annotations

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ..skeleton import SMPL, SOLE_HEIGHT, joint_index

CONTACT_JOINTS = tuple(
    joint_index(name) for name in ("left_ankle", "left_foot", "right_ankle", "right_foot")
)
"""Joints whose contact is found, in the order of the feature vector's contact block."""

CONTACT_SPEED = 0.3
"""A joint slower than this stands, m/s: well over the jitter of capture data, under a step."""

CONTACT_CLEARANCE = 0.05
"""A joint higher than this over its height in a standing rest pose is in the air, metres."""


def standing_heights() -> FloatArray:
    """Height of each contact joint over the floor in rest pose, metres. (4,)."""
    heights = SMPL.rest_positions_J3[list(CONTACT_JOINTS), 1]
    return heights - heights.min() + SOLE_HEIGHT


def joint_speeds(positions_TJ3: FloatArray, fps: float) -> FloatArray:
    """Speed of each joint in m/s by forward differences; the last frame repeats. (T, J)."""
    if len(positions_TJ3) < 2:
        return np.zeros(positions_TJ3.shape[:-1])
    steps = np.linalg.norm(np.diff(positions_TJ3, axis=0), axis=-1) * fps
    return np.concatenate([steps, steps[-1:]])


def foot_contacts(positions_TJ3: FloatArray, fps: float) -> BoolArray:
    """True where a foot joint is slow and low. positions: metres, floor at y = 0. (T, 4)."""
    feet = positions_TJ3[:, CONTACT_JOINTS]
    slow = joint_speeds(feet, fps) < CONTACT_SPEED
    return slow & (feet[..., 1] < standing_heights() + CONTACT_CLEARANCE)
