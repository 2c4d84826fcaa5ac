"""An implicit surface to a net of quads (naive surface nets, Gibson 1998), in NumPy.

One vertex in every grid cell that the surface passes, at the middle of where it crosses the
cell's edges; one quad around every grid edge that it crosses. Suffixes: V vertices, F faces,
E edges, XYZ grid points.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from ...common.arrays import FloatArray, IntArray

_CORNERS = np.array(list(product((0, 1), repeat=3)))
"""The 8 corners of a cell."""

_CELL_EDGES = [
    (a, b) for a, b in product(range(8), repeat=2)
    if a < b and np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1
]  # fmt: skip
"""The 12 edges of a cell, as pairs of corners."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Points ``origin_3 + spacing * (x, y, z)`` for x, y, z below ``shape``."""

    origin_3: FloatArray
    spacing: float
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, least_3: FloatArray, greatest_3: FloatArray, spacing: float) -> Grid:
        """The grid through the origin of space that covers a box with a cell to spare; what is
        symmetric about a coordinate plane stays so."""
        first = np.floor(least_3 / spacing).astype(int) - 1
        last = np.ceil(greatest_3 / spacing).astype(int) + 1
        x, y, z = (int(count) for count in last - first + 1)
        return cls(first * spacing, spacing, (x, y, z))

    def box(self, bounds_23: FloatArray) -> tuple[slice, slice, slice]:
        """The grid points within two corners."""
        least, greatest = (bounds_23 - self.origin_3) / self.spacing
        starts = np.maximum(np.ceil(least).astype(int), 0)
        stops = np.floor(greatest).astype(int) + 1
        x, y, z = (slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True))
        return x, y, z

    def points(self, box: tuple[slice, slice, slice]) -> FloatArray:
        """Positions of a box's points. (X, Y, Z, 3)."""
        axes = [np.arange(side.start, side.stop) for side in box]
        indices = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        return self.origin_3 + self.spacing * indices


def surface_net(field_XYZ: FloatArray, grid: Grid) -> tuple[FloatArray, IntArray]:
    """Vertices (V, 3) and quads (F, 4), counter-clockwise from outside, where the field is 0.

    field_XYZ: negative inside, positive on the outermost points.
    """
    inside = field_XYZ < 0.0
    x, y, z = (size - 1 for size in grid.shape)
    corner_sum = sum(
        inside[i : i + x, j : j + y, k : k + z].astype(np.int8) for i, j, k in _CORNERS
    )
    cells_V3 = np.argwhere((corner_sum > 0) & (corner_sum < len(_CORNERS)))
    numbers = np.full((x, y, z), -1, dtype=np.int64)
    numbers[tuple(cells_V3.T)] = np.arange(len(cells_V3))
    vertices = grid.origin_3 + grid.spacing * (cells_V3 + _crossing_means(field_XYZ, cells_V3))
    quads = [_quads_around_edges(inside, numbers, axis) for axis in range(3)]
    return vertices, np.concatenate(quads)


def _crossing_means(field_XYZ: FloatArray, cells_V3: IntArray) -> FloatArray:
    """Mean place, within its cell, of where the surface crosses each cell's edges. (V, 3)."""
    corners = [field_XYZ[tuple((cells_V3 + corner).T)] for corner in _CORNERS]
    total, count = np.zeros((len(cells_V3), 3)), np.zeros((len(cells_V3), 1))
    for a, b in _CELL_EDGES:
        crosses = (corners[a] < 0.0) != (corners[b] < 0.0)
        share = np.where(crosses, corners[a] / np.where(crosses, corners[a] - corners[b], 1.0), 0.0)
        place = _CORNERS[a] + share[:, None] * (_CORNERS[b] - _CORNERS[a])
        total += np.where(crosses[:, None], place, 0.0)
        count += crosses[:, None]
    return total / count


def _quads_around_edges(
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], numbers: IntArray, axis: int
) -> IntArray:
    """Quads that join the four cells around every grid edge along ``axis`` that the surface
    crosses. (F, 4)."""
    turned = np.moveaxis(inside, (axis, (axis + 1) % 3, (axis + 2) % 3), (0, 1, 2))
    cells = np.moveaxis(numbers, (axis, (axis + 1) % 3, (axis + 2) % 3), (0, 1, 2))
    leaves = turned[:-1] & ~turned[1:]
    enters = ~turned[:-1] & turned[1:]
    u, v, w = np.nonzero(leaves | enters)
    quads = np.stack([
        cells[u, v - 1, w - 1], cells[u, v, w - 1], cells[u, v, w], cells[u, v - 1, w]
    ], axis=-1)  # fmt: skip
    return np.where(leaves[u, v, w][:, None], quads, quads[:, ::-1])


class Neighbours:
    """Which vertices of a closed net are joined by the sides of its faces."""

    def __init__(self, faces_F4: IntArray, count: int) -> None:
        starts, ends = faces_F4.ravel(), np.roll(faces_F4, -1, axis=1).ravel()
        self._ends = ends[np.argsort(starts, kind="stable")]
        self._degrees = np.bincount(starts, minlength=count)
        self._firsts = np.cumsum(self._degrees) - self._degrees

    def means(self, values_VC: FloatArray) -> FloatArray:
        """Mean of each vertex's neighbours. (V, C)."""
        sums = np.add.reduceat(values_VC[self._ends], self._firsts, axis=0)
        return sums / self._degrees[:, None]

    def relaxed(self, vertices_V3: FloatArray, rounds: int = 2) -> FloatArray:
        """Vertices moved half-way to the mean of their neighbours, so that faces even out."""
        for _ in range(rounds):
            vertices_V3 = 0.5 * (vertices_V3 + self.means(vertices_V3))
        return vertices_V3
