"""Each character has its own list of prompts; files with one list a scene open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.sequence.lists import list_of, own_list, sequence_list
from mmm_blender.blender.sequence.properties import SegmentParams, params_of, set_line
from mmm_blender.blender.sequence.task import action_segments
from tests.blender.helpers.sequences import FRAMES, PROMPTS, fill_list, listed, marked


def activate(rig: Any) -> None:
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    bpy.context.view_layer.update()


def prompts(found: Any) -> list[str]:
    return [line.prompt for line in found.lines]


def test_two_characters_have_two_lists(generated: Any) -> None:
    scene = bpy.context.scene
    assert prompts(generated.mmm_sequence) == list(PROMPTS) and not scene.mmm_sequence.lines
    bpy.ops.mmm.add_character()
    other = bpy.context.view_layer.objects.active
    assert not sequence_list(bpy.context).lines
    fill_list(("a person bows",))
    assert prompts(other.mmm_sequence) == ["a person bows"]
    activate(generated)
    assert prompts(sequence_list(bpy.context)) == list(PROMPTS)
    bpy.ops.mmm.sequence_remove()
    assert prompts(other.mmm_sequence) == ["a person bows"]


def test_the_list_of_a_file_of_before_is_that_of_its_character(
    generated: Any, tmp_path: Path
) -> None:
    """Saved as earlier versions did: the scene has the list, and knows the Action."""
    scene, own = bpy.context.scene, generated.mmm_sequence
    for params in params_of(own.lines):
        set_line(scene.mmm_sequence.lines.add(), params)
    for index, line in enumerate(scene.mmm_sequence.lines):
        line.segment = index
    scene.mmm_sequence.action, name = own.action, generated.name
    own.lines.clear()
    own.action = None
    path = str(tmp_path / "before.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    rig, scene = bpy.data.objects[name], bpy.context.scene
    bpy.ops.mmm.add_character()
    other = bpy.context.view_layer.objects.active
    assert list_of(rig, scene) == scene.mmm_sequence
    assert list_of(other, scene) == other.mmm_sequence, "it belongs to the one that plays it"
    activate(rig)
    assert bpy.ops.mmm.regenerate_segment(index=1, prompt="a person bows") == {"FINISHED"}
    assert prompts(rig.mmm_sequence) == [PROMPTS[0], "a person bows", PROMPTS[2]]
    assert not scene.mmm_sequence.lines and scene.mmm_sequence.action is None


def test_prompts_that_were_there_before_any_character_become_its_own(ready: None) -> None:
    fill_list(PROMPTS[:2])
    assert prompts(bpy.context.scene.mmm_sequence) == list(PROMPTS[:2])
    bpy.ops.mmm.add_character()
    rig = bpy.context.view_layer.objects.active
    assert prompts(sequence_list(bpy.context)) == list(PROMPTS[:2])
    found = own_list(rig, bpy.context.scene)
    assert found == rig.mmm_sequence and prompts(found) == list(PROMPTS[:2])
    assert not bpy.context.scene.mmm_sequence.lines
    bpy.ops.mmm.sequence_remove()
    bpy.ops.mmm.sequence_remove()
    set_line(bpy.context.scene.mmm_sequence.lines.add(), SegmentParams("other", 1.0, 0))
    found.action = bpy.data.actions.new("used")
    assert not sequence_list(bpy.context).lines, "a list that was emptied stays empty"


@pytest.mark.parametrize("seconds", [1.0, 1.5])
def test_a_segment_has_takes(generated: Any, seconds: float) -> None:
    before = generated.animation_data.action
    asked = {"index": 1, "prompt": "a person bows", "seconds": seconds, "seed": 7, "takes": 2}
    assert bpy.ops.mmm.regenerate_segment(**asked) == {"FINISHED"}
    takes = generated.mmm_takes.takes
    assert next(take.action for take in takes) == before and [take.seed for take in takes][1:] == [
        7,
        8,
    ]
    assert generated.animation_data.action == takes[1].action
    assert [each.prompt for each in action_segments(before)] == list(PROMPTS)
    for take in takes[1:]:
        segments = action_segments(take.action)
        assert [each.prompt for each in segments] == [PROMPTS[0], "a person bows", PROMPTS[2]]
        assert segments[2].first == 1 + FRAMES + round(seconds * FRAMES)
    assert marked()[1][1] == "a person bows" and listed()[1] == ("a person bows", seconds, 7)
    generated.mmm_takes.active = 2
    assert bpy.ops.mmm.regenerate_segment(index=2, seed=9) == {"FINISHED"}, (
        "the list is still its own"
    )
