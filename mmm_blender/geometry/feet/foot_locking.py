"""Feet that stay where they stand.

Contacts hold the feet to places (``footholds``); between them what a foot was moved and turned by
is eased away, so that it leaves and meets the floor without a jerk. The legs follow in closed form
(``leg_ik``). Nothing but the rotations of hips, knees and ankles changes: the pelvis, and with it
the body's weight and style, stays as it was made.

A contact is given up where holding it would cost more than it is worth: where the foot itself goes
somewhere else (a slow turn on the spot is cut into steps), or where the leg is too short.

Shape suffixes: T frames, J = 22 joints, S = 2 sides (left, right), C = 2 contacts (ankle, toe),
3 metres in model space (Y up, floor at 0), 4 quaternions w first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ..clip import MotionClip
from ..editing.edit_mask import kept_neighbours, masked_runs
from ..editing.seam_blending import Ease, eased
from ..rotations import (
    make_continuous,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_rotation_vector,
    rotation_vector_to_quat,
)
from ..skeleton import SMPL
from ..smoothing import gaussian_smooth, windowed_sum
from .contacts import CONTACT_JOINTS, standing_heights
from .foot_plants import (
    ANKLE,
    TOE,
    Feet,
    Runs,
    flat_footholds,
    long_contacts,
    standing_contacts,
    toe_footholds,
)
from .leg_ik import FOOT_S3, Legs, leg_joints, with_feet_at

TOLERANCE = 0.01
"""How far a joint in contact may stray from its place, metres."""

_LARGEST_MISS = 0.006
"""A leg too short by more lets its foot go, metres: within the tolerance, with room to spare."""

_LARGEST_DRIFT = 0.1
"""A foot held further than this from where it goes by itself is put down again, metres: about what
a step that slides needs, and a leg gives without straining."""

_LARGEST_TURN = math.radians(25.0)
"""The same for a foot that turns while it stands flat."""

_STEP_SECONDS = 0.3
"""Time in which a foot that is put down again gets to its next place."""

_FASTEST_CARRY, _CARRY_SECONDS = 1.2, 0.1
"""A foot that is carried to its place faster than this, m/s, gets so much more time on each side:
it comes from a place nearby, of a contact or of frames that may not change."""

_ROUNDS = 6
"""At most so often are contacts given up; each round halves what is too long."""

_EASE = Ease(value=0.4, speed=0.12, push=0.0)
"""How a foot gets from its place back to its own way, and from there to the next place."""

_LIFT_SECONDS = 0.15
"""Time in which a foot rises out of the floor ahead of the frame that needs it."""

_SHORTEST_LIFT_SECONDS, _LIFT_SPEED = 0.05, 0.6
"""Beside frames in which its height is given it has this time, and for much its mean speed, m/s."""

_FLOORS_C = standing_heights()[:2]
"""Heights of ankle and toe on a flat foot: neither gets lower, however the foot is turned."""

_DEEPEST = 0.25
"""A foot that is deeper under the floor, metres, is on no floor but on its way down a stair."""


@dataclass(frozen=True)
class ContactSpan:
    """Frames start..stop (exclusive) in which a foot joint stays where it is.

    joint: index of the ankle or the toe joint.
    """

    joint: int
    start: int
    stop: int


@dataclass(frozen=True)
class PinFault:
    """A contact that could not be held: over frames start..stop (exclusive) the joint, by its name,
    strays by so many metres, mostly because both ends are fixed and lie apart."""

    joint: str
    start: int
    stop: int
    metres: float


@dataclass(frozen=True, eq=False)
class Pinned:
    """The clip with its feet held, contacts that could not be, and the contacts that are."""

    clip: MotionClip
    unmet: tuple[PinFault, ...]
    spans: tuple[ContactSpan, ...]


def pin_feet(
    clip: MotionClip, free_T: BoolArray | None = None, contacts_TSC: BoolArray | None = None
) -> Pinned:
    """The clip with each foot within a centimetre of one place for as long as it stands there.

    free_T: (T,) True where the legs may change (None: everywhere). Frames that are not free stay
    bit for bit as they are, and a contact that goes on in one keeps its place there. contacts_TSC:
    (T, S, C) when the feet stand in free frames beside what is seen in the clip.
    """
    free_T = np.ones(clip.frames, dtype=np.bool_) if free_T is None else free_T
    if free_T.shape != (clip.frames,) or free_T.dtype != np.bool_:
        raise ValueError(f"pinning needs one truth value a frame, not {free_T.shape}")
    legs = Legs.of(clip)
    feet = Feet(legs.toe_TS3, make_continuous(legs.feet_TS4), free_T)
    own_TSC = standing_contacts(legs.joints_TJ3, clip.fps)
    if contacts_TSC is not None:
        own_TSC = own_TSC | (free_T[:, None, None] & contacts_TSC)
    plan = _Plan.of(legs, feet, own_TSC, clip.fps)
    for _ in range(_ROUNDS):
        given_up_TSC = plan.given_up()
        if not given_up_TSC.any():
            break
        held_TSC = long_contacts(plan.contacts_TSC & ~given_up_TSC, clip.fps)
        plan = _Plan.of(legs, feet, held_TSC, clip.fps)
    pinned = clip.replace(rotations_TJ4=_led(clip.rotations_TJ4, plan))
    return _told(pinned, plan.contacts_TSC, free_T)


@dataclass(frozen=True, eq=False)
class _Plan:
    """Where the feet go under some contacts.

    toe_TS3, foot_TS4: wished for; turn_TS3: the turns from the feet as they are to there, rotation
    vectors. ankle_TS3, reached_TS4: what of that the legs reach.
    """

    legs: Legs
    feet: Feet
    contacts_TSC: BoolArray
    fps: float
    turn_TS3: FloatArray
    toe_TS3: FloatArray
    foot_TS4: FloatArray
    ankle_TS3: FloatArray
    reached_TS4: FloatArray

    @classmethod
    def of(cls, legs: Legs, feet: Feet, contacts_TSC: BoolArray, fps: float) -> _Plan:
        """The way of the feet that keeps the contacts and is smooth between them."""
        held_TS4, flat_TS = flat_footholds(feet, contacts_TSC)
        turn_TS3 = quat_to_rotation_vector(quat_multiply(held_TS4, quat_conjugate(feet.foot_TS4)))
        turn_TS3 = _between(turn_TS3, flat_TS, feet.free_T, fps, turning=True)
        foot_TS4 = quat_multiply(rotation_vector_to_quat(turn_TS3), feet.foot_TS4)
        place_TS3, held_TS = toe_footholds(feet, foot_TS4, contacts_TSC, _FLOORS_C)
        toe_TS3 = feet.toe_TS3 + _between(place_TS3 - feet.toe_TS3, held_TS, feet.free_T, fps)
        toe_TS3[..., 1] += _lift(toe_TS3, foot_TS4, held_TS | ~feet.free_T[:, None], fps)
        ankle_TS3, reached_TS4 = legs.reached(toe_TS3, foot_TS4)
        return cls(
            legs, feet, contacts_TSC, fps, turn_TS3, toe_TS3, foot_TS4, ankle_TS3, reached_TS4
        )

    def given_up(self) -> BoolArray:
        """Contacts that are not worth holding. (T, S, C)."""
        free_TSC = self.contacts_TSC & self.feet.free_T[:, None, None]
        drifted_TSC = free_TSC & self._drifted()[..., None]
        if drifted_TSC.any():
            return drifted_TSC
        wished_TS3 = self.toe_TS3 - quat_rotate(self.foot_TS4, FOOT_S3)
        reached_TS3 = self.ankle_TS3 + quat_rotate(self.reached_TS4, FOOT_S3)
        misses_TSC3 = np.stack([self.ankle_TS3 - wished_TS3, reached_TS3 - self.toe_TS3], axis=2)
        missed_TSC = np.linalg.norm(misses_TSC3, axis=-1) > _LARGEST_MISS
        return free_TSC & (missed_TSC | self._rushed()[..., None])

    def _drifted(self) -> BoolArray:
        """Frames in which a foot that is held too far from its own way gets free for a step."""
        runs = Runs.of(self.contacts_TSC.any(axis=-1), self.feet.free_T)
        away_TS = np.linalg.norm((self.toe_TS3 - self.feet.toe_TS3)[..., [0, 2]], axis=-1)
        turned_TS = np.linalg.norm(self.turn_TS3, axis=-1)
        strain_TS = np.maximum(away_TS / _LARGEST_DRIFT, turned_TS / _LARGEST_TURN)
        strained_R = np.flatnonzero(runs.most(strain_TS.T.reshape(-1)) > 1.0)
        speed_TS = self._speed() if len(strained_R) else strain_TS
        drifted_TS = np.zeros_like(runs.inside_TS)
        frames = len(strain_TS)
        for run in strained_R:
            side, start = divmod(int(runs.start_R[run]), frames)
            stop = int(runs.stop_R[run]) - side * frames
            drifted_TS[_step(speed_TS[:, side], start, stop, self.fps), side] = True
        return drifted_TS

    def _rushed(self) -> BoolArray:
        """Frames near which a foot is carried faster to its place than it has time for. (T, S)."""
        carried_TS3 = (self.toe_TS3 - self.feet.toe_TS3)[..., [0, 2]]
        speed_TS = np.linalg.norm(np.diff(carried_TS3, axis=0), axis=-1) * self.fps
        rushed_TS = np.pad(speed_TS > _FASTEST_CARRY, ((1, 0), (0, 0)))
        rushed_TS[:-1] |= rushed_TS[1:]
        return _frames_to(rushed_TS) <= _CARRY_SECONDS * self.fps

    def _speed(self) -> FloatArray:
        """How fast the feet move by themselves, smoothed; radians count as much as their share of
        the largest turn does of the largest drift. (T, S)."""
        step_TS = np.linalg.norm(np.gradient(self.feet.toe_TS3, axis=0), axis=-1)
        turn_TS4 = np.gradient(self.feet.foot_TS4, axis=0)
        turn_TS = 2.0 * np.linalg.norm(turn_TS4, axis=-1)
        speed_TS = step_TS / _LARGEST_DRIFT + turn_TS / _LARGEST_TURN
        sigma = 0.5 * _STEP_SECONDS * self.fps
        return gaussian_smooth(speed_TS, sigma, math.ceil(2.0 * sigma))


def _step(speed_T: FloatArray, start: int, stop: int, fps: float) -> slice:
    """The frames of a step in the run start..stop: where the foot moves fastest in its middle."""
    frames = max(1, round(_STEP_SECONDS * fps))
    margin = (stop - start) // 4
    middle = slice(start + margin, stop - margin)
    at = middle.start + int(np.argmax(speed_T[middle]))
    return slice(max(start, at - frames // 2), min(stop, at - frames // 2 + frames))


def _between(
    values_TS3: FloatArray, held_TS: BoolArray, free_T: BoolArray, fps: float, turning: bool = False
) -> FloatArray:
    """The values where a foot is held, none where it may not move, and smoothly in between."""
    known_TS3 = np.where(held_TS[..., None], values_TS3, 0.0)
    return eased(known_TS3, ~held_TS & free_T[:, None], fps, _EASE, turning)


def _lift(toe_TS3: FloatArray, foot_TS4: FloatArray, known_TS: BoolArray, fps: float) -> FloatArray:
    """How far feet must rise to stay out of the floor, smooth in time, zero where known. (T, S)."""
    ankle_TS = (toe_TS3 - quat_rotate(foot_TS4, FOOT_S3))[..., 1]
    sunk_TS = np.maximum(_FLOORS_C[ANKLE] - ankle_TS, _FLOORS_C[TOE] - toe_TS3[..., 1])
    sunk_TS = np.where(known_TS, 0.0, np.maximum(sunk_TS, 0.0))
    for side in range(sunk_TS.shape[1]):
        for start, stop in masked_runs(sunk_TS[:, side] > 0.0):
            if sunk_TS[start:stop, side].max() > _DEEPEST:
                sunk_TS[start:stop, side] = 0.0
    if not sunk_TS.any():
        return sunk_TS
    radius = max(1, round(_LIFT_SECONDS * fps))
    raised_TS = _cover(sunk_TS, radius)
    ramp_TS = np.maximum(raised_TS / _LIFT_SPEED, _SHORTEST_LIFT_SECONDS) * fps
    share_TS = np.clip(_frames_to(known_TS) / ramp_TS, 0.0, 1.0)
    return raised_TS * share_TS


def _cover(values_TS: FloatArray, radius: int) -> FloatArray:
    """A smooth curve nowhere under the values that is zero ``2 * radius`` frames from the last."""
    wide_TS = np.pad(values_TS, ((2 * radius, 2 * radius), (0, 0)), mode="edge")
    highest_TS = np.lib.stride_tricks.sliding_window_view(wide_TS, 2 * radius + 1, axis=0).max(-1)
    bell_K = np.hanning(2 * radius + 3)[1:-1]
    return windowed_sum(highest_TS, bell_K / bell_K.sum())


def _frames_to(known_TS: BoolArray) -> IntArray:
    """Frames to the nearest known one; very many where none is. (T, S)."""
    before_TS, after_TS = kept_neighbours(~known_TS)
    index_T1 = np.arange(len(known_TS))[:, None]
    far = 10 * len(known_TS) + 1000
    back_TS = np.where(before_TS < 0, far, index_T1 - before_TS)
    return np.minimum(back_TS, np.where(after_TS == len(known_TS), far, after_TS - index_T1))


def _led(rotations_TJ4: FloatArray, plan: _Plan) -> FloatArray:
    """The rotations with the legs led to the plan's feet; where a foot stays, its leg does."""
    turned_TS = (plan.foot_TS4 != plan.feet.foot_TS4).any(axis=-1)
    moved_TS = turned_TS | (plan.toe_TS3 != plan.feet.toe_TS3).any(axis=-1)
    return with_feet_at(rotations_TJ4, plan.legs, plan.ankle_TS3, plan.reached_TS4, moved_TS)


