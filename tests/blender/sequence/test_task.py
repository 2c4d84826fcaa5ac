"""Sequences from a script, through the real worker process."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.curve_snapshot import CurveId, raw_curves
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE
from mmm_blender.blender.fcurves.layered_actions import action_fcurves, enum_value
from mmm_blender.blender.history import recipe, recipe_store
from mmm_blender.blender.jobs.scene_job import SceneJob
from mmm_blender.blender.jobs.session import State, WorkerSession
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.blender.sequence import layout, segment_writer
from mmm_blender.blender.sequence import panel as sequence_panel
from mmm_blender.blender.sequence.properties import params_of
from mmm_blender.blender.sequence.regenerate import start_segment, wanted_segment
from mmm_blender.blender.sequence.task import SequenceParams, action_segments, start_sequence
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import quat_angle, quat_conjugate, quat_multiply
from tests.blender.helpers.drawing import drawn

Call = Callable[..., set[str]]
PROMPTS = ("a person walks", "a person waves", "a person walks.")
FRAMES = 24  # of a segment of a second
SEAM = 10  # frames of a seam's side
FREE = enum_value("handle_left_type", "FREE")
AUTOMATIC = [enum_value("handle_left_type", name) for name in ("AUTO", "AUTO_CLAMPED", "VECTOR")]


@pytest.fixture
def ready(session: WorkerSession, tiny_bundle: Path) -> None:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)


@pytest.fixture
def generated(ready: None) -> Any:
    """A character with a sequence of three seconds."""
    fill_list(PROMPTS)
    assert bpy.ops.mmm.generate_sequence() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def fill_list(prompts: Sequence[str], seconds: float = 1.0) -> Any:
    for seed, prompt in enumerate(prompts):
        bpy.ops.mmm.sequence_add(prompt=prompt, seconds=seconds, seed=seed)
    return bpy.context.scene.mmm_sequence


def listed() -> list[tuple[str, float, int]]:
    lines = bpy.context.scene.mmm_sequence.lines
    return [(line.prompt, round(line.seconds, 4), line.seed) for line in lines]


def marked() -> list[tuple[int, str]]:
    return sorted((marker.frame, marker.name) for marker in bpy.context.scene.timeline_markers)


def keys_of(action: Any) -> dict[CurveId, Any]:
    return {name: np.frombuffer(raw.keys, KEY_DTYPE) for name, raw in raw_curves(action).items()}


def between(keys: Any, first: float, last: float) -> Any:
    return keys[(keys["co"][:, 0] >= first) & (keys["co"][:, 0] <= last)]


def shifted(keys: Any, frames: int) -> Any:
    found = keys.copy()
    for name in ("co", "handle_left", "handle_right"):
        found[name][:, 0] += np.float32(frames)
    return found


def same_where(before: Any, after: Any, first: float, last: float, shift: int = 0) -> bool:
    """Keys from first to last are what they were, bit for bit but for the shift in time; automatic
    handles may have become free where they are."""
    wanted = shifted(between(before, first, last), shift)
    found = between(after, first + shift, last + shift).copy()
    for name in ("handle_left_type", "handle_right_type"):
        freed = (found[name] == FREE) & np.isin(wanted[name], AUTOMATIC)
        found[name][freed] = wanted[name][freed]
    return wanted.tobytes() == found.tobytes()


def refusal(call: Callable[[], object], words: str) -> None:
    """It fails in one sentence, and no key, marker or line is another one."""
    before = (listed(), marked(), {each.name: raw_curves(each) for each in bpy.data.actions})
    with pytest.raises(RuntimeError) as caught:
        call()
    lines = str(caught.value).strip().splitlines()
    assert len(lines) == 1 and words in lines[0], lines
    after = (listed(), marked(), {each.name: raw_curves(each) for each in bpy.data.actions})
    assert after == before


# --- the list ------------------------------------------------------------------------------------


def test_prompts_are_added_behind_the_chosen_one(session: WorkerSession) -> None:
    found = fill_list(["one", "two"])
    found.active = 0
    bpy.ops.mmm.sequence_add(prompt="between")
    assert [line.prompt for line in found.lines] == ["one", "between", "two"]
    assert found.active == 1
    assert found.lines[1].seconds == found.lines[1].bl_rna.properties["seconds"].default


def test_prompts_are_duplicated_moved_and_removed(session: WorkerSession) -> None:
    found = fill_list(["one", "two", "three"])
    found.active = 1
    bpy.ops.mmm.sequence_duplicate()
    assert listed()[1] == listed()[2] and found.active == 2
    bpy.ops.mmm.sequence_move(direction="DOWN")
    assert [line.prompt for line in found.lines] == ["one", "two", "three", "two"]
    assert found.active == 3
    assert bpy.ops.mmm.sequence_move(direction="DOWN") == {"CANCELLED"}
    bpy.ops.mmm.sequence_move(direction="UP")
    bpy.ops.mmm.sequence_remove()
    assert [line.prompt for line in found.lines] == ["one", "two", "three"]
    found.active = 2
    bpy.ops.mmm.sequence_remove()
    assert found.active == 1


def test_a_list_without_prompts_greys_what_is_about_one(session: WorkerSession) -> None:
    for operator in ("remove", "duplicate", "move", "new_seed", "load"):
        assert not getattr(bpy.ops.mmm, f"sequence_{operator}").poll()
    fill_list(["one"])
    assert bpy.ops.mmm.sequence_remove.poll() and not bpy.ops.mmm.sequence_move.poll()


def test_a_new_seed_is_of_the_chosen_prompt(session: WorkerSession) -> None:
    fill_list(["one", "two"])
    bpy.ops.mmm.sequence_new_seed()
    assert listed()[0][2] == 0 and listed()[1][2] != 1


# --- Generate Sequence ---------------------------------------------------------------------------


def test_prompts_become_one_action_with_markers(generated: Any) -> None:
    action = generated.animation_data.action
    assert tuple(action.frame_range) == (1.0, 3.0 * FRAMES)
    for keys in keys_of(action).values():
        assert keys["co"][:, 0].tolist() == list(range(1, 3 * FRAMES + 1))
    assert marked() == [(1 + FRAMES * at, prompt) for at, prompt in enumerate(PROMPTS)]
    assert bpy.context.scene.mmm_sequence.action == action
    found = recipe_store.load_recipe(action)
    assert found is not None
    (step,) = found.steps
    assert isinstance(step, recipe.SequenceStep)
    assert (step.prompts, step.seconds, step.seeds) == (PROMPTS, (1.0,) * 3, (0, 1, 2))


def test_a_script_can_give_the_list(ready: None) -> None:
    bpy.context.scene.frame_set(11)
    segments = [
        {"name": "", "prompt": p, "seconds": 0.5 + at, "seed": 7} for at, p in enumerate("ab")
    ]
    assert bpy.ops.mmm.generate_sequence(segments=segments) == {"FINISHED"}
    assert listed() == [("a", 0.5, 7), ("b", 1.5, 7)]
    assert marked() == [(11, "a"), (23, "b")]


def test_markers_of_the_sequence_before_are_replaced_and_no_others(generated: Any) -> None:
    scene = bpy.context.scene
    scene.timeline_markers.new("mine", frame=1)
    scene.timeline_markers["a person waves"].frame = 99  # the person's own from here on
    bpy.ops.mmm.sequence_remove()
    bpy.ops.mmm.generate_sequence()
    wanted = [(1, "mine"), (99, PROMPTS[1]), *((1 + FRAMES * at, PROMPTS[at]) for at in range(2))]
    assert marked() == sorted(wanted)


def test_markers_of_another_character_stay(generated: Any) -> None:
    bpy.ops.mmm.add_character()
    bpy.context.scene.frame_set(6)
    bpy.ops.mmm.generate_sequence()
    wanted = [(start + FRAMES * at, p) for start in (1, 6) for at, p in enumerate(PROMPTS)]
    assert marked() == sorted(wanted)


def test_it_goes_on_from_where_the_character_stands(generated: Any) -> None:
    bpy.context.scene.frame_set(60)
    before = clip_joints(read_motion(generated, 60, 60))[0, 0]
    bpy.ops.mmm.generate_sequence()
    after = clip_joints(read_motion(generated, 60, 60))[0, 0]
    assert after[[0, 2]] == pytest.approx(before[[0, 2]], abs=1e-4)


def run_to_end(scene_job: SceneJob) -> None:
    while not scene_job.tick(bpy.context):
        time.sleep(0.01)
    assert scene_job.job.state is State.SUCCEEDED, scene_job.job.sentence


def test_what_is_written_into_the_list_meanwhile_stays(ready: None) -> None:
    found = fill_list(PROMPTS)
    scene_job = start_sequence(bpy.context, SequenceParams(params_of(found.lines)))
    bpy.ops.mmm.sequence_add(prompt="a person bows", seconds=2.0)
    found.lines[0].prompt = "a person runs"
    run_to_end(scene_job)
    action = bpy.context.view_layer.objects.active.animation_data.action
    assert [prompt for prompt, _, _ in listed()] == ["a person runs", *PROMPTS[1:], "a person bows"]
    assert found.action == action
    assert [segment.prompt for segment in action_segments(action)] == list(PROMPTS)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "list of prompts is empty"),
        ([("a", 1.0), (" ", 1.0)], "Prompt 2 is empty"),
        ([("a", 1.0), ("b", 30.0)], "Prompt 2 cannot last 30 s. These weights make at most 9.8"),
    ],
)
def test_a_bad_list_is_refused_in_a_sentence(
    ready: None, lines: list[tuple[str, float]], words: str
) -> None:
    for prompt, seconds in lines:
        bpy.ops.mmm.sequence_add(prompt=prompt, seconds=seconds)
    refusal(bpy.ops.mmm.generate_sequence, words)


# --- Regenerate Segment --------------------------------------------------------------------------


def regenerate(index: int, **changes: Any) -> None:
    assert bpy.ops.mmm.regenerate_segment(index=index, **changes) == {"FINISHED"}


@pytest.mark.parametrize("seconds", [1.0, 1.5, 0.5])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_segment_is_made_anew_and_the_rest_follows(
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
    found = bpy.context.scene.mmm_sequence
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
    line = bpy.context.scene.mmm_sequence.lines[1]
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
    told = generated.animation_data.action[recipe_store.RECIPE_PROPERTY]
    refusal(lambda: bpy.ops.mmm.regenerate_segment(index=1, seconds=2.0), "disk is full")
    assert generated.animation_data.action[recipe_store.RECIPE_PROPERTY] == told


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


# --- the panel -----------------------------------------------------------------------------------


def test_the_panel_offers_what_can_be_done(generated: Any) -> None:
    layout = drawn(sequence_panel.SequencePanel)
    assert "list lines 3" in layout.text and "3 prompts, 3 seconds" in layout.text
    buttons = layout.buttons()
    assert all(buttons[f"mmm.{name}"] for name in ("generate_sequence", "regenerate_segment"))
    bpy.ops.mmm.sequence_remove()
    layout = drawn(sequence_panel.SequencePanel)
    assert "Prompts from Action brings the old list back" in " ".join(layout.text.split())
    assert not layout.buttons()["mmm.regenerate_segment"]


def test_the_panel_says_why_not(ready: None) -> None:
    layout = drawn(sequence_panel.SequencePanel)
    assert "The list of prompts is empty" in layout.text
    assert not layout.buttons()["mmm.generate_sequence"]
    assert "mmm.regenerate_segment" not in layout.buttons()
    fill_list(["a", " "])
    assert "Prompt 2 is empty" in drawn(sequence_panel.SequencePanel).text


def test_lines_that_are_not_keyed_like_that_yet_are_marked(generated: Any) -> None:
    lines = bpy.context.scene.mmm_sequence.lines
    lines[1].seconds = 2.0
    assert [sequence_panel.is_changed(bpy.context, line, at) for at, line in enumerate(lines)] == [
        *(False, True, False)
    ]
    regenerate(1)
    assert not sequence_panel.is_changed(bpy.context, lines[1], 1)


def test_a_prompt_that_one_clip_cannot_hold_is_made_as_a_sequence(ready: None) -> None:
    done = bpy.ops.mmm.generate(
        prompt="a person walks, then waves. Then walks", seconds=1.0, seed=7
    )
    assert done == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    segments = action_segments(rig.animation_data.action)
    assert [segment.prompt for segment in segments] == [
        "a person walks",
        "a person waves",
        "a person walks",
    ]
    assert [segment.seed for segment in segments] == [7, 8, 9]
    assert listed() == [(each.prompt, each.seconds, each.seed) for each in segments]
    assert len(marked()) == len(segments)
