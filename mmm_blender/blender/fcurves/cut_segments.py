"""Keys that hold what is left of a segment when a range cuts it: as few as say the same.

A straight or a constant segment needs one key at most, beside the cut. What is left of a Bezier
segment is a Bezier segment itself, but its own handles are shorter than those of the whole (de
Casteljau), and the key at its far end stays bit for bit, with its handle: so it begins a frame
beside that key, and the frame between bends with the handle as far as it reaches.

Plain numbers: nothing here asks Blender.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from ...common.arrays import FloatArray
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
_HANDLE_SHARES = (0.05, 0.35, 0.65, 1.0)
"""Lengths of that handle, as shares of the frame, which are tried."""


def cut_keys(left: Key, right: Key, start: float, stop: float, keeps_left: bool) -> KeyArray:
    """Keys at whole frames from ``start`` to ``stop`` that hold the segment from ``left`` to
    ``right`` there. keeps_left: ``left`` stays and the cut is behind ``stop``; else ``right`` stays
    and it is before ``start``."""
    if start > stop:
        return no_keys()
    if left["interpolation"] == CONSTANT:
        return no_keys() if keeps_left else _keys([start], [left["co"][1]], CONSTANT)
    if left["interpolation"] == LINEAR:
        return _straight(left, right, np.array([stop if keeps_left else start]))
    if left["interpolation"] == BEZIER:
        return _bent(left, right, np.unique([start, stop]), keeps_left)
    return _eased(left, right, np.arange(start, stop + 1.0))


def _keys(frames: object, values: object, interpolation: int) -> KeyArray:
    keys = linear_keys(np.asarray(frames), np.asarray(values), free=True)
    keys["interpolation"] = interpolation
    return keys


def _straight(left: Key, right: Key, frames_N: FloatArray) -> KeyArray:
    ends = np.array([left["co"], right["co"]], dtype=np.float64)
    return _keys(frames_N, np.interp(frames_N, ends[:, 0], ends[:, 1]), LINEAR)


def _eased(left: Key, right: Key, frames_N: FloatArray) -> KeyArray:
    """A part of an easing is none itself: a key on each frame, whose value its reader knows."""
    return _straight(left, right, frames_N)


def _bent(left: Key, right: Key, frames_N: FloatArray, keeps_left: bool) -> KeyArray:
    whole_42 = segment_points(left, right)
    keys = _keys(frames_N, np.zeros(len(frames_N)), BEZIER)
    borders = [0.0, *[_parameter(whole_42, frame) for frame in frames_N], 1.0]
    for at, key in enumerate(keys):
        before_42 = _part(whole_42, borders[at], borders[at + 1])
        after_42 = _part(whole_42, borders[at + 1], borders[at + 2])
        key["co"], key["handle_left"], key["handle_right"] = after_42[0], before_42[2], after_42[1]
    if keeps_left:
        keys["handle_left"][0] = _fitted(_part(whole_42, *borders[:2]), left["handle_right"])
        keys["interpolation"][-1] = LINEAR  # into the range
    else:
        beside_42 = _part(whole_42, *borders[-2:])[::-1]
        keys["handle_right"][-1] = _fitted(beside_42, right["handle_left"])
    return keys


def _fitted(part_42: FloatArray, handle: FloatArray) -> FloatArray:
    """The new key's handle towards the key that stays, with whose own handle the segment comes
    nearest to a part of the old one. part_42: that part, from the key that stays on. handle: its,
    as long as it was."""
    start, stop = part_42[0], part_42[3]
    first = _shortened(start, np.asarray(handle, np.float64), abs(stop[0] - start[0]))
    wanted_S = np.array([_value(part_42, share) for share in _SAMPLES])
    tries = [_fit(start, first, stop, share, wanted_S) for share in _HANDLE_SHARES]
    return min(tries, key=lambda found: found[0])[1]


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
    said_S = np.array([_split(points_42, at)[0][-1, 1] for at in at_S])
    handle[1] = weight_S @ (wanted_S - said_S) / (weight_S @ weight_S)
    return float(np.abs(said_S + weight_S * handle[1] - wanted_S).max()), handle


def _parameter_at(points_42: FloatArray, share: float) -> float:
    """Where on a segment, 0 to 1, a share of its time has gone by, whichever way it runs."""
    times = (points_42[:, :1] - points_42[0, 0]) / (points_42[3, 0] - points_42[0, 0])
    return _parameter(times, share)


def _value(points_42: FloatArray, share: float) -> float:
    return float(_split(points_42, _parameter_at(points_42, share))[0][-1, 1])


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
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if _split(points_42, middle)[0][-1, 0] < frame:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


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
