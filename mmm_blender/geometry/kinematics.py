"""Forward kinematics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..common.arrays import FloatArray
from .clip import MotionClip
from .rotations import quat_multiply, quat_rotate
from .skeleton import SMPL, Skeleton


def global_rotations(rotations_TJ4: FloatArray, parents: Sequence[int]) -> FloatArray:
    """Local joint rotations to rotations in model space. (..., J, 4), w first."""
    result = np.array(rotations_TJ4, dtype=np.float64)
    for joint, parent in enumerate(parents[: result.shape[-2]]):
        if parent >= 0:
            result[..., joint, :] = quat_multiply(result[..., parent, :], result[..., joint, :])
    return result


def forward_kinematics(
    rotations_TJ4: FloatArray, root_T3: FloatArray, skeleton: Skeleton = SMPL
) -> FloatArray:
    """Joint positions in model space, metres.

    rotations_TJ4: (..., J, 4) local rotations, w first, for the first J joints of ``skeleton``.
    root_T3: (..., 3) pelvis position. Returns (..., J, 3).
    """
    world = global_rotations(rotations_TJ4, skeleton.parents)
    positions = np.empty((*rotations_TJ4.shape[:-1], 3))
    for joint in range(rotations_TJ4.shape[-2]):
        parent = skeleton.parents[joint]
        if parent < 0:
            positions[..., joint, :] = root_T3
        else:
            bone = quat_rotate(world[..., parent, :], skeleton.offsets_J3[joint])
            positions[..., joint, :] = positions[..., parent, :] + bone
    return positions


def clip_joints(clip: MotionClip, skeleton: Skeleton = SMPL) -> FloatArray:
    """Positions of the 22 joints of a clip. (T, 22, 3), metres, model space."""
    return forward_kinematics(clip.rotations_TJ4, clip.root_T3, skeleton)
