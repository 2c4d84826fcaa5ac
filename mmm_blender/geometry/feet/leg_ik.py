"""Two-bone leg IK in closed form, both legs and every frame at once.

A leg is led to a new place of its ankle by the smallest change: the knee bends about the axis that
it bends about already, and the hip swings by the shortest arc, so that the knee keeps its plane.
Where the place lies out of reach the leg straightens softly instead of snapping straight.

Shape suffixes: T frames, J = 22 joints, S = 2 sides (left, right), 3 metres in model space (Y up),
4 quaternions w first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ..clip import MotionClip
from ..kinematics import forward_kinematics, global_rotations
from ..rotations import (
    axis_angle_quat,
    cross,
    dot,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    shortest_arc,
)
from ..skeleton import SMPL_22, joint_index


def _pair(name: str) -> list[int]:
    return [joint_index(f"{side}_{name}") for side in ("left", "right")]


HIPS, KNEES, ANKLES, TOES = (_pair(name) for name in ("hip", "knee", "ankle", "foot"))
"""Joints whose rotations leg IK changes; the toes' own rotations stay."""

_LAST = max(TOES) + 1

_HINGE_3 = np.array([1.0, 0.0, 0.0])
"""A knee bends by a positive angle about the thigh's +X: the heel goes back."""

_STRAIGHT = 0.2
"""Sine of the bend (about 12 degrees) below which the thigh's own X tells the axis of the knee."""

_SOFT_METRES = 0.03
"""Room that is left in a leg (4% of it) when it begins to straighten softly."""

_KEPT_BEND = 0.25
"""Share of that room that is never used: a knee keeps half of the bend that it has, or more."""

_SMALL_MOVE = 0.02
"""Metres that an ankle moves before an overstretched knee bends the natural way."""

_LARGEST_PIVOT = 0.6
"""Largest turn of a foot about its toes to bring the ankle into reach, radians."""


@dataclass(frozen=True, eq=False)
class LegBones:
    """Bones of both legs in a T-pose: from the pelvis to the hip, to the knee, to the ankle, to the
    toes."""

    hip_S3: FloatArray
    thigh_S3: FloatArray
    shank_S3: FloatArray
    foot_S3: FloatArray

    @cached_property
    def lengths_2S(self) -> FloatArray:
        """Of thighs and shanks, metres."""
        return np.linalg.norm(np.stack([self.thigh_S3, self.shank_S3]), axis=-1)


SMPL_LEGS = LegBones(*(SMPL_22.offsets_J3[pair] for pair in (HIPS, KNEES, ANKLES, TOES)))
FOOT_S3 = SMPL_LEGS.foot_S3


