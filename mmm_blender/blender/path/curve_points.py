"""A curve object as a line of points in the world: Bezier, NURBS or poly, deformed as it is seen.

Shape suffixes: N control points, K of them that bear on a point, M points of the line, 3 xyz, 4 xyz
and weight.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from ...common.arrays import FloatArray, IntArray
from ...common.errors import MMMError
from ..bpy_types import Object, bpy
from ..rig.world_places import checked_places, is_evaluated, world_matrix

Spline: TypeAlias = Any
"""A ``bpy.types.Spline``."""

_STEPS = 24
"""Straight pieces between two control points: under a centimetre of a stride's bend."""
_MOST_PIECES = 50_000
"""Straight pieces of a line: a drawing of more control points has fewer between two of them."""


def curve_points(item: Object) -> tuple[FloatArray, int]:
    """Points (M, 3) of the first spline of a curve object in the world, and how many splines it
    has. Raises MMMError for a curve without points."""
    matrix_44 = world_matrix(item)
    splines_M3 = _splines(item)
    if not splines_M3:
        raise MMMError(f"The curve '{item.name}' is empty: draw a path with it.")
    line_M3 = splines_M3[0] @ matrix_44[:3, :3].T + matrix_44[:3, 3]
    return checked_places(line_M3, f"'{item.name}'"), len(splines_M3)


def _splines(item: Object) -> list[FloatArray]:
    """All splines that have points, with hooks and other modifiers applied."""
    # nothing is applied to what is hidden; the evaluated one is of before Edit Mode
    if not is_evaluated(item) or item.data.is_editmode:
        return _lines(item.data)
    graph = bpy.context.evaluated_depsgraph_get()
    evaluated = item.evaluated_get(graph)
    try:
        return _lines(evaluated.to_curve(graph, apply_modifiers=True))
    finally:
        evaluated.to_curve_clear()


def _lines(curve: Any) -> list[FloatArray]:
    with np.errstate(all="ignore"):  # points may be no numbers: whoever takes the line looks at it
        return [line for line in map(spline_points, curve.splines) if len(line)]


def spline_points(spline: Spline) -> FloatArray:
    """The line of a spline in its object's space. (M, 3); a closed one ends where it begins."""
    if spline.type == "BEZIER":
        return _bezier_points(spline)
    control_N4 = _array(spline.points, "co", 4)
    if spline.type == "NURBS" and len(control_N4) > 2:
        return _nurbs_points(spline, control_N4)
    return _closed(control_N4[:, :3], spline.use_cyclic_u)


def _array(points: Any, name: str, numbers: int) -> FloatArray:
    """A vector of every point. (N, numbers)."""
    values = np.empty(len(points) * numbers, dtype=np.float32)
    points.foreach_get(name, values)
    return values.reshape(-1, numbers).astype(np.float64)


def _steps(control_points: int) -> int:
    """Straight pieces between two of so many control points."""
    return max(1, min(_STEPS, _MOST_PIECES // control_points))


def _closed(points_N3: FloatArray, is_cyclic: bool) -> FloatArray:
    return np.concatenate([points_N3, points_N3[:1]]) if is_cyclic else points_N3


def _bezier_points(spline: Spline) -> FloatArray:
    """Cubic pieces from point to point, the handles between them."""
    points = spline.bezier_points
    co_N3, left_N3, right_N3 = (
        _closed(_array(points, name, 3), spline.use_cyclic_u)
        for name in ("co", "handle_left", "handle_right")
    )
    if len(co_N3) < 2:
        return co_N3
    t_S11 = np.linspace(0.0, 1.0, _steps(len(co_N3)), endpoint=False)[:, None, None]
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
    steps = max(1, _steps(len(control_N4)) * len(control_N4) // (len(borders) - 1))
    pieces = [np.linspace(*ends, steps, endpoint=False) for ends in pairwise(borders)]
    spans_M, basis_MK = _basis(knots, order, np.concatenate([*pieces, borders[-1:]]))
    near_MK4 = control_N4[spans_M[:, None] + np.arange(1 - order, 1)]
    weighted_MK = basis_MK * near_MK4[:, :, 3]
    places_M3 = np.einsum("mk,mkx->mx", weighted_MK, near_MK4[:, :, :3])
    return places_M3 / weighted_MK.sum(axis=1, keepdims=True)


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


def _basis(knots: IntArray, order: int, at_M: FloatArray) -> tuple[IntArray, FloatArray]:
    """The span of knots in which each parameter lies (M,), and the basis functions that are not 0
    there (M, order): those of the control points up to that of the span's number. (Piegl and
    Tiller, "The NURBS Book", 1997, A2.2.)"""
    last = int(np.flatnonzero(np.diff(knots[: len(knots) - order + 1]) > 0)[-1])
    spans_M = np.minimum(np.searchsorted(knots, at_M, side="right") - 1, last)
    basis_MK = np.zeros((len(at_M), order))
    basis_MK[:, 0] = 1.0
    for degree in range(1, order):
        carried_M = np.zeros(len(at_M))
        for k in range(degree):
            after_M, before_M = knots[spans_M + k + 1], knots[spans_M + k + 1 - degree]
            share_M = basis_MK[:, k] / (after_M - before_M)
            basis_MK[:, k] = carried_M + (after_M - at_M) * share_M
            carried_M = (at_M - before_M) * share_M
        basis_MK[:, degree] = carried_M
    return spans_M, basis_MK
