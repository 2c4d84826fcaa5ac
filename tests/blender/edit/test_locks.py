"""Which keys of the range an edit leaves as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS, action_fcurves, curve_store
from mmm_blender.blender.history import fingerprint, recipe_store
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.geometry.rotations import dot
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.edits import (
    LAST,
    OWN_PROPERTIES,
    Inpaint,
    action_of,
    joint_of,
    keys_of,
    move_keys,
    refusal,
    values_at,
)


def test_hand_edits_hold_themselves(
    rig: ArmatureObject, inpaint: Inpaint, session: WorkerSession
) -> None:
    move_keys(rig, "left_elbow", 30)
    moved, other = values_at(rig, "left_elbow", 30), values_at(rig, "left_elbow", 29)
    assert inpaint() == {"FINISHED"}
    assert values_at(rig, "left_elbow", 30) == moved
    assert values_at(rig, "left_elbow", 29) != other
    held = [
        key.type
        for curve in action_fcurves(action_of(rig))
        if joint_of(curve.data_path) == "left_elbow"
        for key in curve.keyframe_points
        if key.co[0] == 30
    ]
    assert set(held) == {"KEYFRAME"}
    assert "1 locked" in session.notice.text


def test_nothing_is_held_where_that_is_asked_for(rig: ArmatureObject, inpaint: Inpaint) -> None:
    move_keys(rig, "left_elbow", 30)
    moved = values_at(rig, "left_elbow", 30)
    assert inpaint(hold="NONE") == {"FINISHED"}
    assert values_at(rig, "left_elbow", 30) != moved


def test_a_retimed_action_is_asked_about(rig: ArmatureObject, inpaint: Inpaint) -> None:
    for curve in action_fcurves(action_of(rig)):
        for key in curve.keyframe_points:
            key.co[1] += 0.01
    for hold in ("AUTO", "EDITED"):
        sentence = refusal(rig, lambda hold=hold: inpaint(hold=hold))
        assert "keys in the range are not as MMM wrote them" in sentence
    assert "nothing is left to make" in refusal(rig, lambda: inpaint(hold="EDITED", sure=True))
    assert inpaint(hold="NONE") == {"FINISHED"}


def test_a_renamed_bone_is_regenerated(
    rig: ArmatureObject, inpaint: Inpaint, session: WorkerSession
) -> None:
    before = values_at(rig, "left_elbow", 30)
    rig.data.bones["left_elbow"].name = "L_Elbow"
    assert inpaint() == {"FINISHED"}
    assert values_at(rig, "L_Elbow", 30) != before
    assert "L_Elbow: renamed" in session.notice.text and "locked." in session.notice.text


def pose_by_hand(rig: ArmatureObject, frame: int, angle: float) -> None:
    """Key every bone, the way a person does."""
    rig.pose.bones["pelvis"].location = (0.0, 0.02 * angle, 0.0)
    rig.pose.bones["pelvis"].keyframe_insert("location", frame=frame)
    for joint in SMPL_22.names:
        bone = rig.pose.bones[joint]
        bone.rotation_quaternion = (np.cos(angle), np.sin(angle), 0.0, 0.0)
        bone.keyframe_insert("rotation_quaternion", frame=frame)


def test_two_posed_keys_and_an_empty_timeline_are_enough(
    session: WorkerSession, tiny_bundle: Path
) -> None:
    bpy.ops.mmm.add_character()
    rig = bpy.context.view_layer.objects.active
    pose_by_hand(rig, 10, 0.05)
    pose_by_hand(rig, 40, 0.15)
    before = read_motion(rig, 10, 40)
    keys = keys_of(rig)
    result = bpy.ops.mmm.in_between(
        frame_start=10, frame_end=40, bundle=str(tiny_bundle), prompt=""
    )
    assert result == {"FINISHED"}
    after = read_motion(rig, 10, 40)
    for end in (0, -1):
        cosines = np.abs(dot(after.rotations_TJ4[end], before.rotations_TJ4[end]))
        assert cosines.min() > 1.0 - 1e-6
        np.testing.assert_allclose(after.root_T3[end], before.root_T3[end], atol=1e-5)
    for name, now in keys_of(rig).items():
        assert set(now["co"][:, 0]) == set(range(10, 41))
        assert now["co"][[0, -1]].tobytes() == keys[name]["co"].tobytes()
    assert not np.allclose(after.rotations_TJ4[15], before.rotations_TJ4[15], atol=1e-3)
    assert "2 locked" in session.notice.text


def test_a_range_of_nothing_but_holds_is_said(rig: ArmatureObject, inpaint: Inpaint) -> None:
    for curve in action_fcurves(action_of(rig)):
        for key in curve.keyframe_points:
            key.type = "KEYFRAME"
    assert "nothing is left to make" in refusal(rig, lambda: inpaint(hold="KEYFRAME"))


@pytest.mark.parametrize("part", ["ALL", "UPPER", "LOWER"])
def test_what_channels_without_keys_say_does_not_matter_to_replay(
    rig: ArmatureObject, inpaint: Inpaint, part: str
) -> None:
    """A pose that nobody keyed stands as it was left, and is another one when steps are redone."""
    action = action_of(rig)
    bpy.context.scene.frame_set(50)
    for curve in action_fcurves(action):
        if joint_of(curve.data_path) == "head":
            curve_store(rig, action).fcurves.remove(curve)  # pyright: ignore
    assert inpaint(body_part=part) == {"FINISHED"}
    assert inpaint(frame_start=45, frame_end=50, hold="NONE", body_part="LOWER") == {"FINISHED"}
    steps = recipe_store.load_recipe(action)
    assert steps is not None and getattr(steps.steps[1], "input", "")
    before = {name[1:]: raw.keys for name, raw in raw_curves(action).items()}
    rig.pose.bones["head"].rotation_quaternion = (0.6, 0.8, 0.0, 0.0)
    bpy.context.scene.frame_set(30)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    after = {name[1:]: raw.keys for name, raw in raw_curves(action_of(rig)).items()}
    assert after == before


@pytest.mark.skipif(not HAS_SLOTS, reason="Merge Animation makes slots")
def test_two_characters_in_one_action_have_a_recipe_each(
    rig: ArmatureObject, inpaint: Inpaint, tiny_bundle: Path
) -> None:
    rig.select_set(True)
    other = rig.copy()
    bpy.context.collection.objects.link(other)
    other.animation_data_clear()
    bpy.context.view_layer.objects.active = other
    bpy.ops.mmm.generate(prompt="a person runs", seconds=LAST / 24, bundle=str(tiny_bundle), seed=5)
    other.select_set(True)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.anim.merge_animation()
    assert action_of(other) == action_of(rig)
    action, slot = action_of(rig), rig.animation_data.action_slot.identifier
    said = {name: action[name] for name in OWN_PROPERTIES}
    mine = {name: raw for name, raw in raw_curves(action).items() if name[0] == slot}
    rig.select_set(False)
    bpy.context.view_layer.objects.active = other
    assert recipe_store.load_recipe(action, other) is None
    assert fingerprint.load_fingerprint(action, other) is None
    assert inpaint() == {"FINISHED"}
    assert {name: action[name] for name in OWN_PROPERTIES} == said
    assert {name: raw for name, raw in raw_curves(action).items() if name[0] == slot} == mine
    assert fingerprint.is_untouched(rig, action) and fingerprint.is_untouched(other, action)
    steps = recipe_store.load_recipe(action, other)
    assert steps is not None and len(steps.steps) == 1
    bpy.context.view_layer.objects.active = rig
    assert inpaint() == {"FINISHED"}
    steps = recipe_store.load_recipe(action)
    assert steps is not None and len(steps.steps) == 2
    assert recipe_store.load_recipe(action, rig) == steps
    assert fingerprint.is_untouched(rig, action) and fingerprint.is_untouched(other, action)
