"""Locomotion bent and stretched onto a path, in the way of Gleicher, "Motion path editing" (2001).

A walk is its path over the ground, smoothed until a step no longer shows, and what the body does
about it. The path is exchanged: every frame turns with the path's tangent and goes to the place as
far along, and whatever the body does about its path it does about the new one. Steps take a scale
within 0.8 to 1.25; the rest is done in time, by playing the motion faster or slower. This is the
root's part; ``feet.footsteps`` then moves each foothold once, so that feet that stood stand.

Shape suffixes: T frames of the result, F of the source, N points of the path, 2 x and z. Metres,
model space (Y up), yaw in radians, seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ..clip import MotionClip
from ..ground_path import GroundPath
from ..placement import headings, transform_ground
from ..resample import sampled_at
from ..rotations import (
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    wrap_angle,
    yaw_of,
    yaw_quat,
)
from ..smoothing import gaussian_smooth

LEAST_STEP, LONGEST_STEP = 0.8, 1.25
"""How much shorter and longer steps may get before time takes the rest."""

SLOWEST, FASTEST = 0.6, 1.5
"""How much slower and faster a motion may be played before its steps take the rest after all."""

_STEP_SIGMA = 0.4
"""Width of the Gaussian over which steps and sway are taken out of a path, seconds."""

_LOOK_SIGMA = 0.5
"""The same for the heading that is turned along the path or to a target."""

_STILL_MPS = 0.15
"""A body slower than this goes nowhere, and its path has no direction there, m/s."""

_HEADING_SECONDS = 1.5
"""Time in which a heading that one point asks for is taken on, and left again."""

_END_SECONDS = 0.8
"""Time in which a motion leaves the heading of the pose that it sets out from."""

_OWN_SPEED_SECONDS = 0.25
"""So long a motion keeps its own speed beside the pose that it sets out from."""

_SAME = 1e-6
"""A motion that is moved by less, metres or radians, is already there and stays as it is."""


@dataclass(frozen=True, eq=False)
class Bent:
    """A motion whose root is on a path; its feet slide along with it still.

    before: the motion, played at its pace, where it was. after: the same poses on the path, the
    very same clip where nothing moves. step_scale: how much longer its steps have to be than they
    were made. pace: how much faster it is played. turn_dps: by how much the body is turned over its
    own steps, degrees/s, mean of the fastest second. push_mps: by how much it is led over them.
    """

    before: MotionClip
    after: MotionClip
    step_scale: float
    pace: float
    turn_dps: float
    push_mps: float


def with_piece(clip: MotionClip, first: int, piece: MotionClip) -> MotionClip:
    """The clip with a piece of it elsewhere; what lies around it goes along as a whole."""
    last = first + piece.frames - 1
    head = _attached(clip, slice(0, first), first, piece.slice(0, 1))
    tail = _attached(
        clip, slice(last + 1, clip.frames), last, piece.slice(piece.frames - 1, piece.frames)
    )
    parts = (head, piece, tail)
    return clip.replace(
        rotations_TJ4=np.concatenate([part.rotations_TJ4 for part in parts if part]),
        root_T3=np.concatenate([part.root_T3 for part in parts if part]),
    )


def _attached(clip: MotionClip, frames: slice, frame: int, there: MotionClip) -> MotionClip | None:
    """Frames of a clip, moved as a whole so that ``frame`` would stand and face as ``there``."""
    if frames.start >= frames.stop:
        return None
    turn_4 = quat_multiply(there.rotations_TJ4[0, 0], quat_conjugate(clip.rotations_TJ4[frame, 0]))
    ground = np.array([1.0, 0.0, 1.0])
    return transform_ground(
        clip.slice(frames.start, frames.stop),
        float(yaw_of(turn_4)),
        clip.root_T3[frame] * ground,
        there.root_T3[0] * ground,
    )


@dataclass(frozen=True, eq=False)
class Track:
    """The way of a motion without its steps: places_T2, metres along it, its direction (yaw)."""

    places_T2: FloatArray
    lengths_T: FloatArray
    yaw_T: FloatArray

    @classmethod
    def of(cls, clip: MotionClip) -> Track:
        """Of a clip. Its ends are those of the root; where it stands it looks where it will go."""
        places_T2 = smooth_way(clip.root_T3[:, [0, 2]], _STEP_SIGMA * clip.fps)
        steps_T2 = np.diff(places_T2, axis=0, append=places_T2[-1:])
        steps_T2[-1] = steps_T2[-2] if len(steps_T2) > 1 else 0.0
        speed_T = np.linalg.norm(steps_T2, axis=-1)
        lengths_T = np.concatenate([[0.0], np.cumsum(speed_T[:-1])])
        going_T = np.flatnonzero(speed_T * clip.fps > _STILL_MPS)
        if not len(going_T):
            return cls(places_T2, lengths_T, np.unwrap(headings(clip)))
        yaws_G = np.unwrap(np.arctan2(steps_T2[going_T, 0], steps_T2[going_T, 1]))
        return cls(places_T2, lengths_T, np.interp(np.arange(clip.frames), going_T, yaws_G))

    @property
    def length(self) -> float:
        """Metres."""
        return float(self.lengths_T[-1])


def smooth_way(values_TC: FloatArray, sigma: float) -> FloatArray:
    """Gaussian smoothing that leaves both ends where they are (mirrored through them). (T, C)."""
    reach = min(math.ceil(3.0 * sigma), len(values_TC) - 1)
    if reach < 1:
        return values_TC.copy()
    before = 2.0 * values_TC[:1] - values_TC[reach:0:-1]
    after = 2.0 * values_TC[-1:] - values_TC[-2 : -reach - 2 : -1]
    wide = np.concatenate([before, values_TC, after])
    return gaussian_smooth(wide, sigma, reach)[reach : reach + len(values_TC)]


@dataclass(frozen=True)
class Timing:
    """How a source is played onto a path: pace of the source, scale of its steps."""

    pace: float
    step_scale: float


def timing(track: Track, fps: float, seconds: float, length: float) -> Timing:
    """The pace and the scale with which a source goes so far in so many seconds.

    Steps are scaled within their bounds; then the source is played faster, as far as there is more
    of it, or slower; what is left goes to the steps all the same.
    """
    source_seconds = (len(track.lengths_T) - 1) / fps
    most = min(FASTEST, source_seconds / seconds)

    def scale(pace: float) -> float:
        gone = float(
            np.interp(pace * seconds * fps, np.arange(len(track.lengths_T)), track.lengths_T)
        )
        return length / max(gone, 1e-6)

    if LEAST_STEP <= scale(min(1.0, most)) <= LONGEST_STEP:
        return Timing(min(1.0, most), scale(min(1.0, most)))
    wanted = LONGEST_STEP if scale(min(1.0, most)) > LONGEST_STEP else LEAST_STEP
    low, high = SLOWEST, most
    if low >= high:
        return Timing(most, scale(most))
    for _ in range(40):  # the scale falls with the pace
        middle = 0.5 * (low + high)
        low, high = (middle, high) if scale(middle) > wanted else (low, middle)
    return Timing(0.5 * (low + high), scale(0.5 * (low + high)))


@dataclass(frozen=True)
class EndTurns:
    """By what a motion is turned at its first and last frame, radians; None where the path tells.
    A motion that goes on from a kept pose, or into one, takes on the path's turn in between."""

    start: float | None = None
    end: float | None = None


