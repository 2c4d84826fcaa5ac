"""Keys beside the ones that a range writes: stale handles, keys all but on a frame, merged keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from mmm_blender.blender.actions.range_writer import raw_curves, write_range
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import (
    read_keys,
    write_keys,
)
from mmm_blender.blender.fcurves.layered_actions import (
    bone_path,
    curves_by_channel,
    enum_value,
)
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.curve_layouts import (
    draw_keys,
    generated,
    new_store,
    settle,
    store_of,
)
from tests.blender.helpers.rigs import wild_clip

FREE = enum_value("handle_left_type", "FREE")

holds = st.frozensets(st.integers(-60, 280).map(lambda quarter: quarter / 4), max_size=20)


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


def test_the_pose_on_screen_follows_at_once(rig: ArmatureObject) -> None:
    action = generated(rig)
    bpy.context.scene.frame_set(5)
    before = np.array(rig.pose.bones["left_elbow"].matrix)
    clip: MotionClip = wild_clip(5, wildness=2.5)
    write_range(rig, action, clip, 3, 3, 7, SMPL_22.names, {})
    bpy.context.view_layer.update()
    assert np.abs(np.array(rig.pose.bones["left_elbow"].matrix) - before).max() > 0.1


def test_stale_handles_far_away_stay_as_a_script_left_them(rig: ArmatureObject) -> None:
    store = new_store(rig)
    path = bone_path("head", "rotation_quaternion")
    rng = np.random.default_rng(3)
    for index in range(4):
        curve = store.fcurves.new(path, index=index)
        keys = draw_keys(rng, range(0, 100, 3), ["AUTO_CLAMPED", "FREE", "ALIGNED"])
        write_keys(curve, keys)
    action = rig.animation_data.action
    curve = curves_by_channel(store.fcurves)[path, 0]
    before = read_keys(curve)
    write_range(rig, action, wild_clip(5), 50, 50, 54, ["head"], {})
    found = read_keys(curve)
    outside = before[(before["co"][:, 0] < 50) | (before["co"][:, 0] > 54)]
    still = found[np.isin(found["co"][:, 0], outside["co"][:, 0])]
    points = ("co", "handle_left", "handle_right")
    assert all((still[name] == outside[name]).all() for name in points)
    settle(curve)


@pytest.mark.parametrize("offset", [0.01, 0.0099, 0.005, 0.0002, -0.005])
@pytest.mark.parametrize(("frame", "held"), [(21, False), (9, False), (15, True), (15, False)])
def test_a_key_all_but_on_a_frame_is_no_problem(
    rig: ArmatureObject, offset: float, frame: int, held: bool
) -> None:
    """Blender's update makes one of two keys that stand so close: the kept one goes first."""
    action = generated(rig)
    curve = curves_by_channel(store_of(rig, action).fcurves)[
        bone_path("left_elbow", "rotation_quaternion"), 1
    ]
    moved = curve.keyframe_points[frame - 1]
    moved.co[0] += offset
    moved.handle_left[0] += offset
    moved.handle_right[0] += offset
    place = moved.co[:]
    holds = {"left_elbow": frozenset({place[0]})} if held else {}
    write_range(rig, action, wild_clip(11), 10, 10, 20, ["left_elbow"], holds)
    found = read_keys(curve)["co"]
    inside = 10 <= place[0] <= 20
    assert (place in {tuple(co) for co in found}) == (held or not inside)
    assert np.diff(found[:, 0]).min() > 0.01
    again = raw_curves(action)
    write_range(rig, action, wild_clip(11), 10, 10, 20, ["left_elbow"], holds)
    assert raw_curves(action) == again


def test_keys_that_blender_would_merge_are_said(rig: ArmatureObject) -> None:
    action = generated(rig)
    curve = curves_by_channel(store_of(rig, action).fcurves)[
        bone_path("left_elbow", "rotation_quaternion"), 1
    ]
    curve.keyframe_points[30].co[0] = curve.keyframe_points[31].co[0] - 0.004
    before = raw_curves(action)
    with pytest.raises(MMMError, match="so close together"):
        write_range(rig, action, wild_clip(11), 10, 10, 20, ["head", "left_elbow"], {})
    assert raw_curves(action) == before
