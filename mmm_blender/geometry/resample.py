"""Clips at another frame rate, smooth in rotation and position.

Slerp turns every joint at constant speed from one sample to the next and changes speed at once at
each sample: 20 fps samples shown at 60 fps become facets that the eye catches as stutter. Here
every channel follows a cubic through its samples whose slope at a sample is that of its two
neighbours (Catmull-Rom), so velocity has no jump. Quaternions go through the same cubic, component
by component on one half sphere, and are scaled to unit length afterwards, which keeps both the
samples and the smoothness.

Frames. Sample i of a clip shows the moment i / fps and stays on screen for 1 / fps, so T samples
last T / fps seconds. A resampled clip lasts the same, to the nearest frame: 80 frames at 20 fps
give 240 at 60, 96 at 24, 120 at 29.97. Its first frame is the clip's first; its last may lie up to
one old frame beyond the last old sample, where the motion goes on at its last velocity. Samples
that fall on old ones are equal to them, so 20 -> 60 -> 20 is exact. Going to a lower rate
takes samples and does not filter.
"""

from __future__ import annotations

import math

import numpy as np

from ..common.arrays import FloatArray
from ..common.errors import MMMError
from .clip import MotionClip
from .rotations import make_continuous, normalize, slerp

MOST_FRAMES = 200_000
"""Of a motion: more than an hour at any rate of a film."""

_LEAD_IN, _LEAD_OUT = 1, 2
"""Samples that the cubic needs before the first and after the last old sample: the last frame may
lie in the interval after the last sample, whose far end needs a neighbour too."""


def resampled_frames(frames: int, fps: float, new_fps: float) -> int:
    """Frames at ``new_fps`` of a clip of ``frames`` at ``fps``: as long, at least one."""
    return max(1, math.floor(frames * new_fps / fps + 0.5))


def _extended(values_TC: FloatArray) -> FloatArray:
    """Samples beyond both ends at the velocity of the ends (T + 3, C); one sample stays still."""
    first, last = values_TC[0], values_TC[-1]
    start = first - values_TC[min(1, len(values_TC) - 1)]
    end = last - values_TC[max(-2, -len(values_TC))]
    before = [first + (_LEAD_IN - k) * start for k in range(_LEAD_IN)]
    after = [last + (k + 1) * end for k in range(_LEAD_OUT)]
    return np.concatenate([before, values_TC, after])


def cubic_samples(values_TC: FloatArray, times_N: FloatArray) -> FloatArray:
    """Catmull-Rom through samples at 0, 1, ..., T - 1, read at ``times_N`` in 0..T. (N, C)."""
    index_N = np.minimum(np.floor(times_N).astype(np.int64), len(values_TC) - 1)
    u = (times_N - index_N)[:, None]
    p0, p1, p2, p3 = (_extended(values_TC)[index_N + k] for k in range(4))
    slope1, slope2 = 0.5 * (p2 - p0), 0.5 * (p3 - p1)
    step = p2 - p1
    square = 3.0 * step - 2.0 * slope1 - slope2
    cube = slope1 + slope2 - 2.0 * step
    return np.asarray(p1 + u * (slope1 + u * (square + u * cube)), dtype=np.float64)


def resample(clip: MotionClip, fps: float) -> MotionClip:
    """The same motion at ``fps`` frames per second, any positive rate; C1 in time."""
    if not (math.isfinite(fps) and fps > 0):
        raise MMMError(f"A frame rate must be a number over zero, not {fps}: set the scene's rate.")
    if fps == clip.fps:
        return clip
    if clip.frames * fps / clip.fps > MOST_FRAMES:
        raise MMMError(
            f"At {fps:g} frames per second the motion has more than {MOST_FRAMES} frames: lower "
            "the scene's frame rate."
        )
    count = resampled_frames(clip.frames, clip.fps, fps)
    return sampled_at(clip, np.arange(count) * (clip.fps / fps)).replace(fps=fps)


def sampled_at(clip: MotionClip, times_N: FloatArray) -> MotionClip:
    """The motion at frames that may lie between those of the clip, 0 to T. At its rate."""
    count = len(times_N)
    turns_TC = make_continuous(clip.rotations_TJ4).reshape(clip.frames, -1)
    channels_NC = cubic_samples(np.concatenate([turns_TC, clip.root_T3], axis=1), times_N)
    rotations = channels_NC[:, : turns_TC.shape[1]].reshape(count, *clip.rotations_TJ4.shape[1:])
    return clip.replace(
        rotations_TJ4=normalize(rotations), root_T3=channels_NC[:, turns_TC.shape[1] :]
    )


def lengthened(clip: MotionClip, frames: int) -> MotionClip:
    """The clip's first ``frames`` frames; where it has fewer it goes on at its last velocity."""
    more = frames - clip.frames
    if more <= 0:
        return clip.slice(0, frames)
    last, before = clip.frames - 1, max(clip.frames - 2, 0)
    ahead_N = np.arange(1.0, more + 1.0)
    start_J4, end_J4 = clip.rotations_TJ4[before], clip.rotations_TJ4[last]
    turns_NJ4 = slerp(start_J4, end_J4, 1.0 + ahead_N[:, None])
    root_N3 = clip.root_T3[last] + ahead_N[:, None] * (clip.root_T3[last] - clip.root_T3[before])
    return clip.replace(
        rotations_TJ4=np.concatenate([clip.rotations_TJ4, normalize(turns_NJ4)]),
        root_T3=np.concatenate([clip.root_T3, root_N3]),
    )
