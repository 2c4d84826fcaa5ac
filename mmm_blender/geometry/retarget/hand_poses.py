"""Poses of a hand, from its rest pose: relaxed, a fist, pointing, open.

A finger bends about the axis that is square to itself and to the way out of the palm, known from
where the knuckles lie: how its bones are rolled does not matter. Its angles are those of a hand, so
that what it rests bent by counts. The thumb's bones go to directions in the hand, and its first one
turns about itself until the pad faces the way that it bends.

Shape suffixes: P = joints of a finger and its tip, 3 armature units, 4 quaternions w first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ...common.arrays import FloatArray
from ..rotations import (
    axis_angle_quat,
    cross,
    identity_quats,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    shortest_arc,
)

RELAXED, FIST, POINT, OPEN = "RELAXED", "FIST", "POINT", "OPEN"
_THUMB = "thumb"

_Curl = tuple[float, float, float]

_FIST: Mapping[str, _Curl] = {
    "index": (76.0, 98.0, 62.0),
    "middle": (80.0, 100.0, 64.0),
    "ring": (82.0, 100.0, 64.0),
    "little": (82.0, 98.0, 62.0),
}
_CURLS: Mapping[str, Mapping[str, _Curl]] = {
    RELAXED: {
        "index": (20.0, 26.0, 12.0),
        "middle": (26.0, 31.0, 15.0),
        "ring": (30.0, 35.0, 18.0),
        "little": (32.0, 37.0, 20.0),
    },
    FIST: _FIST,
    POINT: {**_FIST, "index": (4.0, 5.0, 3.0)},
    OPEN: dict.fromkeys(("index", "middle", "ring", "little"), (0.0, 0.0, 0.0)),
}
"""Degrees that a finger's joints are bent by, from the knuckle out; 0 is straight."""

_SPREADS: Mapping[str, Mapping[str, float]] = {
    RELAXED: {},
    FIST: {},
    POINT: {},
    OPEN: {"index": 7.0, "ring": -6.0, "little": -13.0},
}
"""Degrees towards the thumb, from where a finger rests."""

_CLOSED_THUMB = ((0.76, 0.28, 0.58), (0.60, -0.45, 0.66), (0.30, -0.92, 0.25))
_THUMBS: Mapping[str, tuple[tuple[float, float, float], ...]] = {
    RELAXED: ((0.76, 0.48, 0.44), (0.88, 0.22, 0.42), (0.93, 0.02, 0.37)),
    FIST: _CLOSED_THUMB,
    POINT: _CLOSED_THUMB,
    OPEN: ((0.62, 0.75, 0.24), (0.70, 0.69, 0.18), (0.72, 0.68, 0.12)),
}
"""Where the thumb's bones point: along the fingers, towards the thumb's side, out of the palm."""

_MOST_TWIST = np.radians(50.0)
"""Of a thumb about itself."""

_MOST_CURL, _MOST_BACK = np.radians(115.0), np.radians(45.0)
"""A joint turns no further than this from its rest, whatever that is."""


@dataclass(frozen=True, eq=False)
class Hand:
    """side: 1 of the left, -1 of the right hand. wrist_3: where it begins. fingers: by name, joints
    and tip of each, (P, 3); the thumb may be missing."""

    side: float
    wrist_3: FloatArray
    fingers: Mapping[str, FloatArray]

    @cached_property
    def axes_33(self) -> FloatArray:
        """Rows: along the fingers, towards the thumb's side, out of the palm."""
        knuckles = [points[0] for name, points in self.fingers.items() if name != _THUMB]
        along = normalize(np.mean(knuckles, axis=0) - self.wrist_3)
        across = self._across(knuckles)
        across = normalize(across - (across @ along) * along)
        return np.stack([along, across, self.side * cross(along, across)])

    def _across(self, knuckles: Sequence[FloatArray]) -> FloatArray:
        if len(knuckles) > 1:
            return knuckles[0] - knuckles[-1]
        return self.fingers[_THUMB][0] - self.wrist_3

    @property
    def fault(self) -> bool:
        """It has too few fingers, or they lie in a line: nothing says where its palm is."""
        others = [name for name in self.fingers if name != _THUMB]
        if not others or (len(others) == 1 and _THUMB not in self.fingers):
            return True
        return not np.isfinite(self.axes_33).all() or bool(np.linalg.norm(self.axes_33[2]) < 0.5)

    def turns(self, pose: str) -> dict[str, FloatArray]:
        """How each finger's bones are turned from rest, (P - 1, 4): armature axes, each bone from
        where the one before carries it."""
        return {
            name: self._thumb(points, pose) if name == _THUMB else self._finger(name, points, pose)
            for name, points in self.fingers.items()
        }

    def _finger(self, name: str, points_P3: FloatArray, pose: str) -> FloatArray:
        palm = self.axes_33[2]
        ways = [points_P3[0] - self.wrist_3, *np.diff(points_P3, axis=0)]
        axis = normalize(cross(normalize(ways[1]), palm))
        rest = [_bend(before, after, axis) for before, after in pairwise(ways)]
        wanted = _joined(_CURLS[pose][name], len(rest))
        angles = np.clip(np.radians(wanted) - rest, -_MOST_BACK, _MOST_CURL)
        turns = axis_angle_quat(np.broadcast_to(axis, (len(angles), 3)), angles)
        spread = np.radians(_SPREADS[pose].get(name, 0.0)) * self.side
        turns[0] = quat_multiply(axis_angle_quat(palm, np.array(spread)), turns[0])
        return turns

    def _thumb(self, points_P3: FloatArray, pose: str) -> FloatArray:
        ways = normalize(np.diff(points_P3, axis=0))
        wanted = normalize(np.array(_THUMBS[pose][-len(ways) :]) @ self.axes_33)
        whole = identity_quats()
        turns = []
        for at, way in enumerate(ways):
            turn = quat_multiply(shortest_arc(quat_rotate(whole, way), wanted[at]), whole)
            if at == 0 and len(ways) > 1:
                turn = quat_multiply(self._twist(turn, way, wanted), turn)
            turns.append(quat_multiply(quat_conjugate(whole), turn))
            whole = turn
        return np.array(turns)

    def _twist(self, turn_4: FloatArray, way: FloatArray, wanted: FloatArray) -> FloatArray:
        """About the thumb's first bone, so that its pad faces where its end goes."""
        axis = wanted[0]
        pad = quat_rotate(turn_4, _aside(-0.8 * self.axes_33[1] + 0.6 * self.axes_33[2], way))
        goal = _aside(wanted[-1], axis)
        angle = np.arctan2(cross(pad, goal) @ axis, pad @ goal)
        strength = min(1.0, float(np.linalg.norm(goal)) / 0.5)
        return axis_angle_quat(axis, np.clip(angle, -_MOST_TWIST, _MOST_TWIST) * strength)


def _aside(way: FloatArray, axis: FloatArray) -> FloatArray:
    return way - (way @ axis) * axis


def _bend(before: FloatArray, after: FloatArray, axis: FloatArray) -> float:
    """Angle from one bone to the next about an axis, radians."""
    one, other = _aside(before, axis), _aside(after, axis)
    return float(np.arctan2(cross(one, other) @ axis, one @ other))


def _joined(curl: _Curl, joints: int) -> list[float]:
    """Angles of a finger with fewer joints: the last takes part of what those it lacks would."""
    angles = list(curl[:joints])
    angles[-1] += 0.5 * sum(curl[joints:])
    return angles + [0.0] * (joints - len(angles))
