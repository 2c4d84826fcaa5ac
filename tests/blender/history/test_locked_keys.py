"""Hand edits are known by the fingerprint of what we wrote, and hold themselves."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import Action, ArmatureObject, FCurve, bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.fcurves.frame_range import FrameRange
from mmm_blender.blender.fcurves.layered_actions import action_fcurves
from mmm_blender.blender.history.fingerprint import (
    FINGERPRINT_PROPERTY,
    changed_bones,
    is_untouched,
    load_fingerprint,
    row_checks,
    store_fingerprint,
)
from mmm_blender.blender.history.locked_keys import (
    automatic_mode,
    locked_keys,
    mark_as_keyframes,
    user_keys_after,
)
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.lock_mode import LockMode
from mmm_blender.geometry.rotations import rotation_vector_to_quat
from mmm_blender.geometry.skeleton import SMPL_22
from tests.blender.helpers.curve_layouts import store_of

START, FRAMES = 10, 24
JOINTS = SMPL_22.names
WHOLE = FrameRange(START, START + FRAMES - 1)


@pytest.fixture
def rig() -> ArmatureObject:
    return create_character(bpy.context)


@pytest.fixture
def action(rig: ArmatureObject) -> Action:
    """A motion as we write it, with its fingerprint."""
    rng = np.random.default_rng(0)
    turns = rotation_vector_to_quat(0.1 * rng.normal(size=(FRAMES, 22, 3)).cumsum(axis=0))
    root = np.array([0.0, 0.95, 0.0]) + 0.01 * rng.normal(size=(FRAMES, 3)).cumsum(axis=0)
    made = write_clip(rig, MotionClip(turns, root, fps=24.0), START)
    store_fingerprint(rig, made)
    return made


def curve(action: Action, bone: str, property_name: str, index: int = 0) -> FCurve:
    path = f'pose.bones["{bone}"].{property_name}'
    (found,) = [
        each
        for each in action_fcurves(action)
        if (each.data_path, each.array_index) == (path, index)
    ]
    return found


def nudge(action: Action, bone: str, property_name: str, frame: int, by: float = 0.1) -> None:
    """As a person does in the graph editor: Blender leaves the key's type alone."""
    key = curve(action, bone, property_name).keyframe_points[frame - START]
    assert key.co[0] == frame
    key.co[1] += by
    key.handle_left[1] += by
    key.handle_right[1] += by


def test_what_we_wrote_holds_nothing(rig: ArmatureObject, action: Action) -> None:
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert held.frames == {}
    assert (held.changed, held.of) == (0, 22 * FRAMES)
    assert held.confirmation == ""
    assert is_untouched(rig, action)


def test_a_moved_key_is_held_at_its_bone_and_frame_alone(
    rig: ArmatureObject, action: Action
) -> None:
    nudge(action, "left_elbow", "rotation_quaternion", START + 5)
    nudge(action, "pelvis", "location", START + 7)
    assert not is_untouched(rig, action)
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert held.frames == {"left_elbow": {START + 5}, "pelvis": {START + 7}}
    only_legs = locked_keys(rig, action, WHOLE, ["left_knee", "pelvis"], LockMode.EDITED)
    assert only_legs.frames == {"pelvis": {START + 7}}
    later = locked_keys(rig, action, FrameRange(START + 6, START + 9), JOINTS, LockMode.EDITED)
    assert later.frames == {"pelvis": {START + 7}}


def test_a_key_at_a_new_frame_is_held_and_one_that_is_gone_is_not(
    rig: ArmatureObject, action: Action
) -> None:
    knee = curve(action, "left_knee", "rotation_quaternion", 1)
    knee.keyframe_points[3].co[0] = START + 3.5
    spine = [curve(action, "spine1", "rotation_quaternion", index) for index in range(4)]
    for each in spine:
        each.keyframe_points.remove(each.keyframe_points[8])
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    # where one of four keys went away, the rest of the pose is not as we wrote it either
    assert held.frames == {"left_knee": {START + 3, START + 3.5}}


def test_most_keys_changed_is_asked_about(rig: ArmatureObject, action: Action) -> None:
    for each in action_fcurves(action):
        for key in each.keyframe_points:
            key.co[0] = 1 + 2 * (key.co[0] - 1)
    held = locked_keys(rig, action, FrameRange(1, 100), JOINTS, LockMode.EDITED)
    assert held.changed > held.of / 2
    assert "retimed" in held.confirmation


def test_keys_thinned_out_are_asked_about(rig: ArmatureObject, action: Action) -> None:
    """Those that are left are as we wrote them; those that are gone count too."""
    for each in action_fcurves(action):
        points = each.keyframe_points
        for at in reversed(range(len(points))):
            if at % 5:
                points.remove(points[at])
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert held.frames == {}
    assert (held.changed, held.of) == (22 * (FRAMES - 5), 22 * FRAMES)
    assert "thinned out" in held.confirmation
    store = store_of(rig, action)
    for each in list(store.fcurves):
        store.fcurves.remove(each)
    assert locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED).changed == 22 * FRAMES


def test_a_renamed_bone_is_nobodys_and_said(rig: ArmatureObject, action: Action) -> None:
    rig.data.bones["left_elbow"].name = "L_Elbow"
    nudge(action, "head", "rotation_quaternion", START + 5)
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert held.frames == {"head": {START + 5}}
    assert held.confirmation == "" and held.renamed == ("L_Elbow",)
    assert held.note.startswith("L_Elbow: renamed")
    store_fingerprint(rig, action, user_keys_after(rig, action, WHOLE, ["head"], held))
    again = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert again.frames == {"head": {START + 5}} and again.note == ""


