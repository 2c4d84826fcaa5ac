"""Published features (HumanML3D, 22 joints; KIT-ML, 21): joint positions as features, both ways.

Of T frames of positions T - 1 become feature rows, because a row tells the step to the next frame:

- turn of the heading about +Y as published: half the angle in radians, with the sign of the
  rotation that undoes the heading;
- step of the root over the ground in the heading frame of the frame it arrives at, metres;
- root height; joints 1.. in the heading frame (x and z from the root), metres;
- 6D rotations of joints 1..: the shortest arc from each joint's raw axis to its bone, relative
  to the joint before it in its chain; every chain starts with the rotation that undoes the heading;
- steps of all joints to the next frame, in the heading frame of the frame they leave, metres;
- contacts of four foot joints, by speed alone.

Published files flip the sign of the turn in the one row where the heading passes through 180
degrees (a quaternion's other sign); a decoder then turns twice the step the wrong way. What is
encoded here keeps the right sign.

Everything was derived from, and is tested on, a published pair of features and joints.
"""

from __future__ import annotations

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.fitting import fit_pose
from ...geometry.kinematics import clip_joints
from ...geometry.rotations import (
    cross,
    identity_quats,
    matrix_to_rotation_6d,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
    shortest_arc,
    yaw_quat,
)
from ...geometry.skeleton import SOLE_HEIGHT
from ...geometry.smoothing import gaussian_smooth
from .chains import HUMANML3D_22, KIT_21, ChainSkeleton
from .layout import HUMANML3D_263, KIT_251, FeatureLayout
from .steps import sums_before

_SKELETONS: dict[str, ChainSkeleton] = {HUMANML3D_263.name: HUMANML3D_22, KIT_251.name: KIT_21}

_HEADING_SIGMA = 20.0
"""Smoothing of the heading as published, frames."""

_HEADING_REACH = 80
"""Frames after which the published Gaussian is cut off: four sigma."""

_CONTACT_STEP = 0.002**0.5
"""A foot joint that moves less than this in one frame stands, metres: squared steps of contacts
and of the rest part at 0.002 in all published clips at hand (1.96e-3 against 2.03e-3)."""

_UP = np.array([0.0, 1.0, 0.0])
_GROUND = np.array([1.0, 0.0, 1.0])
_MIN_FRAMES = 2


def skeleton_of(layout: FeatureLayout) -> ChainSkeleton:
    """Joints and chains of a published layout; MMMError for one that is not made of positions."""
    if layout.name not in _SKELETONS:
        raise MMMError(
            f"Features '{layout.name}' hold true rotations and can't be made from joint positions "
            "alone: encode a clip instead."
        )
    return _SKELETONS[layout.name]


def _across(positions_TJ3: FloatArray, skeleton: ChainSkeleton) -> tuple[FloatArray, FloatArray]:
    """Vectors from the left to the right hip and shoulder. 2 x (T, 3)."""
    lines = [
        [skeleton.index(name) for name in pair] for pair in (skeleton.hips, skeleton.shoulders)
    ]
    hips, shoulders = (positions_TJ3[:, right] - positions_TJ3[:, left] for left, right in lines)
    return hips, shoulders


def canonical_positions(positions_TJ3: FloatArray, layout: FeatureLayout) -> FloatArray:
    """Where published motions begin: root over the origin, facing +Z, lowest joint at y = 0.

    One rigid motion of the whole clip (T, J, 3), metres; what already stands so stays.
    """
    hips, shoulders = _across(positions_TJ3[:1], skeleton_of(layout))
    forward = cross(_UP, hips + shoulders)[0]
    turned = positions_TJ3 - positions_TJ3[0, 0] * _GROUND
    turned = quat_rotate(yaw_quat(-np.arctan2(forward[0], forward[2])), turned)
    return turned - _UP * turned[..., 1].min()


