"""What can be measured of a clip and told in words: where it goes, how it turns, how fast, how
high its hands and the whole body come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry.clip import MotionClip
from ...geometry.skeleton import joint_index
from .motion_facts import Facts

_PEAK = 95  # percentile of frames: one wild frame is no speed
_DIGITS = 2  # centimetres, hundredths of degrees: more than a word needs


@dataclass(frozen=True)
class Measured:
    """forward, left: net travel in the first frame's heading, metres. turn: net yaw, degrees, left
    is positive. rise: net change of the pelvis' height, metres. speed: over the ground, m/s.
    hand_speed: of the faster wrist relative to the pelvis, exceeded in 5 % of frames, m/s.
    left_hand, right_hand: how far the wrist comes over its shoulder at most, metres (negative: it
    stays below)."""

    forward: float = 0.0
    left: float = 0.0
    turn: float = 0.0
    speed: float = 0.0
    hand_speed: float = 0.0
    left_hand: float = 0.0
    right_hand: float = 0.0
    rise: float = 0.0


def measure(clip: MotionClip) -> Measured:
    """Measure a clip by forward kinematics."""
    facts = Facts.of(clip)
    wrists = [joint_index("left_wrist"), joint_index("right_wrist")]
    relative = facts.joints_TJ3[:, wrists] - facts.joints_TJ3[:, :1]
    speeds = np.linalg.norm(np.diff(relative, axis=0), axis=-1) * clip.fps
    lifts = {
        side: float((facts.joint(f"{side}_wrist") - facts.joint(f"{side}_shoulder"))[:, 1].max())
        for side in ("left", "right")
    }
    values = {
        "forward": facts.forward,
        "left": facts.left,
        "turn": facts.turn,
        "speed": facts.speed,
        "hand_speed": float(np.percentile(speeds, _PEAK, axis=0).max()) if len(speeds) else 0.0,
        "left_hand": lifts["left"],
        "right_hand": lifts["right"],
        "rise": float(clip.root_T3[-1, 1] - clip.root_T3[0, 1]),
    }
    return Measured(**{name: round(value, _DIGITS) for name, value in values.items()})
