"""Rigs that are no person's, broken, or set up in odd ways: a motion comes, or one sentence does
and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import BoneSpec, Build, Style, bones_of_preset

from mmm_blender.blender.actions.editability import editing_poll_error, new_action_poll_error
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.binding import binding_of, find_binding
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.retarget.presets import presets
from mmm_blender.geometry.rotations import quat_angle
from tests.geometry.motions import hinged_clip

BY_NAME = {preset.name: preset for preset in presets()}
FRAMES = 8
MIXAMO = bones_of_preset(BY_NAME["Mixamo"], Build(arms_down=40.0))


def clip() -> MotionClip:
    made = hinged_clip(FRAMES)
    return MotionClip(made.rotations_TJ4, made.root_T3, 24.0)


def mixamo() -> ArmatureObject:
    return build_armature("Hero", MIXAMO, Style())


def check_works(rig: ArmatureObject) -> None:
    """A motion is keyed, read back, and may be edited."""
    assert not new_action_poll_error(rig)
    made = clip()
    write_clip(rig, made, 1)
    back = read_motion(rig, 1, FRAMES)
    assert np.degrees(quat_angle(back.rotations_TJ4, made.rotations_TJ4)).max() < 0.1
    assert not editing_poll_error(rig, "ALL")


def check_refused(rig: ArmatureObject, said: str) -> None:
    found = find_binding(rig)
    sentence = found if isinstance(found, str) else new_action_poll_error(rig)
    assert said in sentence
    assert not bpy.data.actions


# --- what is no person, or broken ----------------------------------------------------------------


def hand() -> list[BoneSpec]:
    """A palm with five fingers of three bones."""
    specs = [BoneSpec("palm", "", np.zeros(3), np.array([0.0, 0.1, 0.0]))]
    for finger in range(5):
        for at in range(3):
            head, tail = np.array(
                [[0.02 * finger, 0.1 + 0.03 * each, 0.0] for each in (at, at + 1)]
            )
            parent = f"f{finger}.{at - 1}" if at else "palm"
            specs.append(BoneSpec(f"f{finger}.{at}", parent, head, tail))
    return specs


def test_a_hand_is_no_person(session: WorkerSession) -> None:
    rig = build_armature("Hand", hand())
    check_refused(rig, "follow no convention")
    with pytest.raises(RuntimeError, match="Rig panel"):
        bpy.ops.mmm.rig_propose()


def test_a_leg_without_length_is_told(session: WorkerSession) -> None:
    knee = next(spec for spec in MIXAMO if spec.name == "LeftLeg")
    moved = [
        BoneSpec(s.name, s.parent, knee.head, s.tail) if s.name == "LeftUpLeg" else s
        for s in MIXAMO
    ]
    rig = build_armature("Hero", moved)
    is_kept = "LeftUpLeg" in rig.data.bones  # older Blenders drop bones without length
    check_refused(rig, "has no length" if is_kept else "it has none for left hip")


def test_a_bone_at_no_place_is_told(session: WorkerSession) -> None:
    rig = mixamo()
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones["LeftUpLeg"].head = (float("nan"),) * 3
    bpy.ops.object.mode_set(mode="OBJECT")
    found = find_binding(rig)
    assert isinstance(found, str)
    assert not bpy.data.actions


def test_hips_that_cannot_move_are_told(session: WorkerSession) -> None:
    root = BoneSpec("Root", "", np.array([0.0, 0.5, 0.0]), MIXAMO[0].head)
    specs = [root, *(BoneSpec(s.name, s.parent or "Root", s.head, s.tail) for s in MIXAMO)]
    rig = build_armature("Hero", specs)
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones["Hips"].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    check_refused(rig, "'Hips' of 'Hero' is connected to its parent and cannot move")


def test_a_driver_on_a_control_is_named(session: WorkerSession) -> None:
    rig = mixamo()
    rig.pose.bones["LeftArm"].driver_add("rotation_quaternion", 1)
    check_refused(rig, "a driver moves 'LeftArm' too")


def test_a_motion_file_with_nan_changes_nothing(session: WorkerSession, tmp_path: Path) -> None:
    rig = mixamo()
    write_clip(rig, clip(), 1)
    path = tmp_path / "a.bvh"
    assert bpy.ops.mmm.export_motion(filepath=str(path)) == {"FINISHED"}
    head, numbers = path.read_text().rsplit("\n", 2)[0], path.read_text().split("\n")[-2]
    path.write_text(f"{head}\n{numbers.replace(numbers.split()[3], 'nan', 1)}\n")
    before = list(bpy.data.objects), list(bpy.data.actions)
    with pytest.raises(RuntimeError, match=r"a\.bvh"):
        bpy.ops.mmm.import_motion(filepath=str(path))
    assert (list(bpy.data.objects), list(bpy.data.actions)) == before


# --- what is set up in odd ways ------------------------------------------------------------------


def lock_channels(rig: ArmatureObject) -> None:
    for bone in rig.pose.bones:
        bone.lock_location = bone.lock_rotation = (True, True, True)


def hide_collection(rig: ArmatureObject) -> None:
    hidden = rig.data.collections.new("hidden")
    for bone in rig.data.bones:
        hidden.assign(bone)
    hidden.is_visible = False


def drive_shape(rig: ArmatureObject) -> None:
    rig.pose.bones["LeftArm"].driver_add("custom_shape_rotation_euler", 0)


def follow_shoulder(rig: ArmatureObject) -> None:
    """As Auto-Rig Pro has it: the arm's place comes from the shoulder, its turn from the chest."""
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones["LeftArm"].parent = rig.data.edit_bones["Spine2"]
    bpy.ops.object.mode_set(mode="OBJECT")
    constraint: Any = rig.pose.bones["LeftArm"].constraints.new("COPY_LOCATION")
    constraint.target, constraint.subtarget, constraint.head_tail = rig, "LeftShoulder", 1.0


