"""What MMM made is made again to the same keys, through the real worker process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import Action, ArmatureObject, bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS, action_fcurves, curve_store
from mmm_blender.blender.history import fingerprint, recipe, recipe_store
from mmm_blender.blender.history.fingerprint import is_untouched
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.replay.task import sampled_note
from mmm_blender.blender.sequence.lists import sequence_list

SECONDS = 2.0
Edit = Callable[..., set[str]]


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path, worker_python: Path) -> ArmatureObject:
    """A character with a generated motion from frame 5 on."""
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    bpy.context.scene.frame_set(5)
    assert bpy.ops.mmm.generate(prompt="a person waves", seconds=SECONDS, seed=4) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def inpaint(**params: Any) -> None:
    wanted = {"prompt": "a person bows", "frame_start": 20, "frame_end": 34, "seed": 2} | params
    assert bpy.ops.mmm.inpaint(**wanted) == {"FINISHED"}


def again(rig: ArmatureObject) -> tuple[Action, Action]:
    """The Action before and the one that the replay made."""
    before = rig.animation_data.action
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    after = rig.animation_data.action
    assert after != before
    assert before.name in bpy.data.actions, "the old one is kept"
    return before, after


def replayed(rig: ArmatureObject) -> tuple[Action, Action]:
    """As ``again``, where nobody did anything since the last step."""
    before, after = again(rig)
    assert is_untouched(rig, after)
    return before, after


def nudge(action: Action, bone: str, frame: int, by: float = 0.2) -> None:
    path = f'pose.bones["{bone}"].rotation_quaternion'
    for curve in action_fcurves(action):
        if curve.data_path == path:
            (key,) = [each for each in curve.keyframe_points if each.co[0] == frame]
            key.co[1] += by


def values(action: Action, bone: str, frame: int) -> list[float]:
    path = f'pose.bones["{bone}"].rotation_quaternion'
    return [
        key.co[1]
        for curve in action_fcurves(action)
        if curve.data_path == path
        for key in curve.keyframe_points
        if key.co[0] == frame
    ]


def said(call: Callable[[], object]) -> str:
    with pytest.raises(RuntimeError) as caught:
        call()
    return str(caught.value)


def test_a_generated_motion_comes_back_bit_for_bit(rig: ArmatureObject) -> None:
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)
    assert recipe_store.load_recipe(after) == recipe_store.load_recipe(before)
    assert after.name.startswith(before.name.split(".")[0])


@pytest.mark.parametrize("part", ["ALL", "UPPER", "LOWER"])
def test_edits_come_back_in_order_bit_for_bit(rig: ArmatureObject, part: str) -> None:
    inpaint(body_part=part)
    inpaint(prompt="", frame_start=30, frame_end=40, seed=9)
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)
    steps = recipe_store.load_recipe(after)
    assert steps is not None
    assert [step.kind for step in steps.steps] == ["generate", "edit", "edit"]


def test_a_sequence_and_a_segment_that_was_regenerated_come_back(
    rig: ArmatureObject, session: WorkerSession
) -> None:
    lines = sequence_list(bpy.context).lines
    lines.clear()
    for number, prompt in enumerate(("walks", "waves", "bows")):
        line = lines.add()
        line.prompt, line.seconds, line.seed = f"a person {prompt}", 1.0 + 0.2 * number, number
    assert bpy.ops.mmm.generate_sequence() == {"FINISHED"}
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)
    assert bpy.ops.mmm.regenerate_segment(index=1, prompt="a person jumps", seconds=1.5) == {
        "FINISHED"
    }
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)


def test_a_replay_can_be_replayed(rig: ArmatureObject) -> None:
    inpaint()
    _, once = replayed(rig)
    before = raw_curves(once)
    _, twice = replayed(rig)
    assert raw_curves(twice) == before


def test_a_pose_set_by_hand_and_what_was_made_around_it_come_back(rig: ArmatureObject) -> None:
    nudge(rig.animation_data.action, "left_elbow", 27)
    inpaint(hold="EDITED")
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)


def test_an_edit_of_a_motion_that_we_did_not_make_comes_back(rig: ArmatureObject) -> None:
    action = rig.animation_data.action
    for name in (recipe_store.RECIPE_PROPERTY, "mmm_fingerprint"):
        del action[name]
    inpaint()
    inpaint(frame_start=35, frame_end=40, seed=5)
    nudge(action, "left_elbow", 36)
    inpaint(frame_start=14, frame_end=19, seed=6)
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)


def test_a_pose_stays_held_however_often_the_range_is_regenerated(rig: ArmatureObject) -> None:
    action = rig.animation_data.action
    nudge(action, "left_elbow", 27)
    nudge(action, "right_elbow", 44)
    poses = values(action, "left_elbow", 27), values(action, "right_elbow", 44)
    inpaint(seed=2)
    inpaint(seed=3)
    inpaint(frame_start=42, frame_end=46, seed=4)
    assert (values(action, "left_elbow", 27), values(action, "right_elbow", 44)) == poses
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)
    inpaint(seed=5)
    assert values(rig.animation_data.action, "left_elbow", 27) == poses[0], "in the replay too"


def test_what_a_person_did_between_two_steps_comes_back(rig: ArmatureObject) -> None:
    action = rig.animation_data.action
    nudge(action, "left_elbow", 40)
    knees = [each for each in action_fcurves(action) if "left_knee" in each.data_path]
    for curve in knees:
        curve.keyframe_points.remove(curve.keyframe_points[6])
        curve.keyframe_points[20].co[0] += 0.5
        curve.update()
    wrists = [each for each in action_fcurves(action) if "left_wrist" in each.data_path]
    store = curve_store(rig, action)
    assert store is not None
    store.fcurves.remove(wrists[2])
    inpaint(frame_start=8, frame_end=14, seed=2)
    inpaint(frame_start=30, frame_end=38, seed=3)
    steps = recipe_store.load_recipe(action)
    assert steps is not None
    edits = [step for step in steps.steps if isinstance(step, recipe.EditStep)]
    assert set(edits[0].hand.bones) == {"left_elbow", "left_knee", "left_wrist"}
    # the curve that was removed is stored too, with the value at which the channel then stood
    counts = {path.split('"')[1]: each for path, each in edits[0].hand.counts.items()}
    assert counts.keys() == {"left_elbow", "left_knee", "left_wrist"}
    assert all(len(each) == 4 and -1 not in each for each in counts.values())
    assert max(counts["left_elbow"]) <= 3 and counts["left_wrist"][2] == 1
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)


def test_what_is_not_hers_is_made_again(rig: ArmatureObject) -> None:
    inpaint()
    action = rig.animation_data.action
    raw = raw_curves(action)
    nudge(action, "left_elbow", 36, by=0.01)
    nudge(action, "pelvis", 12, by=0.01)
    fingerprint.store_fingerprint(rig, action)  # as if it were our work
    _, after = replayed(rig)
    assert raw_curves(after) == raw


def test_what_a_person_did_since_the_last_step_is_taken_over(
    rig: ArmatureObject, session: WorkerSession
) -> None:
    inpaint()
    action = rig.animation_data.action
    made = raw_curves(action)
    nudge(action, "left_elbow", 36)
    knee = [each for each in action_fcurves(action) if "left_knee" in each.data_path][1]
    knee.keyframe_points.clear()
    before, after = again(rig)
    assert raw_curves(after) == raw_curves(before)
    changed = {name[1] for name, raw in raw_curves(after).items() if raw != made[name]}
    assert {path.split('"')[1] for path in changed} == {"left_elbow", "left_knee"}
    assert "What you changed since on 2 bones is taken over." in session.notice.text
    pose = values(after, "left_elbow", 36)
    inpaint(frame_start=30, frame_end=40, seed=7, hold="EDITED")
    assert values(after, "left_elbow", 36) == pose, "still known as the user's"
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)


def test_what_no_step_makes_is_taken_over(rig: ArmatureObject) -> None:
    inpaint()
    action = rig.animation_data.action
    rig["tired"] = 1.0
    for frame in (1, 90):
        rig.location.x = frame / 10
        rig.keyframe_insert("location", frame=frame)
        rig.keyframe_insert('["tired"]', frame=frame)
        rig.pose.bones["left_hand"].keyframe_insert("scale", frame=frame)
    curves = {each.data_path: each for each in action_fcurves(action)}
    curves['["tired"]'].modifiers.new("NOISE")
    action.pose_markers.new("contact").frame = 12
    action.use_frame_range, action.frame_start, action.frame_end = True, 3.0, 60.0
    before, after = again(rig)
    assert raw_curves(after) == raw_curves(before)
    copied = {each.data_path: each for each in action_fcurves(after)}
    assert {"location", '["tired"]', 'pose.bones["left_hand"].scale'} <= copied.keys()
    assert [each.type for each in copied['["tired"]'].modifiers] == ["NOISE"]
    assert [(each.name, each.frame) for each in after.pose_markers] == [("contact", 12)]
    assert (after.use_frame_range, *after.frame_range) == (True, 3.0, 60.0)


def test_without_a_fingerprint_her_keys_are_not_known_and_that_is_said(
    rig: ArmatureObject, session: WorkerSession
) -> None:
    action = rig.animation_data.action
    raw = raw_curves(action)
    rig.keyframe_insert("location", frame=3)
    nudge(action, "left_elbow", 36)
    del action[fingerprint.FINGERPRINT_PROPERTY]
    _, after = replayed(rig)
    assert {name: each for name, each in raw_curves(after).items() if name[1] != "location"} == raw
    assert any(path == "location" for _, path, _ in raw_curves(after))
    assert "Your own keys are not known" in session.notice.text


def test_a_sequence_and_its_changed_segments_come_back(rig: ArmatureObject) -> None:
    lines = [{"name": "", "prompt": f"a {n}", "seconds": 1.0 + n / 4, "seed": n} for n in range(3)]
    assert bpy.ops.mmm.generate_sequence(segments=lines) == {"FINISHED"}
    action = rig.animation_data.action
    assert bpy.ops.mmm.regenerate_segment(index=1, prompt="a person waves", seconds=2.0) == {
        "FINISHED"
    }
    nudge(action, "left_elbow", 40)
    assert bpy.ops.mmm.regenerate_segment(index=0, seconds=0.6, seed=9) == {"FINISHED"}
    assert bpy.ops.mmm.regenerate_segment(index=2, seed=10) == {"FINISHED"}
    inpaint()
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)


def test_the_slot_of_the_rig_is_replayed(rig: ArmatureObject) -> None:
    action = rig.animation_data.action
    if not HAS_SLOTS:
        pytest.skip("no slots in this Blender")
    for name in (recipe_store.RECIPE_PROPERTY, "mmm_fingerprint"):
        del action[name]
    other = action.slots.new(id_type="OBJECT", name="Second")
    bag = action.layers[0].strips[0].channelbag(other, ensure=True)
    for curve in action_fcurves(action):
        keys = bag.fcurves.new(curve.data_path, index=curve.array_index).keyframe_points
        for key in curve.keyframe_points:
            keys.insert(key.co[0], key.co[1])
    rig.animation_data.action_slot = other
    inpaint()
    before, after = replayed(rig)
    assert rig.animation_data.action_slot.identifier == other.identifier
    assert raw_curves(after) == raw_curves(before)


def test_one_undo_step_and_nothing_left_when_the_weights_are_gone(
    rig: ArmatureObject, tiny_bundle: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(tiny_bundle, tmp_path / "other")
    config = other / "config.json"
    config.write_text(config.read_text().replace('"tiny"', '"other"'))
    bpy.context.scene.mmm.bundle = str(other)
    actions = set(bpy.data.actions.keys())
    sentence = said(bpy.ops.mmm.replay)
    assert "tiny" in sentence
    assert "are not there" in sentence
    assert set(bpy.data.actions.keys()) == actions


def test_at_another_frame_rate_the_keys_are_the_same(
    rig: ArmatureObject, session: WorkerSession
) -> None:
    inpaint()
    bpy.context.scene.render.fps = 30
    before, after = replayed(rig)
    assert raw_curves(after) == raw_curves(before)
    assert "24 frames per second" in session.notice.text


def test_without_a_recipe_the_button_is_greyed(rig: ArmatureObject) -> None:
    del rig.animation_data.action[recipe_store.RECIPE_PROPERTY]
    assert not bpy.ops.mmm.replay.poll()
    assert "no recipe" in said(bpy.ops.mmm.replay)


def test_an_old_recipe_samples_again(rig: ArmatureObject) -> None:
    action = rig.animation_data.action
    found = recipe_store.load_recipe(action)
    assert found is not None
    (step,) = found.steps
    assert isinstance(step, recipe.GenerateStep)
    without = replace(step, tokens="")
    recipe_store.store_recipe(action, recipe.Recipe((without,)))
    assert "version 0.1.0" in sampled_note(recipe.Recipe((without,))) and not sampled_note(found)
    before, after = replayed(rig)
    values = [np.frombuffer(raw.keys) for raw in raw_curves(before).values()]
    assert values
    assert raw_curves(after) == raw_curves(before)


def constrained(rig: ArmatureObject) -> None:
    constraint = rig.pose.bones["pelvis"].constraints.new("LIMIT_LOCATION")
    constraint.use_max_z, constraint.max_z = True, 0.5


def at_rest(rig: ArmatureObject) -> None:
    rig.data.pose_position = "REST"


def stretched_in_time(_rig: ArmatureObject) -> None:
    bpy.context.scene.render.frame_map_new = 200


POLL_ERRORS = [
    (constrained, "Bake the action first"),
    (at_rest, "rest position"),
    (stretched_in_time, "Time Stretching is on"),
]


@pytest.mark.parametrize(("change", "words"), POLL_ERRORS)
def test_a_replay_is_offered_only_where_its_keys_alone_will_make_the_pose(
    rig: ArmatureObject, change: Callable[[ArmatureObject], None], words: str
) -> None:
    """Before: "Made again" was said while something else moved the character."""
    change(rig)
    assert words in said(bpy.ops.mmm.replay)
    undo_changes(rig)
    inpaint()
    change(rig)
    actions = set(bpy.data.actions.keys())
    assert not bpy.ops.mmm.replay.poll()
    assert words in said(bpy.ops.mmm.replay)
    assert set(bpy.data.actions.keys()) == actions


def undo_changes(rig: ArmatureObject) -> None:
    for constraint in list(rig.pose.bones["pelvis"].constraints):
        rig.pose.bones["pelvis"].constraints.remove(constraint)
    rig.data.pose_position = "POSE"
    bpy.context.scene.render.frame_map_new = bpy.context.scene.render.frame_map_old
    bpy.context.view_layer.update()


def halved(rig: ArmatureObject) -> None:
    for bone in rig.data.edit_bones:
        bone.head *= 0.5
        bone.tail *= 0.5


def rolled(rig: ArmatureObject) -> None:
    rig.data.edit_bones["left_shoulder"].roll += 0.4


@pytest.mark.parametrize("change", [halved, rolled])
@pytest.mark.parametrize("edited", [False, True])
def test_on_another_rest_pose_it_is_refused(
    rig: ArmatureObject, change: Callable[[ArmatureObject], None], edited: bool
) -> None:
    if edited:
        inpaint()
    bpy.ops.object.mode_set(mode="EDIT")
    change(rig)
    bpy.ops.object.mode_set(mode="OBJECT")
    action, actions = rig.animation_data.action, set(bpy.data.actions.keys())
    assert "its rest pose, or the pose of a bone above" in said(bpy.ops.mmm.replay)
    assert rig.animation_data.action == action
    assert set(bpy.data.actions.keys()) == actions