def _continued(values_TC: FloatArray) -> FloatArray:
    """One more frame at the end, of the same acceleration (T + 1, C); T >= 2.

    Rows end one frame before the motion that they were made from, so positions decoded from
    published rows lack a frame that the published smoothing saw and that weighs half at the end.
    Continued, the last headings return within 0.0005 radians; cut short, within 0.015.
    """
    steps_TC = np.diff(values_TC, axis=0)
    step_C = steps_TC[-1] + (steps_TC[-1] - steps_TC[-2] if len(steps_TC) > 1 else 0.0)
    return np.concatenate([values_TC, [values_TC[-1] + step_C]])


def _headings(positions_TJ3: FloatArray, skeleton: ChainSkeleton, cut_short: bool) -> FloatArray:
    """Smoothed yaw (T,) about +Y, radians, unwrapped, exactly 0 in the first frame.

    As published, hips count against shoulders: what remains is the shoulders' line, which is
    longer, less that of the hips.
    """
    hips, shoulders = _across(positions_TJ3, skeleton)
    forward_T3 = cross(_UP, normalize(shoulders - hips))
    if cut_short:
        forward_T3 = _continued(forward_T3)
    smooth_T3 = gaussian_smooth(forward_T3, _HEADING_SIGMA, _HEADING_REACH)[: len(positions_TJ3)]
    yaw_T = np.arctan2(smooth_T3[:, 0], smooth_T3[:, 2])
    yaw_T[0] = 0.0
    return np.unwrap(yaw_T)


def _chain_rotations(
    positions_TJ3: FloatArray, start_T4: FloatArray, skeleton: ChainSkeleton
) -> FloatArray:
    """Rotation of every joint relative to the one before it in its chain. (T, J, 4), w first.

    start_T4: rotation that every chain begins with; joint 0 gets identity.
    """
    frames, count = positions_TJ3.shape[:2]
    parents = np.zeros(count, dtype=np.int64)
    world_TJ4 = identity_quats(frames, count)
    before_TJ4 = np.repeat(start_T4[:, None], count, axis=1)
    for chain in skeleton.chain_joints:
        parents[list(chain[1:])] = chain[:-1]
    bones_TJ3 = positions_TJ3 - positions_TJ3[:, parents]
    world_TJ4[:, 1:] = shortest_arc(skeleton.raw_axes_J3[1:], bones_TJ3[:, 1:])
    for chain in skeleton.chain_joints:
        before_TJ4[:, chain[2:]] = world_TJ4[:, chain[1:-1]]
    local_TJ4 = quat_multiply(quat_conjugate(before_TJ4), world_TJ4)
    local_TJ4[:, 0] = identity_quats(1)
    return local_TJ4


def _checked(positions_TJ3: FloatArray, layout: FeatureLayout) -> FloatArray:
    positions = np.asarray(positions_TJ3, dtype=np.float64)
    if positions.ndim != 3 or positions.shape[1:] != (layout.joints, 3):
        raise ValueError(
            f"{layout.name} needs positions (T, {layout.joints}, 3), not {positions.shape}"
        )
    if len(positions) < _MIN_FRAMES:
        raise MMMError("A motion needs at least two frames to be encoded: choose a longer range.")
    return positions


