"""Where a foot stands: its contacts, cleaned, and the places that they hold it to.

A foot is one rigid bone from ankle to toe. While both touch the floor the whole foot keeps its
place and its turn; while only one does, the foot rolls about it. That gives one path for the toe
in each run of contact, known but for a shift: it is brought nearest to where the foot was, or,
where the run goes on in frames that may not change, to where the foot is there.

Shape suffixes: T frames, S = 2 sides (left, right), C = 2 contacts (ankle, toe), R runs of frames
with contact in time order, 3 metres in model space, 4 quaternions w first, N = T * S frames of the
left foot, then of the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import AnyArray, BoolArray, FloatArray, IntArray
from ..editing.edit_mask import kept_neighbours
from ..rotations import normalize, quat_rotate
from .contacts import (
    CONTACT_CLEARANCE,
    CONTACT_JOINTS,
    CONTACT_SPEED,
    foot_contacts,
    joint_speeds,
    standing_heights,
)
from .leg_ik import FOOT_S3

ANKLE, TOE = 0, 1

_NEARLY = 1.5
"""Up to so many times a contact's speed a foot that stands before or after is landing or leaving:
it slides visibly if it is not held in those frames too."""

_BRIDGED_SECONDS = 0.1
"""A foot that leaves the floor for less than this has not left it."""

_SHORTEST_SECONDS = 0.1
"""A foot that touches the floor for less than this does not stand on it."""


def standing_contacts(joints_TJ3: FloatArray, fps: float) -> BoolArray:
    """When each ankle and toe stands, from joint positions with the floor at y = 0. (T, S, C).

    A contact begins and ends in frames in which the joint nearly stands; then short gaps are closed
    and short touches dropped.
    """
    touching_TK = foot_contacts(joints_TJ3, fps)
    slow_TK = touching_TK | _nearly_standing(joints_TJ3[:, CONTACT_JOINTS], fps)
    count_TK = np.pad(np.cumsum(touching_TK, axis=0), ((1, 0), (0, 0)))
    before_TK, after_TK = kept_neighbours(slow_TK)
    touches_TK = _taken(count_TK, after_TK) - _taken(count_TK, before_TK + 1)
    standing_TK = slow_TK & (touches_TK > 0)
    bridged_TK = _gaps(standing_TK) < _BRIDGED_SECONDS * fps
    return long_contacts((standing_TK | bridged_TK).reshape(-1, 2, 2), fps)


def _nearly_standing(feet_TK3: FloatArray, fps: float) -> BoolArray:
    """Low, and slow on the way to the next frame or from the last. (T, K)."""
    speed_TK = joint_speeds(feet_TK3, fps)
    speed_TK = np.minimum(speed_TK, np.concatenate([speed_TK[:1], speed_TK[:-1]]))
    low_TK = feet_TK3[..., 1] < standing_heights() + CONTACT_CLEARANCE
    return low_TK & (speed_TK < _NEARLY * CONTACT_SPEED)


def _taken(values_TK: AnyArray, frame_TK: IntArray) -> AnyArray:
    return values_TK[frame_TK, np.arange(values_TK.shape[1])]


def _gaps(flags_TK: BoolArray) -> FloatArray:
    """Length of the gap between two runs that a frame lies in; infinite elsewhere. (T, K)."""
    before_TK, after_TK = kept_neighbours(~flags_TK)
    between_TK = ~flags_TK & (before_TK >= 0) & (after_TK < len(flags_TK))
    return np.where(between_TK, after_TK - before_TK - 1, np.inf)


def long_contacts(contacts_TSC: BoolArray, fps: float) -> BoolArray:
    """Contacts without those that are too short to stand. (T, S, C)."""
    flags_TK = contacts_TSC.reshape(len(contacts_TSC), -1)
    before_TK, after_TK = kept_neighbours(flags_TK)
    long_TK = flags_TK & (after_TK - before_TK - 1 >= _SHORTEST_SECONDS * fps)
    return long_TK.reshape(contacts_TSC.shape)


@dataclass(frozen=True, eq=False)
class Feet:
    """Two feet as they move: places of the toes, rotations of the feet in model space (of one sign
    along time), and which frames may change."""

    toe_TS3: FloatArray
    foot_TS4: FloatArray
    free_T: BoolArray


def flat_footholds(feet: Feet, contacts_TSC: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Rotations (T, S, 4) that feet keep while they stand flat, and where they do. (T, S)."""
    flat_TS = contacts_TSC.all(axis=-1)
    runs = Runs.of(flat_TS, feet.free_T)
    foot_N4 = _flat(feet.foot_TS4)
    foot_N4 = runs.held(foot_N4, runs.mean(foot_N4))
    return normalize(_unflat(foot_N4)), runs.inside_TS