def bend_to_path(
    source: MotionClip,
    path: GroundPath,
    seconds: float | None = None,
    ends: EndTurns = EndTurns(),
) -> Bent:
    """The motion with its root on the path, from its start to its end.

    source: standing anywhere, on the floor; may be longer than ``seconds``, so that it can be
    played faster. seconds: from the first to the last frame; None: those of the source. Times that
    points of the path have are met. The result begins at the path's start.
    """
    fps = source.fps
    span = (source.frames - 1) / fps if seconds is None else seconds
    own = Track.of(source)
    how = timing(own, fps, max(span, 1.0 / fps), path.length)
    before = _played(source, round(span * fps) + 1, how.pace)
    track = own if before is source else Track.of(before)
    lengths_T = _lengths_along(track, path, fps, ends)
    turn_T = _turns(before, track, path, lengths_T)
    turn_T = turn_T + _to_ends(turn_T, ends, fps)
    after = _moved(before, track, path.at(lengths_T), turn_T)
    pushes_T = np.abs(np.diff(lengths_T) - np.diff(track.lengths_T)) * fps
    return Bent(
        before,
        after,
        how.step_scale,
        how.pace,
        _fastest_second(np.abs(np.diff(np.degrees(turn_T))) * fps, fps),
        float(pushes_T.mean()) if len(pushes_T) else 0.0,
    )


def _played(source: MotionClip, frames: int, pace: float) -> MotionClip:
    """So many frames of the motion, faster by ``pace``."""
    if pace == 1.0 and frames <= source.frames:
        return source if frames == source.frames else source.slice(0, frames)
    return sampled_at(source, np.minimum(np.arange(frames) * pace, source.frames - 1))


def _fastest_second(rates_T: FloatArray, fps: float) -> float:
    """Largest mean over a second."""
    if not len(rates_T):
        return 0.0
    window = min(len(rates_T), max(1, round(fps)))
    return float(np.convolve(rates_T, np.ones(window) / window, mode="valid").max())


