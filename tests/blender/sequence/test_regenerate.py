"""Regenerate Segment, through the real worker process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.fcurves.layered_actions import action_fcurves
from mmm_blender.blender.history import recipe, recipe_store
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.blender.sequence import layout, segment_writer
from mmm_blender.blender.sequence.lists import sequence_list
from mmm_blender.blender.sequence.properties import NO_SEGMENT, params_of
from mmm_blender.blender.sequence.regenerate import start_segment, wanted_segment
from mmm_blender.blender.sequence.task import SequenceParams, action_segments, start_sequence
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import quat_angle, quat_conjugate, quat_multiply
from tests.blender.helpers.sequences import (
    FRAMES,
    PROMPTS,
    SEAM,
    between,
    fill_list,
    keys_of,
    listed,
    marked,
    refusal,
    regenerate,
    run_to_end,
    same_where,
)


@pytest.mark.parametrize("seconds", [1.0, 1.5, 0.5])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_segment_is_regenerated_and_the_rest_follows(
    generated: Any, index: int, seconds: float
) -> None:
    action = generated.animation_data.action
    before, motion = keys_of(action), read_motion(generated, 1, 3 * FRAMES)
    regenerate(index, prompt="a person walks a", seed=9, seconds=seconds)
    after, shift = keys_of(action), round((seconds - 1.0) * FRAMES)
    made = read_motion(generated, 1, 3 * FRAMES + shift)
    start, behind = 1 + FRAMES * index, 1 + FRAMES * (index + 1)
    first = start - SEAM if index else start
    last = behind - 1 + SEAM if index < 2 else behind - 1
    for name, keys in before.items():
        assert same_where(keys, after[name], 1, first - 1), name
        if "pelvis" not in name[1]:
            assert same_where(keys, after[name], last + 1, 999, shift), name
        frames = after[name]["co"][:, 0]
        assert frames.tolist() == list(range(1, 3 * FRAMES + shift + 1))
    elbow = next(name for name in before if "left_elbow" in name[1])
    assert not same_where(before[elbow], after[elbow], start, behind - 1 + min(shift, 0))
    if index < 2:
        assert_one_ground_move(motion.slice(last, 3 * FRAMES), made.slice(last + shift, 999))


def assert_one_ground_move(before: Any, after: Any) -> None:
    """All frames are carried by the same turn about the vertical and the same way over ground."""
    turns = quat_multiply(after.rotations_TJ4[:, 0], quat_conjugate(before.rotations_TJ4[:, 0]))
    assert quat_angle(turns, turns[:1]).max() < 1e-3
    assert np.abs(turns[:, [1, 3]]).max() < 1e-4
    assert after.root_T3[:, 1] == pytest.approx(before.root_T3[:, 1], abs=1e-4)
    joints = clip_joints(before), clip_joints(after)
    spans = [np.linalg.norm(each - each[0, 0], axis=-1) for each in joints]
    assert spans[0] == pytest.approx(spans[1], abs=1e-3)


def test_a_segment_meets_its_neighbours(generated: Any) -> None:
    regenerate(1, seed=9, seconds=1.5)
    joints = clip_joints(read_motion(generated, 1, 3 * FRAMES + FRAMES // 2))
    speeds = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(axis=1)
    seams = [FRAMES - SEAM - 1, 2 * FRAMES + FRAMES // 2 + SEAM - 1]
    others = np.delete(speeds, seams)
    assert speeds[seams].max() <= 1.5 * others.max()


def test_the_first_segment_starts_where_it_stood(generated: Any) -> None:
    before = read_motion(generated, 1, 1).root_T3[0]
    regenerate(0, seed=9)
    after = read_motion(generated, 1, 1).root_T3[0]
    assert after[[0, 2]] == pytest.approx(before[[0, 2]], abs=1e-4)


def test_markers_list_and_recipe_follow(generated: Any) -> None:
    scene, action = bpy.context.scene, generated.animation_data.action
    scene.timeline_markers.new("mine", frame=70)
    scene.frame_end = 3 * FRAMES
    regenerate(1, prompt="b", seconds=1.5)
    starts = [(1, PROMPTS[0]), (25, "b"), (61, PROMPTS[2])]
    assert marked() == sorted([*starts, (70, "mine")])
    assert listed() == [(PROMPTS[0], 1.0, 0), ("b", 1.5, 1), (PROMPTS[2], 1.0, 2)]
    assert scene.frame_end == 3 * FRAMES + 12
    found = recipe_store.load_recipe(action)
    assert found is not None and [step.kind for step in found.steps] == ["sequence", "segment"]
    segments = layout.sequence_segments(found)
    assert [(each.first, each.frames) for each in segments] == [(1, 24), (25, 36), (61, 24)]
    regenerate(2, seconds=0.5)
    regenerate(0, seconds=2.0)
    assert marked() == sorted([(1, PROMPTS[0]), (49, "b"), (70, "mine"), (85, PROMPTS[2])])
    assert tuple(action.frame_range) == (1.0, 48.0 + 36.0 + 12.0)


def test_a_line_that_was_moved_is_not_taken_for_the_segment_that_stands_there(generated: Any):
    """Before: the third prompt, moved up, was made into the second segment."""
    sequence_list(bpy.context).active = 2
    bpy.ops.mmm.sequence_move(direction="UP")
    refusal(bpy.ops.mmm.regenerate_segment, "another order")
    bpy.ops.mmm.sequence_move(direction="DOWN")
    sequence_list(bpy.context).lines[2].prompt = "b"
    assert bpy.ops.mmm.regenerate_segment() == {"FINISHED"}
    assert [each.prompt for each in action_segments(generated.animation_data.action)] == [
        *(*PROMPTS[:2], "b")
    ]


def test_a_line_that_is_moved_while_the_motion_is_made_is_told_from_its_place(ready: None):
    fill_list(PROMPTS)
    found = sequence_list(bpy.context)
    job = start_sequence(bpy.context, SequenceParams(params_of(found.lines)))
    found.lines.move(2, 0)
    found.lines.add().prompt = "new"
    found.lines.remove(2)
    run_to_end(job)
    found = sequence_list(bpy.context)
    assert [line.segment for line in found.lines] == [2, 0, NO_SEGMENT]
    refusal(bpy.ops.mmm.regenerate_segment, "another order")


def test_lines_of_an_earlier_version_are_taken_by_their_places(generated: Any):
    for line in sequence_list(bpy.context).lines:
        line.property_unset("segment")
    sequence_list(bpy.context).active = 1
    assert bpy.ops.mmm.regenerate_segment() == {"FINISHED"}


def test_markers_are_changed_and_not_made_again(generated: Any) -> None:
    """One may cut to a camera; one that was moved keeps its distance, a deleted one is gone."""
    markers = bpy.context.scene.timeline_markers
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    markers[PROMPTS[1]].camera = camera
    markers[PROMPTS[1]].frame += 3
    markers.remove(markers[PROMPTS[0]])
    regenerate(0, seconds=1.5)
    assert marked() == sorted([(1 + FRAMES + 12 + 3, PROMPTS[1]), (61, PROMPTS[2])])
    assert markers[PROMPTS[1]].camera == camera
    bpy.ops.mmm.sequence_load()
    assert (1, PROMPTS[0]) in marked()


def test_markers_of_another_character_with_the_same_prompts_stay(generated: Any) -> None:
    before = marked()
    bpy.ops.mmm.add_character()
    fill_list(PROMPTS)
    bpy.context.scene.frame_set(1)
    bpy.ops.mmm.generate_sequence()
    assert marked() == sorted(before * 2)
    regenerate(1, prompt="b")
    assert marked() == sorted([*before, (1, PROMPTS[0]), (25, "b"), (49, PROMPTS[2])])


def test_the_object_keeps_its_own_curves(generated: Any) -> None:
    for frame, place in ((1, 0.0), (72, 4.0)):
        generated.location[0] = place
        generated.keyframe_insert("location", index=0, frame=frame)
    own = next(name for name in keys_of(generated.animation_data.action) if name[1] == "location")
    before = keys_of(generated.animation_data.action)[own].tobytes()
    regenerate(1, seconds=2.0)
    assert keys_of(generated.animation_data.action)[own].tobytes() == before


def test_poses_made_by_hand_are_never_cut_off(generated: Any) -> None:
    bpy.context.scene.frame_set(46)
    bone = generated.pose.bones["left_elbow"]
    bone.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    bone.keyframe_insert("rotation_quaternion")
    refusal(
        lambda: bpy.ops.mmm.regenerate_segment(index=1, seconds=0.5),
        "(the first on frame 46) lie in what is cut off",
    )
    regenerate(1, seconds=0.5, hold="NONE")


def test_the_chosen_line_says_what_is_wanted(generated: Any) -> None:
    found = sequence_list(bpy.context)
    found.active = 1
    found.lines[1].prompt, found.lines[1].seed = "b", 5
    assert bpy.ops.mmm.regenerate_segment() == {"FINISHED"}
    known = recipe_store.load_recipe(found.action)
    assert known is not None
    step = known.steps[-1]
    assert isinstance(step, recipe.SegmentStep)
    assert (step.index, step.prompt, step.seed, step.shift) == (1, "b", 5, 0)


def test_the_same_seed_makes_the_same_segment(generated: Any) -> None:
    action = generated.animation_data.action
    copy = action.copy()
    regenerate(1, seed=9)
    generated.animation_data.action = copy
    regenerate(1, seed=9)
    first, second = (list(raw_curves(each).values()) for each in (action, copy))
    assert first == second


def test_what_was_posed_by_hand_is_held(generated: Any) -> None:
    action = generated.animation_data.action
    bpy.context.scene.frame_set(36)
    bone = generated.pose.bones["left_elbow"]
    bone.rotation_quaternion = (0.8, 0.6, 0.0, 0.0)
    bone.keyframe_insert("rotation_quaternion")
    before = keys_of(action)
    regenerate(1, seed=9, seconds=1.5)
    after = keys_of(action)
    at_hold = [
        (between(before[name], 36, 36), between(after[name], 36, 36))
        for name in before
        if "left_elbow" in name[1]
    ]
    assert at_hold and all((old["co"] == new["co"]).all() for old, new in at_hold)
    regenerate(1, seed=9, hold="NONE")
    assert any(
        (between(keys_of(action)[name], 36, 36)["co"] != between(after[name], 36, 36)["co"]).any()
        for name in after
        if "left_elbow" in name[1]
    )


def test_another_list_is_not_taken_for_this_one(generated: Any) -> None:
    bpy.ops.mmm.sequence_remove()
    refusal(bpy.ops.mmm.regenerate_segment, "Prompts from Action brings the old list back")
    regenerate(1, seed=8)  # by its number it is the Action's own
    assert bpy.ops.mmm.sequence_load() == {"FINISHED"}
    assert listed() == [(PROMPTS[0], 1.0, 0), (PROMPTS[1], 1.0, 8), (PROMPTS[2], 1.0, 2)]
    assert bpy.ops.mmm.regenerate_segment() == {"FINISHED"}


def test_markers_come_back_with_the_list(generated: Any) -> None:
    before = marked()
    bpy.context.scene.timeline_markers.clear()
    bpy.ops.mmm.sequence_load()
    assert marked() == before


def test_what_is_written_into_the_line_meanwhile_stays(generated: Any) -> None:
    change = wanted_segment(bpy.context, 1, {"seed": 7}, {})
    scene_job = start_segment(bpy.context, change)
    line = sequence_list(bpy.context).lines[1]
    line.prompt = "a person runs"
    run_to_end(scene_job)
    assert line.prompt == "a person runs"
    assert action_segments(generated.animation_data.action)[1].seed == 7


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"index": 3}, "There is no segment 3"),
        ({"index": -1}, "There is no segment -1"),
        ({"index": 1, "prompt": " "}, "Prompt 2 is empty"),
        ({"index": 1, "seconds": 30.0}, "Prompt 2 cannot last 30 s"),
        ({"index": 1, "seconds": 0.01}, "Prompt 2 is too short"),
    ],
)
def test_a_bad_segment_is_refused_in_a_sentence(
    generated: Any, changes: dict[str, Any], words: str
) -> None:
    refusal(lambda: bpy.ops.mmm.regenerate_segment(**changes), words)


def test_keys_that_cannot_be_written_are_said_and_left(generated: Any) -> None:
    action = generated.animation_data.action
    curve = next(each for each in raw_curves(action) if "left_knee" in each[1])
    (found,) = [c for c in action_fcurves(action) if (c.data_path, c.array_index) == curve[1:]]
    found.lock = True
    refusal(lambda: bpy.ops.mmm.regenerate_segment(index=0), "locked")
    found.lock = False
    found.extrapolation = "LINEAR"
    refusal(lambda: bpy.ops.mmm.regenerate_segment(index=0), "straight line")


def test_a_failure_while_keys_are_written_leaves_everything(
    generated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise MMMError("The disk is full.")

    monkeypatch.setattr(segment_writer, "write_range", fail)
    recipe = generated.animation_data.action[recipe_store.RECIPE_PROPERTY]
    refusal(lambda: bpy.ops.mmm.regenerate_segment(index=1, seconds=2.0), "disk is full")
    assert generated.animation_data.action[recipe_store.RECIPE_PROPERTY] == recipe


def test_one_prompt_alone_is_no_chain(ready: None) -> None:
    fill_list(PROMPTS[:1])
    bpy.ops.mmm.generate_sequence()
    with pytest.raises(RuntimeError, match="one prompt only"):
        bpy.ops.mmm.regenerate_segment(index=0)


def test_keys_that_were_moved_away_are_said(generated: Any) -> None:
    for curve in action_fcurves(generated.animation_data.action):
        for key in curve.keyframe_points:
            key.co_ui[0] += 100.0
    refusal(lambda: bpy.ops.mmm.regenerate_segment(index=1), "not all of it is any more")
