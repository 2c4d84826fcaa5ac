"""The shape of our own mannequin, computed from the skeleton's rest pose.

The body is an implicit surface (negative inside): the parts of ``body_parts``, melted into one
another, cut into a net of quads. Model space (Y up, facing +Z, left +X), metres, relative to the
pelvis joint. Suffixes: V vertices, F faces, E edges, J joints, N points, XYZ grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ..skeleton import SMPL, SOLE_HEIGHT, Skeleton
from .body_parts import PARTS, REGIONS, Part
from .surface_net import Grid, Neighbours, surface_net

SPACING = 0.015
"""Edge of a grid cell, metres: fine enough for a thumb, coarse enough to make in a blink."""

_PROJECTIONS = 2
"""Newton steps, along the first one's gradient, that bring the net onto the surface."""

_PROBE = 1e-4
"""Step of the numerical gradient, metres."""

_PLANE_ROUNDS = 3
"""Turns between plane and surface that bring a point to where both meet."""

_FLATTEST = 0.1
"""Least squared slope that a Newton step believes: where parts melt, the field is flatter than
a distance."""

_FAR = 1.0
"""Field where no part is near, metres."""

_SKIN_SOFTNESS = 0.010
"""How fast a bone's pull fades with distance from its parts, metres: joints bend over about
three times that to either side."""

_SKIN_REACH = 0.04
"""Where a bone's pull has all but faded, metres."""

_SKIN_ROUNDS = 7
"""Rounds of averaging skin weights over neighbouring vertices."""

_LEAST_WEIGHT = 0.004
"""Weights under this are dropped."""

_MOST_BONES = 4
"""Bones a vertex follows: what game engines take."""


@dataclass(frozen=True, eq=False)
class BodyMesh:
    """A skinned body in rest pose.

    vertices_V3: metres, model space, relative to the pelvis joint. faces: vertex indices, (F, 3)
    or (F, 4), counter-clockwise seen from outside. weights_VJ: skin weights, rows sum to 1, one
    column a joint. tones_F: material index of each face; None for the first everywhere.
    """

    vertices_V3: FloatArray
    faces: IntArray
    weights_VJ: FloatArray
    tones_F: IntArray | None = None


@dataclass(frozen=True, eq=False)
class _Capsule:
    """A part with its axis in place. joint: index. start_3, axis_3: metres."""

    joint: int
    start_3: FloatArray
    axis_3: FloatArray
    part: Part

    @property
    def bounds_23(self) -> FloatArray:
        """Least and greatest corner of the region in which the part changes the body or pulls at
        its skin."""
        reach = np.max(self.part.radii) * np.array(self.part.squash)
        reach = reach + max(self.part.melt, _SKIN_REACH) * max(self.part.squash)
        ends = np.stack([self.start_3, self.start_3 + self.axis_3])
        return np.stack([ends.min(axis=0) - reach, ends.max(axis=0) + reach])

    def distances(self, points: FloatArray) -> FloatArray:
        """Distance of points (..., 3) from the part's skin, negative inside; exact for a capsule
        of even thickness without squash, near enough for others. (...)."""
        squash = np.array(self.part.squash)
        axis = self.axis_3 / squash
        along = (points - self.start_3) / squash
        length = max(float(axis @ axis), 1e-12)
        at = np.clip(along @ axis / length, 0.0, 1.0)
        start, end = self.part.radii
        off = along - at[..., None] * axis
        off = np.sqrt(np.einsum("...i,...i->...", off, off))
        return (off - start - (end - start) * at) * min(self.part.squash)


def _capsules(skeleton: Skeleton) -> list[_Capsule]:
    rest = dict(zip(skeleton.names, skeleton.rest_positions_J3, strict=True))

    def capsule(part: Part) -> _Capsule:
        (start_joint, start_offset), (end_joint, end_offset) = part.start, part.end
        start = rest[start_joint] + start_offset
        axis = rest[end_joint] + end_offset - start
        return _Capsule(skeleton.names.index(part.joint), start, axis, part)

    return [capsule(part) for part in PARTS]


