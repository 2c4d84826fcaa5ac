"""Counting what repeats: steps of the feet and waves of a hand, from joint positions.

T frames. Positions in metres, Y up.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ..feet.contacts import CONTACT_JOINTS, foot_contacts, joint_speeds
from ..skeleton import joint_index

_LEAST_STEP = 0.15  # metres between two places of a foot: less is a shuffle
_HALF_STEP = 0.25  # metres of a step that the first frame cuts
_LEAST_WAVE = 0.04  # metres from one turning point of the hand to the next
_STAND_SPEED = 0.5  # m/s: a running foot slides in captures


def count_steps(joints_TJ3: FloatArray, fps: float) -> int:
    """How often a foot is put down somewhere else. A step that the first frame cuts counts if
    enough of it is left; one that the last frame cuts does not. joints: (T, J, 3)."""
    planted = _planted(joints_TJ3, fps)
    ankles = joints_TJ3[:, CONTACT_JOINTS[::2]][..., [0, 2]]
    return sum(_foot_steps(ankles[:, foot], planted[:, foot]) for foot in range(2))


def _planted(joints_TJ3: FloatArray, fps: float) -> BoolArray:
    """(T, 2) whether the left and the right foot stand."""
    contacts = foot_contacts(joints_TJ3, fps)
    low_toes = joints_TJ3[:, CONTACT_JOINTS[1::2]]
    slow = joint_speeds(low_toes, fps) < _STAND_SPEED
    touching = low_toes[..., 1] < low_toes[..., 1].min(axis=0) + 0.04
    return contacts[:, [0, 2]] | contacts[:, [1, 3]] | (slow & touching)


def _foot_steps(places_T2: FloatArray, planted_T: BoolArray) -> int:
    """Steps of one foot."""
    edges = np.diff(planted_T.astype(int), prepend=0, append=0)
    starts, stops = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    middles = [
        places_T2[start:stop].mean(axis=0) for start, stop in zip(starts, stops, strict=True)
    ]
    if not middles:
        return 0
    count = sum(_far(a, b, _LEAST_STEP) for a, b in pairwise(middles))
    return int(count + _far(places_T2[0], middles[0], _HALF_STEP))


def _far(a: FloatArray, b: FloatArray, least: float) -> bool:
    return float(np.linalg.norm(a - b)) > least


def count_waves(joints_TJ3: FloatArray, side: str) -> int:
    """How often a raised hand goes there and back sideways, seen from its shoulder. The forearm's
    direction is taken: an arm that is lifted is no wave."""
    wrist, elbow = (joints_TJ3[:, joint_index(f"{side}_{end}")] for end in ("wrist", "elbow"))
    raised = wrist[:, 1] > elbow[:, 1] + 0.05
    if raised.sum() < 4:
        return 0
    swing = (wrist - elbow)[raised][:, [0, 2]]
    swing = swing - swing.mean(axis=0)
    axis = np.linalg.svd(swing, full_matrices=False)[2][0]
    # the first and the last swing bring the hand up and down
    return max(_turning_points(swing @ axis, _LEAST_WAVE) - 1, 0) // 2


def _turning_points(values_T: FloatArray, least: float) -> int:
    """Extremes of a curve that lie at least so far apart (a zigzag filter)."""
    count, direction = 0, 0
    low = high = float(values_T[0])
    for value in values_T:
        low, high = min(low, float(value)), max(high, float(value))
        if direction >= 0 and value < high - least:
            count += direction > 0
            direction, low = -1, float(value)
        elif direction <= 0 and value > low + least:
            count += direction < 0
            direction, high = 1, float(value)
    return count + (direction != 0)
