"""The pose that a motion goes on from, and the way that led into it.

Shape suffixes: K frames up to the pose.
"""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np

from ...geometry.clip import MotionClip
from ...geometry.rotations import quat_angle
from ..actions.range_writer import keyed_extent
from ..bpy_types import ArmatureObject
from ..fcurves.layered_actions import assigned_action
from ..rig.motion_reader import read_in_chunks, read_pose
from ..rig.target import scene_of

LEAD_SECONDS = 1.0
"""How much of the motion before the pose the model is shown, for it to go on at that speed."""

_REST_ANGLE = math.radians(3.0)
"""A body whose joints all are nearer than this to the rest pose is in none yet."""

_SAME_ANGLE = math.radians(0.5)


def has_pose(rig: ArmatureObject) -> bool:
    """The character is in a pose: it moves, or somebody has posed it."""
    rotations_J4 = read_pose(rig).rotations_TJ4[0]
    rest_4 = np.array([1.0, 0.0, 0.0, 0.0])
    joints = rotations_J4[1:]  # turned as a whole it is still in its rest pose
    return bool((quat_angle(joints, np.broadcast_to(rest_4, joints.shape)) > _REST_ANGLE).any())


def read_lead(rig: ArmatureObject) -> Generator[float, None, MotionClip]:
    """The motion that leads into the pose of the current frame, its last frame the pose itself;
    yields how far it is. One frame where nothing leads there, or the pose was changed by hand."""
    pose = read_pose(rig)
    now = int(scene_of(rig).frame_current)
    first = _first_frame(rig, now, pose.fps)
    if first >= now:
        return pose
    lead = yield from read_in_chunks(rig, first, now)
    return lead if _is_end(lead, pose) else pose


def _first_frame(rig: ArmatureObject, now: int, fps: float) -> int:
    """Where the motion before the pose begins to matter; ``now`` where it stands still."""
    action = assigned_action(rig)
    keyed = None if action is None else keyed_extent(rig, action)
    if keyed is None:
        return now
    return max(math.ceil(keyed[0]), now - math.ceil(LEAD_SECONDS * fps))


def _is_end(lead: MotionClip, pose: MotionClip) -> bool:
    """The lead ends in the pose, which nobody has changed without keying it."""
    turned = quat_angle(lead.rotations_TJ4[-1], pose.rotations_TJ4[0])
    moved = np.linalg.norm(lead.root_T3[-1] - pose.root_T3[0])
    return bool((turned < _SAME_ANGLE).all() and moved < 1e-3)
