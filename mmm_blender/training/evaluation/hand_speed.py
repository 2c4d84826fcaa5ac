"""How fast raised hands move: a wave that freezes over the head is slow. Metres, seconds."""

from __future__ import annotations

import numpy as np

from ...geometry.clip import MotionClip
from ...geometry.deeds.facts import Facts
from ...geometry.deeds.judges import SIDES

_OVER_ELBOW, _RAISED_SECONDS = 0.05, 0.4


def raised_hand_speed(clip: MotionClip) -> float:
    """Mean speed against the pelvis of a wrist while it is above its elbow, the faster side's, m/s;
    0 where no hand comes up for long. A hand that freezes over the head is slow by this."""
    facts = Facts.of(clip)
    speeds: list[float] = [0.0]
    for side in SIDES:
        wrist = facts.joint(f"{side}_wrist")
        up_T = (wrist - facts.joint(f"{side}_elbow"))[1:, 1] > _OVER_ELBOW
        steps = np.linalg.norm(np.diff(wrist - facts.joint("pelvis"), axis=0), axis=-1)
        if up_T.sum() >= _RAISED_SECONDS * clip.fps:
            speeds.append(float(steps[up_T].mean()) * clip.fps)
    return max(speeds)
