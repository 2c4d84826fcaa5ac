"""Motions along a path at the pace of the motion itself, which is the panel's default: how long
they last is known when they are made, and they are edited, replayed and chosen like others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.curve_snapshot import raw_curves
from mmm_blender.blender.history import recipe_store
from mmm_blender.blender.history.recipe_steps import GenerateStep
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.armature import create_character
from tests.blender.helpers.scene_lines import add_curve


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path) -> Any:
    """A character beside a path."""
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    add_curve([(0, 0, 0), (2, 0, 0), (2, -2, 0)])
    return create_character(bpy.context)


def walk(**asked: Any) -> None:
    done = bpy.ops.mmm.generate(prompt="a person walks forward", path="Curve", **asked)
    assert done == {"FINISHED"}


def test_such_a_motion_is_edited_and_replayed(rig: Any) -> None:
    """Its recipe says 0 seconds, and was refused as one that MMM never writes."""
    walk()
    action = rig.animation_data.action
    found = recipe_store.load_recipe(action)
    assert found is not None
    (step,) = found.steps
    assert isinstance(step, GenerateStep) and step.seconds == 0.0
    bpy.context.scene.mmm.seconds = 3.0
    assert bpy.ops.mmm.use_take_settings() == {"FINISHED"}
    assert bpy.context.scene.mmm.seconds == 3.0
    first = raw_curves(action)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    assert raw_curves(rig.animation_data.action) == first
    last = int(rig.animation_data.action.frame_range[1])
    assert bpy.ops.mmm.inpaint(prompt="", frame_start=3, frame_end=last - 2) == {"FINISHED"}
    edited = raw_curves(rig.animation_data.action)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    assert raw_curves(rig.animation_data.action) == edited


@pytest.mark.parametrize(("fps", "base"), [(24, 1.0), (12, 1.0), (30, 1.001), (60, 1.0)])
def test_its_takes_last_as_long_as_the_first(rig: Any, fps: int, base: float) -> None:
    """Takes of several lengths ended in an error of the model's own."""
    bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps, base
    walk(takes=3)
    actions = [action for action in bpy.data.actions if recipe_store.load_recipe(action)]
    assert len(actions) == 3
    assert len({tuple(action.frame_range) for action in actions}) == 1
