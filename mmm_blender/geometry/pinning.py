"""Feet that stay where they stand.

Each foot joint that is in contact gets a place; the ankle is moved so that ankle and toe keep
their places, and between contacts what it was moved by is eased away. The legs follow in closed
form (``leg_ik``); nothing above the hips changes.

A foot rolls: heel down, then flat, then on the toe alone. While only the toe stands, the foot moves
as one with it; while both stand, the ankle has its place and the foot points its toe to the other;
where one passes into the other, the ankle goes over smoothly.

Shape suffixes: T frames, J = 22 joints, 3 xyz in metres (model space), 4 quaternion w first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .clip import MotionClip
from .contacts import CONTACT_JOINTS, foot_contacts, standing_heights
from .conventions import BoolArray, FloatArray
from .foot_spans import AGREE_METRES, FootSpan, clean_contacts, foot_spans
from .kinematics import clip_joints
from .leg_ik import LEGS, Leg, reach
from .residuals import eased
from .rotations import normalize
from .skeleton import SMPL

TOLERANCE_METRES = 0.01
"""How far a foot joint may be from its place before the person is told."""

_ROLL_SECONDS = 0.1
"""Time in which the ankle passes from its own place to the toe's guidance and back."""

_SUNK_METRES = 0.01
"""A foot joint may be so much lower than when standing: soles are soft, and toes bend."""

_LIFT_SECONDS = 0.15
"""Time in which a foot that is kept out of the floor is raised, and put back."""

_STILL_METRES = 1e-6
"""What moves less is left as it is, bit for bit."""


@dataclass(frozen=True)
class PinFault:
    """A foot joint that could not stay. frames start..stop (exclusive); metres: how far it is off,
    or how far two places that it must keep are apart."""

    joint: str
    start: int
    stop: int
    metres: float


@dataclass(frozen=True, eq=False)
class Pinned:
    """The clip, what could not be met, and where the feet stand."""

    clip: MotionClip
    unmet: tuple[PinFault, ...]
    spans: tuple[FootSpan, ...]


def pin_feet(clip: MotionClip, free_T: BoolArray | None = None) -> Pinned:
    """A clip whose feet stay within a centimetre while they stand, and out of the floor (y = 0).

    free_T: (T,) False at frames that must stay as they are, bit for bit; None frees all. A contact
    that touches such a frame keeps its place.
    """
    free_T = np.ones(clip.frames, dtype=np.bool_) if free_T is None else free_T
    joints_TJ3 = clip_joints(clip)
    contacts_T4 = foot_contacts(joints_TJ3, clip.fps)
    spans: list[FootSpan] = []
    for joint, contact_T in zip(CONTACT_JOINTS, contacts_T4.T, strict=True):
        path_T3 = joints_TJ3[:, joint]
        cleaned_T = clean_contacts(contact_T, clip.fps)
        spans += foot_spans(joint, path_T3, cleaned_T, free_T, clip.fps)
    pinned = clip
    for leg in LEGS:
        pinned = _with_leg(pinned, leg, joints_TJ3, spans, free_T)
    return Pinned(pinned, tuple(_faults(pinned, spans)), tuple(spans))


def _with_leg(
    clip: MotionClip,
    leg: Leg,
    joints_TJ3: FloatArray,
    spans: Sequence[FootSpan],
    free_T: BoolArray,
) -> MotionClip:
    """The clip with one leg led to where its foot has to be."""
    ankle_T3, toe_T3 = joints_TJ3[:, leg.ankle], joints_TJ3[:, leg.toe]
    ankle = _Wish.of(spans, leg.ankle, ankle_T3)
    toe = _Wish.of(spans, leg.toe, toe_T3)
    moves_T3 = _within_the_foot(_ankle_moves(ankle, toe, clip.fps), ankle_T3, toe, toe_T3)
    moved_T3 = _eased(moves_T3, ankle.given_T | toe.given_T, free_T, clip)
    aim_T3 = np.where(toe.given_T[:, None], toe.move_T3 - moved_T3, 0.0)
    aim_T3 = _eased(aim_T3, toe.given_T, free_T, clip)
    moved_T3 = moved_T3 + _lift(leg, ankle_T3 + moved_T3, toe_T3 + moved_T3 + aim_T3, free_T, clip)
    touched_T = free_T & (np.abs(moved_T3).max(1) + np.abs(aim_T3).max(1) > _STILL_METRES)
    if not touched_T.any():
        return clip
    part = clip.replace(
        rotations_TJ4=clip.rotations_TJ4[touched_T], root_T3=clip.root_T3[touched_T]
    )
    rotations = clip.rotations_TJ4.copy()
    rotations[touched_T] = reach(
        part, leg, (ankle_T3 + moved_T3)[touched_T], (toe_T3 + moved_T3 + aim_T3)[touched_T]
    )
    return clip.replace(rotations_TJ4=rotations)


