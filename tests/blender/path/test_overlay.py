"""What the 3D view and the panel show of a path."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.path import overlay, panel
from mmm_blender.blender.path.planned_path import (
    PathParams,
    PlannedPath,
    plan_generation,
)
from mmm_blender.blender.path.properties import LINE, SPEED, WAY_POINTS, path_settings
from mmm_blender.blender.path.shapes import footprints_of, path_shapes
from mmm_blender.blender.path.shown_path import shown_path, shown_path_poll_error
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.pose_space import STANDING_PELVIS_HEIGHT
from mmm_blender.blender.rig.world_space import space_of_new_character
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import identity_quats
from tests.blender.helpers.drawing import drawn
from tests.blender.helpers.scene_lines import add_curve, add_empty


@pytest.fixture(autouse=True)
def registered_scene(session: WorkerSession) -> None:
    """The add-on's properties are there."""


def centres(lines_K3: FloatArray) -> FloatArray:
    return lines_K3.reshape(-1, 2, 3).mean(axis=1)


def test_a_mark_every_second_at_the_set_speed() -> None:
    add_curve([(0, 0, 0), (6, 0, 0)])
    planned = plan_generation(bpy.context, None, PathParams(text="Curve", pace=SPEED, speed=1.5))
    assert planned is not None
    shapes = path_shapes(planned)
    marks = centres(shapes.marks_K3)
    np.testing.assert_allclose(marks[:, 0], [0.0, 1.5, 3.0, 4.5, 6.0], atol=1e-3)
    np.testing.assert_allclose(shapes.line_K3[[0, -1], 0], [0.0, 6.0], atol=1e-3)
    assert np.abs(shapes.line_K3[:, 2] - 0.01).max() < 1e-6, "on the floor"


def test_headings_are_arrows_where_the_body_faces() -> None:
    create_character(bpy.context)
    add_empty("A", (0.0, -3.0, 0.0), np.pi / 2)
    bpy.ops.mmm.way_point_add(object="A", use_heading=True)
    bpy.context.view_layer.objects.active = bpy.data.objects["MMM Character"]
    planned = shown_path(bpy.context)
    assert isinstance(planned, PlannedPath)
    shaft = path_shapes(planned).arrows_K3[-6:-4]
    ahead = shaft[1] - shaft[0]
    np.testing.assert_allclose(ahead / np.linalg.norm(ahead), [1.0, 0.0, 0.0], atol=1e-3)


def test_nothing_is_drawn_without_a_path_or_for_a_bad_one() -> None:
    settings = path_settings(bpy.context.scene)
    assert overlay.drawing(bpy.context) == []
    settings.kind = LINE
    assert overlay.drawing(bpy.context) == []
    settings.line = add_curve([(0, 0, 0), (6, 0, 0)])
    assert len(overlay.drawing(bpy.context)) == 3
    settings.show = False
    assert overlay.drawing(bpy.context) == []


def test_the_drawing_comes_and_goes_with_the_add_on() -> None:
    assert not overlay.is_drawing(), "there is no window"
    overlay.start_drawing()
    overlay.start_drawing()
    assert overlay.is_drawing()
    overlay.unregister()
    assert not overlay.is_drawing()
    overlay.unregister()


def test_feet_leave_prints_where_they_stand() -> None:
    root_T3 = np.tile([1.0, STANDING_PELVIS_HEIGHT, 2.0], (20, 1))
    standing = MotionClip(identity_quats(20, 22), root_T3, 20.0)
    space = space_of_new_character((0.0, 0.0, 0.0))
    prints = footprints_of(clip_joints(standing), standing.fps, space)
    for side, ends in ((1.0, prints.left_K3), (-1.0, prints.right_K3)):
        assert len(ends) == 14, "one print, as the feet stay"
        x, y, z = ends.mean(axis=0)
        assert side * (x - 1.0) == pytest.approx(0.1, abs=0.05)
        assert (y, z) == (pytest.approx(-2.0, abs=0.1), pytest.approx(0.01))


# --- the panel -----------------------------------------------------------------------------------


def test_the_panel_says_how_long_the_path_is(registered_scene: Any) -> None:
    settings = path_settings(bpy.context.scene)
    assert "prop line" not in drawn(panel.PathPanel).text
    settings.kind, settings.pace = LINE, SPEED
    layout = drawn(panel.PathPanel)
    assert "prop line" in layout.text and "Choose a curve or stroke" in layout.text
    settings.line, settings.speed = add_curve([(0, 0, 0), (6, 0, 0)]), 1.5
    assert "6.0 m in 4.0 seconds." in drawn(panel.PathPanel).text
    assert "prop start_from" in layout.text and "prop end_in" in layout.text
    settings.speed = 20.0
    assert "20.0 m/s" in drawn(panel.PathPanel).text
    assert "20.0 m/s" in shown_path_poll_error(bpy.context)


def test_the_panel_lists_the_way_points() -> None:
    path_settings(bpy.context.scene).kind = WAY_POINTS
    bpy.ops.mmm.way_point_add()
    layout = drawn(panel.PathPanel)
    assert "list way_points 1" in layout.text and "mmm.way_point_add" in layout.buttons()
    line = path_settings(bpy.context.scene).way_points[0]
    parts: Any = SimpleNamespace()
    panel.MMM_UL_way_points.draw_item(parts, bpy.context, layout, None, line, 0, None, "", 0)