def toe_footholds(
    feet: Feet, foot_TS4: FloatArray, contacts_TSC: BoolArray, floors_C: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Places (T, S, 3) that keep whatever touches the floor where it is; where they hold. (T, S).

    foot_TS4: how the feet are turned from now on. floors_C: heights over which ankle and toe stay.
    """
    runs = Runs.of(contacts_TSC.any(axis=-1), feet.free_T)
    ankle_TS3 = -quat_rotate(foot_TS4, FOOT_S3)
    rolling_N3 = _flat(_rolling(feet.toe_TS3, ankle_TS3, contacts_TSC))
    shift_N3: FloatArray = _flat(feet.toe_TS3) - rolling_N3
    shift_R3 = runs.mean(shift_N3)
    lowest_TS: FloatArray = np.minimum(ankle_TS3[..., 1] - floors_C[ANKLE], -floors_C[TOE])
    over_N: FloatArray = _flat(lowest_TS)
    shift_R3[:, 1] = np.maximum(shift_R3[:, 1], -runs.least(rolling_N3[:, 1] + over_N))
    return _unflat(rolling_N3 + runs.held(shift_N3, shift_R3)), runs.inside_TS


def _rolling(toe_TS3: FloatArray, ankle_TS3: FloatArray, contacts_TSC: BoolArray) -> FloatArray:
    """Path of the toes (T, S, 3) that leaves whatever touches the floor still, but for a shift.

    ankle_TS3: the ankles as seen from the toes.
    """
    still_TSC = contacts_TSC[1:] & contacts_TSC[:-1]
    step_TS3 = np.where(still_TSC[..., ANKLE, None], -np.diff(ankle_TS3, axis=0), 0.0)
    free_TS1 = ~still_TSC.any(axis=-1, keepdims=True)
    step_TS3 = np.where(free_TS1, np.diff(toe_TS3, axis=0), step_TS3)
    step_TS3 = np.where(still_TSC[..., TOE, None], 0.0, step_TS3)
    return np.concatenate([toe_TS3[:1], toe_TS3[:1] + np.cumsum(step_TS3, axis=0)])


def _flat(values_TSX: AnyArray) -> AnyArray:
    return values_TSX.swapaxes(0, 1).reshape(-1, *values_TSX.shape[2:])


def _unflat(values_NX: AnyArray) -> AnyArray:
    return values_NX.reshape(2, -1, *values_NX.shape[1:]).swapaxes(0, 1)


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of free frames of one foot: start_R..stop_R (exclusive) count along N.

    from_R, to_R: the run goes on before its start, after its stop, in a frame that may not change.
    """

    inside_TS: BoolArray
    start_R: IntArray
    stop_R: IntArray
    from_R: BoolArray
    to_R: BoolArray

    @classmethod
    def of(cls, flags_TS: BoolArray, free_T: BoolArray) -> Runs:
        """Every run of frames that are flagged and free."""
        inside_TS = flags_TS & free_T[:, None]
        fixed_N = _flat(flags_TS & ~free_T[:, None])
        # no run goes from the left foot's last frame on to the right foot's first
        walls_TS = np.pad(inside_TS, ((1, 1), (0, 0)))
        edges_TS = np.diff(walls_TS.astype(np.int8), axis=0)
        start_R = np.flatnonzero(_flat(edges_TS[:-1] == 1))
        stop_R = np.flatnonzero(_flat(edges_TS[1:] == -1)) + 1
        frames = len(flags_TS)
        from_R = (start_R % frames > 0) & fixed_N[start_R - 1]
        to_R = (stop_R % frames > 0) & fixed_N[stop_R % len(fixed_N)]
        return cls(inside_TS, start_R, stop_R, from_R, to_R)

    def mean(self, values_NX: FloatArray) -> FloatArray:
        """Mean of each run. (R, X)."""
        sums = np.concatenate([np.zeros_like(values_NX[:1]), np.cumsum(values_NX, axis=0)])
        return (sums[self.stop_R] - sums[self.start_R]) / (self.stop_R - self.start_R)[:, None]

    def least(self, values_N: FloatArray) -> FloatArray:
        """Smallest value of each run. (R,)."""
        return self._reduced(np.minimum, values_N)

    def most(self, values_N: FloatArray) -> FloatArray:
        """Largest value of each run. (R,)."""
        return self._reduced(np.maximum, values_N)

    def _reduced(self, function: np.ufunc, values_N: FloatArray) -> FloatArray:
        if not len(self.start_R):
            return np.zeros(0)
        borders = np.stack([self.start_R, self.stop_R], axis=1).reshape(-1)
        # the last stop may lie at the end, where there is no value to begin from
        return np.asarray(function.reduceat(np.append(values_N, values_N[-1]), borders)[::2])

    def held(self, values_NX: FloatArray, value_RX: FloatArray) -> FloatArray:
        """One value a run, spread over its frames: that of the fixed frame it touches, where it
        touches none ``value_RX``. Between two fixed frames it goes over from one to the other.
        (N, X), zero outside."""
        before_RX = values_NX[self.start_R - 1]
        after_RX = values_NX[self.stop_R % len(values_NX)]
        first_RX = np.where(self.to_R[:, None], after_RX, value_RX)
        first_RX = np.where(self.from_R[:, None], before_RX, first_RX)
        last_RX = np.where(self.to_R[:, None], after_RX, first_RX)
        length_R = self.stop_R - self.start_R
        run_K = np.repeat(np.arange(len(length_R)), length_R)
        at_K = np.arange(len(run_K)) - (np.cumsum(length_R) - length_R)[run_K]
        share_K1 = ((at_K + 1.0) / (length_R[run_K] + 1.0))[:, None]
        share_K1 = share_K1 * share_K1 * (3.0 - 2.0 * share_K1)
        held_NX = np.zeros_like(values_NX)
        held_NX[self.start_R[run_K] + at_K] = (
            first_RX[run_K] + share_K1 * (last_RX - first_RX)[run_K]
        )
        return held_NX