def melted(field: FloatArray, distances: FloatArray, melt: float) -> FloatArray:
    """Union of two implicit surfaces, rounded where they are within ``melt`` of one another."""
    near = np.maximum(melt - np.abs(field - distances), 0.0)
    return np.minimum(field, distances) - near * near / (4.0 * melt)


def _grid_field(capsules: Sequence[_Capsule], grid: Grid) -> FloatArray:
    """The body's field on a grid; each part is evaluated in its own box only. (X, Y, Z)."""
    field = np.full(grid.shape, _FAR)
    for capsule in capsules:
        box = grid.box(capsule.bounds_23)
        distances = capsule.distances(grid.points(box))
        field[box] = melted(field[box], distances, capsule.part.melt)
    # the order in which parts melt tells between the sides; a body has none
    return 0.5 * (field + field[::-1])


def _near(
    capsules: Sequence[_Capsule], points_N3: FloatArray
) -> Iterator[tuple[_Capsule, IntArray, FloatArray]]:
    """For each part the indices of the points that it concerns, and its distances from them."""
    x, y, z = points_N3.T
    for capsule in capsules:
        (x0, y0, z0), (x1, y1, z1) = capsule.bounds_23
        inside = (x > x0) & (x < x1) & (y > y0) & (y < y1) & (z > z0) & (z < z1)
        indices = np.flatnonzero(inside)
        yield capsule, indices, capsule.distances(points_N3[indices])


def _point_field(capsules: Sequence[_Capsule], points_N3: FloatArray) -> FloatArray:
    """The same field at any points. (N,)."""
    field = np.full(len(points_N3), _FAR)
    for capsule, indices, distances in _near(capsules, points_N3):
        field[indices] = melted(field[indices], distances, capsule.part.melt)
    return field


def _project(capsules: Sequence[_Capsule], points_V3: FloatArray) -> FloatArray:
    """Points moved onto the surface along the field's gradient. (V, 3)."""
    probes = points_V3 + _PROBE * np.concatenate([np.zeros((1, 3)), np.eye(3)])[:, None]
    values = _point_field(capsules, probes.reshape(-1, 3)).reshape(4, -1)
    slopes = ((values[1:] - values[0]) / _PROBE).T
    steps = slopes / np.maximum(np.sum(slopes * slopes, axis=-1, keepdims=True), _FLATTEST)
    points_V3 = points_V3 - steps * values[0][:, None]
    for _ in range(_PROJECTIONS - 1):
        points_V3 = points_V3 - steps * _point_field(capsules, points_V3)[:, None]
    return points_V3


def mannequin(skeleton: Skeleton = SMPL) -> BodyMesh:
    """Our own body around any skeleton that has SMPL's 24 joints."""
    capsules = _capsules(skeleton)
    floor = float(skeleton.rest_positions_J3[:, 1].min()) - SOLE_HEIGHT
    bounds = np.stack([capsule.bounds_23 for capsule in capsules])
    grid = Grid.around(bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0), SPACING)
    vertices_V3, faces_F4 = surface_net(_grid_field(capsules, grid), grid)
    net = Neighbours(faces_F4, len(vertices_V3))
    vertices_V3 = _project(capsules, net.relaxed(vertices_V3))
    distances_VJ = _joint_distances(capsules, skeleton, vertices_V3)
    nearest_V = distances_VJ.argmin(axis=1)
    vertices_V3, tones_F = _tones(capsules, skeleton, vertices_V3, faces_F4, nearest_V)
    vertices_V3[:, 1] = np.maximum(vertices_V3[:, 1], floor)
    return BodyMesh(vertices_V3, faces_F4, _skin(distances_VJ, skeleton, net), tones_F)


def _joint_distances(
    capsules: Sequence[_Capsule], skeleton: Skeleton, vertices_V3: FloatArray
) -> FloatArray:
    """Distance of each vertex from the nearest part of each joint. (V, J)."""
    distances_VJ = np.full((len(vertices_V3), len(skeleton)), _FAR)
    for capsule, indices, distances in _near(capsules, vertices_V3):
        column = distances_VJ[:, capsule.joint]
        column[indices] = np.minimum(column[indices], distances)
    return distances_VJ


