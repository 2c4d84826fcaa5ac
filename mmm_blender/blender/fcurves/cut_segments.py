"""Keys that hold what is left of a segment when a range cuts it: as few as say the same.

A straight or a constant segment needs one key at most, beside the cut. What is left of a Bezier
segment is a Bezier segment itself, but its own handles are shorter than those of the whole (de
Casteljau), and the key at its far end stays bit for bit, with its handle: so it begins a frame
beside that key, or sooner where it bends much, and what is between bends with the handle as far as
it reaches. New keys stand on whole frames wherever such ones hold the curve between frames too.

Plain numbers: nothing here asks Blender.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

import numpy as np

from ...common.arrays import FloatArray
from .eased_segments import CLOSE, NEAREST, Said, eased_keys
from .keyframe_arrays import (
    BEZIER,
    CONSTANT,
    LINEAR,
    KeyArray,
    linear_keys,
    no_keys,
)

Key: TypeAlias = np.void
"""One of a KeyArray."""

_HALVINGS = 40
_SAMPLES = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
"""Shares of a frame at which a handle is fitted."""
_HANDLE_SHARES = (0.05, 0.25, 0.45, 0.65, 0.85, 1.0)
"""Lengths of that handle, as shares of the frame, which are tried."""
_ROUNDED = 1e-5
"""Frames by which a handle may reach beyond: no more than Blender's numbers are rounded by."""
_SHORTEST = 1e-3
"""Frames from a key to its handle at least: Blender makes shorter ones that long (seen)."""
_MIRROR = np.array([-1.0, 1.0])
"""Of a point (frame, value): time runs the other way."""


def cut_keys(  # noqa: PLR0917  # a segment, where it is cut, and what it says
    left: Key, right: Key, start: float, stop: float, keeps_left: bool, said: Said
) -> KeyArray:
    """Keys at whole frames from ``start`` to ``stop`` that hold the segment from ``left`` to
    ``right`` there. keeps_left: ``left`` stays and the cut is behind ``stop``; else ``right`` stays
    and it is before ``start``. said: what the curve says at a frame."""
    if start > stop:
        return no_keys()
    if left["interpolation"] == CONSTANT:
        return no_keys() if keeps_left else _keys([start], [left["co"][1]], CONSTANT)
    if left["interpolation"] == LINEAR:
        return _straight(left, right, np.array([stop if keeps_left else start]))
    if left["interpolation"] == BEZIER:
        return _bent(left, right, start, stop, keeps_left)
    return eased_keys(left, right, start, stop, keeps_left, said)


def _keys(frames: object, values: object, interpolation: int) -> KeyArray:
    keys = linear_keys(np.asarray(frames), np.asarray(values), free=True)
    keys["interpolation"] = interpolation
    return keys


def _straight(left: Key, right: Key, frames_N: FloatArray) -> KeyArray:
    ends = np.array([left["co"], right["co"]], dtype=np.float64)
    return _keys(frames_N, np.interp(frames_N, ends[:, 0], ends[:, 1]), LINEAR)


def _bent(left: Key, right: Key, start: float, stop: float, keeps_left: bool) -> KeyArray:
    """Seen from the key that stays: on the other side time runs backwards."""
    points_42 = segment_points(left, right)
    if keeps_left:
        keys = _keys_of(_parts(points_42, start, stop, left["handle_right"]))
        keys["interpolation"][-1] = LINEAR  # into the range
        return keys
    handle = _MIRROR * np.asarray(right["handle_left"], np.float64)
    return _mirrored(_keys_of(_parts(_MIRROR * points_42[::-1], -stop, -start, handle)))


def _parts(whole_42: FloatArray, near: float, far: float, handle: FloatArray) -> list[FloatArray]:
    """The segments from the key that stays to a key at or before ``near``, and on to ``far``."""
    at, first_42 = _first_part(whole_42, near, handle)
    return [first_42, *(_exact_parts(whole_42, at, far) if at < far else [])]


