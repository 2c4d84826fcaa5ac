"""Joints by the keys alone, and what is drawn of a take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.preview import take_lines
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.binding import binding_of
from mmm_blender.blender.rig.keyed_joints import keyed_joints
from mmm_blender.blender.rig.world_space import world_space
from mmm_blender.geometry.retarget.presets import presets
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.rigs import STYLES, build_rig, expected_heads, posed_heads, wild_clip

FRAMES = 12


@pytest.fixture(autouse=True)
def registered_scene(session: WorkerSession) -> None:
    """The add-on's properties are there, and nothing was drawn before."""
    take_lines.forget()


def on_all_frames(rig: ArmatureObject) -> Any:
    frames_T = np.arange(1, FRAMES + 1, dtype=np.float64)
    action = rig.animation_data.action
    return keyed_joints(rig, binding_of(rig), action, SMPL_22.names, frames_T)


@pytest.mark.parametrize("style", ["random axes", "smpl add-on", "centimetres, Y up", "rest lying"])
def test_joints_by_keys_are_where_blender_shows_them(style: str) -> None:
    rig = build_rig(STYLES[style])
    write_clip(rig, wild_clip(FRAMES), 1)
    bones = [binding_of(rig).read_bone(joint) for joint in SMPL_22.names]
    shown_TJ3 = posed_heads(rig, bones, range(1, FRAMES + 1))
    found_TJ3 = world_space(rig).to_world(on_all_frames(rig))
    np.testing.assert_allclose(found_TJ3, shown_TJ3, atol=2e-4 * abs(shown_TJ3).max())


@pytest.mark.parametrize("name", ["Mixamo", "Unreal 5"])
def test_joints_of_other_rigs_too(name: str) -> None:
    preset = next(each for each in presets() if each.name == name)
    rig = build_armature(name, bones_of_preset(preset, Build()), Style(up="Y", scale=0.01))
    write_clip(rig, wild_clip(FRAMES, wildness=0.3), 1)
    bones = [binding_of(rig).read_bone(joint) for joint in SMPL_22.names]
    shown_TJ3 = posed_heads(rig, bones, range(1, FRAMES + 1))
    found_TJ3 = world_space(rig).to_world(on_all_frames(rig))
    np.testing.assert_allclose(found_TJ3, shown_TJ3, atol=1e-3)
    assert len(take_lines.take_lines(bpy.context, rig)) >= 3


def test_what_keys_do_not_say_is_not_drawn() -> None:
    rig = create_character(bpy.context)
    assert take_lines.take_lines(bpy.context, rig) == [], "there is no Action"
    write_clip(rig, wild_clip(FRAMES), 1)
    assert len(take_lines.take_lines(bpy.context, rig)) >= 3
    bent = rig.pose.bones["left_wrist"].constraints
    limit = bent.new("LIMIT_ROTATION")
    limit.use_limit_x = True
    bpy.context.view_layer.update()
    take_lines.forget()
    assert take_lines.take_lines(bpy.context, rig) == []
    bent.remove(limit)
    rig.pose.bones["spine2"].scale.x = 1.5
    take_lines.forget()
    assert take_lines.take_lines(bpy.context, rig) == []


def test_ghosts_are_the_first_pose_the_middle_and_the_last() -> None:
    rig = create_character(bpy.context)
    clip = wild_clip(FRAMES)
    write_clip(rig, clip, 1)
    rig.location = (1.0, 2.0, 0.0)
    bpy.context.view_layer.update()
    ghosts = take_lines.take_lines(bpy.context, rig)[:3]
    expected_TJ3 = expected_heads(clip)
    for lines, frame in zip(ghosts, (0, 5, 11), strict=True):
        found = {tuple(np.round(end - (1.0, 2.0, 0.0), 3)) for end in lines.ends_K3}
        assert tuple(np.round(expected_TJ3[frame, 15], 3)) in found, "the head"


def test_lines_are_kept_until_something_changes() -> None:
    rig = create_character(bpy.context)
    action = write_clip(rig, wild_clip(FRAMES), 1)
    first = take_lines.take_lines(bpy.context, rig)
    assert take_lines.take_lines(bpy.context, rig) is first
    curve = rig_curves(rig, action)[0]
    curve.keyframe_points[5].co[1] += 0.3
    assert take_lines.take_lines(bpy.context, rig) is first, "not again at once"
    take_lines._built.until = 0.0  # pyright: ignore[reportPrivateUsage]
    assert take_lines.take_lines(bpy.context, rig) is not first
    second = take_lines.take_lines(bpy.context, rig)
    bpy.data.actions.remove(action)
    assert take_lines.take_lines(bpy.context, rig) == [] != second
    take_lines.forget()
    assert not bpy.app.timers.is_registered(take_lines._again)  # pyright: ignore[reportPrivateUsage]