def _lengths_along(track: Track, path: GroundPath, fps: float, ends: EndTurns) -> FloatArray:
    """How far along the path each frame is: in proportion to the motion's own way between the
    times that are known; beside kept poses at its own speed. (T,)."""
    frames = len(track.lengths_T)
    times_K, lengths_K = path.times()
    at_K = times_K * fps
    inside_K = (at_K > 0.5) & (at_K < frames - 1.5)
    frame_K = np.concatenate([[0.0], at_K[inside_K], [frames - 1.0]])
    length_K = np.concatenate([[0.0], lengths_K[inside_K], [path.length]])
    if len(at_K) and path.end_seconds is not None and at_K[-1] < frames - 1.5:
        frame_K, length_K = frame_K[:-1], length_K[:-1]
    frame_K, length_K = _with_own_speed(track, fps, ends, (frame_K, length_K))
    own_K = np.interp(frame_K, np.arange(frames), track.lengths_T)
    if track.length < 1e-6:  # it goes nowhere: carried evenly
        return np.interp(np.arange(frames), frame_K, length_K)
    # a motion that stands between two times is carried evenly, too
    own_K += 1e-6 * frame_K
    own_T = track.lengths_T + 1e-6 * np.arange(frames)
    return monotone_samples(own_K, length_K, own_T)