def test_a_bone_that_is_keyed_by_hand_alone_is_held(rig: ArmatureObject, action: Action) -> None:
    store = store_of(rig, action)
    heads = [each for each in store.fcurves if '"head"' in each.data_path]
    for each in heads:
        store.fcurves.remove(each)
    store_fingerprint(rig, action)
    rig.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=START + 3)
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert held.frames == {"head": {START + 3}} and held.note == ""


def test_keys_of_type_keyframe_hold_in_any_action(rig: ArmatureObject, action: Action) -> None:
    for index in range(4):
        key = curve(action, "head", "rotation_quaternion", index).keyframe_points[2]
        key.type = "KEYFRAME"
    del action[FINGERPRINT_PROPERTY]
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.KEYFRAME)
    assert held.frames == {"head": {START + 2}}
    assert locked_keys(rig, action, WHOLE, JOINTS, LockMode.NONE).frames == {}
    with pytest.raises(MMMError, match="not made by MMM"):
        locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_was_held_stays_held(rig: ArmatureObject, action: Action, elsewhere: bool) -> None:
    nudge(action, "left_elbow", "rotation_quaternion", START + 5)
    nudge(action, "right_elbow", "rotation_quaternion", START + 6)
    span = FrameRange(START + 8, START + 12) if elsewhere else WHOLE
    held = locked_keys(rig, action, span, ["left_elbow"], LockMode.EDITED)
    store_fingerprint(rig, action, user_keys_after(rig, action, span, ["left_elbow"], held))
    assert is_untouched(rig, action)
    again = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    assert again.frames == {"left_elbow": {START + 5}, "right_elbow": {START + 6}}
    assert again.changed == 0, "nobody is asked about them again"


def test_what_was_regenerated_is_nobodys(rig: ArmatureObject, action: Action) -> None:
    nudge(action, "left_elbow", "rotation_quaternion", START + 5)
    nothing = locked_keys(rig, action, WHOLE, JOINTS, LockMode.NONE)
    store_fingerprint(rig, action, user_keys_after(rig, action, WHOLE, JOINTS, nothing))
    assert locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED).frames == {}


def test_the_first_edit_of_a_persons_action_owns_what_it_held(
    rig: ArmatureObject, action: Action
) -> None:
    del action[FINGERPRINT_PROPERTY]
    curve(action, "head", "rotation_quaternion").keyframe_points[2].type = "KEYFRAME"
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.KEYFRAME)
    store_fingerprint(rig, action, user_keys_after(rig, action, WHOLE, JOINTS, held))
    assert locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED).frames == {"head": {START + 2}}


@pytest.mark.parametrize("name", ["interpolation", "easing", "handle_left_type"])
def test_what_makes_the_motion_is_watched_whole(
    rig: ArmatureObject, action: Action, name: str
) -> None:
    key = curve(action, "head", "rotation_quaternion").keyframe_points[2]
    key.select_control_point = not key.select_control_point
    assert is_untouched(rig, action)
    setattr(key, name, {"interpolation": "BEZIER", "easing": "EASE_IN"}.get(name, "VECTOR"))
    assert not is_untouched(rig, action)
    assert locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED).frames == {}, (
        "neither value nor frame"
    )


def test_rows_are_checked_as_zlib_does() -> None:
    rows = np.random.default_rng(1).integers(0, 256, (40, 28), dtype=np.uint8)
    expected = [zlib.crc32(row.tobytes(), 1234) for row in rows]
    assert row_checks(rows, 1234).tolist() == expected


def test_the_default_follows_who_made_the_action(rig: ArmatureObject, action: Action) -> None:
    assert automatic_mode(action) == LockMode.EDITED
    del action[FINGERPRINT_PROPERTY]
    assert automatic_mode(action) == LockMode.NONE


def test_marking_changes_types_alone(rig: ArmatureObject, action: Action) -> None:
    nudge(action, "left_elbow", "rotation_quaternion", START + 5)
    held = locked_keys(rig, action, WHOLE, JOINTS, LockMode.EDITED)
    before = raw_curves(action)
    mark_as_keyframes(rig, action, held)
    after = raw_curves(action)
    changed = {path for (_, path, _), raw in after.items() if raw not in before.values()}
    assert changed == {'pose.bones["left_elbow"].rotation_quaternion'}
    kinds = {
        (each.data_path.split('"')[1], int(key.co[0]))
        for each in action_fcurves(action)
        for key in each.keyframe_points
        if key.type == "KEYFRAME"
    }
    assert kinds == {("left_elbow", START + 5)}
    raw = raw_curves(action)
    mark_as_keyframes(rig, action, held)
    assert raw_curves(action) == raw


def test_the_fingerprint_survives_the_file(
    rig: ArmatureObject, action: Action, tmp_path: Path
) -> None:
    before, name = load_fingerprint(action), rig.name
    assert before is not None
    file = str(tmp_path / "file.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    opened = bpy.data.objects[name]
    now = load_fingerprint(opened.animation_data.action)
    assert now is not None
    assert now.keys() == before.keys()
    assert not changed_bones({bone: each.curves for bone, each in now.items()}, before)
    assert is_untouched(opened, opened.animation_data.action)


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"version": 1}', '{"version": 9}'])
def test_a_damaged_fingerprint_is_said(action: Action, text: str) -> None:
    action[FINGERPRINT_PROPERTY] = text
    with pytest.raises(MMMError, match="choose another Lock"):
        load_fingerprint(action)


def test_a_fingerprint_is_small(action: Action) -> None:
    size = len(action[FINGERPRINT_PROPERTY])
    assert json.loads(action[FINGERPRINT_PROPERTY])["bones"]
    assert size < 22 * FRAMES * 14
