"""Motions on rigs of other conventions: recognised, keyed, read back, and edited in a range.

Shape suffixes: T frames, J = 22 joints, 3 metres.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.actions.range_writer import raw_curves, write_range
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.rig.binding import binding_of, find_binding
from mmm_blender.blender.rig.evaluation import evaluated
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.retarget.presets import Preset, presets
from mmm_blender.geometry.rotations import quat_angle
from mmm_blender.geometry.skeleton import SMPL_22
from tests.geometry.motions import hinged_clip

BY_NAME = {preset.name: preset for preset in presets()}
FRAMES = 40
KEPT = [name for name in KEY_DTYPE.names or () if not name.endswith("_type")]
"""Of keys outside a range: handles that Blender would move turn Free where they are."""
LIMBS = ("hip", "knee", "shoulder", "elbow")


def clip_at_scene_rate() -> MotionClip:
    clip = hinged_clip(FRAMES)
    return MotionClip(clip.rotations_TJ4, clip.root_T3, 24.0)


def rig_of(preset: Preset, number: int) -> ArmatureObject:
    """Every convention in another pose and place."""
    build = Build(
        arms_down=(0.0, 30.0, 60.0, 80.0)[number % 4],
        elbows=(0.0, 20.0)[number % 2],
        spread=(0.0, 8.0, 4.0)[number % 3],
        roll=number,
        legs=(1.0, 1.15, 0.85)[number % 3],
        arms=(1.0, 0.9)[number % 2],
    )
    style = (Style(), Style(up="Y", scale=0.01), Style(turn=(0.0, 0.0, 0.7)))[number % 3]
    return build_armature(preset.name, bones_of_preset(preset, build), style)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_convention_is_recognised_keyed_and_read_back(name: str) -> None:
    number = sorted(BY_NAME).index(name)
    rig = rig_of(BY_NAME[name], number)
    binding = binding_of(rig)
    assert binding.rig_map.name in {name, "Unreal 4", "MPFB"}
    assert binding.rig_map.joints_found == 22
    clip = clip_at_scene_rate()
    write_clip(rig, clip, 1)
    back = read_motion(rig, 1, FRAMES)
    apart_TJ = np.degrees(quat_angle(back.rotations_TJ4, clip.rotations_TJ4))
    assert np.median(apart_TJ) < 0.01
    limbs = [at for at, joint in enumerate(SMPL_22.names) if joint.endswith(LIMBS)]
    spine = len(binding.rig_map.read["spine"])
    assert spine < 3 or apart_TJ[:, limbs].max() < 0.1
    assert np.abs(back.root_T3 - clip.root_T3).max() < 1e-3


def mixamo(**build: Any) -> ArmatureObject:
    bones = bones_of_preset(BY_NAME["Mixamo"], Build(**build))
    return build_armature("Mixamo", bones, Style(up="Y", scale=0.01))


def keys_outside(rig: ArmatureObject, first: int, last: int) -> dict[Any, bytes]:
    kept = {}
    for name, raw in raw_curves(rig.animation_data.action).items():
        keys = np.frombuffer(raw.keys, KEY_DTYPE)
        at = keys["co"][:, 0]
        outside = keys[(at < first) | (at > last)]
        kept[name] = b"".join(outside[field].tobytes() for field in KEPT)
    return kept


def posed_heads(rig: ArmatureObject, frames: range) -> FloatArray:
    places = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        places.append([bone.head[:] for bone in evaluated(rig).pose.bones])
    return np.array(places)


def other_motion(clip: MotionClip) -> MotionClip:
    """What a model might answer for frames 10 to 25 of a clip: another motion that meets it."""
    wild = hinged_clip(FRAMES, seed=5)
    inside = np.zeros(FRAMES, dtype=bool)
    inside[10:26] = True
    rotations = np.where(inside[:, None, None], wild.rotations_TJ4, clip.rotations_TJ4)
    return clip.replace(rotations_TJ4=rotations)


@pytest.mark.parametrize("kind", ["mixamo", "unreal 5"])
def test_a_range_meets_what_is_kept_on_the_rigs_own_bones(kind: str) -> None:
    if kind == "mixamo":
        rig = mixamo(arms_down=45.0)
    else:
        bones = bones_of_preset(BY_NAME["Unreal 5"], Build(arms_down=45.0))
        rig = build_armature("Unreal", bones)
    write_clip(rig, clip_at_scene_rate(), 1)
    bend_by_hand(rig)
    before, heads = keys_outside(rig, 11, 26), posed_heads(rig, range(1, FRAMES + 1))
    clip = read_motion(rig, 1, FRAMES)
    joints = SMPL_22.names
    write_range(rig, rig.animation_data.action, clip, 1, 11, 26, joints, {})
    assert keys_outside(rig, 11, 26) == before
    now = posed_heads(rig, range(1, FRAMES + 1))
    size = binding_scale(rig)
    apart_T = np.linalg.norm(now - heads, axis=-1).max(axis=1) / size
    assert apart_T[:10].max() == apart_T[26:].max() == 0.0
    assert apart_T[[10, 25]].max() < 0.01, "the frames beside a seam jump"


def binding_scale(rig: ArmatureObject) -> float:
    return 100.0 if max(bone.length for bone in rig.data.bones) > 2.0 else 1.0


def bend_by_hand(rig: ArmatureObject) -> None:
    """A steady bend of a chain's lower bone, which the map does not hold where it has more bones
    than SMPL."""
    spine = binding_of(rig).rig_map.read["spine"]
    for frame in range(1, FRAMES + 1):
        bone = rig.pose.bones[spine[0]]
        bpy.context.scene.frame_set(frame)
        bone.rotation_quaternion = bone.rotation_quaternion @ turn_of(0.15)
        bone.keyframe_insert("rotation_quaternion", frame=frame)


def turn_of(angle: float) -> Any:
    from mathutils import Quaternion  # there is none without Blender

    return Quaternion((1.0, 0.0, 0.0), angle)


def test_a_hand_edit_stays_and_the_rest_goes_round_it() -> None:
    rig = mixamo(arms_down=60.0)
    clip = clip_at_scene_rate()
    write_clip(rig, clip, 1)
    before = raw_curves(rig.animation_data.action)
    locked = {"left_shoulder": frozenset({15.0})}
    write_range(
        rig, rig.animation_data.action, other_motion(clip), 1, 11, 26, SMPL_22.names, locked
    )
    after = raw_curves(rig.animation_data.action)
    arm = [name for name in before if "LeftArm" in name[1]]
    assert len(arm) == 4
    for name in before:
        old, new = (np.frombuffer(each[name].keys, KEY_DTYPE) for each in (before, after))
        stays = np.isin(old["co"][:, 0], [15.0] if name in arm else [])
        stays |= (old["co"][:, 0] < 11) | (old["co"][:, 0] > 26)
        assert np.array_equal(old["co"][stays], new["co"][stays])
    assert before != after


def test_a_body_part_alone_leaves_the_other_bones() -> None:
    rig = mixamo(arms_down=60.0)
    clip = clip_at_scene_rate()
    write_clip(rig, clip, 1)
    before = raw_curves(rig.animation_data.action)
    arm = ["left_shoulder", "left_elbow", "left_wrist", "left_collar"]
    write_range(rig, rig.animation_data.action, other_motion(clip), 1, 11, 26, arm, {})
    changed = {
        name[1].split('"')[1]
        for name, raw in raw_curves(rig.animation_data.action).items()
        if raw != before[name]
    }
    assert changed == {"LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"}


# --- Rigify --------------------------------------------------------------------------------------


def switch(rig: ArmatureObject, fk: float) -> None:
    for name in ("upper_arm_parent.L", "upper_arm_parent.R", "thigh_parent.L", "thigh_parent.R"):
        rig.pose.bones[name]["IK_FK"] = fk
    rig.update_tag()
    bpy.context.view_layer.update()


def test_a_generated_rigify_human_is_keyed_on_its_controls(rigify: ArmatureObject) -> None:
    binding = binding_of(rigify)
    assert binding.rig_map.label == "Rigify, 22 of 22"
    switch(rigify, 1.0)
    clip = clip_at_scene_rate()
    action = write_clip(rigify, clip, 1)
    keyed = {name[1].split('"')[1] for name in raw_curves(action)}
    assert {"torso", "upper_arm_fk.L", "hand_ik.L", "foot_ik.R", "thigh_ik_target.L"} <= keyed
    assert not any(name.startswith(("ORG-", "DEF-", "MCH-")) for name in keyed)
    back = read_motion(rigify, 1, FRAMES)
    assert np.degrees(quat_angle(back.rotations_TJ4, clip.rotations_TJ4)).max() < 0.05
    assert np.abs(back.root_T3 - clip.root_T3).max() < 1e-4


def test_goals_of_a_rigify_human_stand_where_its_bones_do(rigify: ArmatureObject) -> None:
    for bone in rigify.pose.bones:
        bone.ik_stretch = 0.0
    write_clip(rigify, clip_at_scene_rate(), 1)
    names = [at for at, bone in enumerate(rigify.pose.bones) if bone.name.startswith("DEF-")]
    places = []
    for fk in (1.0, 0.0):
        switch(rigify, fk)
        places.append(posed_heads(rigify, range(1, FRAMES + 1, 6))[:, names])
    assert np.linalg.norm(places[0] - places[1], axis=-1).max() < 0.002


def test_a_range_of_a_rigify_human_meets_what_is_kept(rigify: ArmatureObject) -> None:
    switch(rigify, 1.0)
    clip = clip_at_scene_rate()
    write_clip(rigify, clip, 1)
    before = keys_outside(rigify, 11, 26)
    seen = read_motion(rigify, 1, FRAMES)
    action = rigify.animation_data.action
    write_range(rigify, action, other_motion(seen), 1, 11, 26, SMPL_22.names, {})
    assert keys_outside(rigify, 11, 26) == before
    back = read_motion(rigify, 11, 26)
    wanted = other_motion(seen).slice(10, 26)
    assert np.degrees(quat_angle(back.rotations_TJ4, wanted.rotations_TJ4)).max() < 0.1


# --- what cannot be ------------------------------------------------------------------------------


def test_a_constraint_on_a_bone_that_is_keyed_is_named() -> None:
    rig = mixamo()
    constraint = rig.pose.bones["LeftArm"].constraints.new("LIMIT_ROTATION")
    constraint.name = 'No "further"'
    with pytest.raises(MMMError, match="The constraint 'No \"further\"' on 'LeftArm'"):
        write_clip(rig, clip_at_scene_rate(), 1)
    assert not bpy.data.actions


def test_a_rig_of_no_known_convention_says_where_to_map_it() -> None:
    rig = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    found = find_binding(rig)
    assert isinstance(found, str) and "Rig panel" in found
