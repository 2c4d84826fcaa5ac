"""A pose from joint positions alone: analytic, every frame at once, no optimiser loop.

Positions say where each bone points; they don't say how far a bone is turned about itself. What
is taken for that twist, from the trunk outwards:

- pelvis and upper chest (spine3) have three children each: a rigid fit of the three directions;
- the spine between them shares the chest's turn evenly;
- hips and shoulders: knees and elbows are hinges, so the plane in which a limb bends tells how
  its upper bone is turned; a straight limb, which tells nothing, is turned no further than its
  parent;
- everything else turns no further than its parent.

Bones with one child point exactly where the positions say. The clip is marked as twist estimated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..common.arrays import FloatArray
from .clip import MotionClip
from .conventions import MODEL_FPS
from .kinematics import forward_kinematics
from .rotations import (
    axis_angle_quat,
    cross,
    dot,
    identity_quats,
    make_continuous,
    matrix_to_quat,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    shortest_arc,
    slerp,
)
from .skeleton import ANIMATED_JOINTS, SMPL_22, Skeleton, joint_index
from .smoothing import gaussian_smooth

_STRAIGHT = 0.2
"""Sine of the bend (about 12 degrees) below which a knee or elbow tells little of its twist."""

_TWIST_SIGMA, _TWIST_REACH = 0.15, 0.5
"""How far in time, in seconds, a straight limb asks its bent frames for its twist: the width of the
Gaussian and where it is cut off. A limb straightens and bends again within about that time."""


def _joints(*names: str) -> list[int]:
    return [joint_index(name) for name in names]


_PELVIS, _CHEST, _NECK, _HEAD = _joints("pelvis", "spine3", "neck", "head")
_SPINE = _joints("spine1", "spine2")
_COLLARS = _joints("left_collar", "right_collar")
_ANKLES = _joints("left_ankle", "right_ankle")
_FEET = _joints("left_foot", "right_foot")


@dataclass(frozen=True)
class _Limbs:
    """The four limbs side by side; one entry each: left leg, right leg, left arm, right arm.

    hinges_43: axis in rest pose about which the middle joint bends by a positive angle.
    """

    parents: list[int]
    upper: list[int]
    middle: list[int]
    ends: list[int]
    hinges_43: FloatArray


_LIMBS = _Limbs(
    parents=_joints("pelvis", "pelvis", "left_collar", "right_collar"),
    upper=_joints("left_hip", "right_hip", "left_shoulder", "right_shoulder"),
    middle=_joints("left_knee", "right_knee", "left_elbow", "right_elbow"),
    ends=_joints("left_ankle", "right_ankle", "left_wrist", "right_wrist"),
    # heels go back, about +X; hands go forward from a T-pose: the left about -Y, the right about +Y
    hinges_43=np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 1.0, 0.0]]),
)


def _rigid_fit(rest_J3: FloatArray, bones_TJ3: FloatArray) -> FloatArray:
    """Rotations (T, 4) that bring the rest directions closest to those of the bones.

    Least squares over unit vectors (Kabsch), so lengths do not matter.
    """
    products = np.einsum("tji,jk->tik", normalize(bones_TJ3), normalize(rest_J3))
    u, _, vt = np.linalg.svd(products)
    u[..., -1] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return matrix_to_quat(u @ vt)


def _aimed(guess: FloatArray, rest: FloatArray, bones: FloatArray) -> FloatArray:
    """The rotation nearest to ``guess`` (..., 4) that points ``rest`` along ``bones`` (..., 3)."""
    return quat_multiply(shortest_arc(quat_rotate(guess, rest), bones), guess)


def _bend_angles(
    upper: FloatArray, lower: FloatArray, hinges: FloatArray, along: FloatArray
) -> FloatArray:
    """Hinge angles (T, N) at which the lower bone has the component ``along`` (T, N) on the upper.

    upper, lower, hinges: unit rest vectors (N, 3). Turning the lower bone by the angle a gives it
    the component  c + p cos a + q sin a; the solution past the straightest angle is the one that
    bends the natural way. Where no angle will do the limb is as straight, or as bent, as can be.
    """
    on_hinge = dot(hinges, lower)
    swung = lower - on_hinge * hinges
    c = (dot(upper, hinges) * on_hinge)[:, 0]
    p, q = dot(upper, swung)[:, 0], dot(upper, cross(hinges, lower))[:, 0]
    reach = np.clip((along - c) / np.hypot(p, q), -1.0, 1.0)
    return np.asarray(np.arctan2(q, p) + np.arccos(reach), dtype=np.float64)


def _azimuths(axis: FloatArray, start: FloatArray, end: FloatArray, fps: float) -> FloatArray:
    """Angles (T, N) about the unit ``axis`` (N, 3) that turn ``start`` towards ``end`` (T, N, 3).

    Where a limb is straight both lie along the axis and tell nothing: there the frames around
    decide, and where those are straight too the angle is 0.
    """
    sine = dot(axis, cross(start, end))
    cosine = dot(start, end) - dot(axis, start) * dot(axis, end)
    vectors = np.concatenate([cosine, sine], axis=-1)
    flat = vectors.reshape(len(vectors), -1)
    around = gaussian_smooth(flat, _TWIST_SIGMA * fps, math.ceil(_TWIST_REACH * fps))
    straight = _STRAIGHT**2
    around = around.reshape(vectors.shape) + np.array([straight, 0.0])
    vectors = vectors + straight * normalize(around)
    return np.arctan2(vectors[..., 1], vectors[..., 0])


def _fit_limbs(
    world_TJ4: FloatArray, rest_J3: FloatArray, bones_TJ3: FloatArray, fps: float
) -> tuple[FloatArray, FloatArray]:
    """World rotations (T, 4 limbs, 4) of upper and middle joints; their parents' are known."""
    upper, lower = rest_J3[_LIMBS.middle], rest_J3[_LIMBS.ends]
    swing = _aimed(world_TJ4[:, _LIMBS.parents], upper, bones_TJ3[:, _LIMBS.middle])
    wanted = quat_rotate(quat_conjugate(swing), bones_TJ3[:, _LIMBS.ends])
    angles = _bend_angles(upper, lower, _LIMBS.hinges_43, dot(wanted, upper)[..., 0])
    bend = axis_angle_quat(_LIMBS.hinges_43, angles)
    twists = _azimuths(upper, quat_rotate(bend, lower), wanted, fps)
    turned = quat_multiply(swing, axis_angle_quat(upper, twists))
    return turned, _aimed(quat_multiply(turned, bend), lower, bones_TJ3[:, _LIMBS.ends])


