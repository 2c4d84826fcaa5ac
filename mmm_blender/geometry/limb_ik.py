"""Two bones to a target in closed form: arms and legs alike, the middle joint where it was about.

The middle joint bends about the axis that the limb bends about already, and the whole limb swings
by the shortest arc, so that elbow and knee keep the plane that the motion has them in (the pole).
A limb that is straight has no such plane: then its bone's own hinge tells it.

Shape suffixes: T frames, 3 metres in model space (Y up), 4 quaternions w first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..common.arrays import FloatArray
from .clip import MotionClip
from .kinematics import clip_joints, global_rotations
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

_STRAIGHT = 0.15
"""Sine of a bend (about 9 degrees) below which the hinge tells the plane of a limb."""

_MOST_STRETCH = 0.999
"""Share of its length to which a limb may be stretched: a middle joint never locks."""


@dataclass(frozen=True)
class Limb:
    """Three joints in a row. hinge: axis about which the middle one bends by a positive angle, in
    the frame of the first bone."""

    root: int
    middle: int
    end: int
    hinge: tuple[float, float, float]

    @property
    def lengths(self) -> tuple[float, float]:
        """Metres of both bones."""
        offsets = SMPL_22.offsets_J3[[self.middle, self.end]]
        upper, lower = np.linalg.norm(offsets, axis=-1).tolist()
        return upper, lower

    @property
    def reach(self) -> float:
        """How far the end may be from the root, metres."""
        return _MOST_STRETCH * sum(self.lengths)


def _limb(root: str, middle: str, end: str, hinge: tuple[float, float, float]) -> Limb:
    return Limb(joint_index(root), joint_index(middle), joint_index(end), hinge)


LIMBS = {
    "left_wrist": _limb("left_shoulder", "left_elbow", "left_wrist", (0.0, -1.0, 0.0)),
    "right_wrist": _limb("right_shoulder", "right_elbow", "right_wrist", (0.0, 1.0, 0.0)),
    "left_ankle": _limb("left_hip", "left_knee", "left_ankle", (1.0, 0.0, 0.0)),
    "right_ankle": _limb("right_hip", "right_knee", "right_ankle", (1.0, 0.0, 0.0)),
}
"""Limbs by the joint at their end."""


def reach_for(clip: MotionClip, limb: Limb, target_T3: FloatArray) -> MotionClip:
    """The clip with the end of a limb at a target in every frame, as far as it reaches.

    The end joint keeps its rotation in model space; nothing but the three joints' rotations
    changes. Where the end is at the target already, nothing does (but for rounding).
    """
    world_TJ4 = global_rotations(clip.rotations_TJ4, SMPL_22.parents)
    root_T3 = clip_joints(clip)[:, limb.root]
    upper_3, lower_3 = SMPL_22.offsets_J3[[limb.middle, limb.end]]
    local_T4 = clip.rotations_TJ4[:, limb.middle]
    wanted_T3 = target_T3 - root_T3
    middle_T4 = _bent(limb, local_T4, np.linalg.norm(wanted_T3, axis=-1))
    own_T3 = quat_rotate(world_TJ4[:, limb.root], upper_3 + quat_rotate(middle_T4, lower_3))
    swing_T4 = shortest_arc(own_T3, wanted_T3)
    root_T4 = quat_multiply(swing_T4, world_TJ4[:, limb.root])
    parent_T4 = world_TJ4[:, SMPL_22.parents[limb.root]]
    rotations_TJ4 = clip.rotations_TJ4.copy()
    new = {
        limb.root: quat_multiply(quat_conjugate(parent_T4), root_T4),
        limb.middle: middle_T4,
        limb.end: quat_multiply(
            quat_conjugate(quat_multiply(root_T4, middle_T4)), world_TJ4[:, limb.end]
        ),
    }
    for joint, solved_T4 in new.items():
        turn_T4 = normalize(solved_T4)
        same_side_T1 = dot(turn_T4, clip.rotations_TJ4[:, joint]) >= 0.0
        rotations_TJ4[:, joint] = np.where(same_side_T1, turn_T4, -turn_T4)
    return clip.replace(rotations_TJ4=rotations_TJ4)


def _bent(limb: Limb, local_T4: FloatArray, distance_T: FloatArray) -> FloatArray:
    """The middle joint's rotations at which both ends are so far apart. (T, 4)."""
    upper_3, lower_3 = SMPL_22.offsets_J3[[limb.middle, limb.end]]
    upper, lower = limb.lengths
    nearest = abs(upper - lower) + (1.0 - _MOST_STRETCH) * (upper + lower)
    distance_T = np.clip(distance_T, nearest, limb.reach)
    wanted_T = (distance_T**2 - upper**2 - lower**2) / (2.0 * upper * lower)
    # the cosine between the bones = base + depth * cos(angle about the axis)
    bone_3 = normalize(upper_3)
    shank_T3 = normalize(quat_rotate(local_T4, lower_3))
    axis_T3 = _axis(limb, bone_3, shank_T3)
    along_T = dot(axis_T3, shank_T3)[..., 0]
    base_T = dot(np.broadcast_to(bone_3, axis_T3.shape), axis_T3)[..., 0] * along_T
    bones_T3 = np.broadcast_to(bone_3, axis_T3.shape)
    cosine_T = dot(bones_T3, shank_T3)[..., 0] - base_T
    sine_T = dot(bones_T3, cross(axis_T3, shank_T3))[..., 0]
    depth_T = np.maximum(np.hypot(cosine_T, sine_T), 1e-9)
    now_T = np.arctan2(-sine_T, cosine_T)
    then_T = np.arccos(np.clip((wanted_T - base_T) / depth_T, -1.0, 1.0))
    return quat_multiply(axis_angle_quat(axis_T3, then_T - now_T), local_T4)


def _axis(limb: Limb, bone_3: FloatArray, shank_T3: FloatArray) -> FloatArray:
    """Unit axes about which a limb bends, by a positive angle the natural way. (T, 3)."""
    hinge_3 = np.array(limb.hinge)
    axis_T3 = cross(np.broadcast_to(bone_3, shank_T3.shape), shank_T3)
    # never turned round, however straight or overstretched the limb is
    natural_T1 = dot(axis_T3, np.broadcast_to(hinge_3, axis_T3.shape))
    axis_T3 = axis_T3 + hinge_3 * (np.hypot(natural_T1, _STRAIGHT) - natural_T1)
    return normalize(axis_T3)
