"""A motion backwards, faster, or cut where feet come down.

T frames, 3 xyz; model space, metres, Y up.
"""

from __future__ import annotations

import numpy as np

from ..common.arrays import IntArray
from ..common.errors import MMMError
from .clip import MotionClip
from .resample import MOST_FRAMES, sampled_at


def reversed_clip(clip: MotionClip) -> MotionClip:
    """The same motion backwards, between the same places."""
    return clip.replace(rotations_TJ4=clip.rotations_TJ4[::-1], root_T3=clip.root_T3[::-1])


def retimed_clip(clip: MotionClip, frames: int) -> MotionClip:
    """The same motion in so many frames: its first and last pose stay what they are.

    Raises MMMError for less than two frames, or more than anybody can key.
    """
    if not 2 <= frames <= MOST_FRAMES:
        raise MMMError(f"A motion of {frames} frames cannot be made: choose 2 to {MOST_FRAMES}.")
    if clip.frames == 1:
        raise MMMError("One frame has no time to change: choose a longer range.")
    return sampled_at(clip, np.linspace(0.0, clip.frames - 1.0, frames))


def touch_downs(contacts_TK: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> IntArray:
    """Frames in which a foot comes down. contacts_TK: of heels and toes."""
    down_T = (contacts_TK[1:] & ~contacts_TK[:-1]).any(axis=1)
    return np.flatnonzero(down_T) + 1
