"""What is done with a motion as a whole, on rigs of other conventions: each as on SMPL's.

Shape suffixes: T frames, J = 22 joints, 4 quaternions w first.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE
from mmm_blender.blender.fcurves.layered_actions import enum_value, rig_curves
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.binding import binding_of
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.placement import place, placement_of
from mmm_blender.geometry.retarget.presets import presets
from mmm_blender.geometry.rotations import axis_angle_quat, identity_quats, quat_angle
from mmm_blender.geometry.skeleton import SMPL_22, joint_index

BY_NAME = {preset.name: preset for preset in presets()}
FRAMES = 49
KEYFRAME = enum_value("type", "KEYFRAME")


def walk() -> MotionClip:
    """Two strides of a second at 24 frames a second: legs swing, knees bend on the way forward."""
    phase_T = 2.0 * np.pi * np.arange(FRAMES) / 24.0
    turns_TJ4 = identity_quats(FRAMES, len(SMPL_22))
    side_3 = np.array([1.0, 0.0, 0.0])
    for side, shift in (("left", 0.0), ("right", np.pi)):
        swing_T = 0.25 * np.sin(phase_T + shift)
        lift_T = 0.5 * np.clip(-np.cos(phase_T + shift), 0.0, None)
        turns_T = {"hip": swing_T - lift_T, "knee": 0.05 + 2.0 * lift_T, "ankle": -swing_T - lift_T}
        for name, turn_T in turns_T.items():
            turns_TJ4[:, joint_index(f"{side}_{name}")] = axis_angle_quat(side_3, turn_T)
    root_T3 = np.stack([0.0 * phase_T, 0.93 + 0.0 * phase_T, 0.2 * phase_T], axis=-1)
    return MotionClip(turns_TJ4, root_T3, 24.0)


def _mixamo() -> ArmatureObject:
    bones = bones_of_preset(BY_NAME["Mixamo"], Build(arms_down=50.0, elbows=15.0))
    return build_armature("Hero", bones, Style(up="Y", scale=0.01))


def _unreal(name: str, root_motion: str) -> ArmatureObject:
    rig = build_armature("Hero", bones_of_preset(BY_NAME[name], Build(arms_down=45.0)))
    rig.mmm_rig.root_motion = root_motion
    return rig


def _in_fk(rig: ArmatureObject) -> ArmatureObject:
    for name in ("upper_arm_parent.L", "upper_arm_parent.R", "thigh_parent.L", "thigh_parent.R"):
        rig.pose.bones[name]["IK_FK"] = 1.0
    return rig


KINDS = ("mixamo", "unreal 5", "unreal 4, root bone", "rigify")


@pytest.fixture(params=KINDS)
def rig(
    request: pytest.FixtureRequest, session: WorkerSession, tiny_bundle: Path
) -> ArmatureObject:
    """A character that walks two strides."""
    made: dict[str, Callable[[], ArmatureObject]] = {
        "mixamo": _mixamo,
        "unreal 5": lambda: _unreal("Unreal 5", "HIPS"),
        "unreal 4, root bone": lambda: _unreal("Unreal 4", "ROOT"),
        "rigify": lambda: _in_fk(request.getfixturevalue("rigify")),
    }
    rig = made[request.param]()
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    write_clip(rig, walk(), 1)
    return rig


LEGS = [at for at, name in enumerate(SMPL_22.names) if name.endswith(("hip", "knee", "ankle"))]
PINNED = 5.0
"""Degrees that legs may turn where feet are made to stand on a rig's own soles."""


def check_same(found: MotionClip, wanted: MotionClip, legs: float = 0.05) -> None:
    apart_TJ = np.degrees(quat_angle(found.rotations_TJ4, wanted.rotations_TJ4))
    assert np.delete(apart_TJ, LEGS, axis=1).max() < 0.05
    assert apart_TJ[:, LEGS].max() < legs
    assert np.abs(found.root_T3 - wanted.root_T3).max() < 2e-3


def played(rig: ArmatureObject) -> MotionClip:
    first, last = (int(frame) for frame in rig.animation_data.action.frame_range)
    return read_motion(rig, first, last)


