"""Hands, feet and head held to targets at a time or over a while, eased in and out.

What a limb lacks to its target is known while it is pinned, dies away within half a second before
and after, and is added to the limb's own way; so between pins it moves as the motion has it. The
limbs follow by two-bone IK. A head that is pinned takes the spine with it; one that looks turns
by itself and, for the rest, with its neck.

Shape suffixes: T frames, K points of a target, 3 metres in model space, 4 quaternions w first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ...common.errors import MMMError
from ..clip import MotionClip
from ..kinematics import clip_joints, global_rotations
from ..limb_ik import LIMBS, reach_for
from ..rotations import (
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_rotation_vector,
    rotation_vector_to_quat,
    shortest_arc,
)
from ..skeleton import SMPL_22, joint_index
from .seam_blending import Ease, eased

HEAD = "head"
PINNED_JOINTS = (*LIMBS, HEAD)
"""Joints that can be pinned, by name."""

PIN_EASE = Ease(value=0.5, speed=0.12, push=0.0)

TOLERANCE = 0.01
"""Metres within which a pin is met."""

_BENDING = tuple(joint_index(name) for name in ("spine1", "spine2", "spine3", "neck"))
"""Joints that take the head to its target."""

_MOST_BEND = math.radians(30.0)
"""What each of them gives at most."""

_LOOKING = tuple((joint_index(name), share) for name, share in (("neck", 0.4), ("head", 1.0)))
"""Joints that turn the head to what it looks at, and their share of what is left."""

_MOST_LOOK = math.radians(80.0)
"""A head turns so far from where the body has it."""

_ROUNDS = 40
"""Passes over the spine: a centimetre is met after about twenty."""


@dataclass(frozen=True, eq=False)
class Pin:
    """A joint at a target. joint: one of PINNED_JOINTS. first, last: seconds, both included.
    target_K3: one point, or one for each moment, evenly from first to last; metres in the clip's
    space. look: the head looks at it instead of being there."""

    joint: str
    first: float
    last: float
    target_K3: FloatArray
    look: bool = False

    def __post_init__(self) -> None:
        if self.joint not in PINNED_JOINTS:
            raise MMMError(f"{self.joint} cannot be pinned: choose {', '.join(PINNED_JOINTS)}.")
        if self.target_K3.ndim != 2 or self.target_K3.shape[1] != 3 or not len(self.target_K3):
            raise MMMError(f"The pin of {self.name} has no target: choose an object.")
        if not np.isfinite(self.target_K3).all():
            raise MMMError(f"The target of the {self.name} is no place: move its object.")
        if not math.isfinite(self.first + self.last) or self.last < self.first:
            raise MMMError(f"The pin of {self.name} ends before it begins: set its range again.")
        if self.look and self.joint != HEAD:
            raise MMMError(f"Only the head looks at something, not {self.name}: pin it instead.")

    @property
    def name(self) -> str:
        """The joint for people."""
        return self.joint.replace("_", " ")

    def frames(self, clip: MotionClip) -> slice:
        """Frames of a clip in which it holds: those within its time, at least the nearest one; none
        where its time lies outside."""
        first, last = self._whole(clip)
        start = min(max(0, first), clip.frames)
        return slice(start, max(start, min(clip.frames, last + 1)))

    def targets(self, clip: MotionClip) -> FloatArray:
        """The target on each of ``frames(clip)``. (N, 3)."""
        span, (first, last) = self.frames(clip), self._whole(clip)
        frames_N = np.arange(span.stop - span.start) + float(span.start - first)
        at_N = frames_N * ((len(self.target_K3) - 1.0) / max(last - first, 1))
        known = np.arange(len(self.target_K3), dtype=np.float64)
        return np.stack([np.interp(at_N, known, self.target_K3[:, k]) for k in range(3)], axis=-1)

    def _whole(self, clip: MotionClip) -> tuple[int, int]:
        """Its first and last frame in the clip's time, whether the clip has them or not."""
        first = round(self.first * clip.fps)
        return first, max(first, round(self.last * clip.fps))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; ``from_json`` is its inverse."""
        return {
            "joint": self.joint,
            "first": self.first,
            "last": self.last,
            "target": self.target_K3.tolist(),
            "look": self.look,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Pin:
        """Read JSON values strictly: MMMError for a missing or unknown one."""
        if odd := sorted({"joint", "first", "last", "target", "look"} ^ values.keys()):
            raise MMMError(f"A pin has missing or unknown entries: {', '.join(odd)}.")
        try:
            target = np.array(values["target"], dtype=np.float64)
            times = float(values["first"]), float(values["last"])
        except (TypeError, ValueError) as error:
            raise MMMError("A pin's target or time is not a number: set it again.") from error
        return cls(str(values["joint"]), *times, target, bool(values["look"]))


@dataclass(frozen=True, eq=False)
class LimbsPinned:
    """The clip with its pins met, and sentences of those that are not."""

    clip: MotionClip
    notes: tuple[str, ...]


def pin_limbs(
    clip: MotionClip, pins: Sequence[Pin], free_T: BoolArray | None = None
) -> LimbsPinned:
    """The clip with joints at their targets. free_T: frames that may change (None: all).

    Pins outside the clip are left out, and notes say so. Raises MMMError for two that exclude each
    other.
    """
    free_T = np.ones(clip.frames, dtype=np.bool_) if free_T is None else free_T
    notes = [_left_out(clip, pin) for pin in pins if _is_outside(clip, pin)]
    pins = [pin for pin in pins if not _is_outside(clip, pin)]
    _check(clip, pins)
    order = sorted(PINNED_JOINTS, key=lambda joint: joint != HEAD)  # the arms hang on the spine
    for joint in order:
        at = [pin for pin in pins if pin.joint == joint and not pin.look]
        if at:
            clip = _pinned(clip, joint, at, free_T)
    if looks := [pin for pin in pins if pin.look]:
        clip = _looking(clip, looks, free_T)
    joints_TJ3 = clip_joints(clip)
    notes += filter(None, (_missed(joints_TJ3, clip, pin) for pin in pins if not pin.look))
    return LimbsPinned(clip, tuple(notes))


def _is_outside(clip: MotionClip, pin: Pin) -> bool:
    frames = pin.frames(clip)
    return frames.start >= frames.stop


def _left_out(clip: MotionClip, pin: Pin) -> str:
    return (
        f"The pin of the {pin.name} at {pin.first:.2f} s lies outside the motion, which lasts "
        f"{clip.seconds:.2f} s, and was left out."
    )


def _check(clip: MotionClip, pins: Sequence[Pin]) -> None:
    for a, b in combinations([pin for pin in pins if not pin.look], 2):
        _check_pair(clip, a, b)


def _check_pair(clip: MotionClip, a: Pin, b: Pin) -> None:
    """MMMError where both want one joint, or what its limbs cannot span, at one time."""
    first, last = a.frames(clip), b.frames(clip)
    start, stop = max(first.start, last.start), min(first.stop, last.stop)
    if start >= stop or a.joint != b.joint:
        return
    at_a, at_b = (
        pin.targets(clip)[start - span.start : stop - span.start]
        for pin, span in ((a, first), (b, last))
    )
    apart = float(np.linalg.norm(at_a - at_b, axis=-1).max())
    if apart > TOLERANCE:
        raise MMMError(
            f"Two pins want the {a.name} {apart:.2f} m apart at {start / clip.fps:.2f} s: remove "
            "one, or move one in time."
        )


def _known(clip: MotionClip, pins: Sequence[Pin]) -> tuple[FloatArray, BoolArray]:
    """Targets (T, 3), and where they are known. (T,)."""
    target_T3, known_T = np.zeros((clip.frames, 3)), np.zeros(clip.frames, dtype=np.bool_)
    for pin in pins:
        span = pin.frames(clip)
        target_T3[span] = pin.targets(clip)
        known_T[span] = True
    return target_T3, known_T


def _eased(
    values_T3: FloatArray, known_T: BoolArray, free_T: BoolArray, fps: float, turning: bool = False
) -> FloatArray:
    """Values where they are known, none in frames that may not change, smooth between. (T, 3)."""
    given_T = known_T | ~free_T
    values_T3 = np.where((known_T & free_T)[:, None], values_T3, 0.0)
    return eased(values_T3[:, None], ~given_T[:, None], fps, PIN_EASE, turning)[:, 0]


def _pinned(clip: MotionClip, joint: str, pins: Sequence[Pin], free_T: BoolArray) -> MotionClip:
    """The clip with one joint at its targets, as far as it reaches."""
    target_T3, known_T = _known(clip, pins)
    own_T3 = clip_joints(clip)[:, joint_index(joint)]
    lacking_T3 = _eased(target_T3 - own_T3, known_T, free_T, clip.fps)
    moved_T = (lacking_T3 != 0.0).any(axis=-1)
    if not moved_T.any():
        return clip
    part = clip.replace(rotations_TJ4=clip.rotations_TJ4[moved_T], root_T3=clip.root_T3[moved_T])
    wanted_T3 = (own_T3 + lacking_T3)[moved_T]
    led = _with_head_at(part, wanted_T3) if joint == HEAD else _reached(part, joint, wanted_T3)
    rotations_TJ4 = clip.rotations_TJ4.copy()
    rotations_TJ4[moved_T] = led.rotations_TJ4
    return clip.replace(rotations_TJ4=rotations_TJ4)


def _reached(clip: MotionClip, joint: str, wanted_T3: FloatArray) -> MotionClip:
    return reach_for(clip, LIMBS[joint], wanted_T3)


def _with_head_at(clip: MotionClip, wanted_T3: FloatArray) -> MotionClip:
    """The head at a place, by cyclic coordinate descent over the spine (Wang and Chen, 1991); it
    keeps the way it looks."""
    head = joint_index(HEAD)
    rotations_TJ4 = clip.rotations_TJ4.copy()
    looks_T4 = global_rotations(rotations_TJ4, SMPL_22.parents)[:, head]
    given_TJ4 = clip.rotations_TJ4
    for _ in range(_ROUNDS):
        for joint in reversed(_BENDING):
            led = clip.replace(rotations_TJ4=rotations_TJ4)
            joints_TJ3 = clip_joints(led)
            world_TJ4 = global_rotations(rotations_TJ4, SMPL_22.parents)
            here_T3 = joints_TJ3[:, joint]
            turn_T4 = shortest_arc(joints_TJ3[:, head] - here_T3, wanted_T3 - here_T3)
            local_T4 = _within(turn_T4, world_TJ4[:, joint], rotations_TJ4[:, joint])
            rotations_TJ4[:, joint] = _limited(local_T4, given_TJ4[:, joint], _MOST_BEND)
    world_TJ4 = global_rotations(rotations_TJ4, SMPL_22.parents)
    above_T4 = world_TJ4[:, SMPL_22.parents[head]]
    rotations_TJ4[:, head] = quat_multiply(quat_conjugate(above_T4), looks_T4)
    return clip.replace(rotations_TJ4=rotations_TJ4)


def _within(turn_T4: FloatArray, world_T4: FloatArray, local_T4: FloatArray) -> FloatArray:
    """A joint's own rotation after a turn in model space."""
    inner_T4 = quat_multiply(quat_conjugate(world_T4), quat_multiply(turn_T4, world_T4))
    return quat_multiply(local_T4, inner_T4)


