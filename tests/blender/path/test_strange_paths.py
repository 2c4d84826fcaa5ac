"""Paths that nobody meant: one sentence, at once, in the panel and at the press; or a path."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from mmm_blender.blender.path.curve_points import curve_points
from mmm_blender.blender.path.planned_path import (
    LONGEST_SECONDS,
    PathParams,
    PlannedPath,
    plan_generation,
)
from mmm_blender.blender.path.properties import CURSOR, OBJECT, SPEED, path_settings
from mmm_blender.blender.path.stroke_points import stroke_points
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.ground_path import FASTEST_MPS, LONGEST_METRES
from tests.blender.helpers.scene_lines import add_curve, add_empty, add_spline, add_stroke

CORNER = ((0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (2.0, -2.0, 0.0), (4.0, -2.0, 0.0))
NAN = float("nan")

KINDS = st.sampled_from(["POLY", "BEZIER", "NURBS", "STROKE"])
ODD = st.sampled_from([NAN, float("inf"), float("-inf"), 3e38, -1e30, 1e7, 1e-38, 0.0])
NUMBERS = st.floats(-20.0, 20.0, width=32) | ODD
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=7)


@pytest.fixture(autouse=True)
def registered_scene(session: WorkerSession) -> None:
    """The add-on's properties are there."""


def plan(rig: Any = None, **params: Any) -> PlannedPath:
    planned = plan_generation(bpy.context, rig, PathParams(**params))
    assert planned is not None
    return planned


def refused(rig: Any = None, **params: Any) -> str:
    bpy.context.view_layer.update()
    with pytest.raises(MMMError) as caught:
        plan(rig, **params)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200
    return str(caught.value)


