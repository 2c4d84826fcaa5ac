"""The list of prompts and Generate Sequence, through the real worker process."""

from __future__ import annotations

from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.history import recipe, recipe_store
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.blender.sequence.lists import sequence_list
from mmm_blender.blender.sequence.properties import params_of
from mmm_blender.blender.sequence.task import SequenceParams, action_segments, start_sequence
from mmm_blender.geometry.kinematics import clip_joints
from tests.blender.helpers.sequences import (
    FRAMES,
    PROMPTS,
    fill_list,
    keys_of,
    listed,
    marked,
    refusal,
    run_to_end,
)

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
    assert sequence_list(bpy.context).action == action
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
    fill_list(PROMPTS)
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


def test_what_is_written_into_the_list_meanwhile_stays(ready: None) -> None:
    found = fill_list(PROMPTS)
    scene_job = start_sequence(bpy.context, SequenceParams(params_of(found.lines)))
    bpy.ops.mmm.sequence_add(prompt="a person bows", seconds=2.0)
    found.lines[0].prompt = "a person runs"
    run_to_end(scene_job)
    action = bpy.context.view_layer.objects.active.animation_data.action
    assert [prompt for prompt, _, _ in listed()] == ["a person runs", *PROMPTS[1:], "a person bows"]
    assert sequence_list(bpy.context).action == action
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
