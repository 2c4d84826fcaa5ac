"""Motion before the playhead: gone on from, or replaced without a loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.generate.panel import MotionPanel
from mmm_blender.blender.history.recipe import EditStep
from mmm_blender.blender.history.recipe_store import load_recipe
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.drawing import drawn

ASKED = {"prompt": "a person waves", "seconds": 1.0, "takes": 1}


@pytest.fixture
def rig(session: WorkerSession, tiny_bundle: Path, worker_python: Path) -> Any:
    """With a motion from frame 1 to 24, a keyed property, and the playhead at frame 20."""
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    bpy.ops.mmm.generate(**ASKED, seed=1)
    found = bpy.context.view_layer.objects.active
    found["mood"] = 0.0
    for frame, value in ((1, 0.0), (30, 1.0)):
        found["mood"] = value
        found.keyframe_insert('["mood"]', frame=frame)
    bpy.context.scene.frame_set(20)
    return found


def values(rig: Any, action: Any, frames: range) -> np.ndarray[Any, Any]:
    curves = {(c.data_path, c.array_index): c for c in rig_curves(rig, action)}
    return np.array([[curves[key].evaluate(f) for f in frames] for key in sorted(curves)])


def test_generate_goes_on_from_the_motion_before_the_playhead(rig: Any) -> None:
    action = rig.animation_data.action
    before = values(rig, action, range(1, 20))
    assert "Goes on from" in drawn(MotionPanel).text
    assert bpy.ops.mmm.generate(**ASKED, seed=2) == {"FINISHED"}
    assert rig.animation_data.action == action
    assert (values(rig, action, range(1, 20)) == before).all(), "what is kept stays bit for bit"
    assert action.frame_range[1] >= 43
    recipe = load_recipe(action, rig)
    assert recipe is not None and isinstance(recipe.steps[-1], EditStep)
    steps = np.abs(np.diff(values(rig, action, range(1, 44)), axis=1))
    assert steps[:, 17:20].max() < 4.0 * max(steps.max(), 1e-3)


def test_replacing_keeps_the_action_and_carries_other_channels_over(rig: Any, session: Any) -> None:
    before = rig.animation_data.action
    assert bpy.ops.mmm.generate(**ASKED, seed=2, existing="REPLACE") == {"FINISHED"}
    after = rig.animation_data.action
    assert after != before and before in [take.action for take in rig.mmm_takes.takes]
    moods = [c for c in rig_curves(rig, after) if c.data_path == '["mood"]']
    assert [[(key.co[0], key.co[1]) for key in curve.keyframe_points] for curve in moods] == [
        [(1.0, 0.0), (30.0, 1.0)]
    ]
    assert "1 other channels" in session.notice.text


def test_at_the_start_of_the_motion_there_is_nothing_to_continue(rig: Any) -> None:
    before = rig.animation_data.action
    bpy.context.scene.frame_set(1)
    assert "Goes on from" not in drawn(MotionPanel).text
    bpy.ops.mmm.generate(**ASKED, seed=2)
    assert rig.animation_data.action != before


def test_takes_of_a_continuation_leave_the_motion_before(rig: Any) -> None:
    before = rig.animation_data.action
    kept = values(rig, before, range(1, 31))
    bpy.ops.mmm.generate(**(ASKED | {"takes": 2}), seed=2)
    assert len(rig.mmm_takes.takes) == 3 and rig.animation_data.action != before
    assert (values(rig, before, range(1, 31)) == kept).all()
    for take in rig.mmm_takes.takes:
        assert any(c.data_path == '["mood"]' for c in rig_curves(rig, take.action))
