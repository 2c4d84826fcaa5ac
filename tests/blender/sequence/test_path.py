"""A segment of a sequence that took a path is made again: it keeps to its stretch of the path."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.layered_actions import curves_of_bones
from mmm_blender.blender.history.recipe import SegmentStep
from mmm_blender.blender.history.recipe_store import load_recipe
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.rig.motion_reader import read_motion
from mmm_blender.geometry.ground_path import GroundPath
from tests.blender.helpers.scene_lines import add_curve
from tests.blender.helpers.sequences import FRAMES, keys_of, same_where

LEFT = "Generate Sequence keeps to all of it."
PROMPTS = ("a person dances", "a person laughs", "a person hops")


@pytest.fixture
def walked(ready: None) -> Any:
    """A character with three segments of a second on a curve."""
    add_curve([(0, 0, 0), (2, 0, 0), (2, 3, 0)])
    for prompt in PROMPTS:
        bpy.ops.mmm.sequence_add(prompt=prompt, seconds=1.0)
    assert bpy.ops.mmm.generate_sequence(path="Curve") == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def steps(rig: Any) -> Any:
    found = load_recipe(rig.animation_data.action)
    assert found is not None
    return found.steps


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_segment_keeps_to_its_stretch_of_the_path(
    walked: Any, session: WorkerSession, index: int
) -> None:
    whole = GroundPath.from_json(steps(walked)[0].conditions["path"])
    before = keys_of(walked.animation_data.action)
    assert bpy.ops.mmm.regenerate_segment(index=index, seed=9) == {"FINISHED"}
    assert session.notice is not None and LEFT not in session.notice.text
    _, last = steps(walked)
    assert isinstance(last, SegmentStep)
    part = GroundPath.from_json(last.conditions["path"])
    assert part.facing == whole.facing and part.length < 0.75 * whole.length
    at = whole.length * (index + 0.5) / 3
    assert whole.nearest(part.at(np.array([0.5 * part.length]))[0], at)[1] < 0.05
    after = keys_of(walked.animation_data.action)
    for name, keys in before.items():  # both sides stay where they were, bit for bit
        assert same_where(keys, after[name], last.last + 2, 3 * FRAMES)
        assert same_where(keys, after[name], 1, last.first - 2)
    places = read_motion(walked, 1, 3 * FRAMES).root_T3[:, [0, 2]]
    steps_T = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    assert steps_T.max() < 0.4 and np.linalg.norm(places[-1] - whole.points_N2[-1]) < 0.3


def test_a_longer_segment_keeps_to_it_too_and_replays(walked: Any, session: WorkerSession) -> None:
    end = read_motion(walked, 3 * FRAMES, 3 * FRAMES).root_T3[0]
    assert bpy.ops.mmm.regenerate_segment(index=1, seconds=2.0) == {"FINISHED"}
    there = read_motion(walked, 4 * FRAMES, 4 * FRAMES).root_T3[0]
    np.testing.assert_allclose(there, end, atol=1e-5)
    keys = keys_of(walked.animation_data.action)
    assert bpy.ops.mmm.replay() == {"FINISHED"}
    again = keys_of(walked.animation_data.action)
    for name, each in keys.items():
        np.testing.assert_allclose(again[name]["co"], each["co"], atol=1e-5)


def test_a_body_that_has_left_the_path_says_so(walked: Any, session: WorkerSession) -> None:
    for curve in curves_of_bones(walked, walked.animation_data.action):
        if curve.data_path.endswith('"].location'):
            for key in curve.keyframe_points:
                key.co[1] += 5.0
    assert bpy.ops.mmm.regenerate_segment(index=1, hold="NONE") == {"FINISHED"}
    assert session.notice is not None and session.notice.text.endswith(LEFT)
    assert "path" not in steps(walked)[-1].conditions


def test_a_sequence_without_a_path_is_carried_along(ready: None, session: WorkerSession) -> None:
    for prompt in PROMPTS[:2]:
        bpy.ops.mmm.sequence_add(prompt=prompt, seconds=1.0)
    assert bpy.ops.mmm.generate_sequence(path="") == {"FINISHED"}
    assert bpy.ops.mmm.regenerate_segment(index=1) == {"FINISHED"}
    assert session.notice is not None and LEFT not in session.notice.text
