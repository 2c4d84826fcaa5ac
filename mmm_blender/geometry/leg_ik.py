"""Legs that reach for a place: two bones and a foot, in closed form.

The knee opens or closes about its own axis until hip and ankle are as far apart as the target
asks; the thigh then swings the shortest way onto it, so that the knee stays in its plane; the foot
keeps the orientation that it had in the world, or turns the shortest way to put its toe where it
is wanted. Only the rotations of hip, knee and ankle change; the pelvis stays where it is.

Shape suffixes: T frames, J = 22 joints, 3 xyz in metres, 4 quaternion w first. Model space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .clip import MotionClip
from .conventions import FloatArray
from .kinematics import forward_kinematics, global_rotations
from .rotations import (
    axis_angle_quat,
    cross,
    dot,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    shortest_arc,
)
from .skeleton import SMPL_22, joint_index


@dataclass(frozen=True)
class Leg:
    """Joint numbers of one leg."""

    side: str
    hip: int
    knee: int
    ankle: int
    toe: int


def _leg(side: str) -> Leg:
    return Leg(side, *(joint_index(f"{side}_{name}") for name in ("hip", "knee", "ankle", "foot")))


LEGS = (_leg("left"), _leg("right"))

_KNEE_AXIS = np.array([-1.0, 0.0, 0.0])
"""SMPL's knee, in the thigh's frame: a turn about it straightens the leg."""

_STRAIGHT = 0.1
"""Sine of the knee's angle under which its plane is not sure, and ``_KNEE_AXIS`` joins in."""

_SOFT_REACH, _FULL_REACH = 0.98, 0.9995
"""Shares of the leg's length: from the first on a leg gives way softly, the second is its end, so
that a target that runs away straightens the knee without a snap."""


def reach(
    clip: MotionClip, leg: Leg, ankle_T3: FloatArray, toe_T3: FloatArray | None = None
) -> FloatArray:
    """Rotations (T, 22, 4) of a clip whose ankle goes to ``ankle_T3`` as far as the leg reaches.

    toe_T3: where the toe joint should point to; None keeps the foot's orientation in the world.
    """
    offsets = SMPL_22.offsets_J3
    world_TJ4 = global_rotations(clip.rotations_TJ4, SMPL_22.parents)
    joints_TJ3 = forward_kinematics(clip.rotations_TJ4, clip.root_T3, SMPL_22)
    wanted_T3 = ankle_T3 - joints_TJ3[:, leg.hip]
    now = np.linalg.norm(joints_TJ3[:, leg.ankle] - joints_TJ3[:, leg.hip], axis=-1)
    length = _reachable(np.linalg.norm(wanted_T3, axis=-1), now, _leg_length(leg))
    knee_T4 = _bent(clip.rotations_TJ4[:, leg.knee], leg, length)
    hip_to_ankle_T3 = offsets[leg.knee] + quat_rotate(knee_T4, offsets[leg.ankle])
    swing_T4 = shortest_arc(quat_rotate(world_TJ4[:, leg.hip], hip_to_ankle_T3), wanted_T3)
    thigh_T4 = quat_multiply(swing_T4, world_TJ4[:, leg.hip])
    shin_T4 = quat_multiply(thigh_T4, knee_T4)
    foot_T4 = world_TJ4[:, leg.ankle]
    if toe_T3 is not None:
        reached_T3 = joints_TJ3[:, leg.hip] + quat_rotate(thigh_T4, hip_to_ankle_T3)
        toe_now_T3 = quat_rotate(foot_T4, offsets[leg.toe])
        foot_T4 = quat_multiply(shortest_arc(toe_now_T3, toe_T3 - reached_T3), foot_T4)
    rotations = clip.rotations_TJ4.copy()
    rotations[:, leg.hip] = _local(world_TJ4[:, 0], thigh_T4)
    rotations[:, leg.knee] = knee_T4
    rotations[:, leg.ankle] = _local(shin_T4, foot_T4)
    return rotations


def _local(parent_T4: FloatArray, world_T4: FloatArray) -> FloatArray:
    return normalize(quat_multiply(quat_conjugate(parent_T4), world_T4))


def _leg_length(leg: Leg) -> float:
    return float(np.linalg.norm(SMPL_22.offsets_J3[[leg.knee, leg.ankle]], axis=-1).sum())


def _reachable(wanted_T: FloatArray, now_T: FloatArray, full: float) -> FloatArray:
    """Distances hip to ankle that the leg can take: those wanted, but for a soft end.

    A leg that is stretched already gives way only beyond what it is: a target that hardly differs
    from the ankle's place hardly moves it.
    """
    soft, end = _SOFT_REACH * full, _FULL_REACH * full
    room = end - soft

    def lost(distance_T: FloatArray) -> FloatArray:
        beyond = np.maximum(distance_T - soft, 0.0)
        return beyond - room * (1.0 - np.exp(-beyond / room))

    shortfall = np.maximum(lost(wanted_T) - lost(now_T), 0.0)
    shortest = abs(float(np.diff(_bone_lengths())[0]))
    return np.clip(wanted_T - shortfall, shortest + 1e-3, end)


def _bone_lengths() -> FloatArray:
    leg = LEGS[0]
    return np.linalg.norm(SMPL_22.offsets_J3[[leg.knee, leg.ankle]], axis=-1)


def _bent(knee_T4: FloatArray, leg: Leg, distance_T: FloatArray) -> FloatArray:
    """The knee's rotation with which hip and ankle are ``distance_T`` apart.

    With thigh a, shin b and the hinge n, the turn d must make a . R(n, d) b equal to
    (distance^2 - |a|^2 - |b|^2) / 2, which is u cos d + v sin d + w for known u, v, w.
    """
    thigh_3 = SMPL_22.offsets_J3[leg.knee]
    shin_T3 = quat_rotate(knee_T4, SMPL_22.offsets_J3[leg.ankle])
    axis_T3 = _hinge(thigh_3, shin_T3)
    lengthwise_T3 = axis_T3 * dot(axis_T3, shin_T3)
    w = dot(thigh_3, lengthwise_T3)[..., 0]
    u = dot(thigh_3, shin_T3 - lengthwise_T3)[..., 0]
    v = dot(thigh_3, cross(axis_T3, shin_T3))[..., 0]
    wanted = 0.5 * (distance_T**2 - thigh_3 @ thigh_3 - np.sum(shin_T3**2, axis=-1)) - w
    turn = np.arctan2(v, u) - np.arccos(np.clip(wanted / np.hypot(u, v), -1.0, 1.0))
    return normalize(quat_multiply(axis_angle_quat(axis_T3, turn), knee_T4))


def _hinge(thigh_3: FloatArray, shin_T3: FloatArray) -> FloatArray:
    """Axis (T, 3) about which the knee bends, in the thigh's frame; sure for a straight leg too."""
    normal_T3 = cross(-thigh_3, shin_T3)
    sine = np.linalg.norm(normal_T3, axis=-1, keepdims=True)
    sine = sine / np.linalg.norm(thigh_3) / np.linalg.norm(shin_T3, axis=-1, keepdims=True)
    doubt = np.clip(1.0 - sine / _STRAIGHT, 0.0, 1.0)
    return normalize((1.0 - doubt) * normalize(normal_T3) + doubt * _KNEE_AXIS)
