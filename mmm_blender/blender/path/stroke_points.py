"""A grease pencil stroke as a line of points in the world.

Blender 4.2 has grease pencil objects of the type GPENCIL, later ones GREASEPENCIL, with another
interface. Shape suffixes: M points, 3 xyz, 44 affine matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.polyline import length, smoothed
from ..bpy_types import Object
from ..rig.world_places import checked_places, world_matrix

STROKE_TYPES = ("GREASEPENCIL", "GPENCIL")
"""Types of grease pencil objects: Blender 4.3 and later, before."""

_SPACING = 0.05
_REACH = 0.15
"""Metres: points of a drawn line, and how far the trembling of the hand is smoothed away."""
_MOST_POINTS = 20_000
"""Of a smoothed line: a longer one has them farther apart."""


def stroke_points(item: Object) -> tuple[FloatArray, int]:
    """Points (M, 3) in the world of the stroke that was drawn last in the active layer, smoothed,
    and how many strokes that layer has. Raises MMMError where there is none."""
    layer = item.data.layers.active
    strokes = [] if layer is None else _strokes(item, layer)
    if not strokes:
        raise MMMError(
            f"The active layer of '{item.name}' has no stroke on this frame: draw a path in it."
        )
    assert layer is not None  # it has strokes
    if layer.parent is not None:
        raise MMMError(
            f"The active layer of '{item.name}' has '{layer.parent.name}' as its parent, and such "
            "strokes cannot be followed: clear the layer's parent."
        )
    matrix_44 = world_matrix(item) @ _layer_matrix(layer)
    with np.errstate(all="ignore"):  # points may be no numbers
        line_M3 = strokes[-1] @ matrix_44[:3, :3].T + matrix_44[:3, 3]
    far = length(checked_places(line_M3, f"'{item.name}'"))
    if far > _SPACING:
        line_M3 = smoothed(line_M3, max(_SPACING, far / _MOST_POINTS), _REACH)
    return line_M3, len(strokes)


def _strokes(item: Object, layer: Any) -> list[FloatArray]:
    """Points of every stroke on the current frame, in the layer's space, in order of drawing."""
    if item.type == "GPENCIL":
        frame = layer.active_frame
        drawn = () if frame is None else frame.strokes
        return [_array(point.co for point in stroke.points) for stroke in drawn]
    frame = layer.current_frame()
    drawn = () if frame is None else frame.drawing.strokes
    return [_array(point.position for point in stroke.points) for stroke in drawn]


def _array(points: Any) -> FloatArray:
    return np.array([tuple(point) for point in points], dtype=np.float64).reshape(-1, 3)


def _layer_matrix(layer: Any) -> FloatArray:
    """A layer's own move, turn and scale."""
    matrix = getattr(layer, "matrix_local", None) or getattr(layer, "matrix_layer", None)
    return np.eye(4) if matrix is None else np.array(matrix, dtype=np.float64)
