"""Single gestures cut out of long takes that show many: hands that rise, and come down again.

A set without a source of plain gestures learns them from a referee's signals. T frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from ...common.arrays import IntArray
from ...geometry.clip import MotionClip
from ...geometry.deeds.counting import count_steps, count_waves
from ...geometry.kinematics import clip_joints
from ...geometry.skeleton import joint_index

SHOWS_GESTURES = frozenset({"basketball signal"})
"""Labels of takes that such pieces are cut from."""

_LEAST_UP, _AROUND = 8, 14  # frames that hands are up, and of what comes before and after
_MOST_FRAMES = 120  # longer is no single gesture
_LEAST_WAVES = 2
_HANDS = {1: "left hand", 2: "right hand", 3: "both hands"}


def gesture_pieces(clip: MotionClip) -> Iterator[tuple[str, MotionClip]]:
    """Pieces in which one hand, or both, come up over the shoulder and nothing else happens, with
    a label: "raise left hand", "wave both hands"."""
    raised = _raised_hands(clip)
    borders = [0, *(np.flatnonzero(np.diff(raised)) + 1).tolist(), len(raised)]
    for start, stop in pairwise(borders):
        state = int(raised[start])
        first, last = max(start - _AROUND, 0), min(stop + _AROUND, len(raised))
        around = np.concatenate([raised[first:start], raised[stop:last]])
        if not state or stop - start < _LEAST_UP or last - first > _MOST_FRAMES:
            continue
        if (around & ~state).any():  # the other hand has a gesture of its own
            continue
        piece = clip.slice(first, last)
        joints = clip_joints(piece)
        if count_steps(joints, clip.fps) == 0:
            waves = max(count_waves(joints, side) for side in ("left", "right"))
            yield f"{'wave' if waves >= _LEAST_WAVES else 'raise'} {_HANDS[state]}", piece


def _raised_hands(clip: MotionClip) -> IntArray:
    """(T,) 1 where the left wrist is over its shoulder, plus 2 where the right one is."""
    joints = clip_joints(clip)
    up = [
        joints[:, joint_index(f"{side}_wrist"), 1] > joints[:, joint_index(f"{side}_shoulder"), 1]
        for side in ("left", "right")
    ]
    return up[0].astype(np.int64) + 2 * up[1]