def encode_positions(
    positions_TJ3: FloatArray, layout: FeatureLayout, cut_short: bool = True
) -> FloatArray:
    """Joint positions (T, J, 3), metres, Y up, at the layout's rate, to features (T - 1, C).

    The motion is first brought to where published motions begin (``canonical_positions``).
    cut_short: the motion goes on after the last frame, as it does when the positions were
    decoded from rows or are part of a longer clip; else it ends there, as a recording does.
    """
    skeleton = skeleton_of(layout)
    joints_TJ3 = canonical_positions(_checked(positions_TJ3, layout), layout)
    yaw_T = _headings(joints_TJ3, skeleton, cut_short)
    unturn_T4 = yaw_quat(-yaw_T)
    steps_TJ3 = np.diff(joints_TJ3, axis=0)
    rows = len(steps_TJ3)
    features = np.empty((rows, layout.channels))
    features[:, layout.root_yaw_velocity] = -0.5 * np.diff(yaw_T)[:, None]
    features[:, layout.root_xz_velocity] = quat_rotate(unturn_T4[1:], steps_TJ3[:, 0])[:, [0, 2]]
    features[:, layout.root_height] = joints_TJ3[:-1, 0, 1:2]
    centred_TJ3 = joints_TJ3[:-1] - joints_TJ3[:-1, :1] * _GROUND
    local_TJ3 = quat_rotate(unturn_T4[:-1, None], centred_TJ3)
    features[:, layout.positions] = local_TJ3[:, 1:].reshape(rows, -1)
    turns_TJ4 = _chain_rotations(joints_TJ3[:-1], unturn_T4[:-1], skeleton)
    six = matrix_to_rotation_6d(quat_to_matrix(turns_TJ4[:, 1:]))
    features[:, layout.rotations] = six.reshape(rows, -1)
    velocities_TJ3 = quat_rotate(unturn_T4[:-1, None], steps_TJ3)
    features[:, layout.velocities] = velocities_TJ3.reshape(rows, -1)
    feet = [skeleton.index(name) for name in skeleton.feet]
    still = np.linalg.norm(steps_TJ3[:, feet], axis=-1) < _CONTACT_STEP
    features[:, layout.contacts] = still
    return features


def decode_positions(features_TC: FloatArray, layout: FeatureLayout) -> FloatArray:
    """Features (T, C), not normalised, to joint positions (T, J, 3), metres, Y up.

    Read off root steps and positions; the rotation, step and contact blocks are redundant.
    """
    features = np.asarray(features_TC, dtype=np.float64)
    frames = len(features)
    turn_T4 = yaw_quat(-2.0 * sums_before(features[:, layout.root_yaw_velocity])[:, 0])
    steps_T3 = np.zeros((frames, 3))
    steps_T3[1:, [0, 2]] = features[:-1, layout.root_xz_velocity]
    ground_T3 = np.cumsum(quat_rotate(turn_T4, steps_T3), axis=0)
    joints = np.zeros((frames, layout.joints, 3))
    joints[:, 0, 1] = features[:, layout.root_height][:, 0]
    joints[:, 1:] = features[:, layout.positions].reshape(frames, -1, 3)
    return quat_rotate(turn_T4[:, None], joints) + ground_T3[:, None]


def positions_from_smpl(positions_TJ3: FloatArray, layout: FeatureLayout) -> FloatArray:
    """The layout's joints (T, J, 3) from SMPL's 22 joints (T, 22, 3), same unit and place."""
    return np.einsum("js,tsx->tjx", skeleton_of(layout).from_smpl_JJ, positions_TJ3)


def positions_to_smpl(positions_TJ3: FloatArray, layout: FeatureLayout) -> FloatArray:
    """SMPL's 22 joints (T, 22, 3) from the layout's joints (T, J, 3), same unit and place."""
    return np.einsum("sj,tjx->tsx", skeleton_of(layout).to_smpl_JJ, positions_TJ3)


def decode_clip(features_TC: FloatArray, layout: FeatureLayout) -> MotionClip:
    """Features (T, C), not normalised, to a clip fitted to the joints, twist estimated.

    Published motions stand on the floor with their lowest joint; a clip stands on its soles.
    """
    joints_TJ3 = positions_to_smpl(decode_positions(features_TC, layout), layout)
    clip = fit_pose(joints_TJ3, fps=layout.fps)
    return clip.replace(root_T3=clip.root_T3 + _UP * SOLE_HEIGHT)


def encode_clip(clip: MotionClip, layout: FeatureLayout) -> FloatArray:
    """A clip of T frames at the layout's rate to features (T - 1, C), not normalised."""
    return encode_positions(positions_from_smpl(clip_joints(clip), layout), layout)
