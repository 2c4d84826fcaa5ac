from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import (
    action_fcurves,
    bone_channels,
    build_action,
)
from mmm_blender.blender.history.new_action import action_name, write_clip
from mmm_blender.blender.history.recipe import GenerateStep, Origin, Recipe
from mmm_blender.blender.history.recipe_store import load_recipe
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.motion_reader import current_placement, read_pose
from mmm_blender.blender.rig.pose_space import pose_space
from mmm_blender.blender.rig.smpl_rig import smpl_bones
from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.placement import headings, place
from mmm_blender.geometry.resample import resample
from mmm_blender.geometry.rotations import normalize, quat_angle, rotation_vector_to_quat
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.rigs import (
    STYLES,
    build_rig,
    expected_heads,
    posed_heads,
    smpl_addon_spelling,
    wild_clip,
)

EULER_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
MODES = ("QUATERNION", "AXIS_ANGLE", *EULER_ORDERS)
START = 10
ORIGIN = Origin("starter", "0" * 64, "0.1.0")
NOWHERE = {"x": 0.0, "z": 0.0, "yaw": 0.0}
GENERATED = GenerateStep("a person waves", 2.0, 7, ORIGIN, START, 24.0, NOWHERE)
RECIPE = Recipe((GENERATED,))


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


def frames_of(clip: MotionClip) -> range:
    return range(START, START + clip.frames)


def keyed(rig: ArmatureObject) -> dict[tuple[str, int], FloatArray]:
    """Key coordinates (T, 2) by data path and index."""
    curves = {}
    for curve in action_fcurves(rig.animation_data.action):
        points = np.empty(2 * len(curve.keyframe_points))
        curve.keyframe_points.foreach_get("co", points)
        curves[curve.data_path, curve.array_index] = points.reshape(-1, 2)
    return curves


def test_joints_stand_where_the_clip_says(rig: ArmatureObject) -> None:
    clip = wild_clip()
    write_clip(rig, clip, START)
    found = posed_heads(rig, SMPL_22.names, frames_of(clip))
    assert np.abs(found - expected_heads(clip)).max() < 1e-4


@pytest.mark.parametrize("mode", MODES)
def test_every_rotation_mode_is_kept_and_gives_the_same_pose(
    rig: ArmatureObject, mode: str
) -> None:
    clip = wild_clip(frames=30, wildness=2.0)
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    write_clip(rig, clip, START)
    assert {bone.rotation_mode for bone in rig.pose.bones} == {mode}
    found = posed_heads(rig, SMPL_22.names, frames_of(clip))
    assert np.abs(found - expected_heads(clip)).max() < 1e-4


@pytest.mark.parametrize("style", STYLES)
def test_any_rest_orientation_gives_the_same_bone_directions(style: str) -> None:
    rig = build_rig(STYLES[style])
    names = [STYLES[style].spell(name) for name in SMPL_22.names]
    clip = wild_clip()
    rest = posed_heads(rig, names, [START])[0]
    write_clip(rig, clip, START)
    found = posed_heads(rig, names, frames_of(clip))
    # the clip is in the axes in which the rig's own rest pose is SMPL's T-pose
    turn = best_turn(SMPL_22.rest_positions_J3, rest)
    model = expected_heads(clip) @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0.0]])  # to Y up
    parents = list(SMPL_22.parents[1:])
    wanted = normalize((model[:, 1:] - model[:, parents]) @ turn.T)
    assert np.abs(normalize(found[:, 1:] - found[:, parents]) - wanted).max() < 2e-4
    travel = (model[:, 0] - model[:1, 0]) @ turn.T * world_scale(rest)
    assert np.abs(found[:, 0] - found[:1, 0] - travel).max() < 1e-3 * world_scale(rest)


def best_turn(model_J3: FloatArray, found_J3: FloatArray) -> FloatArray:
    """Rotation matrix that brings one set of points nearest to another (Kabsch)."""
    covariance = (found_J3 - found_J3.mean(0)).T @ (model_J3 - model_J3.mean(0))
    u, _, v = np.linalg.svd(covariance)
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v


