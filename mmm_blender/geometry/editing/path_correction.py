"""A generated motion led over the ground so that it arrives where the kept motion goes on.

A generated clip stands anywhere and, left to itself, ends anywhere. Here it sets out from the kept
frame before the span, in place and heading, and what is missing at the kept frame behind it (or at
a root held inside it) is spread over the way: first the heading, which bends the path with it, then
the place. The feet pay least where the body moves anyway, so a stretch of the way takes its part
of the remainder by its own speed, eased in and out at both ends. Heights are not touched.

Shape suffixes: T frames, J joints. Metres, Y up, radians, quaternions w first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...common.arrays import FloatArray
from ..clip import MotionClip
from ..rotations import quat_conjugate, quat_multiply, quat_rotate, yaw_of, yaw_quat
from .edit_mask import PELVIS, EditMask, masked_runs

DRIFT_LIMIT_MPS = 0.2
"""A body moved faster than this over its own steps is seen to slide, m/s."""

TURN_LIMIT_DPS = 45.0
"""A body turned faster than this over its own steps is seen to swivel, degrees/s."""

_EASE_SECONDS = 0.5
"""Time in which the spreading sets in and dies away, at most."""

_STILL_MPS = 0.1
"""Speed that a still body counts with, so that a motion without any way can be moved too, m/s."""

_LONG_HOLD_FRAMES = 3
"""Frames from one span's end to the next one's start from which the second one sets out from its
own kept frame. Over fewer the motion cannot have gone astray, and its speed stays readable."""

_GROUND = np.array([1.0, 0.0, 1.0])


class GroundMove(NamedTuple):
    """A rigid move over the ground: turn by ``turn`` radians about the origin's +Y, then by x, z
    metres."""

    turn: float = 0.0
    x: float = 0.0
    z: float = 0.0


NO_MOVE = GroundMove()


@dataclass(frozen=True, eq=False)
class Arrival:
    """A motion that arrives, and what it took.

    clip: the generated motion; of its joints only the pelvis differs from what was given.
    speed_mps, turn_rate_dps: remainder in place and heading over the time it was spread over, in
    m/s and degrees/s; the largest of all stretches.
    ground_move: carries the kept frames behind the span to where the motion arrives; no move
    unless that was asked for.
    """

    clip: MotionClip
    speed_mps: float = 0.0
    turn_rate_dps: float = 0.0
    ground_move: GroundMove = NO_MOVE

    @property
    def strained(self) -> bool:
        """The remainder was so large that the person should know of it."""
        return self.speed_mps > DRIFT_LIMIT_MPS or self.turn_rate_dps > TURN_LIMIT_DPS


@dataclass
class _Path:
    """Pelvis rotations (T, 4) and places (T, 3), changed in place."""

    turns_T4: FloatArray
    places_T3: FloatArray
    fps: float

    def move(self, first: int, turn: float, pivot: int, target: FloatArray) -> None:
        """Frames from ``first`` on turn about the place of frame ``pivot``, which goes over the
        ground to ``target``."""
        yaw, centre = yaw_quat(turn), self.places_T3[pivot].copy()
        centre_target = np.where(_GROUND > 0.0, target, centre)
        self.turns_T4[first:] = quat_multiply(yaw, self.turns_T4[first:])
        self.places_T3[first:] = quat_rotate(yaw, self.places_T3[first:] - centre) + centre_target

    def remaining_turn(self, kept: _Path, frame: int) -> float:
        """Radians about +Y that take this heading at a frame to the kept one."""
        return _turn_between(self.turns_T4[frame], kept.turns_T4[frame])

    def align(self, kept: _Path, frame: int, first: int = 0) -> None:
        """Move frames from ``first`` on rigidly so that ``frame`` stands and faces as kept."""
        self.move(first, self.remaining_turn(kept, frame), frame, kept.places_T3[frame])


def _path(clip: MotionClip) -> _Path:
    return _Path(clip.rotations_TJ4[:, PELVIS].copy(), clip.root_T3.copy(), clip.fps)


def _turn_between(start_4: FloatArray, end_4: FloatArray) -> float:
    return float(yaw_of(quat_multiply(end_4, quat_conjugate(start_4))))


def arrive(
    made: MotionClip, kept: MotionClip, mask: EditMask, moves_after: bool = False
) -> Arrival:
    """Lead ``made`` from where ``kept`` stands before the span to where it stands behind it.

    made, kept: clips of the mask's length and the same rate; ``made`` may stand anywhere. A span
    at the start of the clip is aligned to its end; one that covers the clip starts where ``kept``
    starts. A mask that leaves the pelvis alone moves nothing.

    moves_after: no remainder is spread before the frame behind the span; the kept frames from
    there on are to be carried (see ``carry_after``) by ``ground_move``. A span at the start of the
    clip, which can be aligned to its end, carries nothing.
    """
    _check(made, kept, mask)
    runs = masked_runs(mask.root_T | mask.rotations_TJ[:, PELVIS])
    if not runs:
        return Arrival(made)
    path, goal = _path(made), _path(kept)
    free = _free_end(mask, runs[-1]) if moves_after else None
    path.align(goal, _first_anchor(runs[0], mask.frames))
    speeds, rates, arrived = [0.0], [0.0], 0
    for start, stop in runs:
        if start - 1 - arrived >= _LONG_HOLD_FRAMES and arrived:
            path.align(goal, start - 1, first=(arrived + start) // 2)
        if start > 0 and stop < mask.frames and stop != free:
            speed, rate = _spread(path, goal, start - 1, stop)
            speeds.append(speed)
            rates.append(rate)
        arrived = stop
    move = NO_MOVE if free is None else _move_to(path, goal, free)
    turns_TJ4 = made.rotations_TJ4.copy()
    turns_TJ4[:, PELVIS] = path.turns_T4
    clip = made.replace(rotations_TJ4=turns_TJ4, root_T3=path.places_T3)
    return Arrival(clip, max(speeds), max(rates), move)


def carry_after(kept: MotionClip, frame: int, move: GroundMove) -> MotionClip:
    """The clip with its frames from ``frame`` on carried over the ground; the others stay."""
    path = _path(kept)
    yaw = yaw_quat(move.turn)
    turns_TJ4, root_T3 = kept.rotations_TJ4.copy(), kept.root_T3.copy()
    turns_TJ4[frame:, PELVIS] = quat_multiply(yaw, path.turns_T4[frame:])
    root_T3[frame:] = quat_rotate(yaw, path.places_T3[frame:]) + np.array([move.x, 0.0, move.z])
    return kept.replace(rotations_TJ4=turns_TJ4, root_T3=root_T3)


def aligned(made: MotionClip, kept: MotionClip, frame: int) -> MotionClip:
    """``made`` moved as a whole over the ground so that it stands and faces as kept at a frame."""
    path = _path(made)
    path.align(_path(kept), frame)
    turns_TJ4 = made.rotations_TJ4.copy()
    turns_TJ4[:, PELVIS] = path.turns_T4
    return made.replace(rotations_TJ4=turns_TJ4, root_T3=path.places_T3)


def remainder(made: MotionClip, kept: MotionClip, start: int, end: int) -> GroundMove:
    """What ``made`` lacks at ``end`` when it stands and faces as ``kept`` at ``start``: the turn,
    and the way in the space that ``made`` stands in."""
    path, goal = _path(made), _path(kept)
    turn = path.remaining_turn(goal, start)
    path.align(goal, start)
    missing_3 = (goal.places_T3[end] - path.places_T3[end]) * _GROUND
    x, _, z = quat_rotate(yaw_quat(-turn), missing_3)
    return GroundMove(path.remaining_turn(goal, end), float(x), float(z))


def _check(made: MotionClip, kept: MotionClip, mask: EditMask) -> None:
    if not made.frames == kept.frames == mask.frames or made.fps != kept.fps:
        raise ValueError(
            f"{made.frames} frames at {made.fps}, {kept.frames} frames at {kept.fps} and a mask "
            f"of {mask.frames} do not belong together"
        )


def _free_end(mask: EditMask, last_run: tuple[int, int]) -> int | None:
    """The kept frame behind the span, if the motion can arrive there wherever it likes."""
    start, stop = last_run
    return stop if start > 0 and stop == mask.stop < mask.frames else None


def _first_anchor(run: tuple[int, int], frames: int) -> int:
    """Frame at which the generated motion is put where the kept one stands."""
    start, stop = run
    if start > 0:
        return start - 1
    return stop if stop < frames else 0


def _spread(path: _Path, goal: _Path, start: int, end: int) -> tuple[float, float]:
    """Bend the way from ``start`` to ``end`` so that it ends as ``goal`` does.

    Frames behind follow. Returns what had to be spread by its time: m/s and degrees/s.
    """
    seconds = (end - start) / path.fps
    share_N = _shares(path.places_T3[start : end + 1], path.fps)
    turn = path.remaining_turn(goal, end)
    path.move(end + 1, turn, end, path.places_T3[end])
    _bend(path, start, end, turn, share_N)
    missing_3 = (goal.places_T3[end] - path.places_T3[end]) * _GROUND
    path.places_T3[start : end + 1] += share_N[:, None] * missing_3
    path.places_T3[end + 1 :] += missing_3
    return float(np.linalg.norm(missing_3)) / seconds, abs(float(np.degrees(turn))) / seconds


def _bend(path: _Path, start: int, end: int, turn: float, share_N: FloatArray) -> None:
    """Turn the frames start..end by their share of ``turn``, the steps between them with them; all
    frames behind shift along."""
    way = slice(start, end + 1)
    steps_N3 = np.diff(path.places_T3[way], axis=0)
    bent_N3 = quat_rotate(yaw_quat(turn * 0.5 * (share_N[1:] + share_N[:-1])), steps_N3)
    shift_N3 = np.cumsum(bent_N3 - steps_N3, axis=0)
    path.turns_T4[way] = quat_multiply(yaw_quat(turn * share_N), path.turns_T4[way])
    path.places_T3[start + 1 : end + 1] += shift_N3
    path.places_T3[end + 1 :] += shift_N3[-1]


def _shares(places_N3: FloatArray, fps: float) -> FloatArray:
    """Share of a remainder taken up by each frame of a way, from 0 to 1. (N,)."""
    speed_S = np.linalg.norm(np.diff(places_N3, axis=0) * _GROUND, axis=-1) * fps
    seconds_S = (np.arange(len(speed_S)) + 0.5) / fps
    to_end_S = np.minimum(seconds_S, seconds_S[::-1])
    u_S = np.minimum(to_end_S / min(_EASE_SECONDS, 0.5 * len(speed_S) / fps), 1.0)
    weight_S = u_S * u_S * (3.0 - 2.0 * u_S) * np.hypot(speed_S, _STILL_MPS)
    return np.concatenate([[0.0], np.cumsum(weight_S)]) / weight_S.sum()


def _move_to(path: _Path, kept: _Path, frame: int) -> GroundMove:
    """The move that puts ``kept`` at a frame where ``path`` stands and faces."""
    turn = _turn_between(kept.turns_T4[frame], path.turns_T4[frame])
    x, _, z = path.places_T3[frame] - quat_rotate(yaw_quat(turn), kept.places_T3[frame])
    return GroundMove(turn, float(x), float(z))