def _first_part(whole_42: FloatArray, near: float, handle: FloatArray) -> tuple[float, FloatArray]:
    """The segment beside the key that stays: up to ``near``, or a fraction of that where the
    curve bends so much that its handle would lead it astray."""
    start, length = whole_42[0, 0], near - whole_42[0, 0]
    while True:
        frame = float(np.float32(start + length))
        part_42 = _part(whole_42, 0.0, _parameter(whole_42, frame))
        error, fitted_42 = _fitted(part_42, handle)
        if error <= CLOSE or length < 2.0 * NEAREST:
            return frame, fitted_42
        length /= 2.0


def _exact_parts(whole_42: FloatArray, near: float, far: float) -> list[FloatArray]:
    """The old segment from a frame to another, with keys between where a part's handles would
    reach beyond the part's end: there Blender would shorten them."""
    parts: list[FloatArray] = []
    for between in ([], *_turns(whole_42, near, far)):
        at_K = [_parameter(whole_42, frame) for frame in (near, *between, far)]
        parts = [_part(whole_42, *pair) for pair in pairwise(at_K)]
        if all(_holds(part_42) for part_42 in parts):
            break
    return parts


def _turns(whole_42: FloatArray, near: float, far: float) -> list[list[float]]:
    """Frames at which to part a segment so that no handle reaches beyond: at the whole one next to
    where time goes slowest along it; or there, on either side of which time only speeds up, and
    beside it, as Blender gives no handle less than a thousandth of a frame."""
    slowing, speeding = -np.diff(whole_42[:, 0], n=2) * (1.0, -1.0)
    if slowing + speeding <= 0.0:
        return []
    at = float(np.clip(slowing / (slowing + speeding), 0.0, 1.0))
    slowest = float(_split(whole_42, at)[0][-1, 0])
    whole = float(np.round(slowest))
    around = [np.floor(slowest), slowest, np.ceil(slowest)]
    if abs(slowest - whole) < NEAREST:
        around = [whole - 1.0, whole, whole + 1.0]
    tries = [[whole], around]
    room = near + NEAREST, far - NEAREST
    return [[frame for frame in each if room[0] <= frame <= room[1]] for each in tries]


def _holds(part_42: FloatArray) -> bool:
    """Whether Blender leaves a part's handles as they are: none reaches beyond the other end, or is
    too short."""
    lengths = np.array([part_42[1, 0] - part_42[0, 0], part_42[3, 0] - part_42[2, 0]])
    reach = part_42[3, 0] - part_42[0, 0] + _ROUNDED
    return bool((lengths <= reach).all() and (lengths >= _SHORTEST).all())


def _keys_of(parts: list[FloatArray]) -> KeyArray:
    """A key at the end of each segment."""
    frames = [_whole_if_near(part[3, 0]) for part in parts]
    keys = _keys(frames, [part[3, 1] for part in parts], BEZIER)
    for at, part_42 in enumerate(parts):
        keys["handle_left"][at] = part_42[2]
        if at + 1 < len(parts):
            keys["handle_right"][at] = parts[at + 1][1]
    return keys


def _whole_if_near(frame: float) -> float:
    """A frame as it was asked for: found along the segment, frame 0 is a trillionth beside it."""
    whole = float(np.round(frame))
    return whole if abs(frame - whole) < _ROUNDED else frame


def _mirrored(keys: KeyArray) -> KeyArray:
    """The same keys with time running the other way."""
    keys = keys[::-1].copy()
    keys["co"] *= _MIRROR
    left = keys["handle_left"] * _MIRROR
    keys["handle_left"], keys["handle_right"] = keys["handle_right"] * _MIRROR, left
    return keys