@pytest.fixture(scope="module")
def rig_file(registered: WorkerSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A character, which takes a while to make."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    create_character(bpy.context)
    path = str(tmp_path_factory.mktemp("rig") / "rig.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


@pytest.fixture
def rig(rig_file: str) -> Any:
    bpy.ops.wm.open_mainfile(filepath=rig_file)
    return next(each for each in bpy.data.objects if each.type == "ARMATURE")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(KINDS, POINTS, st.booleans(), st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_any_line_is_a_path_or_a_sentence(
    rig: Any, kind: str, points: Any, closed: bool, scale: Any
) -> None:
    item = add_stroke(points) if kind == "STROKE" else add_curve(points, kind, closed=closed)
    item.scale = scale
    item.location.x = 4e5 if closed else 0.5
    bpy.context.view_layer.update()
    try:
        ground = plan(rig, text=item.name).ground
    except MMMError as error:
        assert "\n" not in str(error) and str(error).endswith(".") and len(str(error)) < 200
    else:
        assert np.isfinite(ground.points_N2).all() and 0.05 <= ground.length <= LONGEST_METRES
    bpy.data.objects.remove(item)


@pytest.mark.parametrize("weight", [0.0, NAN])
def test_a_nurbs_whose_weights_are_nothing_is_told(weight: float) -> None:
    item = add_curve(CORNER, "NURBS")
    for point in item.data.splines[0].points:
        point.co = (*point.co[:3], weight)
    assert "'Curve' has a point or a place that is no number" in refused(text="Curve")


def test_a_nurbs_of_very_many_points_takes_little_memory() -> None:
    """It took their number squared: of 3,000 points two gigabytes and 40 s, at every redraw."""
    along = np.linspace(0.0, 40.0, 3000)
    add_curve(np.stack([along, np.sin(along), 0.0 * along], axis=-1).tolist(), "NURBS")
    tracemalloc.start()
    line, _ = curve_points(bpy.data.objects["Curve"])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1e8
    assert len(line) < 60_000
    assert plan(text="Curve").ground.length == pytest.approx(48.0, abs=1.0)


def test_a_stroke_from_here_to_the_moon_takes_no_memory() -> None:
    """Points every 5 cm of it were 3 GB."""
    item = add_stroke([(0, 0, 0), (1, 0, 0), (1, 1, 0)])
    item.scale = (4e5, 4e5, 4e5)
    bpy.context.view_layer.update()
    assert len(stroke_points(item)[0]) <= 20_001
    assert "800" in refused(text="Stroke") and "at most 300 m" in refused(text="Stroke")


def test_a_stroke_whose_layer_hangs_elsewhere_is_told() -> None:
    item = add_stroke(CORNER)
    item.data.layers[0].parent = add_empty("Door", (5, 0, 0))
    assert "has 'Door' as its parent" in refused(text="Stroke")


@pytest.mark.parametrize("kind", ["POLY", "BEZIER", "NURBS"])
def test_a_curve_in_edit_mode_is_what_is_seen(kind: str) -> None:
    """Before: the line from before Edit Mode was walked."""
    item = add_curve(CORNER, kind)
    before, _ = curve_points(item)
    bpy.context.view_layer.objects.active = item
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.curve.select_all(action="SELECT")
    bpy.ops.transform.translate(value=(0.0, 5.0, 0.0))
    moved, _ = curve_points(item)
    np.testing.assert_allclose(moved - before, np.broadcast_to([0, 5, 0], before.shape), atol=1e-5)
    bpy.ops.curve.delete(type="VERT")
    assert "'Curve' is empty" in refused(text="Curve")
    bpy.ops.object.mode_set(mode="OBJECT")


def test_handles_of_no_length_cyclic_and_hilly_curves_are_paths() -> None:
    item = add_curve(CORNER, "BEZIER")
    for point in item.data.splines[0].bezier_points:
        point.handle_left_type = point.handle_right_type = "FREE"
        point.handle_left = point.handle_right = point.co
    bpy.context.view_layer.update()
    assert plan(text="Curve").ground.length == pytest.approx(6.0, abs=0.1)
    add_curve(CORNER, "BEZIER", name="Ring", closed=True)
    ring = plan(text="Ring").ground
    assert np.linalg.norm(ring.points_N2[0] - ring.points_N2[-1]) < 1e-3
    add_curve([(0, 0, 0), (1, 0, 3), (2, 0, -3), (3, 0, 5)], name="Hills")
    assert plan(text="Hills").ground.length == pytest.approx(3.0, abs=0.1), "over the ground"


def test_modifiers_that_make_something_else_of_a_curve_do_no_harm() -> None:
    item = add_curve(CORNER)
    item.modifiers.new("Solid", "REMESH")
    item.modifiers.new("Row", "ARRAY").count = 3
    bpy.context.view_layer.update()
    assert plan(text="Curve").ground.length == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("scale", [(0, 0, 0), (1, 0, 1), (NAN, 1, 1)])
def test_a_character_without_a_size_is_told(rig: Any, scale: Any) -> None:
    add_curve(CORNER)
    rig.scale = scale
    assert "character's object" in refused(rig, text="Curve")


@pytest.mark.parametrize("scale", [(-1, 1, 1), (1e-3, 1e-3, 1e-3), (50, 50, 50), (1, 2, 0.5)])
def test_mirrored_small_and_large_characters_walk_it(rig: Any, scale: Any) -> None:
    add_curve([tuple(abs(scale[0]) * x for x in point) for point in CORNER])
    rig.scale = scale
    bpy.context.view_layer.update()
    planned = plan(rig, text="Curve")
    ends = planned.space.to_world(
        [(x, 0.0, z) for x, z in planned.ground.points_N2[[0, -1]].tolist()]
    )
    wanted = abs(scale[0]) * np.array([CORNER[0], CORNER[-1]])
    np.testing.assert_allclose(ends[:, :2], wanted[:, :2], atol=1e-3 * max(1, abs(scale[0])))


def test_a_way_point_that_is_nowhere_is_told_and_not_left_out(rig: Any) -> None:
    for name, x in (("A", 1.0), ("B", NAN), ("C", 3.0)):
        bpy.ops.mmm.way_point_add(object=add_empty(name, (x, 0, 0)).name)
    assert "'B' has a point or a place that is no number" in refused(rig)


def test_way_points_on_frames_before_zero(rig: Any) -> None:
    bpy.context.scene.frame_set(-100)
    for name, x, frame in (("A", 1.0, -76), ("B", 3.0, 0), ("C", 4.0, 20)):
        bpy.ops.mmm.way_point_add(object=add_empty(name, (x, 0, 0)).name, frame=frame)
    ground = plan(rig).ground
    assert ground.seconds_N.tolist() == pytest.approx([0.0, 1.0, NAN, 5.0], nan_ok=True)
    path_settings(bpy.context.scene).way_points[0].frame = -120
    assert "on frame -120, and the motion begins on frame -100" in refused(rig)


def test_goals_that_are_nowhere_or_here_are_told(rig: Any) -> None:
    settings = path_settings(bpy.context.scene)
    settings.kind, settings.goal = OBJECT, rig
    assert "stands at 'MMM Character' already" in refused(rig)
    bpy.context.scene.cursor.location.x = NAN
    assert "The 3D cursor has a point" in refused(rig, kind=CURSOR)
    bpy.context.scene.cursor.location = (0.0, -2.0, -3.0)
    (note,) = plan(rig, kind=CURSOR).notes
    assert note.startswith("The way to the 3D cursor lies up to 3.0 m under the floor")


def test_what_is_just_too_much_does_not_look_as_if_it_were_not(rig: Any) -> None:
    add_curve([(0, 0, 0), (LONGEST_METRES + 0.01, 0, 0)], name="Long")
    assert "is 301 m long: draw one of at most 300 m" in refused(text="Long")
    add_curve([(0, 0, 0), (12.01, 0, 0)])
    slow = refused(text="Curve", pace=SPEED, speed=12.0 / LONGEST_SECONDS)
    assert "takes 121 seconds, and a motion has at most 120" in slow
    fast = refused(text="Curve", pace=SPEED, speed=FASTEST_MPS + 0.01)
    assert "at 7.1 m/s, and a person runs at most 7" in fast
    for name, frame in (("A", 1), ("B", 1_000_000)):
        item = add_empty(name, (float(frame > 1), 0.0, 0))
        bpy.ops.mmm.way_point_add(object=item.name, frame=frame + 20)
    assert refused(rig).startswith("The way-points take ")


def test_a_text_that_is_no_path_is_named_shortly() -> None:
    assert refused(text="1;1 " * 10_000).startswith("There is no object or collection '1;1 1;1")


def test_the_first_spline_counts_where_another_is_broken() -> None:
    item = add_curve(CORNER)
    add_spline(item.data, [(NAN, 0, 0), (1, 1, 1)])
    bpy.context.view_layer.update()
    assert plan(text="Curve").notes == ("'Curve' has 2 splines: the first is the path.",)