def world_scale(rest_J3: FloatArray) -> float:
    """World metres a model metre, by the left shin."""
    return float(np.linalg.norm(rest_J3[7] - rest_J3[4]) / np.linalg.norm(SMPL_22.offsets_J3[7]))


@pytest.mark.parametrize("style", ["ours", *STYLES])
def test_the_pose_reads_back_as_it_was_written(style: str) -> None:
    rig = create_character(bpy.context) if style == "ours" else build_rig(STYLES[style])
    clip = wild_clip()
    write_clip(rig, clip, START)
    bpy.context.scene.frame_set(START + 5)
    pose = read_pose(rig)
    assert np.abs(quat_angle(pose.rotations_TJ4[0], clip.rotations_TJ4[5])).max() < 2e-3
    assert np.abs(pose.root_T3[0] - clip.root_T3[5]).max() < 1e-4


def test_a_posed_bone_above_the_pelvis_is_worked_around() -> None:
    rig = build_rig(STYLES["smpl add-on"])
    root = rig.pose.bones["root"]
    root.location, root.rotation_quaternion = (0.5, 0.2, -0.3), (0.8, 0.2, 0.5, 0.2)
    bpy.context.view_layer.update()
    clip = wild_clip()
    write_clip(rig, clip, START)
    bpy.context.scene.frame_set(START + 3)
    assert np.abs(read_pose(rig).root_T3[0] - clip.root_T3[3]).max() < 1e-4


def test_local_location_off_is_followed(rig: ArmatureObject) -> None:
    rig.data.bones["pelvis"].use_local_location = False
    clip = wild_clip()
    write_clip(rig, clip, START)
    found = posed_heads(rig, SMPL_22.names, frames_of(clip))
    assert np.abs(found - expected_heads(clip)).max() < 1e-4


def test_keys_are_linear_generated_one_a_frame_and_grouped(rig: ArmatureObject) -> None:
    clip = wild_clip()
    action = write_clip(rig, clip, START)
    curves = action_fcurves(action)
    assert len(curves) == 22 * 4 + 3
    for curve in curves:
        points = curve.keyframe_points
        assert [point.co.x for point in points] == list(frames_of(clip))
        assert {point.type for point in points} == {"GENERATED"}
        assert {point.interpolation for point in points} == {"LINEAR"}
        assert not any(point.select_control_point for point in points)
        assert curve.group is not None
        assert f'"{curve.group.name}"' in curve.data_path


def test_hands_and_the_object_are_never_written(rig: ArmatureObject) -> None:
    rig.location = (1.0, 2.0, 3.0)
    write_clip(rig, wild_clip(), START)
    paths = {path for path, _ in keyed(rig)}
    assert all(path.startswith("pose.bones") for path in paths)
    assert not any("_hand" in path for path in paths)
    assert sum(path.endswith("location") for path in paths) == 1
    bpy.context.scene.frame_set(START + 4)
    assert tuple(rig.location) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("fps, base", [(24, 1.0), (60, 1.0), (30, 1.001), (12, 1.0)])
def test_keys_follow_the_scene_rate(rig: ArmatureObject, fps: int, base: float) -> None:
    render = bpy.context.scene.render
    render.fps, render.fps_base = fps, base
    clip = wild_clip(frames=41, fps=20.0)
    write_clip(rig, clip, START)
    wanted = resample(clip, fps / base)
    found = posed_heads(rig, SMPL_22.names, frames_of(wanted))
    assert len(keyed(rig)['pose.bones["pelvis"].location', 0]) == wanted.frames
    assert wanted.frames == round(clip.seconds * fps / base)
    assert np.abs(found - expected_heads(wanted)).max() < 1e-4


def spinning_clip(frames: int = 120) -> MotionClip:
    """Three whole turns about +Y with a lean: quaternions and Euler angles must run on."""
    clip = wild_clip(frames)
    turns = np.linspace(0.0, 6.0 * np.pi, frames)
    rotations = clip.rotations_TJ4.copy()
    rotations[:, 0] = rotation_vector_to_quat(turns[:, None] * np.array([0.0, 1.0, 0.0]))
    rotations[:, 18] = rotation_vector_to_quat(turns[:, None] * np.array([1.0, 0.0, 0.0]))
    return clip.replace(rotations_TJ4=rotations)