def _fitted(part_42: FloatArray, handle: FloatArray) -> tuple[float, FloatArray]:
    """The segment that comes nearest to a part of the old one with the handle of the key that
    stays, and by how much it misses. part_42: that part, from the key that stays on. handle: its,
    as long as it was."""
    start, stop = part_42[0], part_42[3]
    first = _shortened(start, handle, abs(stop[0] - start[0]))
    wanted_S = np.array([_value(part_42, share) for share in _SAMPLES])
    tries = [_fit(start, first, stop, share, wanted_S) for share in _HANDLE_SHARES]
    error, second = min(tries, key=lambda found: found[0])
    return error, np.array([start, first, second, stop])


def _fit(
    start: FloatArray, first: FloatArray, stop: FloatArray, share: float, wanted_S: FloatArray
) -> tuple[float, FloatArray]:
    """Largest error, and the handle ``share`` of the way from ``stop`` back, of the value that
    makes the squared error least."""
    length = stop[0] - start[0]
    handle = np.array([stop[0] - share * length, 0.0])
    points_42 = np.array([start, first, handle, stop])
    at_S = np.array([_parameter_at(points_42, share_of) for share_of in _SAMPLES])
    weight_S = 3.0 * (1.0 - at_S) * at_S**2
    values = points_42[:, 1].tolist()
    said_S = np.array([_bezier(values, at) for at in at_S.tolist()])
    handle[1] = weight_S @ (wanted_S - said_S) / (weight_S @ weight_S)
    return float(np.abs(said_S + weight_S * handle[1] - wanted_S).max()), handle


def _parameter_at(points_42: FloatArray, share: float) -> float:
    """Where on a segment, 0 to 1, a share of its time has gone by, whichever way it runs."""
    times = (points_42[:, :1] - points_42[0, 0]) / (points_42[3, 0] - points_42[0, 0])
    return _parameter(times, share)


def _value(points_42: FloatArray, share: float) -> float:
    return _bezier(points_42[:, 1].tolist(), _parameter_at(points_42, share))


def segment_points(left: Key, right: Key) -> FloatArray:
    """The four points (frame, value) of a Bezier segment as Blender evaluates it: no handle reaches
    beyond the other key. (4, 2)."""
    points = [left["co"], left["handle_right"], right["handle_left"], right["co"]]
    p0, p1, p2, p3 = np.array(points, dtype=np.float64)
    length = p3[0] - p0[0]
    return np.array([p0, _shortened(p0, p1, length), _shortened(p3, p2, length), p3])


def _shortened(key: FloatArray, handle: FloatArray, length: float) -> FloatArray:
    reach = abs(handle[0] - key[0])
    return handle if reach <= length else key + (handle - key) * (length / reach)


def _parameter(points_42: FloatArray, frame: float) -> float:
    """Where on the segment, 0 to 1, a frame is; time only goes forwards along it."""
    times = points_42[:, 0].tolist()
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if _bezier(times, middle) < frame:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _bezier(points: list[float], at: float) -> float:
    """One coordinate at a parameter, 0 to 1, in the steps of ``_split``. Plain floats: an edit asks
    for a million of these, and an array of one number costs thirty times as much."""
    p0, p1, p2, p3 = points
    a, b, c = p0 + at * (p1 - p0), p1 + at * (p2 - p1), p2 + at * (p3 - p2)
    d, e = a + at * (b - a), b + at * (c - b)
    return d + at * (e - d)


def _split(points_42: FloatArray, at: float) -> tuple[FloatArray, FloatArray]:
    """The two halves of a Bezier segment (de Casteljau)."""
    levels = [points_42]
    while len(levels[-1]) > 1:
        levels.append(levels[-1][:-1] + at * np.diff(levels[-1], axis=0))
    left = np.array([level[0] for level in levels])
    return left, np.array([level[-1] for level in reversed(levels)])


def _part(points_42: FloatArray, start: float, stop: float) -> FloatArray:
    """The segment between two of its parameters."""
    _, rest = _split(points_42, start)
    length = 1.0 - start
    return _split(rest, (stop - start) / length if length > 0.0 else 0.0)[0]