def _limited(turns_T4: FloatArray, given_T4: FloatArray, most: float) -> FloatArray:
    """Rotations no further from the given ones than so many radians."""
    vector_T3 = quat_to_rotation_vector(quat_multiply(quat_conjugate(given_T4), turns_T4))
    angle_T1 = np.linalg.norm(vector_T3, axis=-1, keepdims=True)
    vector_T3 = vector_T3 * np.minimum(1.0, most / np.maximum(angle_T1, 1e-9))
    return quat_multiply(given_T4, rotation_vector_to_quat(vector_T3))


def _looking(clip: MotionClip, pins: Sequence[Pin], free_T: BoolArray) -> MotionClip:
    """The clip with the head turned to what it looks at; +Z is where a head looks."""
    target_T3, known_T = _known(clip, pins)
    head = joint_index(HEAD)
    world_T4 = global_rotations(clip.rotations_TJ4, SMPL_22.parents)[:, head]
    ahead_T3 = quat_rotate(world_T4, np.array([0.0, 0.0, 1.0]))
    turn_T4 = shortest_arc(ahead_T3, target_T3 - clip_joints(clip)[:, head])
    turn_T3 = quat_to_rotation_vector(turn_T4)
    angle_T1 = np.linalg.norm(turn_T3, axis=-1, keepdims=True)
    turn_T3 = turn_T3 * np.minimum(1.0, _MOST_LOOK / np.maximum(angle_T1, 1e-9))
    turn_T3 = _eased(turn_T3, known_T, free_T, clip.fps, turning=True)
    wanted_T4 = quat_multiply(rotation_vector_to_quat(turn_T3), world_T4)
    rotations_TJ4 = clip.rotations_TJ4.copy()
    for joint, share in _LOOKING:
        world_TJ4 = global_rotations(rotations_TJ4, SMPL_22.parents)
        left_T4 = quat_multiply(wanted_T4, quat_conjugate(world_TJ4[:, head]))
        part_T4 = rotation_vector_to_quat(share * quat_to_rotation_vector(left_T4))
        rotations_TJ4[:, joint] = _within(part_T4, world_TJ4[:, joint], rotations_TJ4[:, joint])
    moved_T = (turn_T3 != 0.0).any(axis=-1)
    turns_TJ4 = np.where(moved_T[:, None, None], rotations_TJ4, clip.rotations_TJ4)
    return clip.replace(rotations_TJ4=turns_TJ4)


def _missed(joints_TJ3: FloatArray, clip: MotionClip, pin: Pin) -> str:
    """What to tell of a pin that is not met; "" if it is."""
    span = pin.frames(clip)
    targets = pin.targets(clip)
    apart = np.linalg.norm(joints_TJ3[span, joint_index(pin.joint)] - targets, axis=-1)
    if apart.max() <= TOLERANCE:
        return ""
    when = (span.start + int(apart.argmax())) / clip.fps
    return (
        f"The {pin.name} stays {_far(apart.max())} from its target at {when:.2f} s, which "
        "is out of its reach or lies outside the range: move the target nearer, or the body."
    )


def _far(metres: float) -> str:
    """A distance as people say it."""
    return f"{100.0 * metres:.0f} cm" if metres < 1.0 else f"{metres:.1f} m"