@pytest.mark.parametrize("mode", MODES)
def test_keys_never_jump(rig: ArmatureObject, mode: str) -> None:
    clip = spinning_clip()
    for name in ("pelvis", "left_elbow"):
        rig.pose.bones[name].rotation_mode = mode
    write_clip(rig, clip, START)
    step = 6.0 * np.pi / (clip.frames - 1)
    for name in ("pelvis", "left_elbow"):
        path = [path for path, _ in keyed(rig) if f'"{name}"].rotation' in path]
        values = np.stack([keyed(rig)[path[0], i][:, 1] for i in range(len(path))], axis=-1)
        # the bones' axes lean on the axis of the turn, and near a locked Euler order angles run
        # faster than the turn itself; a jump would be a half or a whole turn
        fastest = 0.5 * np.pi if mode in EULER_ORDERS else 1.05 * step
        assert np.abs(np.diff(values, axis=0)).max() < fastest


def test_the_action_before_is_kept(rig: ArmatureObject) -> None:
    first = write_clip(rig, wild_clip(), START)
    second = write_clip(rig, wild_clip(), START)
    assert rig.animation_data.action == second
    assert first.use_fake_user
    assert not second.use_fake_user
    assert second.users == 1


def test_the_slot_is_the_objects(rig: ArmatureObject) -> None:
    action = write_clip(rig, wild_clip(), START)
    if bpy.app.version < (4, 4, 0):
        assert action.id_root == "OBJECT"
        return
    assert list(action.slots) == [rig.animation_data.action_slot]
    assert action.slots[0].target_id_type == "OBJECT"
    assert action.slots[0].name_display == rig.name


def test_a_kept_action_plays_again_when_it_is_chosen(rig: ArmatureObject) -> None:
    clip = wild_clip()
    first = write_clip(rig, clip, START)
    write_clip(rig, clip.mirrored(), START)
    rig.animation_data.action = first
    found = posed_heads(rig, SMPL_22.names, frames_of(clip))
    assert np.abs(found - expected_heads(clip)).max() < 1e-4


def test_frame_end_is_extended_never_shortened(rig: ArmatureObject) -> None:
    scene = bpy.context.scene
    scene.frame_end = 15
    write_clip(rig, wild_clip(frames=12), START)
    assert scene.frame_end == START + 11
    scene.frame_end = 300
    write_clip(rig, wild_clip(frames=12), START)
    assert scene.frame_end == 300


def test_the_recipe_travels_in_the_action(rig: ArmatureObject) -> None:
    action = write_clip(rig, wild_clip(), START, RECIPE)
    assert load_recipe(action) == RECIPE
    assert action.name == "a person waves"


def test_a_long_prompt_gives_a_short_name() -> None:
    prompt = "a person  walks\n" + "on and on " * 20
    name = action_name(Recipe((replace(GENERATED, prompt=prompt),)))
    assert name.startswith("a person walks on and on")
    assert len(name.encode()) < 60


def test_a_clip_starts_where_the_character_stands(rig: ArmatureObject) -> None:
    rig.location, rig.rotation_euler = (5.0, 6.0, 0.0), (0.0, 0.0, 1.0)
    bpy.context.view_layer.update()
    start = current_placement(rig)
    assert (start.x, start.z, start.yaw) == pytest.approx((0.0, 0.0, 0.0), abs=1e-5)
    clip = place(wild_clip(), start)
    write_clip(rig, clip, START)
    bpy.context.scene.frame_set(START + 11)
    middle = current_placement(rig)
    assert (middle.x, middle.z) == pytest.approx(tuple(clip.root_T3[11, [0, 2]]), abs=1e-4)
    assert middle.yaw == pytest.approx(headings(clip)[11], abs=1e-3)
    before = posed_heads(rig, ["pelvis"], [START + 11])[0, 0]
    write_clip(rig, place(wild_clip(), middle), START + 11)
    after = posed_heads(rig, ["pelvis"], [START + 11])[0, 0]
    assert after[:2] == pytest.approx(before[:2], abs=1e-4)
    assert current_placement(rig).yaw == pytest.approx(middle.yaw, abs=1e-3)


