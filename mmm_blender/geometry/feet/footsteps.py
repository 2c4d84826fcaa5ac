"""A body led over the ground step by step: no foot moves while it stands.

A root that is led to another place or heading carries its feet with it, so that they slide. Here
each foothold is moved once, by the ground move of the root at the middle of the time that it is
held; in its swing a foot goes over from the move of one foothold to that of the next. Where the
root keeps its place and heading, the feet keep theirs. The legs follow by two-bone IK.

This is the constraint step of motion path editing (Gleicher, "Motion path editing", I3D 2001).

Shape suffixes: T frames, S = 2 sides (left, right), C = 2 contacts (ankle, toe), 3 metres in model
space (Y up), 4 quaternions w first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ..clip import MotionClip
from ..editing.edit_mask import kept_neighbours, masked_runs
from ..editing.seam_blending import Ease, continuous_signs, eased
from ..rotations import (
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_rotation_vector,
    rotation_vector_to_quat,
    yaw_of,
    yaw_quat,
)
from .leg_ik import Legs, with_feet_at

_PELVIS = 0

_EASE = Ease(value=0.5, speed=0.12, push=0.0)
"""How a foot gets from its kept way to the one that it is led on."""

_NO_MOVE = 1e-9
"""Metres under which a foot has not moved."""

_GROUND = np.array([1.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class RootMoves:
    """For each frame the rigid move over the ground that takes a root from one clip to another.

    turn_T: radians about +Y, unwrapped in time. before_T3, after_T3: the root's places on the
    ground before and after.
    """

    turn_T: FloatArray
    before_T3: FloatArray
    after_T3: FloatArray

    @classmethod
    def between(cls, before: MotionClip, after: MotionClip) -> RootMoves:
        """The moves from one clip to another of the same poses."""
        turn_T4 = quat_multiply(
            after.rotations_TJ4[:, _PELVIS], quat_conjugate(before.rotations_TJ4[:, _PELVIS])
        )
        return cls(np.unwrap(yaw_of(turn_T4)), before.root_T3 * _GROUND, after.root_T3 * _GROUND)

    def moved(self, points_TS3: FloatArray, frame_TS: IntArray) -> FloatArray:
        """Points, each by the move of some frame. (T, S, 3)."""
        around_TS3 = points_TS3 - self.before_T3[frame_TS]
        return quat_rotate(yaw_quat(self.turn_T[frame_TS]), around_TS3) + self.after_T3[frame_TS]


@dataclass(frozen=True, eq=False)
class StepMoves:
    """Which frames' moves each foot takes: from_TS and to_TS, and how far it is between them
    (share_TS, 0 to 1)."""

    from_TS: IntArray
    to_TS: IntArray
    share_TS: FloatArray

    @classmethod
    def of(cls, standing_TS: BoolArray, anchored_T: BoolArray) -> StepMoves:
        """For feet that stand in some frames.

        anchored_T: frames in which the feet go with the root, move by move. A foot that stands in
        such a frame and on into others takes the nearest one's move; between two such frames it
        goes over from one to the other.
        """
        frames = len(anchored_T)
        of_TS = np.full(standing_TS.shape, -1, dtype=np.int64)
        for side in range(standing_TS.shape[1]):
            for start, stop in masked_runs(standing_TS[:, side]):
                of_TS[start:stop, side] = _move_frame(anchored_T, start, stop)
        of_TS[anchored_T] = np.flatnonzero(anchored_T)[:, None]
        before_TS, after_TS = kept_neighbours(of_TS < 0)
        none_before, none_after = before_TS < 0, after_TS >= frames
        before_TS = np.where(none_before, np.minimum(after_TS, frames - 1), before_TS)
        after_TS = np.where(none_after, before_TS, after_TS)
        gap_TS = np.maximum(after_TS - before_TS, 1)
        u_TS = (np.arange(frames)[:, None] - before_TS) / gap_TS
        u_TS = np.clip(u_TS, 0.0, 1.0)
        sides = np.arange(standing_TS.shape[1])
        index_T1 = np.arange(frames)[:, None]
        from_TS, to_TS = of_TS[before_TS, sides], of_TS[after_TS, sides]
        # a clip in which a foot never stands: it goes with the root
        from_TS, to_TS = (np.where(each < 0, index_T1, each) for each in (from_TS, to_TS))
        return cls(from_TS, to_TS, u_TS * u_TS * (3.0 - 2.0 * u_TS))

    def of_points(self, moves: RootMoves, points_TS3: FloatArray) -> FloatArray:
        """Where points of the feet go. (T, S, 3)."""
        start_TS3 = moves.moved(points_TS3, self.from_TS)
        return start_TS3 + self.share_TS[..., None] * (
            moves.moved(points_TS3, self.to_TS) - start_TS3
        )

    def held(self, values_TS3: FloatArray, anchored_T: BoolArray, fps: float) -> FloatArray:
        """Values that are known in anchored frames and die away from them; a foothold has that of
        the frame whose move it takes. (T, S, 3)."""
        anchored_TS = np.broadcast_to(anchored_T[:, None], values_TS3.shape[:2])
        known_TS3 = np.where(anchored_TS[..., None], values_TS3, 0.0)
        dying_TS3 = eased(known_TS3, ~anchored_TS, fps, _EASE)
        sides = np.arange(values_TS3.shape[1])
        start_TS3, end_TS3 = dying_TS3[self.from_TS, sides], dying_TS3[self.to_TS, sides]
        held_TS3 = start_TS3 + self.share_TS[..., None] * (end_TS3 - start_TS3)
        return np.where(anchored_TS[..., None], values_TS3, held_TS3)

    def of_turns(self, moves: RootMoves) -> FloatArray:
        """By what the feet are turned, radians. (T, S)."""
        start_TS = moves.turn_T[self.from_TS]
        return start_TS + self.share_TS * (moves.turn_T[self.to_TS] - start_TS)


def _move_frame(anchored_T: BoolArray, start: int, stop: int) -> int:
    """The frame whose move a foothold takes; -1 where both its ends are given."""
    from_start, to_stop = bool(anchored_T[start]), bool(anchored_T[stop - 1])
    if from_start and to_stop:
        return -1
    anchored = np.flatnonzero(anchored_T[start:stop]) + start
    if from_start:
        return int(anchored[-1])
    return int(anchored[0]) if to_stop else (start + stop - 1) // 2


def lead_in_steps(
    before: MotionClip,
    after: MotionClip,
    contacts_TSC: BoolArray,
    anchored_T: BoolArray,
    met: MotionClip | None = None,
) -> MotionClip:
    """``after`` with its feet led to footholds that were each moved once.

    before, after: the same poses with the root in other places and headings. contacts_TSC: when
    ankles and toes stand in ``before``. anchored_T: frames in which the feet go with the root (the
    kept ones of an edit). Where nothing moves, nothing changes; the pelvis is not touched.

    met: ``after`` led into what is kept on both sides; its legs are then led, and its feet in
    anchored frames stay. What they differ by from the feet that are led dies away from there
    within the ease, but for a foothold all at once: so no foothold moves while it holds.
    """
    moves = RootMoves.between(before, after)
    standing_TS = contacts_TSC.any(axis=-1)
    steps = StepMoves.of(standing_TS, anchored_T)
    own, led = Legs.of(before), Legs.of(after if met is None else met)
    toe_TS3 = steps.of_points(moves, own.toe_TS3)
    foot_TS4 = quat_multiply(yaw_quat(steps.of_turns(moves)), own.feet_TS4)
    if met is not None:
        known_TS = anchored_T[:, None] | standing_TS
        lacking_TS3 = steps.held(led.toe_TS3 - toe_TS3, anchored_T, after.fps)
        toe_TS3 = toe_TS3 + eased(lacking_TS3, ~known_TS, after.fps, _EASE)
        turn_TS3 = quat_to_rotation_vector(quat_multiply(led.feet_TS4, quat_conjugate(foot_TS4)))
        turn_TS3 = steps.held(turn_TS3, anchored_T, after.fps)
        turn_TS3 = eased(turn_TS3, ~known_TS, after.fps, _EASE, turning=True)
        foot_TS4 = quat_multiply(rotation_vector_to_quat(turn_TS3), foot_TS4)
    moved_TS = (np.abs(toe_TS3 - led.toe_TS3) > _NO_MOVE).any(axis=-1) & ~anchored_T[:, None]
    ankle_TS3, foot_TS4 = led.reached(toe_TS3, foot_TS4)
    clip = after if met is None else met
    rotations_TJ4 = with_feet_at(clip.rotations_TJ4, led, ankle_TS3, foot_TS4, moved_TS)
    moved_TJ = (rotations_TJ4 != clip.rotations_TJ4).any(axis=-1)
    return clip.replace(rotations_TJ4=rotations_TJ4 * continuous_signs(rotations_TJ4, moved_TJ))
