"""Dense keys of a skeleton to the fewest that stay within a tolerance.

Keys are added where the motion is furthest off, bone by bone, until no joint and no bone is further
off than wanted; so what was measured last is what holds.

T frames, J bones, P points (heads and tips of bones), K keys of a bone, N components of a rotation,
3 xyz, 4 quaternion w first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...common.errors import MMMError
from ..rotation_modes import rotations_of
from ..rotations import quat_angle
from .bezier_fit import evaluated, fitted_slopes, worst_frames
from .pose_error import BoneChain

LEAST_TOLERANCE, MOST_TOLERANCE = 1e-4, 1.0
"""Metres that a tolerance may be: below, every frame keeps its key; above, it is no motion."""

_STANDING_SHARE = 0.25
"""Of the tolerance, what a foot that stands may be off: contacts are kept."""
_ALONE_SHARE = 1.0
"""Of the tolerance, what one bone may make of it before the whole body is looked at."""
_SHARED = 0.5
"""Of the largest part in an error, the part from which on a bone gets a key too."""


@dataclass(frozen=True, eq=False)
class BoneCurves:
    """One bone's channels at every frame. rotation_TN: as its rotation mode keys it; moves_T3: its
    location, metres. fixed: frames (from 0) that keep a key."""

    mode: str
    rotation_TN: FloatArray
    moves_T3: FloatArray
    fixed: frozenset[int] = frozenset()

    @property
    def values_TC(self) -> FloatArray:
        """Both, in one array: rotation first."""
        return np.concatenate([self.rotation_TN, self.moves_T3], axis=1)


@dataclass(frozen=True)
class Tolerance:
    """distance: of any joint, metres. angle: of any bone, radians."""

    distance: float
    angle: float

    def check(self) -> None:
        """Raise MMMError for what is no tolerance."""
        if not LEAST_TOLERANCE <= self.distance <= MOST_TOLERANCE:
            raise MMMError(
                f"A tolerance of {1000 * self.distance:g} mm makes no sense: choose "
                f"{1000 * LEAST_TOLERANCE:g} to {1000 * MOST_TOLERANCE:g} mm."
            )
        if not 0.0 < self.angle < np.pi:
            raise MMMError("A tolerance is an angle over 0 and under 180 degrees: choose another.")


@dataclass(frozen=True, eq=False)
class BoneKeys:
    """Keys of one bone: frames from 0; values and slopes (units a frame) of its channels (K, C)."""

    knots_K: IntArray
    values_KC: FloatArray
    slopes_KC: FloatArray


@dataclass(frozen=True, eq=False)
class Simplified:
    """keys: of each bone. distance, angle: how far they are from the motion, metres and radians,
    measured at every frame."""

    keys: tuple[BoneKeys, ...]
    distance: float
    angle: float


@dataclass(eq=False)
class _Fit:
    """A bone's keys as they are now, and what they give at every frame."""

    curves: BoneCurves
    knots_K: IntArray
    values_TC: FloatArray
    rotations_T4: FloatArray = field(init=False)
    moves_T3: FloatArray = field(init=False)
    slopes_KC: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        self.fit()

    def fit(self) -> None:
        values_TC, knots_K = self.values_TC, self.knots_K
        self.slopes_KC = fitted_slopes(values_TC, knots_K)
        found = evaluated(values_TC[knots_K], self.slopes_KC, knots_K, len(values_TC))
        width = self.curves.rotation_TN.shape[1]
        self.rotations_T4 = rotations_of(found[:, :width], self.curves.mode)
        self.moves_T3 = found[:, width:]

    def add(self, frames: IntArray) -> None:
        self.knots_K = np.union1d(self.knots_K, frames)
        self.fit()

    def keys(self) -> BoneKeys:
        return BoneKeys(self.knots_K, self.values_TC[self.knots_K], self.slopes_KC)


@dataclass(frozen=True, eq=False)
class _Target:
    """The motion as it was: rotations and moves of bones, points, and how far each may be off."""

    rotations_TJ4: FloatArray
    moves_TJ3: FloatArray
    points_TP3: FloatArray
    limits_TP: FloatArray
    angle: float

    def errors(self, chain: BoneChain, fits: Sequence[_Fit]) -> _Errors:
        rotations_TJ4 = np.stack([fit.rotations_T4 for fit in fits], axis=1)
        moves_TJ3 = np.stack([fit.moves_T3 for fit in fits], axis=1)
        points_TP3 = chain.points(rotations_TJ4, moves_TJ3)
        return _Errors(
            quat_angle(rotations_TJ4, self.rotations_TJ4),
            np.linalg.norm(moves_TJ3 - self.moves_TJ3, axis=-1),
            np.linalg.norm(points_TP3 - self.points_TP3, axis=-1),
        )


@dataclass(frozen=True, eq=False)
class _Errors:
    angles_TJ: FloatArray
    moves_TJ: FloatArray
    distances_TP: FloatArray


