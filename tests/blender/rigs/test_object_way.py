"""The way over the ground on the object instead of the bones, and back."""

from __future__ import annotations

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.actions.editability import editing_poll_error
from mmm_blender.blender.actions.object_way import way_is_on_object, way_to_object
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.binding import binding_of
from mmm_blender.blender.rig.evaluation import evaluated
from mmm_blender.blender.takes.derived import write_derived
from mmm_blender.blender.transfer.task import copy_motion
from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.retarget.presets import presets
from tests.geometry.motions import hinged_clip

BY_NAME = {preset.name: preset for preset in presets()}
FRAMES = 12


def clip() -> MotionClip:
    made = hinged_clip(FRAMES)
    return MotionClip(made.rotations_TJ4, made.root_T3, 24.0)


def rig_of(kind: str) -> ArmatureObject:
    """A character that is turned, moved, and of another size."""
    if kind == "MMM":
        rig = create_character(bpy.context)
    else:
        style = Style(up="Y", scale=0.01) if kind == "Mixamo" else Style()
        rig = build_armature("Hero", bones_of_preset(BY_NAME[kind], Build(arms_down=40.0)), style)
    rig.location, rig.rotation_euler.z = (1.0, -2.0, 0.5), 0.8
    bpy.context.view_layer.update()
    return rig


def seen(rig: ArmatureObject) -> FloatArray:
    """Heads of all bones in the world, frame by frame."""
    places = []
    for frame in range(1, FRAMES + 1):
        bpy.context.scene.frame_set(frame)
        shown = evaluated(rig)
        places.append([(shown.matrix_world @ bone.matrix).translation[:] for bone in
                       shown.pose.bones])  # fmt: skip
    return np.array(places)


def object_path(rig: ArmatureObject) -> FloatArray:
    places = []
    for frame in range(1, FRAMES + 1):
        bpy.context.scene.frame_set(frame)
        places.append(evaluated(rig).matrix_world.translation[:])
    return np.array(places)


@pytest.mark.parametrize("kind", ["MMM", "Mixamo", "Unreal 4", "MMD"])
@pytest.mark.parametrize("root", ["HIPS", "ROOT"])
def test_the_object_takes_the_way_and_the_world_sees_the_same(
    kind: str, root: str, session: WorkerSession
) -> None:
    rig = rig_of(kind)
    rig.mmm_rig.root_motion = root
    write_clip(rig, clip(), 1)
    before = seen(rig)
    assert bpy.ops.mmm.way_on_object() == {"FINISHED"}
    names = {bone for chain in binding_of(rig).rig_map.read.values() for bone in chain}
    body = [at for at, bone in enumerate(rig.pose.bones) if bone.name in names]
    assert np.abs(seen(rig) - before)[:, body].max() < 2e-5
    path = object_path(rig)
    assert np.linalg.norm(path[-1] - path[0]) > 0.3
    assert np.ptp(path[:, 2]) < 1e-5, "over the ground"
    assert bpy.ops.mmm.way_on_object() == {"FINISHED"}
    assert np.abs(seen(rig) - before).max() < 2e-5
    assert np.abs(np.array(rig.location) - (1.0, -2.0, 0.5)).max() < 1e-6
    assert not [each for each in rig_curves(rig, rig.animation_data.action)
                if each.data_path == "location"]  # fmt: skip


def test_edits_ask_for_it_back_and_in_place_works(session: WorkerSession) -> None:
    rig = rig_of("Mixamo")
    write_clip(rig, clip(), 1)
    before = seen(rig)
    bpy.ops.mmm.way_on_object()
    assert "Way on Object" in editing_poll_error(rig, "ALL")
    from mmm_blender.blender.loop.task import toggle_in_place

    assert toggle_in_place(rig)
    assert np.ptp(object_path(rig), axis=0).max() < 1e-6
    assert not toggle_in_place(rig)
    assert np.abs(seen(rig) - before).max() < 2e-5
    bpy.ops.mmm.way_on_object()
    assert editing_poll_error(rig, "ALL") == ""


def test_new_motions_go_there_where_it_is_chosen(session: WorkerSession) -> None:
    rig = rig_of("VRM")
    rig.mmm_rig.root_motion = "OBJECT"
    write_derived(bpy.context, rig, clip(), 1, "first")
    assert way_is_on_object(rig, rig.animation_data.action)
    bpy.context.scene.frame_set(1)
    first = object_path(rig)
    bpy.context.scene.frame_set(1)
    write_derived(bpy.context, rig, clip(), 1, "second")
    assert np.abs(object_path(rig) - first).max() < 1e-5, "it is not carried over as well"


def test_a_copy_has_the_way_too(session: WorkerSession) -> None:
    source, target = rig_of("Mixamo"), rig_of("Unreal 4")
    write_clip(source, clip(), 1)
    copy_motion(bpy.context, source, target)
    wanted = seen(target)
    way_to_object(source, source.animation_data.action)
    copy_motion(bpy.context, source, target)
    assert np.abs(seen(target) - wanted).max() < 1e-3


def test_an_object_that_moves_already_is_said_and_nothing_changes(session: WorkerSession) -> None:
    rig = rig_of("Mixamo")
    write_clip(rig, clip(), 1)
    rig.keyframe_insert("location", frame=1)
    before = seen(rig)
    with pytest.raises(MMMError, match="moves the object"):
        way_to_object(rig, rig.animation_data.action)
    assert np.array_equal(seen(rig), before)
