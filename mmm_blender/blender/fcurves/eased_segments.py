"""Keys that hold what a range leaves of an eased segment (Sine, Bounce and the like).

A part of an easing is none itself, but short Bezier segments follow it: as long ones as come near
enough, from whole frame to whole frame. The key that stays at one end keeps its easing, or its
handle, and would run the whole of it in what is left before the next key: so that one is close by,
wherever the curve moves there.

Plain numbers: nothing here asks Blender. S samples of a segment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from ...common.arrays import FloatArray
from .keyframe_arrays import BEZIER, ELASTIC_EASINGS, LINEAR, KeyArray, linear_keys

Said: TypeAlias = Callable[[float], float]
"""What the old curve says at a frame."""

NEAREST = 1.0 / 64.0
"""Frames from a key to the next at least: Blender makes one of keys a hundredth apart."""
CLOSE = 2e-4
"""Metres, or units of a rotation, by which a curve may be missed between frames."""
_EXACT = 5e-6
"""The same on whole frames."""
_STEPS = (1.0, 0.25)
"""Frames between the borders at which segments may end. (An easing that swings faster than these
can follow is held on whole frames.)"""
_SAMPLES_PER_FRAME, _FEWEST_SAMPLES, _MOST_SAMPLES = 4, 8, 64


def eased_keys(  # noqa: PLR0917  # as cut_keys
    left: np.void, right: np.void, start: float, stop: float, keeps_left: bool, said: Said
) -> KeyArray:
    """Arguments as in ``cut_segments.cut_keys``. said: the curve before the edit."""
    if keeps_left:
        borders = [_beside(float(left["co"][0]), start, left, said), stop]
    else:
        borders = [start, _beside(float(right["co"][0]), stop, left, said)]
    frames, handles = [borders[0]], list[tuple[float, float]]()
    while frames[-1] < borders[1]:
        frame, pair = _longest(frames[-1], borders[1], said)
        frames.append(frame)
        handles.append(pair)
    keys = linear_keys(frames, [said(frame) for frame in frames], free=True)
    thirds = np.diff(frames) / 3.0
    for at, (first, second) in enumerate(handles):
        keys["interpolation"][at] = BEZIER
        keys["handle_right"][at] = frames[at] + thirds[at], first
        keys["handle_left"][at + 1] = frames[at + 1] - thirds[at], second
    keys["interpolation"][-1] = LINEAR  # into the range, or to the key that stays
    return keys


def _beside(kept: float, whole: float, left: np.void, said: Said) -> float:
    """Where the new key next to the key that stays stands: on the whole frame where the curve all
    but rests on the way there. An easing that swings does so even where it arrives at nothing."""
    length, rest = whole - kept, said(kept)
    swings = int(left["interpolation"]) in ELASTIC_EASINGS
    while abs(length) >= 2.0 * NEAREST and (
        swings or abs(said(float(np.float32(kept + length))) - rest) > CLOSE
    ):
        length /= 2.0
    return float(np.float32(kept + length))


def _longest(start: float, stop: float, said: Said) -> tuple[float, tuple[float, float]]:
    """The end of the longest segment that comes near enough, and the values of its handles; of the
    shortest where none does."""
    for step in _STEPS:
        low, high, best = 0, int(np.ceil((stop - start) / step)), (stop, (0.0, 0.0))
        while low < high:
            middle = (low + high + 1) // 2
            end = _border(start, stop, step, middle)
            handles, error = _fitted(start, end, said)
            if error <= 1.0:
                low, best = middle, (end, handles)
            else:
                high = middle - 1
        if low:
            return best
    end = _border(start, stop, _STEPS[-1], 1)
    return end, _fitted(start, end, said)[0]


def _border(start: float, stop: float, step: float, number: int) -> float:
    """The end of a segment: so many steps on, on a multiple of them, and never so close to either
    end that Blender would make one key of two."""
    end = max(float(np.floor(start / step) + number) * step, start + NEAREST)
    return stop if stop - end < NEAREST else end


def _fitted(start: float, stop: float, said: Said) -> tuple[tuple[float, float], float]:
    """Values of the two handles, a third of the way from either end, with which a segment comes
    nearest; and the error, of which 1 is just near enough."""
    count = int(np.clip((stop - start) * _SAMPLES_PER_FRAME, _FEWEST_SAMPLES, _MOST_SAMPLES))
    frames_S = np.linspace(start, stop, count + 1)[1:-1]
    whole_S = np.arange(np.floor(start) + 1.0, stop)
    frames_S = np.unique(np.concatenate([frames_S, whole_S]))
    at_S = (frames_S - start) / (stop - start)
    wanted_S = np.array([said(frame) for frame in frames_S.tolist()])
    wanted_S -= (1.0 - at_S) ** 3 * said(start) + at_S**3 * said(stop)
    weights_S2 = np.stack([3.0 * at_S * (1.0 - at_S) ** 2, 3.0 * at_S**2 * (1.0 - at_S)], axis=-1)
    handles, *_ = np.linalg.lstsq(weights_S2, wanted_S, rcond=None)
    missed_S = np.abs(weights_S2 @ handles - wanted_S)
    allowed_S: FloatArray = np.where(frames_S % 1.0 == 0.0, _EXACT, CLOSE)
    return (float(handles[0]), float(handles[1])), float((missed_S / allowed_S).max())