def _with_own_speed(
    track: Track, fps: float, ends: EndTurns, knots: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """The knots with one more beside each kept pose, as far from it as the motion goes by itself;
    none where a time is known nearby, or the path is too short."""
    frame_K, length_K = knots
    length = float(length_K[-1])
    last = len(track.lengths_T) - 1
    reach = _OWN_SPEED_SECONDS * fps
    own = np.interp([reach, last - reach], np.arange(last + 1), track.lengths_T)
    if len(frame_K) != 2 or last < 4 * reach or length < 3.0 * (own[0] + track.length - own[1]):
        return frame_K, length_K
    before = [(reach, own[0])] if ends.start is not None else []
    after = [(last - reach, length - track.length + own[1])] if ends.end is not None else []
    more = np.array([(frame_K[0], length_K[0]), *before, *after, (frame_K[-1], length_K[-1])])
    return more[:, 0], more[:, 1]


def monotone_samples(x_K: FloatArray, y_K: FloatArray, x_T: FloatArray) -> FloatArray:
    """A smooth curve through points that rises where they rise (Fritsch and Carlson, 1980), read
    at x_T; beyond the ends it goes straight on."""
    rates = np.diff(y_K) / np.diff(x_K)
    if len(rates) == 1:
        return y_K[0] + (x_T - x_K[0]) * rates[0]
    inner = 2.0 * rates[1:] * rates[:-1] / np.maximum(rates[1:] + rates[:-1], 1e-12)
    slopes = np.concatenate([rates[:1], np.where(inner > 0.0, inner, 0.0), rates[-1:]])
    at = np.clip(np.searchsorted(x_K, x_T, side="right") - 1, 0, len(rates) - 1)
    span = np.diff(x_K)[at]
    u = np.clip((x_T - x_K[at]) / span, 0.0, 1.0)
    curve = (
        (1 + 2 * u) * (1 - u) ** 2 * y_K[at]
        + u * u * (3 - 2 * u) * y_K[at + 1]
        + span * u * (1 - u) ** 2 * slopes[at]
        - span * u * u * (1 - u) * slopes[at + 1]
    )
    beyond = x_T - np.clip(x_T, x_K[0], x_K[-1])
    return curve + beyond * np.where(beyond < 0.0, slopes[0], slopes[-1])


def _turns(before: MotionClip, track: Track, path: GroundPath, lengths_T: FloatArray) -> FloatArray:
    """By what each frame is turned, radians. (T,)."""
    direction_T1 = path.directions(lengths_T)[:, None]
    yaw_T = smooth_way(direction_T1, 0.5 * _STEP_SIGMA * before.fps)[:, 0]
    turn_T = yaw_T - track.yaw_T
    turn_T = turn_T - 2.0 * np.pi * np.round(turn_T[0] / (2.0 * np.pi))
    return turn_T + _facing(before, path, lengths_T, turn_T, yaw_T)


def _to_ends(turn_T: FloatArray, ends: EndTurns, fps: float) -> FloatArray:
    """What is added to turns so that both ends have theirs, dying away from them. (T,)."""
    index_T = np.arange(len(turn_T))
    reach = max(1.0, min(_END_SECONDS * fps, 0.5 * len(turn_T)))
    more_T = np.zeros(len(turn_T))
    for wanted, own, from_T in (
        (ends.start, turn_T[0], index_T),
        (ends.end, turn_T[-1], index_T[::-1]),
    ):
        if wanted is not None:
            u_T = np.clip(from_T / reach, 0.0, 1.0)
            more_T += float(wrap_angle(wanted - own)) * (1.0 - u_T * u_T * (3.0 - 2.0 * u_T))
    return more_T


def _moved(
    before: MotionClip, track: Track, place_T2: FloatArray, turn_T: FloatArray
) -> MotionClip:
    """The clip with its root turned and put on the path; the very same where that is nothing."""
    apart_T2 = place_T2 - track.places_T2
    if max(np.abs(turn_T).max(), np.abs(apart_T2).max()) < _SAME:
        return before
    turn_T4 = yaw_quat(turn_T)
    rotations_TJ4 = before.rotations_TJ4.copy()
    rotations_TJ4[:, 0] = quat_multiply(turn_T4, rotations_TJ4[:, 0])
    own_T3 = _on_ground(track.places_T2)
    root_T3 = quat_rotate(turn_T4, before.root_T3 - own_T3) + _on_ground(place_T2)
    return before.replace(rotations_TJ4=rotations_TJ4, root_T3=root_T3)


def _on_ground(places_T2: FloatArray) -> FloatArray:
    return np.stack([places_T2[:, 0], np.zeros(len(places_T2)), places_T2[:, 1]], axis=-1)


def _facing(
    before: MotionClip,
    path: GroundPath,
    lengths_T: FloatArray,
    turn_T: FloatArray,
    yaw_T: FloatArray,
) -> FloatArray:
    """By what the body is turned besides, so that it looks where it should. (T,)."""
    look_T = np.unwrap(headings(before)) + turn_T
    look_T = smooth_way(look_T[:, None], _LOOK_SIGMA * before.fps)[:, 0]
    if path.facing == "along":
        more_T = _nearest_turn(yaw_T - look_T)
    elif path.facing == "target" and path.target_2 is not None:
        x_T, z_T = (path.target_2 - path.at(lengths_T)).T
        more_T = _nearest_turn(np.unwrap(np.arctan2(x_T, z_T)) - look_T)
    else:
        more_T = np.zeros_like(look_T)
    return more_T + _given_headings(path, lengths_T, look_T + more_T, before.fps)


def _nearest_turn(turn_T: FloatArray) -> FloatArray:
    """The same turns, all by the same number of laps less, so that the first is the shortest."""
    unwrapped_T = np.unwrap(turn_T)
    return unwrapped_T - 2.0 * np.pi * np.round(unwrapped_T[0] / (2.0 * np.pi))


def _given_headings(
    path: GroundPath, lengths_T: FloatArray, look_T: FloatArray, fps: float
) -> FloatArray:
    """Turns that take the body to the headings that points of the path ask for. (T,)."""
    known_N = np.flatnonzero(~np.isnan(path.headings_N))
    if not len(known_N):
        return np.zeros(len(lengths_T))
    index_T = np.arange(len(look_T), dtype=np.float64)
    rising_T = np.maximum.accumulate(lengths_T)
    frame_K = np.interp(path.point_lengths_N[known_N], rising_T, index_T)
    turn_K = wrap_angle(path.headings_N[known_N] - np.interp(frame_K, index_T, look_T))
    # far from any point that asks, the body looks as it does
    reach = _HEADING_SECONDS * fps
    free_K2 = np.stack([frame_K - reach, frame_K + reach], axis=-1).reshape(-1)
    apart_FK = np.abs(free_K2[:, None] - frame_K)
    free_F = free_K2[apart_FK.min(axis=1) > reach - 0.5]
    frames = np.concatenate([frame_K, free_F])
    order = np.argsort(frames, kind="stable")
    turns = np.concatenate([turn_K, np.zeros(len(free_F))])
    return _eased_between(frames[order], turns[order], len(look_T))


def _eased_between(frame_K: FloatArray, value_K: FloatArray, frames: int) -> FloatArray:
    """Values at frames, smoothly from one to the next. (T,)."""
    index_T = np.arange(frames, dtype=np.float64)
    at = np.clip(np.searchsorted(frame_K, index_T, side="right") - 1, 0, max(len(frame_K) - 2, 0))
    after = np.minimum(at + 1, len(frame_K) - 1)
    u = np.clip((index_T - frame_K[at]) / np.maximum(frame_K[after] - frame_K[at], 1e-9), 0.0, 1.0)
    return value_K[at] + u * u * (3.0 - 2.0 * u) * (value_K[after] - value_K[at])
