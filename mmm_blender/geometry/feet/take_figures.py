"""What tells one take of a motion from another, in numbers that an animator knows.

T frames, J joints, K contact joints; model space, metres, Y up.
"""

from __future__ import annotations

import math

import numpy as np

from ...common.arrays import FloatArray
from ..clip import MotionClip
from ..kinematics import clip_joints
from ..skeleton import SOLE_HEIGHT
from .contacts import CONTACT_JOINTS, foot_contacts, joint_speeds

_GROUND = np.array([1.0, 0.0, 1.0])
_CM = 100.0
_SHARE = 0.95
_LEAST_BEND = 1e-4  # metres: below that a motion stands still, and no seam shows


def foot_slide(clip: MotionClip) -> float:
    """Mean speed over the ground of feet that touch it, cm/s; NaN where none does.

    The floor is where the lowest foot is.
    """
    joints_TJ3 = clip_joints(clip)
    joints_TJ3[..., 1] -= joints_TJ3[:, CONTACT_JOINTS, 1].min() - SOLE_HEIGHT
    touching_TK = foot_contacts(joints_TJ3, clip.fps)
    if not touching_TK.any():
        return math.nan
    speeds_TK = joint_speeds(joints_TJ3[:, CONTACT_JOINTS] * _GROUND, clip.fps)
    return _CM * float(speeds_TK[touching_TK].mean())


def seam_jump(clip: MotionClip, first: int, last: int) -> float:
    """How sharply the body turns where regenerated frames meet kept ones, relative to what it does
    elsewhere (1: no sharper than the sharpest of twenty frames); NaN where none is kept.

    first, last: of the regenerated frames, both included.
    """
    bends_T = _bends(clip_joints(clip))
    seams = [t for t in (first - 1, first, last, last + 1) if 0 < t < clip.frames - 1]
    if not len(bends_T) or (first <= 0 and last >= clip.frames - 1):
        return math.nan
    inside = np.quantile(bends_T, _SHARE)
    at_seams = max((float(bends_T[t - 1]) for t in seams), default=0.0)
    return at_seams / max(float(inside), _LEAST_BEND)


def _bends(joints_TJ3: FloatArray) -> FloatArray:
    """Second difference of the joints at the frames 1 to T - 2, mean over joints, metres."""
    return np.linalg.norm(np.diff(joints_TJ3, n=2, axis=0), axis=-1).mean(axis=-1)
