"""Where a character stands and which way it faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..common.arrays import FloatArray
from .clip import MotionClip
from .kinematics import clip_joints
from .rotations import quat_multiply, quat_rotate, yaw_quat
from .skeleton import joint_index

_HIPS = (joint_index("left_hip"), joint_index("right_hip"))
_SHOULDERS = (joint_index("left_shoulder"), joint_index("right_shoulder"))


@dataclass(frozen=True)
class Placement:
    """A place on the ground: x and z in metres, yaw in radians about +Y (0 faces +Z)."""

    x: float = 0.0
    z: float = 0.0
    yaw: float = 0.0


def joint_headings(positions_TJ3: FloatArray) -> FloatArray:
    """Yaw (T,) in radians of bodies given by joint positions (T, J >= 18, 3).

    The body faces square to the mean of its hip and shoulder lines, seen from above; both lines
    together keep the sway of either out of it.
    """
    left = positions_TJ3[:, _HIPS[0]] + positions_TJ3[:, _SHOULDERS[0]]
    right = positions_TJ3[:, _HIPS[1]] + positions_TJ3[:, _SHOULDERS[1]]
    across = left - right
    # forward = across x up, so that across = +X gives forward = +Z: yaw is the angle of across
    return np.arctan2(-across[:, 2], across[:, 0])


def headings(clip: MotionClip) -> FloatArray:
    """Yaw (T,) in radians of every frame of a clip, 0 facing +Z, towards +X positive."""
    return joint_headings(clip_joints(clip))


def transform_ground(
    clip: MotionClip, turn: float, pivot: FloatArray, target: FloatArray
) -> MotionClip:
    """Turn a clip by ``turn`` radians about +Y around ``pivot``, which goes to ``target`` (3,)."""
    yaw = yaw_quat(turn)
    rotations = clip.rotations_TJ4.copy()
    rotations[:, 0] = quat_multiply(yaw, rotations[:, 0])
    return clip.replace(
        rotations_TJ4=rotations, root_T3=quat_rotate(yaw, clip.root_T3 - pivot) + target
    )


def placement_of(clip: MotionClip) -> Placement:
    """Where a clip's first frame stands and which way it faces."""
    x, _, z = clip.root_T3[0]
    return Placement(float(x), float(z), float(headings(clip.slice(0, 1))[0]))


def place(clip: MotionClip, placement: Placement) -> MotionClip:
    """Move a clip rigidly over the ground so that its first frame stands at ``placement``."""
    start = clip.root_T3[0] * np.array([1.0, 0.0, 1.0])
    target = np.array([placement.x, 0.0, placement.z])
    return transform_ground(
        clip, placement.yaw - float(headings(clip.slice(0, 1))[0]), start, target
    )
