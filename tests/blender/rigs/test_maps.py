"""Maps of rigs: recognised, edited, proposed, saved, loaded, and what is wrong with some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import BoneSpec, Build, Style, bones_of_preset

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.binding import binding_of, find_binding
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.blender.rig.rig_maps import MAP_PROPERTY, find_rig_map
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.retarget.presets import presets
from mmm_blender.geometry.rotations import quat_angle
from tests.blender.helpers.drawing import drawn
from tests.geometry.motions import hinged_clip

BY_NAME = {preset.name: preset for preset in presets()}
FRAMES = 12


def clip() -> MotionClip:
    made = hinged_clip(FRAMES)
    return MotionClip(made.rotations_TJ4, made.root_T3, 24.0)


def rig_named(name: str, **build: Any) -> ArmatureObject:
    return build_armature("Hero", bones_of_preset(BY_NAME[name], Build(**build)))


def renamed(specs: list[BoneSpec]) -> list[BoneSpec]:
    """Names that say nothing, with quotes and umlauts."""
    names = {spec.name: f'Kn\u00f6chel "{at}"' for at, spec in enumerate(specs)} | {"": ""}
    return [
        BoneSpec(names[each.name], names[each.parent], each.head, each.tail, each.roll)
        for each in specs
    ]


def test_the_panel_says_what_is_recognised(session: WorkerSession) -> None:
    rig_named("Mixamo")
    assert "Mixamo, 22 of 22" in text()
    build_armature("Crane", [BoneSpec("hook", "", np.zeros(3), np.ones(3))])
    assert "follow no" in text()


def text() -> str:
    from mmm_blender.blender.rigs.panel import RigPanel  # once it is registered

    return drawn(RigPanel).text


def test_a_bone_that_is_picked_makes_an_own_map_which_outlives_the_file(
    session: WorkerSession, tmp_path: Path
) -> None:
    rig = rig_named("Mixamo", arms_down=30.0)
    assert bpy.ops.mmm.rig_edit() == {"FINISHED"}
    rows = {row.slot: row for row in rig.mmm_rig.rows if row.slot != "spine"}
    assert rows["left_hip"].bone == "LeftUpLeg"
    rows["left_foot"].bone = ""
    found = find_rig_map(rig)
    assert not isinstance(found, str)
    assert found.label == "Mixamo, changed, 21 of 22"
    assert found.costs() == ("toes stay flat with the foot",)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "own.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "own.blend"))
    rig = bpy.data.objects["Hero"]
    assert binding_of(rig).rig_map == found
    write_clip(rig, clip(), 1)
    assert not any("LeftToeBase" in name[1] for name in raw_curves(rig.animation_data.action))


def test_a_map_is_saved_loaded_elsewhere_and_reset(session: WorkerSession, tmp_path: Path) -> None:
    rig = rig_named("Unreal 5")
    path = tmp_path / "unreal.json"
    assert bpy.ops.mmm.rig_save(filepath=str(path)) == {"FINISHED"}
    other = rig_named("Unreal 5", arms_down=60.0)
    assert bpy.ops.mmm.rig_load(filepath=str(path)) == {"FINISHED"}
    assert find_rig_map(other) == find_rig_map(rig)
    assert MAP_PROPERTY in other
    assert bpy.ops.mmm.rig_reset() == {"FINISHED"}
    assert MAP_PROPERTY not in other
    rig_named("Mixamo")
    with pytest.raises(RuntimeError, match="names the bone 'pelvis', which is not there"):
        bpy.ops.mmm.rig_load(filepath=str(path))
    path.write_text('{"map": "x", "read": {"wing": ["a"]}}')
    with pytest.raises(RuntimeError, match="is no map of a rig"):
        bpy.ops.mmm.rig_load(filepath=str(path))


def test_a_rig_that_nobody_listed_is_proposed_and_keyed(session: WorkerSession) -> None:
    build = Build(arms_down=40.0, elbows=15.0)
    rig = build_armature("Hero", renamed(bones_of_preset(BY_NAME["Unreal 4"], build)))
    assert isinstance(find_binding(rig), str)
    assert bpy.ops.mmm.rig_propose() == {"FINISHED"}
    assert binding_of(rig).rig_map.joints_found == 22
    made = clip()
    write_clip(rig, made, 1)
    back = read_motion(rig, 1, FRAMES)
    assert np.degrees(quat_angle(back.rotations_TJ4, made.rotations_TJ4)).max() < 0.1


def test_the_way_over_the_ground_may_lie_on_the_root_bone(session: WorkerSession) -> None:
    rig = rig_named("Unreal 4", arms_down=45.0)
    rig.mmm_rig.root_motion = "ROOT"
    made = clip()
    write_clip(rig, made, 1)
    back = read_motion(rig, 1, FRAMES)
    assert np.degrees(quat_angle(back.rotations_TJ4, made.rotations_TJ4)).max() < 0.01
    assert np.abs(back.root_T3 - made.root_T3).max() < 1e-4
    ways = {
        name[1].split('"')[1]: np.ptp(np.frombuffer(raw.keys, np.uint8))
        for name, raw in raw_curves(rig.animation_data.action).items()
        if name[1].endswith("location")
    }
    assert set(ways) == {"root", "pelvis"}
    bpy.context.scene.frame_set(FRAMES)
    moved = np.array(rig.pose.bones["root"].head)
    assert abs(moved[2]) < 1e-6
    assert np.linalg.norm(moved[:2]) > 0.3


# --- what cannot be ------------------------------------------------------------------------------


def test_a_bone_of_the_map_that_was_deleted_is_named(session: WorkerSession) -> None:
    rig = rig_named("Mixamo")
    bpy.ops.mmm.rig_edit()
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones.remove(rig.data.edit_bones["LeftHand"])
    bpy.ops.object.mode_set(mode="OBJECT")
    found = find_binding(rig)
    assert isinstance(found, str)
    assert "names the bone 'LeftHand', which is not there" in found


def test_a_changed_rest_pose_is_measured_again(session: WorkerSession) -> None:
    rig = rig_named("Mixamo", arms_down=10.0)
    bpy.ops.mmm.rig_edit()
    other = rig_named("Mixamo", arms_down=70.0)
    other[MAP_PROPERTY] = rig[MAP_PROPERTY]
    made = clip()
    write_clip(other, made, 1)
    back = read_motion(other, 1, FRAMES)
    assert np.degrees(quat_angle(back.rotations_TJ4, made.rotations_TJ4)).max() < 0.01


def quadruped() -> list[BoneSpec]:
    """A spine along the ground with four legs of names that Mixamo has."""
    specs = bones_of_preset(BY_NAME["Mixamo"], Build())
    turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    legs = ("UpLeg", "Leg", "Foot", "ToeBase")
    return [
        BoneSpec(s.name, s.parent, s.head, s.tail)
        if s.name.endswith(legs)
        else BoneSpec(s.name, s.parent, turn @ s.head, turn @ s.tail)
        for s in specs
    ]


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        (quadruped(), "no standing person's"),
        ([BoneSpec(f"Bone.{at}", "", np.zeros(3), np.ones(3)) for at in range(30)], "Rig panel"),
    ],
    ids=["quadruped", "camera rig"],
)
def test_what_is_no_person_says_so(
    specs: list[BoneSpec], said: str, session: WorkerSession
) -> None:
    rig = build_armature("Thing", specs)
    found = find_binding(rig)
    assert isinstance(found, str)
    assert said in found
    with pytest.raises(MMMError):
        write_clip(rig, clip(), 1)
    assert not bpy.data.actions


def test_three_thousand_bones_are_looked_through_at_once(session: WorkerSession) -> None:
    specs = bones_of_preset(BY_NAME["Mixamo"], Build())
    hair = [
        BoneSpec(f"hair {at}", "Head", np.array([0.0, 1.7, 0.0]), np.array([0.0, 1.8, 0.0]))
        for at in range(3000)
    ]
    rig = build_armature("Hairy", specs + hair, Style())
    assert binding_of(rig).rig_map.label == "Mixamo, 22 of 22"
