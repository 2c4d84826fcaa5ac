"""What a map cannot hold of a rig's own pose, carried over a range that is regenerated.

A range is read through a map and written through it. A fourth spine bone, a goal that stands apart
from its limb, or a neck of two says more than a clip: the difference on the frames beside the range
is eased in at both seams, so that the rig's own bones meet what is kept exactly.

Shape suffixes: T frames of the range, 3 any unit, 4 quaternions w first.
"""

from __future__ import annotations

import numpy as np

from ...common.arrays import FloatArray
from ..rotations import (
    identity_quats,
    quat_angle,
    quat_conjugate,
    quat_multiply,
    quat_to_rotation_vector,
    rotation_vector_to_quat,
    slerp,
)

_ALIKE = np.radians(20.0)
"""Differences of both seams this near to each other are one difference that lasts."""

_EASE_SHARE, _LONGEST_EASE = 0.4, 10
"""Otherwise each dies away over this share of the range, at most so many frames."""


def ease_turns(
    turns_T4: FloatArray, before_4: FloatArray | None, after_4: FloatArray | None
) -> FloatArray:
    """Turns of a range with the differences of both seams eased in. before_4, after_4: what is
    to be multiplied from the right beside the range, None where nothing is kept there."""
    if before_4 is None and after_4 is None:
        return turns_T4
    frames = len(turns_T4)
    if before_4 is not None and after_4 is not None and _alike(before_4, after_4):
        share = _smooth(np.arange(1, frames + 1) / (frames + 1))
        return quat_multiply(turns_T4, slerp(before_4, after_4, share))
    first = _dying(before_4, _fade(frames))
    last = _dying(after_4, _fade(frames)[::-1])
    return quat_multiply(turns_T4, quat_multiply(first, last))


def _alike(before_4: FloatArray, after_4: FloatArray) -> bool:
    return float(quat_angle(before_4, after_4)) < _ALIKE


def ease_places(
    places_T3: FloatArray, before_3: FloatArray | None, after_3: FloatArray | None, unit: float
) -> FloatArray:
    """The same for places, with differences to be added. unit: how long a leg is."""
    if before_3 is None and after_3 is None:
        return places_T3
    frames = len(places_T3)
    first = np.zeros(3) if before_3 is None else before_3
    last = np.zeros(3) if after_3 is None else after_3
    both = before_3 is not None and after_3 is not None
    if both and float(np.linalg.norm(first - last)) < 0.1 * unit:
        share = _smooth(np.arange(1, frames + 1) / (frames + 1))[:, None]
        return places_T3 + first * (1.0 - share) + last * share
    fade = _fade(frames)[:, None]
    return places_T3 + first * fade + last * fade[::-1]


def turn_residual(mapped_4: FloatArray, actual_4: FloatArray) -> FloatArray:
    """What a mapped turn lacks to be the actual one, from the right."""
    return quat_multiply(quat_conjugate(mapped_4), actual_4)


def _dying(turn_4: FloatArray | None, fade_T: FloatArray) -> FloatArray:
    if turn_4 is None:
        return identity_quats(1)
    return rotation_vector_to_quat(quat_to_rotation_vector(turn_4) * fade_T[:, None])


def _fade(frames: int) -> FloatArray:
    """From nearly 1 at the first frame of a range to 0."""
    length = max(1.0, min(_EASE_SHARE * frames, _LONGEST_EASE)) + 1.0
    return _smooth(np.clip(1.0 - np.arange(1, frames + 1) / length, 0.0, 1.0))


def _smooth(share: FloatArray) -> FloatArray:
    return share * share * (3.0 - 2.0 * share)