def _fit_trunk(world_TJ4: FloatArray, rest_J3: FloatArray, bones_TJ3: FloatArray) -> None:
    """Fill in pelvis, spine, chest, neck, head and collars of ``world_TJ4``."""
    for joint in (_PELVIS, _CHEST):
        ends = list(SMPL_22.children(joint))
        world_TJ4[:, joint] = _rigid_fit(rest_J3[ends], bones_TJ3[:, ends])
    pelvis, chest = world_TJ4[:, _PELVIS], world_TJ4[:, _CHEST]
    shares = np.arange(1, len(_SPINE) + 1) / (len(_SPINE) + 1)
    world_TJ4[:, _SPINE] = slerp(pelvis[:, None], chest[:, None], shares)
    world_TJ4[:, [_NECK, *_COLLARS]] = chest[:, None]
    aimed = [*_SPINE, _NECK, *_COLLARS]
    ends = [SMPL_22.children(joint)[0] for joint in aimed]
    world_TJ4[:, aimed] = _aimed(world_TJ4[:, aimed], rest_J3[ends], bones_TJ3[:, ends])
    world_TJ4[:, _HEAD] = world_TJ4[:, _NECK]


def _world_rotations(rest_J3: FloatArray, bones_TJ3: FloatArray, fps: float) -> FloatArray:
    """World rotations (T, 22, 4) from unit bones: in rest (22, 3) and posed (T, 22, 3)."""
    world_TJ4 = identity_quats(*bones_TJ3.shape[:2])
    _fit_trunk(world_TJ4, rest_J3, bones_TJ3)
    world_TJ4[:, _LIMBS.upper], middle = _fit_limbs(world_TJ4, rest_J3, bones_TJ3, fps)
    world_TJ4[:, _LIMBS.middle] = middle
    world_TJ4[:, _LIMBS.ends] = middle
    world_TJ4[:, _ANKLES] = _aimed(middle[:, :2], rest_J3[_FEET], bones_TJ3[:, _FEET])
    world_TJ4[:, _FEET] = world_TJ4[:, _ANKLES]
    return world_TJ4


def _leg_length(bones_TJ3: FloatArray) -> float:
    """Median length of a leg, hip over knee to ankle, from bone vectors (T, 22, 3)."""
    legs = np.linalg.norm(bones_TJ3[:, [_LIMBS.middle[:2], _LIMBS.ends[:2]]], axis=-1)
    return float(np.median(legs.sum(axis=1)))


def _fitted_root(
    positions_TJ3: FloatArray, rotations_TJ4: FloatArray, scale: float, skeleton: Skeleton
) -> FloatArray:
    """Root path (T, 3) scaled to the skeleton's legs; the lowest foot keeps its scaled height."""
    root_T3 = positions_TJ3[:, 0] * scale
    joints = forward_kinematics(rotations_TJ4[:, : max(_FEET) + 1], root_T3, skeleton)
    lowest, wanted = joints[:, _FEET, 1].min(), positions_TJ3[:, _FEET, 1].min() * scale
    return root_T3 + np.array([0.0, wanted - lowest, 0.0])


def fit_pose(
    positions_TJ3: FloatArray, skeleton: Skeleton = SMPL_22, fps: float = MODEL_FPS
) -> MotionClip:
    """A clip whose bones point as those between ``positions_TJ3`` (T, 22, 3), Y up, any unit.

    skeleton: SMPL's joints with the proportions that the clip is for, metres. The root's path is
    scaled by leg length, so that steps stay steps; the lowest foot keeps its (scaled) height.
    """
    positions = np.asarray(positions_TJ3, dtype=np.float64)
    if positions.ndim != 3 or positions.shape[1:] != (ANIMATED_JOINTS, 3):
        raise ValueError(f"fitting needs positions (T, {ANIMATED_JOINTS}, 3), {positions.shape}")
    parents = np.array(skeleton.parents[1:ANIMATED_JOINTS])
    bones_TJ3 = np.zeros_like(positions)
    bones_TJ3[:, 1:] = positions[:, 1:] - positions[:, parents]
    rest_J3 = normalize(skeleton.offsets_J3[:ANIMATED_JOINTS])
    world_TJ4 = _world_rotations(rest_J3, normalize(bones_TJ3), fps)
    rotations_TJ4 = world_TJ4.copy()
    rotations_TJ4[:, 1:] = quat_multiply(quat_conjugate(world_TJ4[:, parents]), world_TJ4[:, 1:])
    rotations_TJ4 = make_continuous(normalize(rotations_TJ4))
    scale = skeleton.leg_length / _leg_length(bones_TJ3)
    root_T3 = _fitted_root(positions, rotations_TJ4, scale, skeleton)
    return MotionClip(rotations_TJ4, root_T3, fps=fps, twist_estimated=True)
