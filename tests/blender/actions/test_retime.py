from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.blender.actions.retime import move_ground, move_keys
from mmm_blender.blender.bpy_types import ArmatureObject, FCurve, bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.fcurves.curve_writer import CurveWriter
from mmm_blender.blender.fcurves.keyframe_arrays import (
    KEY_DTYPE,
    KeyArray,
    key_frames,
    read_keys,
)
from mmm_blender.blender.fcurves.layered_actions import bone_path, curves_by_channel
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.motion_reader import read_pose
from mmm_blender.blender.rig.smpl_rig import smpl_bones
from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.path_correction import GroundMove, carry_after
from mmm_blender.geometry.rotations import quat_angle, quat_multiply, quat_rotate, yaw_quat
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.curve_layouts import (
    EXAMPLES,
    Layout,
    draw_action,
    drawn,
    generated,
    layouts,
    rotation_property,
    store_of,
)
from tests.blender.helpers.rigs import STYLES, build_rig, expected_heads, posed_heads, wild_clip

MOVE = GroundMove(2.4, 1.5, -0.8)
TYPES = ("handle_left_type", "handle_right_type")
AROUND = range(-15, 65)
MODES = ("QUATERNION", "AXIS_ANGLE", "XYZ", "ZXY")


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


def curves_of(rig: ArmatureObject) -> dict[tuple[str, int], FCurve]:
    return curves_by_channel(store_of(rig, rig.animation_data.action).fcurves)


def said_by(rig: ArmatureObject) -> dict[tuple[str, int], FloatArray]:
    """What each curve says around."""
    return {
        channel: np.array([curve.evaluate(t) for t in AROUND])
        for channel, curve in curves_of(rig).items()
    }


def without_types(keys: KeyArray) -> KeyArray:
    """Handle types aside, for those at a border become FREE."""
    plain = keys.copy()
    for name in TYPES:
        plain[name] = 0
    return plain


@pytest.mark.parametrize("update", [False, True])
def test_later_keys_are_shifted_and_earlier_ones_stay(rig: ArmatureObject, update: bool) -> None:
    @drawn
    @given(layouts, st.integers(-10, 45), st.integers(-12, 12))
    def check(layout: Layout, border: int, shift: int) -> None:
        action = draw_action(rig, layout)
        before = {name[1:]: raw for name, raw in raw_curves(action).items()}
        move_keys(rig, action, border, shift)
        if update:
            for curve in curves_of(rig).values():
                curve.update()
        stop = border + min(shift, 0)
        for channel, curve in curves_of(rig).items():
            wanted = np.frombuffer(before[channel].keys, KEY_DTYPE).copy()
            frames = key_frames(wanted)
            for name in ("co", "handle_left", "handle_right"):
                wanted[name][frames >= border, 0] += shift
            wanted = without_types(wanted[(frames < stop) | (frames >= border)])
            found = without_types(read_keys(curve))
            still = found[np.isin(found["co"][:, 0], wanted["co"][:, 0])]
            if update:  # a handle's frame is rounded by the shift, and ALIGNED ones follow
                for name in ("co", "handle_left", "handle_right"):
                    assert np.allclose(still[name], wanted[name], atol=1e-4)
            else:
                assert still.tobytes() == wanted.tobytes()
        bpy.data.actions.remove(action)

    check()


def test_shifted_frames_say_what_they_said(rig: ArmatureObject) -> None:
    @drawn
    @given(layouts, st.integers(-10, 45), st.integers(-12, 12))
    def check(layout: Layout, border: int, shift: int) -> None:
        action = draw_action(rig, layout)
        said = said_by(rig)
        stop = border + min(shift, 0)
        ranges = [curve.range() for curve in curves_of(rig).values()]
        goes_on_before = any(each[0] < stop for each in ranges)
        goes_on_after = any(each[1] >= border for each in ranges)
        move_keys(rig, action, border, shift)
        for channel, values in said_by(rig).items():
            for at, t in enumerate(AROUND):
                if t < stop and goes_on_before:
                    assert abs(values[at] - said[channel][at]) <= 1e-6
                if t >= border and t + shift in AROUND and goes_on_after:
                    there = values[AROUND.index(t + shift)]
                    assert there == pytest.approx(said[channel][at], abs=1e-5, rel=1e-5)
        bpy.data.actions.remove(action)

    check()


@pytest.mark.parametrize("style", ["ours", "random axes", "smpl add-on", "centimetres, Y up"])
@pytest.mark.parametrize("mode", MODES)
def test_a_generated_motion_is_carried_in_one_piece(style: str, mode: str) -> None:
    rig = create_character(bpy.context) if style == "ours" else build_rig(STYLES[style])
    names = list(smpl_bones(rig).values())
    for bone in rig.pose.bones:
        bone.rotation_mode = mode
    clip = wild_clip(20)
    wanted = write_clip(rig, carry_after(clip, 8, MOVE), 1)
    frames = range(1, 21)
    heads = posed_heads(rig, names, frames)
    action = write_clip(rig, clip, 1)
    before = raw_curves(action)
    move_ground(rig, action, 9, MOVE)
    assert np.abs(posed_heads(rig, names, frames) - heads).max() < 2e-4
    pelvis = f'"{names[0]}"'
    changed = {name for name, raw in raw_curves(action).items() if raw != before[name]}
    assert changed
    assert all(pelvis in name[1] for name in changed)
    assert len(raw_curves(action)) == len(raw_curves(wanted))