def _told(clip: MotionClip, contacts_TSC: BoolArray, free_T: BoolArray) -> Pinned:
    """The result: contacts that are held, and those that stray all the same."""
    joints_TJ3 = leg_joints(clip)
    spans: list[ContactSpan] = []
    faults: list[PinFault] = []
    held_TK = contacts_TSC.reshape(len(contacts_TSC), -1)
    for joint, held_T in zip(CONTACT_JOINTS, held_TK.T, strict=True):
        for start, stop in masked_runs(held_T & free_T):
            first, last = _with_fixed_ends(held_T & ~free_T, start, stop)
            astray = _astray(joints_TJ3[first:last, joint])
            if astray <= TOLERANCE:
                spans.append(ContactSpan(joint, start, stop))
            else:
                faults.append(PinFault(SMPL.names[joint], start, stop, astray))
    return Pinned(clip, tuple(faults), tuple(spans))


def _with_fixed_ends(fixed_T: BoolArray, start: int, stop: int) -> tuple[int, int]:
    """The span with the fixed frames on either side that it goes on in."""
    first = start - 1 if start > 0 and fixed_T[start - 1] else start
    return first, stop + 1 if stop < len(fixed_T) and fixed_T[stop] else stop


def _astray(path_T3: FloatArray) -> float:
    """How far a path gets from the middle of the box around it, metres."""
    middle_3 = 0.5 * (path_T3.min(axis=0) + path_T3.max(axis=0))
    return float(np.linalg.norm(path_T3 - middle_3, axis=-1).max())
