"""What the 3D view shows of a path: pure geometry, lines in the world.

Shape suffixes: K ends of lines, two in a row make one; N points, 2 x and z in metres of the model
space, 3 xyz.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ...geometry.feet.foot_plants import standing_contacts
from ...geometry.ground_path import GroundPath
from ...geometry.skeleton import joint_index
from ..rig.world_space import WorldSpace
from .planned_path import PlannedPath

_LIFT = 0.01
"""Over the floor, so that nothing of it hides the lines, metres."""
_MARK = 0.12
"""Half the length of the mark of a second, metres."""
_MOST_MARKS = 1000
_PIECE = 0.1
"""Length of the straight pieces that a path is drawn of, metres."""
_ARROW = 0.35
_ARROW_HEAD = 0.1
_FOOT = (0.11, 0.05, 0.04)
"""Half the length, half the width at the ball and at the heel of a footprint, metres."""

_FEET = (("left_ankle", "left_foot"), ("right_ankle", "right_foot"))


@dataclass(frozen=True, eq=False)
class PathShapes:
    """line_K3: the path. marks_K3: where the body is at every second. arrows_K3: headings that are
    known, and the target."""

    line_K3: FloatArray
    marks_K3: FloatArray
    arrows_K3: FloatArray


@dataclass(frozen=True, eq=False)
class Footprints:
    """Outlines of where a motion's feet stand: lines of the left and of the right in the world."""

    left_K3: FloatArray
    right_K3: FloatArray


def path_shapes(planned: PlannedPath) -> PathShapes:
    """Lines of a path that is still to be walked."""
    ground, space = planned.ground, planned.space
    pieces = max(1, math.ceil(ground.length / _PIECE))
    line_N2 = ground.at(np.linspace(0.0, ground.length, pieces + 1))
    return PathShapes(
        _lifted(space, np.repeat(line_N2, 2, axis=0)[1:-1]),
        _lifted(space, _marks(ground, *planned.shown_times())),
        _lifted(space, _arrows(ground)),
    )


def _lifted(space: WorldSpace, places_K2: FloatArray) -> FloatArray:
    height = np.full(len(places_K2), _LIFT)
    return space.to_world(np.stack([places_K2[:, 0], height, places_K2[:, 1]], axis=-1))


def _marks(ground: GroundPath, times_N: FloatArray, along_N: FloatArray) -> FloatArray:
    """A short line across the path at every second. (K, 2)."""
    seconds_S = np.arange(0.0, times_N[-1] + 1e-6)[:_MOST_MARKS]
    along_S = np.interp(seconds_S, times_N, along_N)
    at_S2, across_S2 = ground.at(along_S), _MARK * _ahead(ground.directions(along_S) + np.pi / 2)
    return np.stack([at_S2 - across_S2, at_S2 + across_S2], axis=1).reshape(-1, 2)


def _ahead(yaws_N: FloatArray) -> FloatArray:
    """Unit vectors that headings point along. (N, 2)."""
    return np.stack([np.sin(yaws_N), np.cos(yaws_N)], axis=-1)


def _arrows(ground: GroundPath) -> FloatArray:
    """An arrow at every point with a heading, one at the end, and a cross on the target. (K, 2)."""
    known_N = np.isfinite(ground.headings_N)
    arrows = [
        _arrow(*pair)
        for pair in zip(
            ground.points_N2[: len(known_N)][known_N],
            _ahead(ground.headings_N[known_N]),
            strict=True,
        )
    ]
    if not known_N[-1:].any():
        end = np.array([ground.length])
        arrows.append(_arrow(ground.points_N2[-1], _ahead(ground.directions(end))[0]))
    if ground.target_2 is not None:
        arrows.append(_cross(ground.target_2))
    return np.concatenate(arrows)


def _arrow(place_2: FloatArray, ahead_2: FloatArray) -> FloatArray:
    """A shaft and two barbs. (6, 2)."""
    tip, across = place_2 + _ARROW * ahead_2, np.array([-ahead_2[1], ahead_2[0]])
    neck = tip - _ARROW_HEAD * ahead_2
    barbs = (neck + _ARROW_HEAD * across, neck - _ARROW_HEAD * across)
    return np.stack([place_2, tip, barbs[0], tip, barbs[1], tip])


def _cross(place_2: FloatArray) -> FloatArray:
    """Two lines that cross. (4, 2)."""
    arms = _MARK * np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    return place_2 + arms


def footprints_of(joints_TJ3: FloatArray, fps: float, space: WorldSpace) -> Footprints:
    """Where feet stand on the floor, of a motion's joints (T, 22, 3) in a character's model space;
    those of the feet are enough."""
    standing_TS = standing_contacts(joints_TJ3, fps).any(axis=-1)
    sides = [
        _prints(joints_TJ3[:, [joint_index(name) for name in names]], standing_TS[:, side])
        for side, names in enumerate(_FEET)
    ]
    return Footprints(*(_lifted(space, print_K2) for print_K2 in sides))


def _prints(foot_T23: FloatArray, standing_T: BoolArray) -> FloatArray:
    """Outlines at the middle of each stretch of time that a foot stands. (K, 2)."""
    outlines = [_sole(foot_T23[middle]) for middle in _middles(standing_T)]
    return np.concatenate(outlines) if outlines else np.zeros((0, 2))


def _middles(flags_T: BoolArray) -> Sequence[int]:
    """The middle frame of each run of set flags."""
    edges = np.diff(np.concatenate([[0], flags_T.astype(np.int8), [0]]))
    starts, stops = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    return ((starts + stops - 1) // 2).tolist()


def _sole(foot_23: FloatArray) -> FloatArray:
    """The outline of a sole under an ankle and a toe. (K, 2)."""
    ankle_2, toe_2 = foot_23[:, [0, 2]]
    ahead = toe_2 - ankle_2
    ahead = ahead / max(float(np.linalg.norm(ahead)), 1e-9)
    across = np.array([-ahead[1], ahead[0]])
    half, ball, heel = _FOOT
    corners = [(half, 0.5 * ball), (0.4 * half, ball), (-0.8 * half, heel), (-half, 0.0)]
    corners += [(along, -side) for along, side in reversed(corners[:3])]
    ring = np.array([(ankle_2 + toe_2) / 2 + a * ahead + b * across for a, b in corners])
    return np.stack([ring, np.roll(ring, -1, axis=0)], axis=1).reshape(-1, 2)
