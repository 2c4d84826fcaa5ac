"""Only what an edit writes counts as the user's: her pose at its frame, and no other curve."""

from __future__ import annotations

import pytest

from mmm_blender.blender.bpy_types import Action, ArmatureObject, bpy
from mmm_blender.blender.history.fingerprint import is_untouched
from mmm_blender.blender.history.locked_keys import locked_keys, pose_frames
from mmm_blender.geometry.editing.lock_mode import LockMode
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.history.test_locked_keys import (
    FRAMES,
    JOINTS,
    START,
    WHOLE,
    action,
    nudge,
    rig,
)

__all__ = ["action", "rig"]
POSED = START + 6


def key_as_i_does(rig: ArmatureObject, frame: int, *names: str) -> None:
    """Blender's own I: location, rotation and scale of every bone."""
    bpy.context.scene.frame_set(frame)
    for bone in rig.pose.bones:
        for name in names or ("location", "rotation_quaternion", "scale"):
            bone.keyframe_insert(name)


def test_keys_of_scale_and_location_freeze_nothing(rig: ArmatureObject, action: Action):
    """Before: "325 of 325 keys in the range are not as MMM wrote them"."""
    key_as_i_does(rig, POSED)
    locked = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert locked.of == 22 * FRAMES
    assert locked.changed <= 22 and not locked.confirmation
    assert all(frames <= {POSED} for frames in locked.frames.values())
    assert not is_untouched(rig, action)


def test_a_pose_keyed_with_i_is_held_at_that_frame_alone(rig: ArmatureObject, action: Action):
    bpy.context.scene.frame_set(POSED)
    rig.pose.bones["left_elbow"].rotation_quaternion = (0.7071, 0.7071, 0.0, 0.0)
    bone = rig.pose.bones["left_elbow"]
    for name in ("location", "rotation_quaternion", "scale"):
        bone.keyframe_insert(name)
    locked = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert locked.frames == {"left_elbow": {POSED}}


@pytest.mark.parametrize("mode", [LockMode.EDITED, LockMode.KEYFRAME])
def test_a_scale_key_is_nobody_s_pose(rig: ArmatureObject, action: Action, mode: LockMode):
    rig.pose.bones["head"].keyframe_insert("scale", frame=POSED)
    assert locked_keys(rig, action, WHOLE, JOINTS, mode).frames == {}


def test_in_between_holds_poses_that_blender_calls_generated(rig: ArmatureObject, action: Action):
    """Before: the poses were overwritten, for a key over a GENERATED one keeps that type."""
    nudge(action, "left_elbow", "rotation_quaternion", POSED)
    nudge(action, "right_elbow", "rotation_quaternion", POSED + 8)
    locked = locked_keys(rig, action, WHOLE, JOINTS, LockMode.KEYFRAME)
    assert locked.frames == {"left_elbow": {POSED}, "right_elbow": {POSED + 8}}
    assert pose_frames(rig, action, SMPL_22.names) == [POSED, POSED + 8]
