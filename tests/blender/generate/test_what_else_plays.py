"""Nothing says "Keyed" while something else plays, and In-between goes between poses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.fcurves.layered_actions import action_fcurves
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.curve_layouts import generated


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path) -> ArmatureObject:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    bpy.ops.mmm.add_character()
    return bpy.context.view_layer.objects.active


def constrained(rig: ArmatureObject) -> None:
    constraint = rig.pose.bones["pelvis"].constraints.new("LIMIT_LOCATION")
    constraint.use_max_z, constraint.max_z = True, 0.5


def driven(rig: ArmatureObject) -> None:
    rig.pose.bones["neck"].driver_add("rotation_quaternion", 0)


def at_rest(rig: ArmatureObject) -> None:
    rig.data.pose_position = "REST"


def stretched(_rig: ArmatureObject) -> None:
    bpy.context.scene.render.frame_map_new = 200


def solo(rig: ArmatureObject) -> None:
    action = generated(rig)
    track = rig.animation_data.nla_tracks.new()
    track.strips.new("walk", 1, action)
    track.is_solo = True


CHANGES = [constrained, driven, at_rest, stretched, solo]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("operator", ["generate", "generate_sequence"])
def test_a_motion_that_would_not_be_seen_is_not_made(
    rig: ArmatureObject, change: Callable[[ArmatureObject], None], operator: str
):
    """Before: "Keyed", and something else played."""
    change(rig)
    actions = set(bpy.data.actions.keys())
    if operator == "generate_sequence":
        bpy.ops.mmm.sequence_add()
    with pytest.raises(RuntimeError, match=r"Bake the action|rest position|Time Stretching"):
        getattr(bpy.ops.mmm, operator)()
    assert set(bpy.data.actions.keys()) == actions


def test_a_strip_below_does_not_stand_in_the_way(rig: ArmatureObject):
    action = generated(rig)
    rig.animation_data.nla_tracks.new().strips.new("walk", 1, action)
    rig.animation_data.action = None
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=1.0) == {"FINISHED"}


@pytest.mark.parametrize("poses", [0, 1])
def test_in_between_without_two_poses_says_so_and_does_nothing(rig: ArmatureObject, poses: int):
    """Before: the pose was made anew."""
    action = generated(rig)
    for curve in action_fcurves(action) if poses else ():
        curve.keyframe_points[9].type = "KEYFRAME"
    before = raw_curves(action)
    with pytest.raises(RuntimeError, match="goes between poses"):
        bpy.ops.mmm.in_between(frame_start=5, frame_end=20)
    assert before == raw_curves(action)