def child_of(rig: ArmatureObject) -> None:
    """The head hangs on the neck by a constraint."""
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones["Head"].parent = None
    bpy.ops.object.mode_set(mode="OBJECT")
    constraint: Any = rig.pose.bones["Head"].constraints.new("CHILD_OF")
    constraint.target, constraint.subtarget = rig, "Neck"
    constraint.inverse_matrix = rig.data.bones["Neck"].matrix_local.inverted()


def mirror(rig: ArmatureObject) -> None:
    rig.scale = (-1.0, 1.0, 1.0)


def squash(rig: ArmatureObject) -> None:
    rig.scale = (1.0, 2.0, 0.5)


ODD: dict[str, Callable[[ArmatureObject], None]] = {
    "locked channels": lock_channels,
    "a hidden collection": hide_collection,
    "a driven shape": drive_shape,
    "a place from another bone": follow_shoulder,
    "a parent by a constraint": child_of,
    "mirrored": mirror,
    "scaled unevenly": squash,
}


@pytest.mark.parametrize("name", ODD)
def test_odd_settings_are_worked_with(name: str, session: WorkerSession) -> None:
    rig = mixamo()
    ODD[name](rig)
    bpy.context.view_layer.update()
    check_works(rig)


def test_two_skeletons_in_one_armature_are_keyed_one_at_a_time(session: WorkerSession) -> None:
    twice = [
        BoneSpec(f"{prefix}{s.name}", s.parent and f"{prefix}{s.parent}", s.head + shift,
                 s.tail + shift)
        for prefix, shift in (("mixamorig:", np.zeros(3)), ("mixamorig1:", np.array([2.0, 0, 0])))
        for s in MIXAMO
    ]  # fmt: skip
    rig = build_armature("Pair", twice)
    bones = {each.bone for each in binding_of(rig).written}
    assert {bone.split(":")[0] for bone in bones} == {"mixamorig"}
    check_works(rig)


def test_a_linked_character_is_refused_and_its_override_is_keyed(
    session: WorkerSession, tmp_path: Path
) -> None:
    mixamo()
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = ["Hero"]
    linked: Any = wanted.objects[0]
    bpy.context.collection.objects.link(linked)
    bpy.context.view_layer.objects.active = linked
    linked.select_set(True)
    with pytest.raises(RuntimeError, match="make a library override of it"):
        bpy.ops.mmm.copy_motion(source="Hero")
    rig = linked.override_create(remap_local_usages=True)
    bpy.context.view_layer.update()
    check_works(rig)
    assert rig.library is None


def test_a_map_of_a_rig_whose_bones_became_others_is_told_in_every_press(
    session: WorkerSession,
) -> None:
    rig = mixamo()
    bpy.ops.mmm.rig_edit()
    rig.data.bones["LeftLeg"].name = "Shin"
    check_refused(rig, "names the bone 'LeftLeg', which is not there")
    with pytest.raises(MMMError):
        write_clip(rig, clip(), 1)
