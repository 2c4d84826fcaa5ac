"""Which keys of one curve an edit of a range keeps, and where it must put keys outside the range.

Plain numbers: nothing here asks Blender. N keys of a curve, T whole frames of the range.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from .cut_segments import cut_keys
from .eased_segments import Said
from .frame_range import FrameRange
from .keyframe_arrays import ON_FRAME, KeyArray, apart_from, key_frames, no_keys


@dataclass(frozen=True)
class SpliceRange(FrameRange):
    """The range, and whether the Action goes on before and after it."""

    first: int
    last: int
    goes_on_before: bool
    goes_on_after: bool


def splice_range(extent: tuple[float, float] | None, first: int, last: int) -> SpliceRange:
    """extent: the first and last frame with a key in the Action; None without keys."""
    start, end = extent or (first, last)
    return SpliceRange(first, last, start < first - ON_FRAME, end > last + ON_FRAME)


def fractional_locks(keys: KeyArray, span: SpliceRange, named: Collection[float]) -> FloatArray:
    """Frames between two frames of the range that have a key and are locked by name."""
    frames = key_frames(keys)[: len(keys) if named else 0]
    between = frames[span.contains(frames) & (frames % 1.0 != 0.0)]
    return between[[frame in named for frame in between.tolist()]]


class Component:
    """One curve's old keys. keys, frames_N: in order. kept_N: which of them stay."""

    def __init__(self, keys: KeyArray, span: SpliceRange, locked: FloatArray, said: Said) -> None:
        """locked: whole and fractional frames of the range whose keys stay. said: what the curve
        says at a frame, before the edit."""
        self.keys = keys
        self.said = said
        self.span = span
        self.frames_N = key_frames(keys)
        self.inside_N = span.contains(self.frames_N)
        self.kept_N = ~self.inside_N
        if len(locked):
            self.kept_N |= np.isin(self.frames_N, locked)

    @cached_property
    def cuts(self) -> tuple[KeyArray, KeyArray]:
        """Keys before and after the range that hold what is left of a segment which it cuts."""
        return self._cut(before=True), self._cut(before=False)

    def _cut(self, before: bool) -> KeyArray:
        segment = self._cut_segment(before)
        if segment is None:
            return no_keys()
        left, right = self.keys[segment : segment + 2]
        frames = self.frames_N[segment : segment + 2]
        ends = self.span.last + 1.0, np.ceil(frames[1]) - 1.0
        if before:
            ends = np.floor(frames[0]) + 1.0, self.span.first - 1.0
        return cut_keys(left, right, *ends, keeps_left=before, said=self.said)

    def _cut_segment(self, before: bool) -> int | None:
        """The first key's number of the segment that the range cuts on one side, if it does."""
        border = self.span.first if before else self.span.last
        outside = self.frames_N < border if before else self.frames_N <= border
        count = int(outside.sum())
        if border in self.frames_N[self.kept_N] or count in (0, len(self.frames_N)):
            return None
        return count - 1

    def brackets(self, before: bool) -> FloatArray:
        """Whole frames on one side outside the range that get a key."""
        if self._cut_segment(before) is not None:
            return key_frames(self.cuts[0 if before else 1])
        if before:
            return brackets_before(
                self.frames_N, self.kept_N, self.span.first, self.span.goes_on_before
            )
        # on the other side time runs backwards
        mirrored = -self.frames_N[::-1], self.kept_N[::-1]
        return -brackets_before(*mirrored, -self.span.last, self.span.goes_on_after)

    def fixed(self, before: bool) -> FloatArray:
        """Frames on one side outside the range that are keyed after the edit, in order."""
        frames = np.sort(np.concatenate([self.frames_N, self.brackets(before)]))
        return frames[frames < self.span.first if before else frames > self.span.last]

    def pinned(self, locked: FloatArray) -> FloatArray:
        """Whole frames at which the old value must be keyed, in order: outside where no segment
        is cut, and locked ones without a key."""
        whole = locked[locked % 1.0 == 0.0]
        missing = whole[~np.isin(whole, self.frames_N)]
        outside = [
            np.empty(0) if self._cut_segment(before) is not None else self.brackets(before)
            for before in (True, False)
        ]
        return np.concatenate([outside[0], missing, outside[1]])

    def spliced(self, new: KeyArray) -> tuple[KeyArray, BoolArray]:
        """Kept and new keys in order; and which are kept.

        Blender would merge a new key that stands all but on a kept one: it gives way.
        """
        kept = self.keys[self.kept_N]
        new = new[apart_from(new, kept)]
        keys = np.concatenate([kept, new])
        order = np.argsort(keys["co"][:, 0], kind="stable")
        keys, kept_N = keys[order], order < len(kept)
        return keys, kept_N


def brackets_before(frames: FloatArray, kept_N: BoolArray, first: int, goes_on: bool) -> FloatArray:
    """Whole frames before ``first`` at which a curve needs its old value as a key.

    From the last kept key before the range on, every frame that the range cuts off its segment;
    where the curve had ended, both ends of the level stretch. Without such a key, the frame next
    to the range if the Action (not this curve) ``goes_on`` there.
    """
    if first in frames[kept_N]:
        return np.empty(0)
    before = frames[frames < first]
    if len(before) == 0:
        return np.array([first - 1.0] if goes_on else [])
    if len(before) < len(frames):
        return cut_off(frames, first)
    level = np.arange(np.floor(before[-1]) + 1.0, first)
    return level[[0, -1]] if len(level) > 1 else level


def cut_off(frames: FloatArray, first: float) -> FloatArray:
    """Whole frames before ``first`` of the segment that a cut there leaves open: after the last
    key before it, where there is a later one."""
    count = int(np.sum(frames < first))
    if count in (0, len(frames)):
        return np.empty(0)
    return np.arange(np.floor(frames[count - 1]) + 1.0, first)
