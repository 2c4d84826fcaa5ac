"""What can be measured of a clip and said in words: where it goes, how it turns, how fast, how
high its hands and the whole body come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.clip import MotionClip
from ...geometry.deeds.counting import count_steps, count_waves
from ...geometry.deeds.facts import Facts
from ...geometry.skeleton import SOLE_HEIGHT, joint_index

_PEAK = 95  # percentile of frames: one wild frame is no speed
_DIGITS = 2  # centimetres, hundredths of degrees: more than a word needs


@dataclass(frozen=True)
class Measured:
    """forward, left: net travel in the first frame's heading, metres. turn: net yaw, degrees, left
    is positive. rise: net change of the pelvis' height, metres. speed: over the ground, m/s.
    hand_speed: of the faster wrist relative to the pelvis, exceeded in 5 % of frames, m/s.
    left_hand, right_hand: how far the wrist comes over its shoulder at most, metres (negative: it
    stays below). left_hand_speed, right_hand_speed: as hand_speed, of one wrist. distance: along
    the ground from first to last frame, metres. reach: how far the pelvis gets from where it
    starts, metres. low, high: how far the pelvis sinks under and the feet rise over where they
    stand at most, metres. steps: how often a foot is put down elsewhere. left_waves, right_waves:
    how often a raised hand swings there and back. bow: the trunk's largest lean, degrees.
    seconds: length."""

    forward: float = 0.0
    left: float = 0.0
    turn: float = 0.0
    speed: float = 0.0
    hand_speed: float = 0.0
    left_hand: float = 0.0
    right_hand: float = 0.0
    rise: float = 0.0
    left_hand_speed: float = 0.0
    right_hand_speed: float = 0.0
    distance: float = 0.0
    reach: float = 0.0
    low: float = 0.0
    high: float = 0.0
    steps: int = 0
    left_waves: int = 0
    right_waves: int = 0
    bow: float = 0.0
    seconds: float = 0.0


def measure(clip: MotionClip) -> Measured:
    """Measure a clip by forward kinematics."""
    facts = Facts.of(clip)
    joints = facts.joints_TJ3
    left_speed, right_speed = (_hand_speed(facts, side, clip.fps) for side in ("left", "right"))
    ground = clip.root_T3[:, [0, 2]] - clip.root_T3[0, [0, 2]]
    ranges = np.linalg.norm(ground, axis=-1)
    values = {
        "forward": facts.forward,
        "left": facts.left,
        "turn": facts.turn,
        "speed": facts.speed,
        "hand_speed": max(left_speed, right_speed),
        "left_hand": _lift(facts, "left"),
        "right_hand": _lift(facts, "right"),
        "rise": float(clip.root_T3[-1, 1] - clip.root_T3[0, 1]),
        "left_hand_speed": left_speed,
        "right_hand_speed": right_speed,
        "distance": float(ranges[-1]),
        "reach": float(ranges.max()),
        "low": float(clip.root_T3[:, 1].max() - clip.root_T3[:, 1].min()),
        "high": _air(joints),
        "bow": facts.bow,
        "seconds": clip.seconds,
    }
    counts = {
        "steps": count_steps(joints, clip.fps),
        "left_waves": count_waves(joints, "left"),
        "right_waves": count_waves(joints, "right"),
    }
    return Measured(**{name: round(value, _DIGITS) for name, value in values.items()}, **counts)


def _hand_speed(facts: Facts, side: str, fps: float) -> float:
    """Of a wrist relative to the pelvis, exceeded in 5 % of frames, m/s."""
    relative = facts.joint(f"{side}_wrist") - facts.joint("pelvis")
    speeds = np.linalg.norm(np.diff(relative, axis=0), axis=-1) * fps
    return float(np.percentile(speeds, _PEAK)) if len(speeds) else 0.0


def _lift(facts: Facts, side: str) -> float:
    """How far a wrist comes over its shoulder at most, metres."""
    return float((facts.joint(f"{side}_wrist") - facts.joint(f"{side}_shoulder"))[:, 1].max())


def _air(joints_TJ3: FloatArray) -> float:
    """How far the lower of the two feet gets over the floor at most, metres: a jump."""
    toes = joints_TJ3[:, [joint_index("left_foot"), joint_index("right_foot")], 1]
    return float(toes.min(axis=1).max()) - SOLE_HEIGHT
