"""The stretch of a motion that goes round best: it ends as it begins, in pose and in speed.

T frames, J joints, F numbers of a frame, A places to begin, 3 xyz; model space, metres, Y up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ..clip import MotionClip
from ..kinematics import clip_joints

MOST_STRETCH = 0.12
"""How much shorter or longer a stretch may be than is wanted, as a part of that: it is retimed."""

_SPEED_SECONDS = 0.1
"""A difference in speed weighs as the way that it makes in this time."""
_STRETCH_COST = 0.2
"""Metres that a stretch twice as long as wanted would cost: 10 % weigh as much as 2 cm."""
_GROUND = np.array([1.0, 0.0, 1.0])


@dataclass(frozen=True)
class Round:
    """Frames first to stop - 1 of a motion, after which ``first`` comes again. cost: how far the
    joints are from where they began, metres, with speeds and stretch in it."""

    first: int
    stop: int
    cost: float

    @property
    def frames(self) -> tuple[int, int]:
        """first and stop."""
        return self.first, self.stop


def best_round(motion: MotionClip, frames: int) -> Round:
    """The stretch of about so many frames whose end is nearest to its beginning.

    Raises MMMError where the motion is too short for any.
    """
    rounds = list(_rounds(motion, frames))
    if not rounds:
        raise MMMError(f"A loop of {frames} frames needs a longer motion: ask for fewer seconds.")
    return min(rounds, key=lambda each: each.cost)


def _rounds(motion: MotionClip, frames: int) -> Iterator[Round]:
    """Of each length that may be the best place to begin."""
    poses_TF = _poses(motion)
    spare = max(1, round(MOST_STRETCH * frames))
    for length in range(max(2, frames - spare), min(frames + spare, motion.frames - 1) + 1):
        apart_AF = poses_TF[length:] - poses_TF[:-length]
        costs_A = np.sqrt((apart_AF**2).mean(axis=1))
        first = int(np.argmin(costs_A))
        stretch = _STRETCH_COST * abs(length - frames) / frames
        yield Round(first, first + length, float(costs_A[first]) + stretch)


def _poses(motion: MotionClip) -> FloatArray:
    """Joints around the root's place on the ground, and their speeds over it. (T, F)."""
    joints_TJ3 = clip_joints(motion)
    speeds_TJ3 = np.gradient(joints_TJ3, axis=0) * motion.fps * _SPEED_SECONDS
    around_TJ3 = joints_TJ3 - (motion.root_T3 * _GROUND)[:, None]
    return np.concatenate([around_TJ3, speeds_TJ3], axis=1).reshape(motion.frames, -1)