def test_constraints_count_for_where_it_stands(rig: ArmatureObject) -> None:
    constraint = rig.pose.bones["pelvis"].constraints.new("LIMIT_LOCATION")
    constraint.use_min_x, constraint.min_x = True, 2.0
    bpy.context.view_layer.update()
    assert current_placement(rig).x == pytest.approx(2.0, abs=1e-5)


def test_another_armature_is_refused_with_its_reason() -> None:
    rig = build_rig(STYLES["all bones up"])
    rig.data.bones["left_knee"].name = "shin.L"
    with pytest.raises(MMMError, match="left knee"):
        write_clip(rig, wild_clip(), START)
    assert rig.animation_data is None
    assert len(bpy.data.actions) == 0


def test_a_connected_pelvis_is_refused_with_the_way_out() -> None:
    rig = build_rig(STYLES["smpl add-on"])
    bpy.ops.object.mode_set(mode="EDIT")
    rig.data.edit_bones[smpl_addon_spelling("pelvis")].use_connect = True
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(MMMError, match="Connected"):
        write_clip(rig, wild_clip(), START)
    assert len(bpy.data.actions) == 0


def test_a_bone_that_does_not_turn_with_its_parent_is_refused_by_name(rig: ArmatureObject) -> None:
    rig.data.bones["head"].use_inherit_rotation = False
    for call in (lambda: write_clip(rig, wild_clip(), START), lambda: current_placement(rig)):
        with pytest.raises(MMMError, match="Turn Inherit Rotation on for 'head'"):
            call()
    assert rig.animation_data is None
    assert len(bpy.data.actions) == 0


def test_a_pelvis_that_does_not_turn_with_its_parent_and_other_scales_are_worked_around() -> None:
    rig = build_rig(STYLES["smpl add-on"])
    root = rig.pose.bones["root"]
    root.rotation_quaternion = (0.8, 0.2, 0.5, 0.2)
    rig.data.bones[smpl_addon_spelling("pelvis")].use_inherit_rotation = False
    rig.data.bones[smpl_addon_spelling("head")].inherit_scale = "NONE"
    bpy.context.view_layer.update()
    clip = wild_clip()
    write_clip(rig, clip, START)
    bpy.context.scene.frame_set(START + 3)
    pose = read_pose(rig)
    assert np.abs(quat_angle(pose.rotations_TJ4[0], clip.rotations_TJ4[3])).max() < 2e-3
    assert np.abs(pose.root_T3[0] - clip.root_T3[3]).max() < 1e-4


def test_nothing_is_left_when_the_action_cannot_be_assigned(rig: ArmatureObject) -> None:
    first = write_clip(rig, wild_clip(), START)
    track = rig.animation_data.nla_tracks.new()
    strip = track.strips.new("strip", START, first)
    rig.animation_data.action = None
    strip.select = True
    track.is_solo = False
    rig.animation_data.use_tweak_mode = True
    if not rig.animation_data.use_tweak_mode:
        pytest.skip("this Blender enters tweak mode with a window only")
    bpy.context.scene.frame_end = 12
    with pytest.raises(MMMError, match="NLA"):
        write_clip(rig, wild_clip(frames=40), START)
    assert list(bpy.data.actions) == [first]
    assert bpy.context.scene.frame_end == 12


def test_a_half_built_action_is_removed() -> None:
    channels = bone_channels("pelvis", "location", np.zeros((3, 3)))
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        build_action("broken", np.arange(4), channels)  # a value short
    assert len(bpy.data.actions) == 0


def test_the_root_moves_by_leg_length() -> None:
    rig = build_rig(STYLES["centimetres, Y up"])
    space = pose_space(rig, smpl_bones(rig))
    assert space.scale == pytest.approx(100.0, rel=1e-4)
    points = np.random.default_rng(1).normal(size=(5, 3))
    assert space.to_model_points(space.to_armature_points(points)) == pytest.approx(points)