def simplify(
    curves: Sequence[BoneCurves],
    chain: BoneChain,
    tolerance: Tolerance,
    standing_TP: BoolArray | None = None,
) -> Simplified:
    """The fewest keys found within the tolerance. standing_TP: points that stand still, which may
    be off by a quarter of it.

    Raises MMMError for a tolerance that is none. A motion of one frame keeps its keys.
    """
    tolerance.check()
    frames = len(curves[0].rotation_TN)
    fits = [_Fit(each, _first_knots(each, frames), each.values_TC) for each in curves]
    target = _target(curves, chain, tolerance, standing_TP)
    movers_JP = chain.movers_JP
    reach_J = _reach(target.points_TP3, movers_JP)
    for bone, fit in enumerate(fits):
        _fit_alone(fit, target, bone, float(reach_J[bone]), tolerance)
    while True:
        errors = target.errors(chain, fits)
        part_TJ = errors.angles_TJ * reach_J + errors.moves_TJ
        wanted_TJ = _bones_to_refine(errors, target, part_TJ, movers_JP)
        added = False
        for bone, fit in enumerate(fits):
            frames_N = worst_frames(part_TJ[:, bone], fit.knots_K, wanted_TJ[:, bone])
            if len(frames_N):
                fit.add(frames_N)
                added = True
        if not added:
            return Simplified(
                tuple(fit.keys() for fit in fits),
                float(errors.distances_TP.max()),
                float(errors.angles_TJ.max()),
            )


def _fit_alone(fit: _Fit, target: _Target, bone: int, reach: float, tolerance: Tolerance) -> None:
    """Add keys until the bone by itself would not move any point further than its share: most of
    the way, without a look at the others."""
    while True:
        angles_T = quat_angle(fit.rotations_T4, target.rotations_TJ4[:, bone])
        moves_T = np.linalg.norm(fit.moves_T3 - target.moves_TJ3[:, bone], axis=-1)
        part_T = angles_T * reach + moves_T
        wanted_T = (part_T > _ALONE_SHARE * tolerance.distance) | (angles_T > tolerance.angle)
        frames_N = worst_frames(part_T, fit.knots_K, wanted_T)
        if not len(frames_N):
            return
        fit.add(frames_N)


def standing_points(
    points_TP3: FloatArray, feet: Sequence[int], fps: float, up: int = 2
) -> BoolArray:
    """Which of the points ``feet`` stand: slow, and nearly as low as ever. (T, P).

    up: the axis that points up, Blender's Z if not given.
    """
    standing_TP = np.zeros(points_TP3.shape[:2], dtype=np.bool_)
    if len(points_TP3) < 2 or not len(feet):
        return standing_TP
    feet_TF3 = points_TP3[:, list(feet)]
    speeds_TF = np.linalg.norm(np.gradient(feet_TF3, axis=0), axis=-1) * fps
    low_TF = feet_TF3[..., up] < feet_TF3[..., up].min(axis=0) + _LOW
    standing_TP[:, list(feet)] = low_TF & (speeds_TF < _SLOW_MPS)
    return standing_TP


_LOW, _SLOW_MPS = 0.05, 0.3
"""As contacts are found elsewhere: metres over its lowest place, metres a second."""


def _first_knots(curves: BoneCurves, frames: int) -> IntArray:
    return np.array(sorted({0, frames - 1} | set(curves.fixed)), dtype=np.int64)


def _target(
    curves: Sequence[BoneCurves],
    chain: BoneChain,
    tolerance: Tolerance,
    standing_TP: BoolArray | None,
) -> _Target:
    rotations = [rotations_of(each.rotation_TN, each.mode) for each in curves]
    rotations_TJ4 = np.stack(rotations, axis=1)
    moves_TJ3 = np.stack([each.moves_T3 for each in curves], axis=1)
    points_TP3 = chain.points(rotations_TJ4, moves_TJ3)
    limits_TP = np.full(points_TP3.shape[:2], tolerance.distance)
    if standing_TP is not None:
        limits_TP[standing_TP] *= _STANDING_SHARE
    return _Target(rotations_TJ4, moves_TJ3, points_TP3, limits_TP, tolerance.angle)


def _reach(points_TP3: FloatArray, movers_JP: BoolArray) -> FloatArray:
    """How far the furthest point is that a bone turns, metres. (J,)."""
    bones = len(movers_JP)
    mean_P3 = points_TP3[:: max(1, len(points_TP3) // 8)]
    apart_JP = np.linalg.norm(mean_P3[:, :bones, None] - mean_P3[:, None], axis=-1).max(axis=0)
    return np.where(movers_JP, apart_JP, 0.0).max(axis=1)


def _bones_to_refine(
    errors: _Errors, target: _Target, part_TJ: FloatArray, movers_JP: BoolArray
) -> BoolArray:
    """Which bones need a key at a frame: turned too far, or with a large part in a point that is
    too far off. (T, J)."""
    far_TP = errors.distances_TP > target.limits_TP
    moves_far_TJ = (far_TP.astype(np.float64) @ movers_JP.T.astype(np.float64)) > 0.0
    part_TJ = np.where(moves_far_TJ, part_TJ, 0.0)
    largest_T1 = part_TJ.max(axis=1, keepdims=True)
    has_part_TJ = (part_TJ > 0.0) & (part_TJ >= _SHARED * largest_T1)
    return has_part_TJ | (errors.angles_TJ > target.angle)