def _tones(
    capsules: Sequence[_Capsule],
    skeleton: Skeleton,
    vertices_V3: FloatArray,
    faces_F4: IntArray,
    nearest_V: IntArray,
) -> tuple[FloatArray, IntArray]:
    """The vertices, with those along a change of tone brought onto the plane that parts the two
    so that the edge is straight; and the tone of each face (F,).

    nearest_V: the joint that each vertex is nearest to.
    """
    rest = dict(zip(skeleton.names, skeleton.rest_positions_J3, strict=True))
    tones_F = np.zeros(len(faces_F4), dtype=np.int64)
    beyond_V, normals_V3 = np.full(len(vertices_V3), _FAR), np.zeros_like(vertices_V3)
    for region in REGIONS:
        reach_V = (vertices_V3 - rest[region.joint] - region.offset) @ np.array(region.normal)
        joints = _limb(skeleton, skeleton.names.index(region.joint))
        on_limb_F = np.isin(nearest_V, joints)[faces_F4].all(axis=1)
        chosen_F = on_limb_F & (reach_V[faces_F4].mean(axis=1) > 0.0)
        tones_F[chosen_F] = region.tone
        border = np.intersect1d(faces_F4[chosen_F], faces_F4[~chosen_F])
        beyond_V[border], normals_V3[border] = reach_V[border], region.normal
    border = np.flatnonzero(np.abs(beyond_V) < SPACING)
    straight_V3 = vertices_V3.copy()
    straight_V3[border] = _onto_planes(
        capsules, vertices_V3[border], normals_V3[border], beyond_V[border]
    )
    return straight_V3, tones_F


def _onto_planes(
    capsules: Sequence[_Capsule],
    points_N3: FloatArray,
    normals_N3: FloatArray,
    beyond_N: FloatArray,
) -> FloatArray:
    """Points of the surface moved to where it meets the planes that they are ``beyond_N`` metres
    over, on the side of ``normals_N3``."""
    heights_N = np.sum(points_N3 * normals_N3, axis=-1) - beyond_N
    for _ in range(_PLANE_ROUNDS):
        over_N = np.sum(points_N3 * normals_N3, axis=-1) - heights_N
        points_N3 = _project(capsules, points_N3 - over_N[:, None] * normals_N3)
    return points_N3


def _limb(skeleton: Skeleton, joint: int) -> list[int]:
    """A joint, the one above it and all below it."""
    joints = [joint]
    for other, parent in enumerate(skeleton.parents):
        if parent in joints:
            joints.append(other)
    return [skeleton.parents[joint], *joints]


def _skin(distances_VJ: FloatArray, skeleton: Skeleton, net: Neighbours) -> FloatArray:
    """Weights (V, J): the nearer a joint's parts, the more it pulls, among the joints around the
    nearest one only; evened out over the surface; the strongest few kept."""
    nearest_V = distances_VJ.argmin(axis=1)
    excess_VJ = distances_VJ - distances_VJ.min(axis=1, keepdims=True)
    weights_VJ = np.exp(-excess_VJ / _SKIN_SOFTNESS) * _kin(skeleton)[nearest_V]
    for _ in range(_SKIN_ROUNDS):
        weights_VJ = 0.5 * (weights_VJ + net.means(weights_VJ))
    fourth_V1 = np.partition(weights_VJ, -_MOST_BONES, axis=1)[:, [-_MOST_BONES]]
    weights_VJ = np.where(weights_VJ >= np.maximum(fourth_V1, _LEAST_WEIGHT), weights_VJ, 0.0)
    return weights_VJ / weights_VJ.sum(axis=1, keepdims=True)


def _kin(skeleton: Skeleton) -> BoolArray:
    """Which joints (J, J) may share a vertex: at most two steps apart in the tree, and not one
    on the left with one on the right."""
    steps = np.eye(len(skeleton), dtype=bool)
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            steps[joint, parent] = steps[parent, joint] = True
    within_two = (steps.astype(int) @ steps.astype(int)) > 0
    left, right = (
        np.array([name.startswith(side) for name in skeleton.names]) for side in ("left_", "right_")
    )
    opposite = np.outer(left, right)
    return within_two & ~(opposite | opposite.T)