@dataclass(frozen=True, eq=False)
class _Wish:
    """By how much one joint must move where it has a place. given_T: it has one."""

    move_T3: FloatArray
    given_T: BoolArray

    @classmethod
    def of(cls, spans: Sequence[FootSpan], joint: int, path_T3: FloatArray) -> _Wish:
        """Of one joint's spans."""
        wish = cls(np.zeros_like(path_T3), np.zeros(len(path_T3), dtype=np.bool_))
        for span in spans:
            if span.joint == joint:
                at = slice(span.start, span.stop)
                wish.move_T3[at] = span.places_S3 - path_T3[at]
                wish.given_T[at] = True
        return wish


def _ankle_moves(ankle: _Wish, toe: _Wish, fps: float) -> FloatArray:
    """By how much the ankle moves where any of the foot has a place. (T, 3)."""
    reach_frames = max(1.0, _ROLL_SECONDS * fps)
    toe_alone = toe.given_T & ~ankle.given_T
    share_T = np.clip(1.0 - _frames_to(toe_alone) / reach_frames, 0.0, 1.0)
    share_T = np.where(ankle.given_T, share_T * toe.given_T, 1.0)[:, None]
    return (1.0 - share_T) * ankle.move_T3 + share_T * toe.move_T3


def _within_the_foot(
    moves_T3: FloatArray, ankle_T3: FloatArray, toe: _Wish, toe_T3: FloatArray
) -> FloatArray:
    """The ankle's moves, but one foot's length from the toe where that has a place: two places
    that a rigid foot cannot take at once give way to the toe's."""
    place_T3 = toe_T3 + toe.move_T3
    length_T1 = np.linalg.norm(ankle_T3 - toe_T3, axis=-1, keepdims=True)
    fitting_T3 = place_T3 + length_T1 * normalize(ankle_T3 + moves_T3 - place_T3)
    return np.where(toe.given_T[:, None], fitting_T3 - ankle_T3, moves_T3)


def _frames_to(wanted_T: BoolArray) -> FloatArray:
    """Frames from each frame to the nearest that is wanted; infinite where none is. (T,)."""
    index = np.arange(len(wanted_T), dtype=np.float64)
    before = np.maximum.accumulate(np.where(wanted_T, index, -np.inf))
    after = np.minimum.accumulate(np.where(wanted_T, index, np.inf)[::-1])[::-1]
    return np.minimum(index - before, after - index)


def _eased(
    moves_T3: FloatArray, given_T: BoolArray, free_T: BoolArray, clip: MotionClip
) -> FloatArray:
    """The moves where given, none where nothing is free, and smoothly between."""
    known_T = given_T | ~free_T
    moves_T3 = np.where(free_T[:, None], moves_T3, 0.0)
    between_T13 = eased(moves_T3[:, None], ~known_T[:, None], clip.fps)
    return np.where(known_T[:, None], moves_T3, between_T13[:, 0])


def _lift(
    leg: Leg, ankle_T3: FloatArray, toe_T3: FloatArray, free_T: BoolArray, clip: MotionClip
) -> FloatArray:
    """By how much a foot must rise to stay out of the floor, smooth in time. (T, 3)."""
    standing = dict(zip(CONTACT_JOINTS, standing_heights(), strict=True))
    sunk_T = np.maximum(
        standing[leg.ankle] - _SUNK_METRES - ankle_T3[:, 1],
        standing[leg.toe] - _SUNK_METRES - toe_T3[:, 1],
    )
    radius = max(1, round(_LIFT_SECONDS * clip.fps))
    raised_T = _smooth_cover(np.maximum(sunk_T, 0.0), radius)
    raised_T *= np.clip(_frames_to(~free_T) / radius, 0.0, 1.0)
    return raised_T[:, None] * np.array([0.0, 1.0, 0.0])


def _smooth_cover(values_T: FloatArray, radius: int) -> FloatArray:
    """A smooth curve that is nowhere under ``values_T``: the highest of the neighbours, averaged
    with bell-shaped weights over the same distance."""
    padded = np.pad(values_T, 2 * radius, mode="edge")
    width = 2 * radius + 1
    highest = np.lib.stride_tricks.sliding_window_view(padded, width).max(axis=-1)
    weights = np.hanning(width + 2)[1:-1]
    windows = np.lib.stride_tricks.sliding_window_view(highest, width)
    return np.asarray(windows @ (weights / weights.sum()), dtype=np.float64)


def _faults(clip: MotionClip, spans: Sequence[FootSpan]) -> list[PinFault]:
    """Spans whose joint is off its place after all, or that have two places to keep."""
    joints_TJ3 = clip_joints(clip)
    faults: list[PinFault] = []
    for span in spans:
        path_S3 = joints_TJ3[span.start : span.stop, span.joint]
        sideways = (path_S3 - span.places_S3) * [1.0, 0.0, 1.0]
        off = float(np.linalg.norm(sideways, axis=-1).max())
        worst = max(off, span.apart if span.apart > AGREE_METRES else 0.0)
        if worst > TOLERANCE_METRES:
            faults.append(PinFault(SMPL.names[span.joint], span.start, span.stop, worst))
    return faults
