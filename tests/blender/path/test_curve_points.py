"""Curve objects and grease pencil strokes as lines: as Blender itself draws them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.path.curve_points import curve_points
from mmm_blender.blender.path.stroke_points import stroke_points
from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.polyline import length
from tests.blender.helpers.scene_lines import (
    add_curve,
    add_spline,
    add_stroke,
    add_to_layer,
    grease_pencils,
    linked,
)

CORNER = ((0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (2.0, 3.0, 0.0))


def drawn_by_blender(item: Any) -> FloatArray:
    """Vertices of a curve without thickness, in the world."""
    evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    drawn = [tuple(each.co) for each in evaluated.to_mesh().vertices]
    vertices = np.array(drawn, dtype=np.float64)
    evaluated.to_mesh_clear()
    matrix = np.array(item.matrix_world, dtype=np.float64)
    return vertices @ matrix[:3, :3].T + matrix[:3, 3]


def farthest(places_N3: FloatArray, line_M3: FloatArray) -> float:
    """How far from a line of straight pieces any of the places lies."""
    starts, pieces = line_M3[:-1], np.diff(line_M3, axis=0)
    apart = places_N3[:, None] - starts
    share = (apart * pieces).sum(-1) / np.maximum((pieces**2).sum(-1), 1e-12)
    nearest = np.clip(share, 0.0, 1.0)[..., None] * pieces
    return float(np.linalg.norm(apart - nearest, axis=-1).min(axis=1).max())


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("kind", ["POLY", "BEZIER", "NURBS"])
def test_a_line_is_what_blender_draws(kind: str, closed: bool) -> None:
    points = [(0, 0, 0), (2, 0, 0.5), (2, 3, 0), (-1, 4, 0), (-2, 1, 0)]
    item = add_curve(points, kind, closed=closed)
    line, count = curve_points(item)
    assert count == 1
    assert farthest(drawn_by_blender(item), line) < 0.01
    assert farthest(line, np.concatenate([drawn_by_blender(item)] * (1 + closed))) < 0.1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**31),
    count=st.integers(3, 9),
    order=st.integers(2, 6),
    ends=st.booleans(),
    bezier=st.booleans(),
    closed=st.booleans(),
)
def test_every_kind_of_nurbs_is_what_blender_draws(  # noqa: PLR0917
    seed: int, count: int, order: int, ends: bool, bezier: bool, closed: bool
) -> None:
    points = np.random.default_rng(seed).normal(scale=2.0, size=(count, 3))
    item = add_curve(points.tolist(), "NURBS", closed=closed)
    spline = item.data.splines[0]
    spline.order_u, spline.resolution_u = order, 32
    spline.use_endpoint_u, spline.use_bezier_u = ends, bezier and not closed
    for number, point in enumerate(spline.points):
        point.weight = point.co[3] = 0.5 + number % 3
    bpy.context.view_layer.update()
    drawn = drawn_by_blender(item)
    line, _ = curve_points(item)
    bpy.data.objects.remove(item)
    if len(drawn) > 1:
        assert farthest(drawn, line) < 0.06
        if not closed:
            np.testing.assert_allclose(line[[0, -1]], drawn[[0, -1]], atol=1e-3)


def test_scale_turn_parents_and_thickness_do_not_matter() -> None:
    item = add_curve(CORNER)
    item.data.bevel_depth = 0.2
    parent = linked("Parent", None)
    parent.scale, parent.rotation_euler = (2.0, 2.0, 2.0), (0.0, 0.0, np.pi / 2)
    item.parent, item.location = parent, (0.0, 1.0, 0.0)
    bpy.context.view_layer.update()
    line, _ = curve_points(item)
    np.testing.assert_allclose(line, [(-2, 0, 0), (-2, 4, 0), (-8, 4, 0)], atol=1e-5)


def test_an_animated_curve_counts_where_it_is_now() -> None:
    item = add_curve(CORNER)
    item.keyframe_insert("location", frame=1)
    item.location.x = 5.0
    item.keyframe_insert("location", frame=21)
    bpy.context.scene.frame_set(21)
    assert curve_points(item)[0][0].tolist() == pytest.approx([5.0, 0.0, 0.0])


def test_hooks_deform_it() -> None:
    item, hook = add_curve(CORNER), linked("Hook", None)
    modifier = item.modifiers.new("Hook", "HOOK")
    modifier.object = hook
    modifier.vertex_indices_set([2])
    bpy.context.view_layer.update()
    modifier.matrix_inverse = hook.matrix_world.inverted()
    hook.location.y = 4.0
    bpy.context.view_layer.update()
    assert curve_points(item)[0][-1].tolist() == pytest.approx([2.0, 7.0, 0.0], abs=1e-5)


def test_the_first_of_several_splines_and_none() -> None:
    item = add_curve(CORNER)
    add_spline(item.data, [(9, 9, 9), (8, 8, 8)])
    line, count = curve_points(item)
    assert count == 2 and line[0].tolist() == [0.0, 0.0, 0.0]
    empty = linked("Nothing", bpy.data.curves.new("Nothing", "CURVE"))
    with pytest.raises(MMMError, match="'Nothing' is empty"):
        curve_points(empty)


def test_a_hidden_curve_is_read_too() -> None:
    item = add_curve(CORNER)
    item.hide_viewport = True
    bpy.context.view_layer.update()
    assert length(curve_points(item)[0]) == pytest.approx(5.0)


# --- strokes -------------------------------------------------------------------------------------


def test_a_stroke_is_smoothed_and_keeps_its_ends() -> None:
    along = np.linspace(0.0, 4.0, 200)
    rng = np.random.default_rng(3)
    trembling = rng.normal(scale=0.01, size=200)
    item = add_stroke(np.stack([along, trembling, np.zeros(200)], axis=-1).tolist())
    item.location = (0.0, 0.0, 1.0)
    item.scale = (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    line, count = stroke_points(item)
    assert count == 1
    assert line[0] == pytest.approx([0.0, 2 * trembling[0], 1.0], abs=1e-5)
    assert length(line) == pytest.approx(8.0, rel=0.02)


def test_the_last_stroke_counts_and_an_empty_layer_is_said() -> None:
    item = add_stroke([(9, 9, 0), (8, 8, 0)])
    add_to_layer(item, [(0, 0, 0), (1, 0, 0)])
    line, count = stroke_points(item)
    assert count == 2 and line[-1].tolist() == pytest.approx([1.0, 0.0, 0.0])
    data = grease_pencils().new("Blank")
    with pytest.raises(MMMError, match="'Blank' has no stroke"):
        stroke_points(linked("Blank", data))


def test_the_interface_of_blender_4_2_is_read() -> None:
    """Its grease pencil objects, told by their attributes; a Blender 4.2 runs the tests above."""

    def point(x: float) -> SimpleNamespace:
        return SimpleNamespace(co=(x, 0.0, 0.0))

    stroke = SimpleNamespace(points=[point(0.0), point(1.0)])
    frame = SimpleNamespace(strokes=[stroke])
    layer = SimpleNamespace(active_frame=frame, matrix_layer=np.eye(4), parent=None)
    item: Any = SimpleNamespace(
        name="Old",
        type="GPENCIL",
        data=SimpleNamespace(layers=SimpleNamespace(active=layer)),
        matrix_world=np.eye(4),
        is_evaluated=True,
        visible_get=lambda: True,
    )
    item.evaluated_get = lambda _graph: item  # pyright: ignore[reportUnknownLambdaType]
    line, _ = stroke_points(item)
    assert line[[0, -1]] == pytest.approx(np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), abs=1e-12)
