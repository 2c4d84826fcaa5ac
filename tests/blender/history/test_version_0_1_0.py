"""Files that version 0.1.0 saved: recipes, fingerprints and keys are read as they were meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import Action, ArmatureObject, bpy
from mmm_blender.blender.edit.panel import EditPanel
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.generate.panel import MotionPanel
from mmm_blender.blender.history.fingerprint import is_untouched
from mmm_blender.blender.history.locked_keys import automatic_mode
from mmm_blender.blender.history.recipe import (
    EditStep,
    GenerateStep,
    Recipe,
    SequenceStep,
    UserEdits,
    parse_recipe,
    recipe_text,
)
from mmm_blender.blender.history.recipe_store import RECIPE_PROPERTY, load_recipe
from mmm_blender.blender.history.user_edits import user_edits
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.replay.task import replay_poll_error
from mmm_blender.blender.sequence.layout import Segment, sequence_segments
from mmm_blender.blender.sequence.lists import sequence_list
from mmm_blender.blender.sequence.panel import SequencePanel
from mmm_blender.geometry.editing.lock_mode import LockMode
from tests.blender.helpers.drawing import drawn

SAVED = Path(__file__).resolve().parents[2] / "data" / "version_0_1_0"
NAMES = ("edited", "sequence")


def opened(name: str) -> tuple[ArmatureObject, Action]:
    """The character and its Action in one of the files."""
    bpy.ops.wm.open_mainfile(filepath=str(SAVED / f"{name}.blend"), load_ui=False)
    rig = bpy.context.view_layer.objects.active
    return rig, rig.animation_data.action


def recipe_of(rig: ArmatureObject, action: Action) -> Recipe:
    found = load_recipe(action, rig)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_on_disk_round_trips(name: str) -> None:
    text = (SAVED / f"{name}.recipe.json").read_text(encoding="utf-8")
    assert recipe_text(parse_recipe(text)) == text


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_file_carries_the_recipe_that_stands_beside_it(name: str) -> None:
    rig, action = opened(name)
    text = (SAVED / f"{name}.recipe.json").read_text(encoding="utf-8")
    assert action[RECIPE_PROPERTY] == text
    assert recipe_of(rig, action) == parse_recipe(text)


@pytest.mark.parametrize("name", NAMES)
def test_no_key_of_a_saved_file_counts_as_edited_by_hand(name: str) -> None:
    rig, action = opened(name)
    assert is_untouched(rig, action)
    assert user_edits(rig, action) == UserEdits()
    assert automatic_mode(action, rig) == LockMode.EDITED


def test_the_steps_of_an_edited_motion_say_what_they_said() -> None:
    made, edit = recipe_of(*opened("edited")).steps
    assert isinstance(made, GenerateStep) and isinstance(edit, EditStep)
    assert (made.prompt, made.seconds, made.seed) == ("a person walks forward", 2.0, 3)
    assert (edit.prompt, edit.seed, edit.part) == ("a person waves with the left hand", 1, "upper")
    assert (edit.first, edit.last, edit.fps, edit.input_start) == (10, 30, 30.0, 1)
    assert made.origin.addon_version == edit.origin.addon_version == "0.1.0"
    assert made.origin.bundle == "starter" and made.pin_feet and made.tokens


def test_the_segments_of_a_sequence_lie_where_they_lay() -> None:
    recipe = recipe_of(*opened("sequence"))
    assert isinstance(recipe.steps[0], SequenceStep)
    assert sequence_segments(recipe) == (
        Segment("a person walks", 2.0, 2, 1, 60),
        Segment("a person bows", 2.0, 5, 61, 60),
    )
    markers = {marker.name: marker.frame for marker in bpy.context.scene.timeline_markers}
    assert markers == {"a person walks": 1, "a person bows": 61}


@pytest.mark.parametrize("name", NAMES)
def test_panels_draw_over_a_saved_file(session: WorkerSession, name: str) -> None:
    rig, _ = opened(name)
    assert f"On {rig.name}, from frame" in drawn(MotionPanel).text
    assert "mmm.inpaint" in drawn(EditPanel).buttons()
    shown = drawn(SequencePanel).buttons()
    assert ("mmm.sequence_load" in shown) == (name == "sequence")
    assert replay_poll_error(bpy.context) == ""


def test_the_list_is_filled_from_a_saved_sequence(session: WorkerSession) -> None:
    opened("sequence")
    assert bpy.ops.mmm.sequence_load() == {"FINISHED"}
    lines: Any = sequence_list(bpy.context).lines
    assert [line.prompt for line in lines] == ["a person walks", "a person bows"]


def test_a_saved_motion_can_be_edited_and_keeps_its_steps(
    session: WorkerSession, tiny_bundle: Path
) -> None:
    rig, action = opened("edited")
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    before, steps = raw_curves(action), recipe_of(rig, action).steps
    edit = {"prompt": "a person bows", "frame_start": 40, "frame_end": 50, "body_part": "ALL"}
    assert bpy.ops.mmm.inpaint(**edit) == {"FINISHED"}
    after = recipe_of(rig, action).steps
    assert after[: len(steps)] == steps and isinstance(after[-1], EditStep)
    assert (after[-1].first, after[-1].last, after[-1].input) == (40, 50, "")
    assert raw_curves(action) != before and is_untouched(rig, action)


def test_a_segment_of_a_saved_sequence_can_be_regenerated(
    session: WorkerSession, tiny_bundle: Path
) -> None:
    rig, action = opened("sequence")
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    assert bpy.ops.mmm.regenerate_segment(index=1, prompt="a person jumps") == {"FINISHED"}
    recipe = recipe_of(rig, action)
    assert [step.kind for step in recipe.steps] == ["sequence", "segment"]
    assert sequence_segments(recipe)[1].prompt == "a person jumps"
