"""A path over the ground: points that a root passes, headings and times where they are known.

Between its points the path is a Catmull-Rom curve through them with centripetal knots (Yuksel et
al., "On the parameterization of Catmull-Rom curves", 2009), which neither overshoots nor makes
loops of its own; a straight row of points stays straight.

Shape suffixes: N points, S samples of the curve, M lengths asked for. Metres, model space (Y up): a
point is x, z; headings are radians about +Y, 0 facing +Z, towards +X positive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from ..common.arrays import FloatArray
from ..common.errors import MMMError

Facing: TypeAlias = Literal["free", "along", "target"]
"""Which way a body looks: as the motion has it, along the path, or at a place."""

FACINGS: tuple[Facing, ...] = ("free", "along", "target")

FASTEST_MPS = 7.0
"""Faster than a person runs, m/s."""

LONGEST_METRES = 300.0

_LEAST_METRES = 0.05
"""A path that leads nowhere is shorter."""

_SAME_PLACE = 1e-4
"""Neighbouring points nearer than this are one, metres."""

_PIECE_METRES = 0.1
"""Distance of the points of a piece of a path."""

_END_METRES = 0.3
"""A path that begins or ends so near to where it has to, begins or ends there."""

_ORDER_COST = 0.05
"""A place so many metres off counts as much as one that is a metre before or after its turn."""

_SAMPLE_METRES = 0.02
_MOST_SAMPLES = 20_000


@dataclass(frozen=True, eq=False)
class GroundPath:
    """A path over the ground.

    points_N2: x, z in metres. headings_N: yaw at the points, radians, NaN where free; empty: all
    free. seconds_N: when the root is there, counted from the start of the motion, NaN where free;
    empty: all free. facing: "along" turns the body along the path, "target" towards target_2,
    "free" leaves it as the motion has it; a heading that is given goes before both.

    Raises MMMError in one sentence for a path that nobody can follow.
    """

    points_N2: FloatArray
    headings_N: FloatArray
    seconds_N: FloatArray
    facing: Facing = "free"
    target_2: FloatArray | None = None

    @classmethod
    def of(
        cls,
        points: object,
        headings: object = (),
        seconds: object = (),
        facing: Facing = "free",
        target: object = None,
    ) -> GroundPath:
        """A path from whatever lists of numbers; None stands for a free heading or time."""
        free = (_numbers(headings, "headings"), _numbers(seconds, "times"))
        place = None if target is None else _numbers(target, "target")
        return cls(_numbers(points, "points"), *free, facing, place)

    def __post_init__(self) -> None:
        _check_points(self)
        if self.facing not in FACINGS:
            raise MMMError(f"A path's facing is {' or '.join(FACINGS)}, not '{self.facing}'.")
        target = self.target_2
        if self.facing == "target" and (
            target is None or target.shape != (2,) or not np.isfinite(target).all()
        ):
            raise MMMError("The path has no place to look at: choose a target.")
        _check_lengths(self)
        _check_times(self)

    # --- shape -----------------------------------------------------------------------------------

    @cached_property
    def _curve(self) -> tuple[FloatArray, FloatArray]:
        """Samples (S, 2), and their parameter (S,): the index of the point, with fractions."""
        points_N2 = self.points_N2
        return _catmull_rom(points_N2) if len(points_N2) > 2 else (points_N2, np.arange(2.0))

    @cached_property
    def _lengths_S(self) -> FloatArray:
        steps_S = np.linalg.norm(np.diff(self._curve[0], axis=0), axis=-1)
        return np.concatenate([[0.0], np.cumsum(steps_S)])

    @property
    def length(self) -> float:
        """Metres along the path."""
        return float(self._lengths_S[-1])

    @cached_property
    def point_lengths_N(self) -> FloatArray:
        """Where the points lie, metres along the path."""
        return np.interp(np.arange(len(self.points_N2)), self._curve[1], self._lengths_S)

    def at(self, lengths_M: FloatArray) -> FloatArray:
        """Places (M, 2) so many metres along the path; beyond its ends it goes straight on."""
        samples_S2 = self._curve[0]
        place_M2 = np.stack(
            [np.interp(lengths_M, self._lengths_S, samples_S2[:, k]) for k in (0, 1)], axis=-1
        )
        directions_M = self.directions(lengths_M)
        beyond_M = lengths_M - np.clip(lengths_M, 0.0, self.length)
        ahead_M2 = np.stack([np.sin(directions_M), np.cos(directions_M)], axis=-1)
        return place_M2 + beyond_M[:, None] * ahead_M2

    def directions(self, lengths_M: FloatArray) -> FloatArray:
        """Yaw of the path so many metres along it, radians, unwrapped. (M,)."""
        return np.interp(lengths_M, self._middles_C, self._yaws_C)

    @cached_property
    def _middles_C(self) -> FloatArray:
        return 0.5 * (self._lengths_S[1:] + self._lengths_S[:-1])

    @cached_property
    def _yaws_C(self) -> FloatArray:
        steps_C2 = np.diff(self._curve[0], axis=0)
        return np.unwrap(np.arctan2(steps_C2[:, 0], steps_C2[:, 1]))

    def until(self, length: float) -> GroundPath:
        """The path's beginning, so many metres of it, without times and headings."""
        count = max(2, math.ceil(length / _PIECE_METRES) + 1)
        points_N2 = self.at(np.linspace(0.0, max(length, 2.0 * _LEAST_METRES), count))
        return GroundPath(points_N2, np.zeros(0), np.zeros(0), self.facing, self.target_2)

    def nearest(self, place_2: FloatArray, expected: float) -> tuple[float, float]:
        """Where on the path it is nearest to a place, and how far off: metres along it, and metres.
        expected: about how far along; of two that are as near, as where a path crosses itself, the
        one nearer to that is taken."""
        off_S = np.linalg.norm(self._curve[0] - place_2, axis=-1)
        best = int(np.argmin(off_S + _ORDER_COST * np.abs(self._lengths_S - expected)))
        return float(self._lengths_S[best]), float(off_S[best])

    def stretch(self, first: float, last: float) -> GroundPath:
        """The path from so many metres along it to so many, with the headings that are given there,
        and without times. MMMError for a stretch that leads nowhere."""
        count = max(2, math.ceil((last - first) / _PIECE_METRES) + 1)
        lengths_M = np.linspace(first, last, count)
        headings_M = np.full(count, np.nan)
        if len(self.headings_N):
            kept_N = (self.point_lengths_N >= first) & (self.point_lengths_N <= last)
            kept_N &= np.isfinite(self.headings_N)
            for length, heading in zip(
                self.point_lengths_N[kept_N], self.headings_N[kept_N], strict=True
            ):
                headings_M[np.argmin(np.abs(lengths_M - length))] = heading
        free = not np.isfinite(headings_M).any()
        headings_N = np.zeros(0) if free else headings_M
        points_N2 = self.at(lengths_M)
        return GroundPath(points_N2, headings_N, np.zeros(0), self.facing, self.target_2)

    def between(self, start_2: FloatArray | None, end_2: FloatArray | None) -> GroundPath:
        """The path led from one place and to another; its own ends give way where they are near.
        Times and headings of points stay theirs."""
        near = _END_METRES
        points, keep = list(self.points_N2), np.ones(len(self.points_N2), dtype=np.bool_)
        if start_2 is not None:
            keep[0] &= np.linalg.norm(points[0] - start_2) > near
        if end_2 is not None:
            keep[-1] &= np.linalg.norm(points[-1] - end_2) > near
        ends = [[] if end is None else [end] for end in (start_2, end_2)]

        def led(values_N: FloatArray) -> FloatArray:
            free = [np.full(len(end), np.nan) for end in ends]
            return np.concatenate([free[0], values_N[keep], free[1]]) if len(values_N) else values_N

        whole = np.array([*ends[0], *self.points_N2[keep], *ends[1]])
        return GroundPath(
            whole, led(self.headings_N), led(self.seconds_N), self.facing, self.target_2
        )

    # --- time ------------------------------------------------------------------------------------

    @property
    def timed(self) -> bool:
        """Some point says when the root is there."""
        return bool(np.isfinite(self.seconds_N).any())

    @property
    def end_seconds(self) -> float | None:
        """When the root is at the path's end, if that is known."""
        last = self.seconds_N[-1] if len(self.seconds_N) else math.nan
        return None if math.isnan(last) else float(last)

    def times(self) -> tuple[FloatArray, FloatArray]:
        """Known times in order, and how far along the path the root is then, metres."""
        known_N = np.isfinite(self.seconds_N) if len(self.seconds_N) else np.zeros(0, np.bool_)
        return self.seconds_N[known_N], self.point_lengths_N[: len(known_N)][known_N]

    # --- text ------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """The path as plain JSON values; ``from_json`` is its inverse."""
        return {
            "points": self.points_N2.tolist(),
            "headings": [_or_none(each) for each in self.headings_N.tolist()],
            "seconds": [_or_none(each) for each in self.seconds_N.tolist()],
            "facing": self.facing,
            "target": None if self.target_2 is None else self.target_2.tolist(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> GroundPath:
        """Read JSON values strictly: MMMError for a missing or unknown one."""
        known = {"points", "headings", "seconds", "facing", "target"}
        if odd := sorted(known ^ values.keys()):
            raise MMMError(f"The path has missing or unknown entries: {', '.join(odd)}.")
        return cls.of(
            *(values[name] for name in ("points", "headings", "seconds", "facing", "target"))
        )


def _numbers(values: object, what: str) -> FloatArray:
    """An array; NaN where a value is None."""
    try:
        return np.array(cast(Any, values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MMMError(f"The path's {what} are not numbers: draw it again.") from error


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _check_points(path: GroundPath) -> None:
    points = path.points_N2
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        raise MMMError("The path has fewer than two points: draw where it leads to.")
    if not np.isfinite(points).all():
        raise MMMError("The path has a point that is no finite number: draw it again.")
    if path.length < _LEAST_METRES:
        raise MMMError(
            "The path has no length: draw where it leads to, or generate without a path."
        )
    if path.length > LONGEST_METRES:
        raise MMMError(
            f"The path is {max(path.length, LONGEST_METRES + 1.0):.0f} m long: draw one of at most "
            f"{LONGEST_METRES:.0f} m."
        )


def _check_lengths(path: GroundPath) -> None:
    count = len(path.points_N2)
    for values, what in ((path.headings_N, "headings"), (path.seconds_N, "times")):
        if values.ndim != 1 or len(values) not in (0, count):
            raise MMMError(f"The path has {count} points and {values.size} {what}: give each one.")
        if np.isinf(values).any():
            raise MMMError(f"The path's {what} must be finite numbers: set them again.")


def _check_times(path: GroundPath) -> None:
    seconds, lengths = path.times()
    if not len(seconds):
        return
    if seconds[0] < 0.0:
        raise MMMError("A point of the path lies before the start of the motion: set its time.")
    if (np.diff(seconds) <= 0.0).any():
        raise MMMError(
            "The points of the path are out of order in time: sort them, or give each a later time "
            "than the one before."
        )
    speeds = np.diff(lengths) / np.diff(seconds)
    if len(speeds) and speeds.max() > FASTEST_MPS:
        raise MMMError(
            f"The path would have to be run at {_too_fast(speeds.max())}, and a person runs at "
            f"most {FASTEST_MPS:g}: give it more time, or draw it shorter."
        )


def _too_fast(mps: float) -> str:
    """A speed over the limit, so that it does not look as if it were not."""
    return f"{max(mps, FASTEST_MPS + 0.1):.1f} m/s"


def check_pace(path: GroundPath, seconds: float) -> None:
    """MMMError where the whole path in so many seconds is faster than a person runs."""
    if path.length > FASTEST_MPS * seconds:
        raise MMMError(
            f"{path.length:.1f} m in {seconds:.1f} s would have to be run at "
            f"{_too_fast(path.length / seconds)}, and a person runs at most {FASTEST_MPS:g}: give "
            "it more time, or draw it shorter."
        )


def _catmull_rom(points_N2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Samples (S, 2) of the curve through points, and the index of each, with fractions. (S,)."""
    apart_N = np.linalg.norm(np.diff(points_N2, axis=0), axis=-1)
    knots_N = np.concatenate([[0.0], np.cumsum(np.sqrt(np.maximum(apart_N, _SAME_PLACE)))])
    slopes_N2 = _slopes(points_N2, knots_N)
    counts = np.clip(np.ceil(apart_N / _SAMPLE_METRES), 1, _MOST_SAMPLES // len(apart_N) + 1)
    samples, indices = [points_N2[:1]], [np.zeros(1)]
    for at, count in enumerate(counts.astype(np.int64)):
        u = (np.arange(1, count + 1) / count)[:, None]
        span = knots_N[at + 1] - knots_N[at]
        samples.append(
            (1 + 2 * u) * (1 - u) ** 2 * points_N2[at]
            + u * u * (3 - 2 * u) * points_N2[at + 1]
            + span * u * (1 - u) ** 2 * slopes_N2[at]
            - span * u * u * (1 - u) * slopes_N2[at + 1]
        )
        indices.append(at + u[:, 0])
    return np.concatenate(samples), np.concatenate(indices)


def _slopes(points_N2: FloatArray, knots_N: FloatArray) -> FloatArray:
    """Derivative of the curve at its points, by its knots (non-uniform Catmull-Rom)."""
    spans_N = np.diff(knots_N)[:, None]
    rates_N2 = np.diff(points_N2, axis=0) / spans_N
    inner_N2 = (spans_N[1:] * rates_N2[:-1] + spans_N[:-1] * rates_N2[1:]) / (
        spans_N[1:] + spans_N[:-1]
    )
    return np.concatenate([rates_N2[:1], inner_N2, rates_N2[-1:]])