def test_it_is_the_clip_that_the_model_has_carried(rig: ArmatureObject) -> None:
    clip = wild_clip(20)
    action = write_clip(rig, clip, 1)
    move_ground(rig, action, 9, MOVE)
    heads = posed_heads(rig, SMPL_22.names, range(1, 21))
    assert np.abs(heads - expected_heads(carry_after(clip, 8, MOVE))).max() < 1e-4


def test_any_pelvis_curves_are_carried_on_every_whole_frame() -> None:
    rig = build_rig(STYLES["random axes"])

    @settings(drawn, max_examples=EXAMPLES // 2)  # the pose on screen takes its time
    @given(layouts, st.integers(-10, 45))
    def check(layout: Layout, border: int) -> None:
        action = draw_action(rig, layout)
        start = min((curve.range()[0] for curve in curves_of(rig).values()), default=border)
        old_T4, old_T3 = pelvis_path(rig)
        moves_place = is_keyed_from(rig, "location", border)
        moves_turn = is_keyed_from(rig, rotation_property(layout.mode), border)
        bystanders = {n: raw for n, raw in raw_curves(action).items() if '"pelvis"' not in n[1]}
        move_ground(rig, action, border, MOVE)
        new_T4, new_T3 = pelvis_path(rig)
        # an Action without anything before the border moves whole, with what it holds before
        behind_T = (np.array(AROUND) >= border) | (start >= border)
        yaw = yaw_quat(MOVE.turn)
        place_T3 = quat_rotate(yaw, old_T3) + np.array([MOVE.x, 0.0, MOVE.z])
        place_T3 = np.where((behind_T & moves_place)[:, None], place_T3, old_T3)
        turn_T4 = quat_multiply(yaw, old_T4)
        turn_T4 = np.where((behind_T & moves_turn)[:, None], turn_T4, old_T4)
        assert np.abs(new_T3 - place_T3).max() < 1e-4
        assert quat_angle(new_T4, turn_T4).max() < 3e-3
        after = raw_curves(action)
        assert {name: after[name] for name in bystanders} == bystanders
        bpy.data.actions.remove(action)

    check()


def is_keyed_from(rig: ArmatureObject, name: str, border: int) -> bool:
    path = bone_path("pelvis", name)
    curves = [curve for channel, curve in curves_of(rig).items() if channel[0] == path]
    return any((key_frames(read_keys(curve)) >= border).any() for curve in curves)


def pelvis_path(rig: ArmatureObject) -> tuple[FloatArray, FloatArray]:
    """Model turn (T, 4) and place (T, 3) of the pelvis on screen."""
    poses: list[MotionClip] = []
    for frame in AROUND:
        bpy.context.scene.frame_set(frame)
        poses.append(read_pose(rig))
    return (
        np.concatenate([pose.rotations_TJ4[:, 0] for pose in poses]),
        np.concatenate([pose.root_T3 for pose in poses]),
    )


def test_negative_shift_takes_what_it_overtakes(rig: ArmatureObject) -> None:
    action = generated(rig)
    before = {c: read_keys(curve) for c, curve in curves_of(rig).items()}
    move_keys(rig, action, 21, -6)
    for channel, curve in curves_of(rig).items():
        keys = read_keys(curve)
        assert key_frames(keys).tolist() == list(range(1, 35))
        old = before[channel]["co"][:, 1]
        assert keys["co"][:, 1].tolist() == [*old[:14], *old[20:]]


@pytest.mark.parametrize("move", [move_keys, move_ground])
def test_all_keys_move_or_none(
    rig: ArmatureObject, monkeypatch: pytest.MonkeyPatch, move: Callable[..., None]
) -> None:
    action = generated(rig)
    before = raw_curves(action)
    write, calls = CurveWriter.write, list[FCurve]()

    def failing(writer: CurveWriter, curve: FCurve, *rest: Any, **named: Any) -> None:
        write(writer, curve, *rest, **named)
        calls.append(curve)
        if len(calls) == 3:
            raise KeyboardInterrupt

    argument = 7 if move is move_keys else MOVE
    with monkeypatch.context() as patch:
        patch.setattr(CurveWriter, "write", failing)
        with pytest.raises(KeyboardInterrupt):
            move(rig, action, 20, argument)
    assert raw_curves(action) == before
    move(rig, action, 20, argument)
    assert raw_curves(action) != before


def test_no_move_changes_nothing(rig: ArmatureObject) -> None:
    action = generated(rig)
    before = raw_curves(action)
    move_ground(rig, action, 20, GroundMove())
    move_keys(rig, action, 20, 0)
    assert raw_curves(action) == before


def test_a_locked_curve_of_any_bone_is_said(rig: ArmatureObject) -> None:
    action = generated(rig)
    path = 'pose.bones["left_wrist"].scale'
    rig.keyframe_insert(path, index=1, frame=30)
    curve = curves_of(rig)[path, 1]
    curve.lock = True
    before = raw_curves(action)
    with pytest.raises(MMMError, match="locked"):
        move_keys(rig, action, 20, 7)
    assert raw_curves(action) == before
    curve.lock = False
    move_keys(rig, action, 20, 7)
    assert curve.keyframe_points[0].co[0] == 37
