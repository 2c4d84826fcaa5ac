"""Curves, strokes and empties for the tests of paths."""

from __future__ import annotations

from collections.abc import Sequence

from mmm_blender.blender.bpy_types import Any, Object, bpy

Points = Sequence[Sequence[float]]


def linked(name: str, data: Any) -> Object:
    item = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(item)
    return item


def add_curve(points: Points, kind: str = "POLY", name: str = "Curve", closed: bool = False) -> Any:
    """A curve object with one spline; Bezier handles are automatic."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions = "3D"
    add_spline(curve, points, kind, closed)
    item = linked(name, curve)
    bpy.context.view_layer.update()
    return item


def add_spline(curve: Any, points: Points, kind: str = "POLY", closed: bool = False) -> Any:
    spline = curve.splines.new(kind)
    spline.use_cyclic_u = closed
    if kind == "BEZIER":
        spline.bezier_points.add(len(points) - 1)
        for point, co in zip(spline.bezier_points, points, strict=True):
            point.co = co
            point.handle_left_type = point.handle_right_type = "AUTO"
        return spline
    spline.points.add(len(points) - 1)
    for point, co in zip(spline.points, points, strict=True):
        point.co = (*co, 1.0)
    return spline


def add_empty(name: str, place: Sequence[float], turn: float = 0.0) -> Any:
    """turn: about the vertical, radians."""
    item = linked(name, None)
    item.location, item.rotation_euler.z = place, turn
    bpy.context.view_layer.update()
    return item


def grease_pencils() -> Any:
    """Blender 4.3 and 4.5 call the new ones v3, later ones have no others."""
    return getattr(bpy.data, "grease_pencils_v3", bpy.data.grease_pencils)


def add_stroke(points: Points, name: str = "Stroke") -> Any:
    """A grease pencil object with one stroke on frame 1, in this Blender's interface."""
    data = grease_pencils().new(name)
    layer = data.layers.new("Lines", set_active=True)
    layer.frames.new(1)
    item = linked(name, data)
    add_to_layer(item, points)
    return item


def add_to_layer(item: Any, points: Points) -> None:
    frame = item.data.layers[0].frames[0]
    if item.type == "GPENCIL":
        stroke = frame.strokes.new()
        stroke.points.add(len(points))
        for point, co in zip(stroke.points, points, strict=True):
            point.co = co
    else:
        frame.drawing.add_strokes([len(points)])
        for point, co in zip(frame.drawing.strokes[-1].points, points, strict=True):
            point.position = co
    bpy.context.view_layer.update()
