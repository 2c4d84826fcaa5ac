"""Hands posed by keys on a rig's fingers, and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, bones_of_preset

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.hands.rig_hands import rig_hands
from mmm_blender.blender.hands.task import hands_poll_error, pose_hands, relax_at_start
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.retarget.presets import FINGERS, presets
from tests.blender.helpers.drawing import drawn
from tests.geometry.motions import hinged_clip

BY_NAME = {preset.name: preset for preset in presets()}
FRAMES = 12


def rig_named(name: str, arms_down: float = 40.0) -> ArmatureObject:
    return build_armature("Hero", bones_of_preset(BY_NAME[name], Build(arms_down=arms_down)))


def with_motion(rig: ArmatureObject) -> None:
    made = hinged_clip(FRAMES)
    write_clip(rig, MotionClip(made.rotations_TJ4, made.root_T3, 24.0), 1)


def fingers_of(rig: ArmatureObject, side: str) -> set[str]:
    return {bone for chain in rig_hands(rig)[side].bones.values() for bone in chain}


def keyed(rig: ArmatureObject) -> dict[str, list[float]]:
    """Frames of keys by bone."""
    found: dict[str, list[float]] = {}
    for curve in rig_curves(rig, rig.animation_data.action):
        bone = str(curve.data_path).split('"')[1]
        found[bone] = [float(key.co[0]) for key in curve.keyframe_points]
    return found


def tips(rig: ArmatureObject, side: str) -> FloatArray:
    """Tips of the fingers as Blender shows them, along the hand, aside and out of the palm."""
    hand = rig_hands(rig)[side]
    names = [hand.bones[finger][-1] for finger in FINGERS]
    bpy.context.view_layer.update()
    places = np.array([rig.pose.bones[name].tail[:] for name in names])
    return (places - hand.hand.wrist_3) @ hand.hand.axes_33.T


@pytest.mark.parametrize("name", ["Mixamo", "Rigify metarig", "CloudRig"])
@pytest.mark.parametrize("mode", ["QUATERNION", "YZX", "AXIS_ANGLE"])
def test_a_pose_is_seen_whatever_the_rotation_mode(name: str, mode: str) -> None:
    rig = rig_named(name)
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    at_rest = tips(rig, "right")
    pose_hands(bpy.context, rig, "FIST", "RIGHT")
    bpy.context.scene.frame_set(1)
    fist = tips(rig, "right")
    assert (fist[1:, 0] < at_rest[1:, 0] - 0.05).all(), "closed"
    assert (fist[1:, 2] > 0.0).all(), "into the palm"
    assert set(keyed(rig)) == fingers_of(rig, "right")


def test_other_channels_stay_bit_for_bit_and_other_frames_as_they_were() -> None:
    rig = rig_named("Mixamo")
    with_motion(rig)
    before = dict(raw_curves(rig.animation_data.action))
    bpy.context.scene.frame_set(5)
    rig.pose.bones["Hips"].location.x = 3.0  # posed, not keyed
    sentence = pose_hands(bpy.context, rig, "POINT", "LEFT")
    assert sentence == "Keyed 15 finger bones of 'Hero' on frame 5."
    after = raw_curves(rig.animation_data.action)
    assert {name: after[name] for name in before} == before
    assert rig.pose.bones["Hips"].location.x == 3.0
    assert {bone for bone, frames in keyed(rig).items() if frames == [5.0]} == fingers_of(
        rig, "left"
    )


def test_selected_keys_say_the_frames() -> None:
    rig = rig_named("Mixamo")
    with_motion(rig)
    with pytest.raises(MMMError, match="No keys are selected"):
        pose_hands(bpy.context, rig, "OPEN", "BOTH", "SELECTED")
    curve = rig_curves(rig, rig.animation_data.action)[0]
    for at in (2, 7):
        curve.keyframe_points[at].select_control_point = True
    bpy.context.scene.frame_set(1)
    still = tips(rig, "left")
    pose_hands(bpy.context, rig, "FIST", "BOTH", "SELECTED")
    assert keyed(rig)["LeftHandIndex2"] == [3.0, 8.0]
    pose_hands(bpy.context, rig, "OPEN", "BOTH")
    assert keyed(rig)["LeftHandIndex2"] == [1.0, 3.0, 8.0]
    assert np.abs(tips(rig, "left")[1:, 0] - still[1:, 0]).max() < 0.03


def test_turns_go_on_from_key_to_key_the_short_way() -> None:
    rig = rig_named("Unreal 5")
    for frame, pose in ((1, "OPEN"), (10, "FIST"), (20, "RELAXED")):
        bpy.context.scene.frame_set(frame)
        pose_hands(bpy.context, rig, pose)
    for curve in rig_curves(rig, rig.animation_data.action):
        values = [float(key.co[1]) for key in curve.keyframe_points]
        assert np.abs(np.diff(values)).max() < 1.0, curve.data_path


def test_new_motions_may_begin_relaxed(session: WorkerSession) -> None:
    rig = rig_named("VRM")
    with_motion(rig)
    relax_at_start(rig, rig.animation_data.action, 1)
    assert not fingers_of(rig, "left") & set(keyed(rig)), "not unless it is wanted"
    rig.mmm_rig.fingers = "RELAXED"
    relax_at_start(rig, rig.animation_data.action, 1)
    assert keyed(rig)["J_Bip_L_Index2"] == [1.0]
    relax_at_start(rig, rig.animation_data.action, 5)
    assert keyed(rig)["J_Bip_L_Index2"] == [1.0], "fingers with keys are left alone"


def test_a_finger_that_follows_something_is_named_and_nothing_changes() -> None:
    rig = rig_named("Mixamo")
    constraint = rig.pose.bones["RightHandRing2"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget = rig, "Head"
    with pytest.raises(MMMError, match="RightHandRing2"):
        pose_hands(bpy.context, rig, "FIST")
    assert rig.animation_data is None or rig.animation_data.action is None
    pose_hands(bpy.context, rig, "FIST", "LEFT")


def test_a_rig_without_fingers_says_so(session: WorkerSession) -> None:
    rig = create_character(bpy.context)
    assert "no fingers" in hands_poll_error(rig)
    assert "Select a character" in hands_poll_error(None)
    assert not bpy.ops.mmm.pose_hands.poll()


def test_the_panel_has_a_button_a_pose(session: WorkerSession) -> None:
    from mmm_blender.blender.hands.panel import HandsPanel  # once it is registered

    rig = rig_named("Mixamo")
    assert HandsPanel.poll(bpy.context)
    buttons = [item[2] for item in drawn(HandsPanel).book if isinstance(item, tuple)]
    assert [each.pose for each in buttons] == ["RELAXED", "FIST", "POINT", "OPEN"]
    assert bpy.ops.mmm.pose_hands(pose="FIST", side="LEFT") == {"FINISHED"}
    assert set(keyed(rig)) == fingers_of(rig, "left")
