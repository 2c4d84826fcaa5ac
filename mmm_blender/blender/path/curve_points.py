"""A curve object as a line of points in the world: Bezier, NURBS or poly, deformed as it is seen.

Shape suffixes: N control points, M points of the line, 3 xyz.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from ...common.arrays import FloatArray, IntArray
from ...common.errors import MMMError
from ..bpy_types import Object, bpy

Spline: TypeAlias = Any
"""A ``bpy.types.Spline``."""

_STEPS = 24
"""Straight pieces between two control points: under a centimetre of a stride's bend."""


def curve_points(item: Object) -> tuple[FloatArray, int]:
    """Points (M, 3) of the first spline of a curve object in the world, and how many splines it
    has. Raises MMMError for a curve without points."""
    evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    matrix_44 = np.array(evaluated.matrix_world, dtype=np.float64)
    splines_M3 = _splines(item, evaluated)
    if not splines_M3:
        raise MMMError(f"The curve '{item.name}' is empty: draw a path with it.")
    return splines_M3[0] @ matrix_44[:3, :3].T + matrix_44[:3, 3], len(splines_M3)


def _splines(item: Object, evaluated: Object) -> list[FloatArray]:
    """All splines that have points, with hooks and other modifiers applied."""
    if not evaluated.is_evaluated:  # it is hidden, so nothing is applied to it
        return _lines(item.data)
    graph = bpy.context.evaluated_depsgraph_get()
    try:
        return _lines(evaluated.to_curve(graph, apply_modifiers=True))
    finally:
        evaluated.to_curve_clear()


def _lines(curve: Any) -> list[FloatArray]:
    return [line for line in map(spline_points, curve.splines) if len(line)]


def spline_points(spline: Spline) -> FloatArray:
    """The line of a spline in its object's space. (M, 3); a closed one ends where it begins."""
    if spline.type == "BEZIER":
        return _bezier_points(spline)
    control_N4 = np.array([tuple(point.co) for point in spline.points]).reshape(-1, 4)
    if spline.type == "NURBS" and len(control_N4) > 2:
        return _nurbs_points(spline, control_N4)
    return _closed(control_N4[:, :3], spline.use_cyclic_u)


def _closed(points_N3: FloatArray, is_cyclic: bool) -> FloatArray:
    return np.concatenate([points_N3, points_N3[:1]]) if is_cyclic else points_N3


def _bezier_points(spline: Spline) -> FloatArray:
    """Cubic pieces from point to point, the handles between them."""
    points = spline.bezier_points
    co_N3, left_N3, right_N3 = (
        _closed(np.array([tuple(getattr(each, name)) for each in points]), spline.use_cyclic_u)
        for name in ("co", "handle_left", "handle_right")
    )
    if len(co_N3) < 2:
        return co_N3
    t_S11 = np.linspace(0.0, 1.0, _STEPS, endpoint=False)[:, None, None]
    rest_S11 = 1.0 - t_S11
    pieces_SN3 = (
        rest_S11**3 * co_N3[:-1]
        + 3 * rest_S11**2 * t_S11 * right_N3[:-1]
        + 3 * rest_S11 * t_S11**2 * left_N3[1:]
        + t_S11**3 * co_N3[1:]
    )
    return np.concatenate([np.swapaxes(pieces_SN3, 0, 1).reshape(-1, 3), co_N3[-1:]])


def _nurbs_points(spline: Spline, control_N4: FloatArray) -> FloatArray:
    """Weighted B-spline (de Boor, "On calculating with B-splines", 1972), on Blender's knots."""
    order, is_cyclic = min(int(spline.order_u), len(control_N4)), bool(spline.use_cyclic_u)
    # closed and of Bezier pieces that do not come out even: Blender cuts them, here it is smooth
    is_even = not is_cyclic or len(control_N4) % (order - 1) == 0
    kind = (bool(spline.use_endpoint_u), bool(spline.use_bezier_u) and is_even)
    knots = nurbs_knots(len(control_N4), order, is_cyclic, *kind)
    if is_cyclic:
        control_N4 = np.concatenate([control_N4, control_N4[: order - 1]])
    borders = np.unique(knots[order - 1 : len(control_N4) + 1]).astype(np.float64)
    if len(borders) < 2:  # too few points for knots of this kind
        return control_N4[:, :3]
    steps = _STEPS * len(control_N4) // (len(borders) - 1)
    pieces = [np.linspace(*ends, steps, endpoint=False) for ends in pairwise(borders)]
    basis_MN = _basis(knots, order, np.concatenate([*pieces, borders[-1:]]))
    weighted_MN = basis_MN * control_N4[:, 3]
    return weighted_MN @ control_N4[:, :3] / weighted_MN.sum(axis=1, keepdims=True)


def nurbs_knots(count: int, order: int, cyclic: bool, ends: bool, bezier: bool) -> IntArray:
    """The knots that Blender gives a NURBS of so many control points: count + order, and
    order - 1 more where it is cyclic.

    ends: the curve reaches its first and last point. bezier: inner knots are repeated, so that it
    is made of Bezier pieces. What follows the last inner knot repeats the steps of the first ones.
    """
    repeats = order - 1 if bezier else 1
    head = order - cyclic if ends else min(2, repeats)
    tail = 2 * order - 1 if cyclic else (order if ends else 0)
    alone = int(ends and cyclic)  # a first knot before those that are repeated
    inner = count + order + (order - 1) * cyclic - tail - alone
    rising = alone + (np.arange(inner + 1) - head + repeats) // repeats
    rising[:head] = alone
    knots = [0] * alone + rising.tolist()
    following = knots.pop()
    for number in range(tail):
        knots.append(following + knots[number] - knots[0])
    return np.array(knots)


def _basis(knots: IntArray, order: int, at_M: FloatArray) -> FloatArray:
    """Value of every control point's basis function at each parameter. (M, N)."""
    spans = len(knots) - 1
    last = int(np.flatnonzero(np.diff(knots) > 0)[-1])
    inside = (knots[:-1] <= at_M[:, None]) & (at_M[:, None] < knots[1:])
    inside |= (at_M[:, None] >= knots[last + 1]) & (np.arange(spans) == last)
    basis = inside.astype(np.float64)
    for degree in range(1, order):
        basis = _raised(knots, basis, degree, at_M)
    return basis


def _raised(knots: IntArray, basis: FloatArray, degree: int, at_M: FloatArray) -> FloatArray:
    """Basis functions of ``degree`` from those of a degree less; 0 / 0 counts as 0."""
    count = len(knots) - 1 - degree
    rise = (knots[degree : degree + count] - knots[:count]).astype(np.float64)
    fall = (knots[degree + 1 : degree + 1 + count] - knots[1 : 1 + count]).astype(np.float64)
    up = (at_M[:, None] - knots[:count]) / np.where(rise > 0, rise, np.inf)
    down = (knots[degree + 1 : degree + 1 + count] - at_M[:, None]) / np.where(
        fall > 0, fall, np.inf
    )
    return up * basis[:, :count] + down * basis[:, 1 : count + 1]
