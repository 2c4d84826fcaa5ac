"""What a clip can be seen to do, by plain facts of forward kinematics: what sentences are
judged by, in the product and in its evaluation.

A deed is found from positions of joints alone, with thresholds that captured clips of it pass (see
``judge_rates``). Two deeds at once must be seen at the same time, two deeds in a row in that order.

Metres, seconds, degrees; model space, Y up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ..clip import MotionClip
from ..kinematics import clip_joints
from ..skeleton import joint_index
from .counting import count_steps, count_waves
from .facts import Facts

SIDES = ("left", "right")

_TRAVEL = 0.5
_SIDESTEP = 0.3
_TURN, _TURN_AROUND = 45.0, 120.0
_RUN_SPEED = 1.6  # m/s; people break into a run at about 2, and stop and start in a clip
_BOW = 20.0
_RAISED = -0.1  # metres of the wrist over its shoulder: people also wave beside it
_FLIGHT = 0.12  # metres off the floor: nine of ten captured jumps reach 0.2, runs at most 0.13
_DANCES = 0.2  # m/s of the joints: nine of ten captured dances have 0.27, waves 0.1, standing 0.02
_STAYS = 0.25  # metres that the pelvis of somebody who stands may move
_GOING_SPEED = 0.3  # the body over the ground while a gesture is seen
GOING_SECONDS = 0.5
"""So long a gesture is seen over a body that goes, where both are at once."""

_SPEED_SECONDS = 0.4  # over which that speed is taken
STILL_WRIST = 0.05
"""Mean speed of a wrist of somebody who stands still, m/s, at most."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A clip as the judges look at it. joints_TJ3: metres."""

    clip: MotionClip
    joints_TJ3: FloatArray
    facts: Facts

    @classmethod
    def of(cls, clip: MotionClip) -> Seen:
        """Look at a clip."""
        facts = Facts.of(clip)
        return cls(clip, facts.joints_TJ3, facts)

    def lift_T(self, side: str) -> FloatArray:
        """How far the wrist is over its shoulder, frame by frame. (T,)."""
        return (self.facts.joint(f"{side}_wrist") - self.facts.joint(f"{side}_shoulder"))[:, 1]

    def waves(self, side: str) -> int:
        """How often the raised hand swings there and back."""
        return count_waves(self.joints_TJ3, side)

    def gesture_going_seconds(self, hands: Sequence[str]) -> float:
        """How long all of these hands are up while the body goes over the ground."""
        up_T = np.all([self.lift_T(side) > _RAISED for side in hands], axis=0)
        return float((up_T & self.going_T()).sum()) / self.clip.fps

    def going_T(self) -> BoolArray:
        """Where the body goes over the ground. (T,)."""
        reach = max(1, round(_SPEED_SECONDS / 2 * self.clip.fps))
        ground = self.clip.root_T3[:, [0, 2]]
        frame = np.arange(len(ground))
        before, after = np.maximum(frame - reach, 0), np.minimum(frame + reach, len(ground) - 1)
        way_T = np.linalg.norm(ground[after] - ground[before], axis=-1)
        return way_T > _GOING_SPEED * np.maximum(after - before, 1) / self.clip.fps

    @property
    def reach(self) -> float:
        """How far the pelvis gets from where it starts."""
        ways = np.linalg.norm((self.clip.root_T3 - self.clip.root_T3[0])[:, [0, 2]], axis=-1)
        return float(ways.max())


Judge = Callable[[Seen], bool]


@dataclass(frozen=True)
class Deed:
    """Words of a deed and how it is seen. hands: sides that a gesture raises, none for what the
    legs or the trunk do."""

    verb: str
    ing: str
    shown: Judge
    hands: tuple[str, ...] = ()


def raises(hands: tuple[str, ...]) -> Judge:
    """Just these hands come up."""

    def shown(seen: Seen) -> bool:
        return all((seen.lift_T(side).max() > _RAISED) == (side in hands) for side in SIDES)

    return shown


def waves(hands: tuple[str, ...]) -> Judge:
    """Just these hands come up and at least one of them swings there and back."""
    up = raises(hands)
    return lambda seen: up(seen) and any(seen.waves(side) > 0 for side in hands)


def _walks(seen: Seen) -> bool:
    return seen.facts.forward > _TRAVEL and seen.facts.speed < 2 * _RUN_SPEED


def _stands(seen: Seen) -> bool:
    return seen.reach < _STAYS and count_steps(seen.joints_TJ3, seen.clip.fps) <= 1