@dataclass(frozen=True, eq=False)
class Legs:
    """The legs of a clip as they are. Rotations are in model space but for the knees' own;
    joints_TJ3 has the first 12 joints, up to the toes. bones: whose legs they are."""

    pelvis_T4: FloatArray
    hips_TS4: FloatArray
    knees_local_TS4: FloatArray
    feet_TS4: FloatArray
    joints_TJ3: FloatArray
    bones: LegBones = SMPL_LEGS

    @classmethod
    def of(cls, clip: MotionClip) -> Legs:
        """The legs of a clip."""
        local_TJ4 = clip.rotations_TJ4[:, :_LAST]
        world_TJ4 = global_rotations(local_TJ4, SMPL_22.parents)
        hips_TS4, feet_TS4 = world_TJ4[:, HIPS], world_TJ4[:, ANKLES]
        return cls(world_TJ4[:, 0], hips_TS4, local_TJ4[:, KNEES], feet_TS4, leg_joints(clip))

    @classmethod
    def of_bones(cls, clip: MotionClip, bones: LegBones) -> Legs:
        """Other legs, turned as the clip's are; joints_TJ3 has zeros but for pelvis and legs."""
        local_TJ4 = clip.rotations_TJ4[:, :_LAST]
        world_TJ4 = global_rotations(local_TJ4, SMPL_22.parents)
        joints_TJ3 = np.zeros((clip.frames, _LAST, 3))
        joints_TJ3[:, 0] = clip.root_T3
        place_TS3, turn_TS4 = clip.root_T3[:, None], world_TJ4[:, :1]
        for joints, bone_S3 in zip(
            (HIPS, KNEES, ANKLES, TOES),
            (bones.hip_S3, bones.thigh_S3, bones.shank_S3, bones.foot_S3),
            strict=True,
        ):
            place_TS3 = place_TS3 + quat_rotate(turn_TS4, bone_S3)
            joints_TJ3[:, joints], turn_TS4 = place_TS3, world_TJ4[:, joints]
        hips_TS4, feet_TS4 = world_TJ4[:, HIPS], world_TJ4[:, ANKLES]
        return cls(world_TJ4[:, 0], hips_TS4, local_TJ4[:, KNEES], feet_TS4, joints_TJ3, bones)

    @cached_property
    def hip_TS3(self) -> FloatArray:
        """Places of the hips."""
        return self.joints_TJ3[:, HIPS]

    @cached_property
    def ankle_TS3(self) -> FloatArray:
        """Places of the ankles."""
        return self.joints_TJ3[:, ANKLES]

    @cached_property
    def toe_TS3(self) -> FloatArray:
        """Places of the toes."""
        return self.joints_TJ3[:, TOES]

    def reached(self, toe_TS3: FloatArray, foot_TS4: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Ankles (T, S, 3) and rotations (T, S, 4) of feet, brought within reach of the legs.

        toe_TS3, foot_TS4: where the feet should be. A foot out of reach is turned about its toes,
        which lifts the heel; what that cannot do moves the whole foot towards the hip.
        """
        ankle_TS3 = toe_TS3 - quat_rotate(foot_TS4, self.bones.foot_S3)
        reach_TS1 = self._soft_reach(ankle_TS3)
        turn_TS4 = _pivot(self.hip_TS3 - toe_TS3, ankle_TS3 - toe_TS3, reach_TS1)
        foot_TS4 = quat_multiply(turn_TS4, foot_TS4)
        leg_TS3 = toe_TS3 - quat_rotate(foot_TS4, self.bones.foot_S3) - self.hip_TS3
        shorter_TS1 = np.minimum(1.0, reach_TS1 / np.maximum(_length(leg_TS3), 1e-9))
        return self.hip_TS3 + shorter_TS1 * leg_TS3, foot_TS4

    def solved(self, ankle_TS3: FloatArray, foot_TS4: FloatArray) -> FloatArray:
        """Local rotations of hips, knees and ankles, (T, 3, S, 4), that put ankles and feet there.

        An ankle beyond the leg's length gets a straight leg that points at it.
        """
        knee_TS4 = self._bent(ankle_TS3)
        leg_TS3 = self.bones.thigh_S3 + quat_rotate(knee_TS4, self.bones.shank_S3)
        pointing_TS3 = quat_rotate(self.hips_TS4, leg_TS3)
        swing_TS4 = shortest_arc(pointing_TS3, ankle_TS3 - self.hip_TS3)
        hip_TS4 = quat_multiply(swing_TS4, self.hips_TS4)
        shank_TS4 = quat_multiply(hip_TS4, knee_TS4)
        return np.stack(
            [
                quat_multiply(quat_conjugate(self.pelvis_T4)[:, None], hip_TS4),
                knee_TS4,
                quat_multiply(quat_conjugate(shank_TS4), foot_TS4),
            ],
            axis=1,
        )

    def _soft_reach(self, ankle_TS3: FloatArray) -> FloatArray:
        """How far from the hip an ankle may lie that should lie at ``ankle_TS3``. (T, S, 1).

        As far as it should, until little room is left; a leg that has less room as it is, is taken
        to have just that, so that whatever does not move is not bent either.
        """
        wanted_TS1 = _length(ankle_TS3 - self.hip_TS3)
        longest_TS1 = self._knee.longest_TS1
        soft_TS1 = np.maximum(longest_TS1 - _SOFT_METRES, _length(self.ankle_TS3 - self.hip_TS3))
        room_TS1 = np.maximum((1.0 - _KEPT_BEND) * (longest_TS1 - soft_TS1), 1e-9)
        over_TS1 = np.maximum(wanted_TS1 - soft_TS1, 0.0)
        return np.minimum(wanted_TS1, soft_TS1) - room_TS1 * np.expm1(-over_TS1 / room_TS1)

    def _bent(self, ankle_TS3: FloatArray) -> FloatArray:
        """The knees' own rotations at which the ankles are as far from the hips as wanted."""
        knee = self._knee
        bend_TS1 = knee.bend_for(_length(ankle_TS3 - self.hip_TS3))
        # a knee that is bent the wrong way as it is turns round only where the foot really moves
        moved_TS1 = np.minimum(_length(ankle_TS3 - self.ankle_TS3) / _SMALL_MOVE, 1.0)
        wrong_way_TS1 = np.maximum(-knee.bend_TS1, 0.0)
        bend_TS1 = bend_TS1 - 2.0 * wrong_way_TS1 * (1.0 - moved_TS1)
        more_TS = (bend_TS1 - knee.bend_TS1)[..., 0]
        return quat_multiply(axis_angle_quat(knee.axis_TS3, more_TS), self.knees_local_TS4)

    @cached_property
    def _knee(self) -> _Knee:
        shank_TS3 = quat_rotate(self.knees_local_TS4, self.bones.shank_S3)
        return _Knee.of(shank_TS3, self.bones)


@dataclass(frozen=True, eq=False)
class _Knee:
    """How the knees bend: cosine of the shank to the thigh = base + depth * cos(bend).

    axis_TS3: unit axis in the thigh's frame. bend_TS1: angle of the knees as they are, radians,
    0 where the leg is longest, positive the natural way. lengths_2S: of thighs and shanks.
    """

    axis_TS3: FloatArray
    base_TS1: FloatArray
    depth_TS1: FloatArray
    bend_TS1: FloatArray
    lengths_2S: FloatArray

    @classmethod
    def of(cls, shank_TS3: FloatArray, bones: LegBones) -> _Knee:
        """Of shanks as vectors in the thigh's frame."""
        thigh_S3, shank_TS3 = normalize(bones.thigh_S3), normalize(shank_TS3)
        axis_TS3 = cross(thigh_S3, shank_TS3)
        # never turned round, however straight or overstretched the knee is
        axis_TS3 += _HINGE_3 * (np.hypot(axis_TS3[..., :1], _STRAIGHT) - axis_TS3[..., :1])
        axis_TS3 = normalize(axis_TS3)
        on_axis_TS1 = dot(axis_TS3, shank_TS3)
        base_TS1 = dot(thigh_S3, axis_TS3) * on_axis_TS1
        cosine_TS1 = dot(thigh_S3, shank_TS3) - base_TS1
        sine_TS1 = dot(thigh_S3, cross(axis_TS3, shank_TS3))
        bend_TS1 = np.arctan2(-sine_TS1, cosine_TS1)
        depth_TS1 = np.hypot(cosine_TS1, sine_TS1)
        return cls(axis_TS3, base_TS1, depth_TS1, bend_TS1, bones.lengths_2S)

    @cached_property
    def longest_TS1(self) -> FloatArray:
        """Distance from hip to ankle with the knee as straight as it gets, metres."""
        return np.sqrt(self._square + self._product * (self.base_TS1 + self.depth_TS1))

    @property
    def _product(self) -> FloatArray:
        return (2.0 * self.lengths_2S[0] * self.lengths_2S[1])[:, None]

    @property
    def _square(self) -> FloatArray:
        return (self.lengths_2S**2).sum(axis=0)[:, None]

    def bend_for(self, distance_TS1: FloatArray) -> FloatArray:
        """The natural bend, 0 to pi, at which hip and ankle are so far apart."""
        cosine_TS1 = (distance_TS1**2 - self._square) / self._product
        return np.arccos(np.clip((cosine_TS1 - self.base_TS1) / self.depth_TS1, -1.0, 1.0))


def with_feet_at(
    rotations_TJ4: FloatArray,
    legs: Legs,
    ankle_TS3: FloatArray,
    foot_TS4: FloatArray,
    moved_TS: BoolArray,
) -> FloatArray:
    """The rotations (T, J, 4) with hips, knees and ankles solved for ankles and feet in reach.

    moved_TS: where; elsewhere the legs stay bit for bit. Signs of the quaternions are kept.
    """
    solved_TBS4 = legs.solved(ankle_TS3, foot_TS4)
    result_TJ4 = rotations_TJ4.copy()
    for bone, joints in enumerate((HIPS, KNEES, ANKLES)):
        old_TS4, new_TS4 = rotations_TJ4[:, joints], normalize(solved_TBS4[:, bone])
        new_TS4 *= np.where(dot(old_TS4, new_TS4) < 0.0, -1.0, 1.0)
        result_TJ4[:, joints] = np.where(moved_TS[..., None], new_TS4, old_TS4)
    return result_TJ4


def leg_joints(clip: MotionClip) -> FloatArray:
    """Positions of the joints up to the toes: the first 12. (T, 12, 3), metres."""
    return forward_kinematics(clip.rotations_TJ4[:, :_LAST], clip.root_T3, SMPL_22)


def _length(vectors: FloatArray) -> FloatArray:
    return np.sqrt(dot(vectors, vectors))


def _pivot(hip_TS3: FloatArray, ankle_TS3: FloatArray, reach_TS1: FloatArray) -> FloatArray:
    """Turns (T, S, 4) about the toes that bring the ankles within ``reach_TS1`` of the hips.

    hip_TS3, ankle_TS3: seen from the toes. No turn where the ankle is within reach.
    """
    far_TS1, foot_TS1 = _length(hip_TS3), _length(ankle_TS3)
    product_TS1 = np.maximum(2.0 * far_TS1 * foot_TS1, 1e-9)
    widest_TS1 = np.clip((far_TS1**2 + foot_TS1**2 - reach_TS1**2) / product_TS1, -1.0, 1.0)
    normal_TS3 = cross(ankle_TS3, hip_TS3)
    angle_TS1 = np.arctan2(_length(normal_TS3), dot(ankle_TS3, hip_TS3))
    over_TS1 = np.clip(angle_TS1 - np.arccos(widest_TS1), 0.0, _LARGEST_PIVOT)
    return axis_angle_quat(normalize(normal_TS3), over_TS1[..., 0])