def test_mirror_reverse_and_retime(rig: ArmatureObject) -> None:
    motion, before = played(rig), rig.animation_data.action
    assert bpy.ops.mmm.mirror() == {"FINISHED"}
    check_same(played(rig), place(motion.mirrored(), placement_of(motion)), PINNED)
    rig.mmm_takes.active = 0
    assert rig.animation_data.action == before
    assert bpy.ops.mmm.reverse() == {"FINISHED"}
    found = played(rig)
    check_same(found.replace(rotations_TJ4=found.rotations_TJ4[::-1], root_T3=found.root_T3[::-1]),
               motion, PINNED)  # fmt: skip
    rig.mmm_takes.active = 0
    assert bpy.ops.mmm.retime(seconds=1.0) == {"FINISHED"}
    found = played(rig)
    assert found.frames == 24
    check_same(found.slice(0, 1), motion.slice(0, 1), PINNED)


def test_in_place_leaves_the_hips_where_they_are_and_brings_the_way_back(
    rig: ArmatureObject,
) -> None:
    motion = played(rig)
    assert bpy.ops.mmm.in_place() == {"FINISHED"}
    still = played(rig)
    assert np.abs(still.root_T3[-1] - still.root_T3[0]).max() < 1e-4
    check_same(still.replace(root_T3=motion.root_T3), motion)
    assert bpy.ops.mmm.in_place() == {"FINISHED"}
    check_same(played(rig), motion)


def test_fewer_keys_stay_within_what_is_wanted(rig: ArmatureObject) -> None:
    motion = played(rig)
    assert bpy.ops.mmm.simplify_keys(millimetres=5.0) == {"FINISHED"}
    counts = [len(raw.keys) // KEY_DTYPE.itemsize
              for raw in raw_curves(rig.animation_data.action).values()]  # fmt: skip
    assert np.mean(counts) < 0.6 * FRAMES
    found = played(rig)
    assert np.abs(found.root_T3 - motion.root_T3).max() < 0.006
    assert np.degrees(quat_angle(found.rotations_TJ4, motion.rotations_TJ4)).max() < 5.5


def test_trimmed_to_its_steps_and_gone_round(rig: ArmatureObject, worker_python: Path) -> None:
    motion, before = played(rig), rig.animation_data.action
    assert bpy.ops.mmm.trim_to_contacts() == {"FINISHED"}
    first, last = rig.animation_data.action.frame_range
    assert 1 <= first < last <= FRAMES
    check_same(played(rig), motion.slice(int(first) - 1, int(last)), PINNED)
    rig.mmm_takes.active = 0
    assert rig.animation_data.action == before
    assert bpy.ops.mmm.make_loop() == {"FINISHED"}
    first, last = (int(frame) for frame in rig.animation_data.action.frame_range)
    once, again = read_motion(rig, first, last), read_motion(rig, last, 2 * last - first)
    way_3 = once.root_T3[-1] - once.root_T3[0]
    check_same(again.replace(root_T3=again.root_T3 - way_3), once)


def key_pose(rig: ArmatureObject, frame: int) -> None:
    """All that a motion keys is the person's own at a frame."""
    for curve in rig_curves(rig, rig.animation_data.action):
        for key in curve.keyframe_points:
            if key.co[0] == frame:
                key.type = "KEYFRAME"


def test_in_between_and_on_from_there(rig: ArmatureObject, worker_python: Path) -> None:
    motion = played(rig)
    key_pose(rig, 10)
    key_pose(rig, 24)
    between = {"frame_start": 10, "frame_end": 24}
    assert bpy.ops.mmm.in_between(prompt="a person bows", **between) == {"FINISHED"}
    found = read_motion(rig, 1, FRAMES)
    for start, stop in ((0, 10), (23, FRAMES)):
        check_same(found.slice(start, stop), motion.slice(start, stop))
    bpy.context.scene.frame_set(FRAMES - 1)
    asked = {"prompt": "a person sits", "seconds": 1.0, "start_from": "POSE"}
    assert bpy.ops.mmm.generate(**asked) == {"FINISHED"}
    assert rig.animation_data.action.frame_range[1] == FRAMES - 2 + 24
    check_same(read_motion(rig, 1, FRAMES - 6), found.slice(0, FRAMES - 6))
    steps = json.loads(rig.animation_data.action["mmm_recipe"])["steps"]
    assert {step["rig"] for step in steps} == {binding_of(rig).recipe_name}
