"""Somebody who stands: what a motion sets out from, or ends in, where that is asked for."""

from __future__ import annotations

import numpy as np

from .clip import MotionClip
from .kinematics import clip_joints
from .rotations import axis_angle_quat, identity_quats
from .skeleton import ANIMATED_JOINTS, SMPL_22, SOLE_HEIGHT, joint_index

_ARM_ANGLE = 1.25
"""By what the arms of the T-pose are lowered, radians: beside the body, clear of it."""

_ELBOW_ANGLE = 0.2
_FORWARD_3, _UP_3 = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])


def standing_clip(frames: int, fps: float) -> MotionClip:
    """Upright over the origin, facing +Z, soles on the floor, arms at the sides, still."""
    rotations_TJ4 = identity_quats(frames, ANIMATED_JOINTS)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        lowered = axis_angle_quat(_FORWARD_3, sign * _ARM_ANGLE)
        rotations_TJ4[:, joint_index(f"{side}_shoulder")] = lowered
        rotations_TJ4[:, joint_index(f"{side}_elbow")] = axis_angle_quat(_UP_3, sign * _ELBOW_ANGLE)
    clip = MotionClip(rotations_TJ4, np.zeros((frames, 3)), fps)
    lowest = float(clip_joints(clip.slice(0, 1))[..., 1].min())
    return clip.replace(root_T3=clip.root_T3 + np.array([0.0, SOLE_HEIGHT - lowest, 0.0]))


def t_pose_at(clip: MotionClip) -> MotionClip:
    """One frame: a T-pose where a clip begins, soles on the floor, facing +Z."""
    rotations_TJ4 = identity_quats(1, clip.rotations_TJ4.shape[1])
    root_T3 = clip.root_T3[:1] * (1.0, 0.0, 1.0)
    root_T3[:, 1] = SOLE_HEIGHT - SMPL_22.rest_positions_J3[:, 1].min()
    return MotionClip(rotations_TJ4, root_T3, clip.fps)


def with_t_pose(clip: MotionClip) -> MotionClip:
    """A T-pose on the first frame, and the clip from the next one on."""
    pose = t_pose_at(clip)
    return clip.replace(
        rotations_TJ4=np.concatenate([pose.rotations_TJ4, clip.rotations_TJ4]),
        root_T3=np.concatenate([pose.root_T3, clip.root_T3]),
    )