def wrist_speeds(clip: MotionClip) -> tuple[float, float]:
    """Mean speeds of the left and the right wrist in model space, m/s."""
    joints = clip_joints(clip)
    wrists = joints[:, [joint_index(f"{side}_wrist") for side in SIDES]]
    speeds = np.linalg.norm(np.diff(wrists, axis=0), axis=-1) * clip.fps
    left, right = speeds.mean(axis=0) if len(speeds) else (0.0, 0.0)
    return float(left), float(right)


def stands_still(clip: MotionClip) -> bool:
    """No step, the pelvis stays, and both wrists rest."""
    return _stands(Seen.of(clip)) and steps_of(clip) == 0 and max(wrist_speeds(clip)) < STILL_WRIST


_BOTH = ("left", "right")

DEEDS: Mapping[str, Deed] = {
    "walk": Deed("walks forward", "walking forward", _walks),
    "back": Deed("walks backward", "walking backward", lambda s: s.facts.forward < -_TRAVEL),
    "run": Deed("runs forward", "running forward", lambda s: s.facts.speed > _RUN_SPEED),
    "turn left": Deed(
        "walks in a curve to the left",
        "walking in a curve to the left",
        lambda s: s.facts.turn > _TURN,
    ),
    "turn right": Deed(
        "walks in a curve to the right",
        "walking in a curve to the right",
        lambda s: s.facts.turn < -_TURN,
    ),
    "bow": Deed("bows", "bowing", lambda s: s.facts.bow > _BOW),
    "stand": Deed("stands still", "standing still", _stands),
    **{
        f"wave {name}": Deed(f"waves {words}", f"waving {words}", waves(hands), hands)
        for name, words, hands in (
            ("left", "with the left hand", ("left",)),
            ("right", "with the right hand", ("right",)),
            ("both", "with both hands", _BOTH),
        )
    },
    **{
        f"raise {name}": Deed(f"raises {words}", f"raising {words}", raises(hands), hands)
        for name, words, hands in (
            ("left", "the left hand", ("left",)),
            ("right", "the right hand", ("right",)),
            ("both", "both hands", _BOTH),
        )
    },
}
"""Deeds by name."""


JUDGES: Mapping[str, Judge] = {
    **{name: deed.shown for name, deed in DEEDS.items()},
    "go": lambda seen: seen.reach > _TRAVEL,
    "left": lambda seen: seen.facts.left > _SIDESTEP,
    "right": lambda seen: seen.facts.left < -_SIDESTEP,
    "turn around": lambda seen: abs(seen.facts.turn) > _TURN_AROUND,
    "jump": lambda seen: seen.facts.flight > _FLIGHT,
    "dance": lambda seen: seen.facts.body_speed(seen.clip.fps) > _DANCES,
    "straight": lambda seen: abs(seen.facts.turn) <= _TURN,
    "stay": lambda seen: seen.reach <= _TRAVEL,
    "still": lambda seen: stands_still(seen.clip),
    "wave any": lambda seen: any(waves(hands)(seen) for hands in (("left",), ("right",), _BOTH)),
    "raise any": lambda seen: any(seen.lift_T(side).max() > _RAISED for side in SIDES),
}
"""How each deed is seen that a prompt can claim, but for steps, which are counted."""


def both_at_once(legs: Deed, gesture: Deed) -> Callable[[MotionClip], bool]:
    """Whether a clip shows both, the gesture for a while over a body that goes."""

    def shown(clip: MotionClip) -> bool:
        seen = Seen.of(clip)
        if not (legs.shown(seen) and gesture.shown(seen)):
            return False
        return seen.gesture_going_seconds(gesture.hands) >= GOING_SECONDS

    return shown


_FIRST_SHARE, _LAST_SHARE, _SPLITS = 0.2, 0.8, 13


def split_frames(frames: int) -> list[int]:
    """Frames at which the second of two deeds in a row may begin."""
    shares = np.linspace(_FIRST_SHARE, _LAST_SHARE, _SPLITS)
    return [round(share * frames) for share in shares]


def in_order(first: Deed, second: Deed) -> Callable[[MotionClip], bool]:
    """Whether there is a moment with the first deed before it and the second after it, and not the
    other way round as well: two deeds at once are not in a row."""

    def shown(clip: MotionClip) -> bool:
        return any(_split(clip, at, first, second) for at in split_frames(clip.frames))

    return shown


def _split(clip: MotionClip, at: int, first: Deed, second: Deed) -> bool:
    before, after = Seen.of(clip.slice(0, at)), Seen.of(clip.slice(at, clip.frames))
    if not (first.shown(before) and second.shown(after)):
        return False
    return not (second.shown(before) and first.shown(after))


def steps_of(clip: MotionClip) -> int:
    """How often a foot is put down somewhere else."""
    return count_steps(clip_joints(clip), clip.fps)
