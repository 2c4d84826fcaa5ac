"""The layout smpl_269: a MotionClip as features, both ways, exactly.

Frame t holds: turn of the heading to frame t + 1 (radians about +Y), root step to t + 1 in the
heading frame of t (metres), root height, joints 1..21 in the heading frame (x, z from the root),
the pelvis' rotation relative to the heading and the local rotations of joints 1..21 (6D), joint
steps to t + 1 in the heading frame, and foot contacts. T frames give T feature rows: the last row
repeats the steps of the row before, since no frame follows it.

Decoding reads rotations and root motion only; positions, joint steps and contacts help the
networks and are redundant.
"""

from __future__ import annotations

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.clip import MotionClip
from ...geometry.feet.contacts import foot_contacts
from ...geometry.kinematics import clip_joints
from ...geometry.placement import joint_headings
from ...geometry.rotations import (
    matrix_to_quat,
    matrix_to_rotation_6d,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
    rotation_6d_to_matrix,
    yaw_quat,
)
from ...geometry.smoothing import gaussian_smooth
from .layout import SMPL_269
from .steps import forward_steps, sums_before

_HEADING_SIGMA = 4.0
"""Smoothing of the heading, frames: takes the sway of hips and shoulders out of the root's path
but, cut off at ``_HEADING_REACH``, lets no frame hear of one more than half a second away."""

_HEADING_REACH = 10


def encode_clip(clip: MotionClip) -> FloatArray:
    """Features (T, 269) of a clip at 20 fps that stands on the floor y = 0."""
    joints_TJ3 = clip_joints(clip)
    yaw_T1 = np.unwrap(joint_headings(joints_TJ3))[:, None]
    yaw_T = gaussian_smooth(yaw_T1, _HEADING_SIGMA, _HEADING_REACH)[:, 0]
    unturn_T4 = quat_conjugate(yaw_quat(yaw_T))
    ground_T3 = clip.root_T3 * np.array([1.0, 0.0, 1.0])
    local_TJ3 = quat_rotate(unturn_T4[:, None], joints_TJ3 - ground_T3[:, None])
    rotations_TJ4 = clip.rotations_TJ4.copy()
    rotations_TJ4[:, 0] = quat_multiply(unturn_T4, rotations_TJ4[:, 0])
    features = np.empty((clip.frames, SMPL_269.channels))
    features[:, SMPL_269.root_yaw_velocity] = forward_steps(yaw_T)[:, None]
    root_steps = quat_rotate(unturn_T4, forward_steps(ground_T3))
    features[:, SMPL_269.root_xz_velocity] = root_steps[:, [0, 2]]
    features[:, SMPL_269.root_height] = clip.root_T3[:, 1:2]
    features[:, SMPL_269.positions] = local_TJ3[:, 1:].reshape(clip.frames, -1)
    six = matrix_to_rotation_6d(quat_to_matrix(rotations_TJ4))
    features[:, SMPL_269.rotations] = six.reshape(clip.frames, -1)
    velocities = quat_rotate(unturn_T4[:, None], forward_steps(joints_TJ3))
    features[:, SMPL_269.velocities] = velocities.reshape(clip.frames, -1)
    features[:, SMPL_269.contacts] = foot_contacts(joints_TJ3, clip.fps)
    return features


def decode_rotations(features_TC: FloatArray) -> FloatArray:
    """Rotation block (..., 269) to quaternions (..., 22, 4), w first; the pelvis relative to the
    heading. Columns of any length and angle are made orthonormal."""
    six = features_TC[..., SMPL_269.rotations]
    six = six.reshape(*six.shape[:-1], SMPL_269.joints, 6)
    return matrix_to_quat(rotation_6d_to_matrix(six))


def decode_features(features_TC: FloatArray) -> MotionClip:
    """Features (T, 269) to a clip that starts over the origin, facing +Z."""
    features_TC = np.asarray(features_TC, dtype=np.float64)
    yaw_T4 = yaw_quat(sums_before(features_TC[:, SMPL_269.root_yaw_velocity])[:, 0])
    xz = features_TC[:, SMPL_269.root_xz_velocity]
    steps_T3 = np.stack([xz[:, 0], np.zeros(len(xz)), xz[:, 1]], axis=-1)
    root_T3 = sums_before(quat_rotate(yaw_T4, steps_T3))
    root_T3[:, 1] = features_TC[:, SMPL_269.root_height][:, 0]
    rotations_TJ4 = decode_rotations(features_TC)
    rotations_TJ4[:, 0] = normalize(quat_multiply(yaw_T4, rotations_TJ4[:, 0]))
    return MotionClip(rotations_TJ4, root_T3, fps=SMPL_269.fps)
