"""Sequences that go on from the character's pose, and stand at their end."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.history.recipe import SequenceStep
from mmm_blender.blender.history.recipe_store import load_recipe
from mmm_blender.blender.path.properties import STANDING, path_settings
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.blender.sequence import panel as sequence_panel
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.sequences import FRAMES, fill_list, keys_of


def conditions(rig: Any) -> dict[str, Any]:
    found = load_recipe(rig.animation_data.action)
    assert found is not None
    (step,) = found.steps
    assert isinstance(step, SequenceStep)
    return dict(step.conditions)


def test_a_new_character_starts_freely(generated: Any) -> None:
    assert conditions(generated) == {}


def test_a_character_with_a_pose_goes_on_from_it_and_replays(generated: Any) -> None:
    bpy.context.scene.frame_set(40)
    pose = read_motion(generated, 40, 40)
    assert bpy.ops.mmm.generate_sequence(end_in="STANDING") == {"FINISHED"}
    found = conditions(generated)
    assert (found["start"], found["end"]) == ("pose", "standing")
    first = read_motion(generated, 40, 40)
    np.testing.assert_allclose(first.rotations_TJ4, pose.rotations_TJ4, atol=1e-5)
    np.testing.assert_allclose(first.root_T3, pose.root_T3, atol=1e-5)
    action = generated.animation_data.action
    assert action.frame_range[1] == 40 + 3 * FRAMES - 1
    keys = keys_of(action)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    again = keys_of(generated.animation_data.action)
    assert again.keys() == keys.keys()
    for name, each in keys.items():
        np.testing.assert_allclose(again[name]["co"], each["co"], atol=1e-5)


def test_a_free_start_is_put_where_the_character_stands(generated: Any) -> None:
    bpy.context.scene.frame_set(40)
    assert bpy.ops.mmm.generate_sequence(start_from="FREE") == {"FINISHED"}
    assert conditions(generated) == {}


def test_the_panel_has_both_choices_and_they_count(ready: None) -> None:
    fill_list(["a person walks", "a person waves"])
    text = drawn(sequence_panel.SequencePanel).text
    assert "prop start_from" in text and "prop end_in" in text
    settings = path_settings(bpy.context.scene)
    settings.start_from = settings.end_in = STANDING
    assert bpy.ops.mmm.generate_sequence() == {"FINISHED"}
    rig = bpy.context.view_layer.objects.active
    assert conditions(rig) == {"start": "standing", "end": "standing"}


def test_a_prompt_that_becomes_a_sequence_keeps_its_ends(ready: None) -> None:
    done = bpy.ops.mmm.generate(
        prompt="a person walks, then waves. Then walks", seconds=1.0, end_in="STANDING"
    )
    assert done == {"FINISHED"}
    assert conditions(bpy.context.view_layer.objects.active) == {"end": "standing"}
