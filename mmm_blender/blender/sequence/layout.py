"""Where the segments of a sequence lie in an Action, as its recipe says. Knows no bpy.

Frames are scene frames; ranges include both ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from ...geometry.clip import MotionClip
from ..fcurves.frame_range import FrameRange
from ..history.recipe import Recipe, SegmentStep, SequenceStep

SEAM_SECONDS = 0.4
"""How far a transition reaches into either neighbour: two tokens, as in the model's own seams."""


@dataclass(frozen=True)
class Segment:
    """One prompt of a sequence and the frames that it has."""

    prompt: str
    seconds: float
    seed: int
    first: int
    frames: int

    @property
    def stop(self) -> int:
        """One after its last frame."""
        return self.first + self.frames

    def frames_for(self, seconds: float, fps: float) -> int:
        """Frames that it has when it lasts so long; as many as now where that does not change."""
        return self.frames if seconds == self.seconds else max(1, round(seconds * fps))


def sequence_segments(recipe: Recipe | None) -> tuple[Segment, ...]:
    """The segments of the recipe's last sequence, with what was changed since; () if it has none.

    A segment's length in frames is what its keys have, whatever rate the scene has by now.
    """
    segments: tuple[Segment, ...] = ()
    for step in () if recipe is None else recipe.steps:
        if isinstance(step, SequenceStep):
            segments = _as_made(step)
        elif isinstance(step, SegmentStep):
            segments = _with_change(segments, step)
    return segments


def _as_made(step: SequenceStep) -> tuple[Segment, ...]:
    ends = [round(seconds * step.fps) for seconds in accumulate(step.seconds, initial=0.0)]
    lengths = np.diff(ends).tolist()
    firsts = [step.start_frame + end for end in ends]
    return tuple(map(Segment, step.prompts, step.seconds, step.seeds, firsts, lengths))


def _with_change(segments: tuple[Segment, ...], step: SegmentStep) -> tuple[Segment, ...]:
    old = segments[step.index]
    new = replace(
        old,
        prompt=step.prompt,
        seconds=step.seconds,
        seed=step.seed,
        frames=old.frames + step.shift,
    )
    later = (replace(each, first=each.first + step.shift) for each in segments[step.index + 1 :])
    return (*segments[: step.index], new, *later)


@dataclass(frozen=True)
class SegmentPlan:
    """Which frames change when a segment is regenerated.

    first, last: frames that are regenerated, with the later keys already shifted. start: the
    segment's first frame. old_stop: one after its last frame, before the shift. shift: frames by
    which all keys from there on move in time.
    """

    first: int
    last: int
    start: int
    old_stop: int
    shift: int

    @property
    def new_stop(self) -> int:
        """One after the segment's last frame, after the shift."""
        return self.old_stop + self.shift

    @property
    def before_shift(self) -> FrameRange:
        """The frames that are regenerated, as the keys lie before the shift."""
        return FrameRange(self.first, self.last - self.shift)

    def after_shift(self, frame: float) -> float | None:
        """Where a key of a frame comes to lie; None where the segment gets too short for it."""
        if frame >= self.old_stop:
            return frame + self.shift
        return frame if frame < self.start or frame < self.new_stop else None


def plan_segment(segments: Sequence[Segment], index: int, frames: int, fps: float) -> SegmentPlan:
    """The segment's new length is ``frames``; its seams take at most half of a neighbour."""
    old = segments[index]
    seam = math.ceil(SEAM_SECONDS * fps)
    before = min(seam, segments[index - 1].frames // 2) if index > 0 else 0
    after = min(seam, segments[index + 1].frames // 2) if index + 1 < len(segments) else 0
    return SegmentPlan(
        first=old.first - before,
        last=old.first + frames + after - 1,
        start=old.first,
        old_stop=old.stop,
        shift=frames - old.frames,
    )


def stretched(kept: MotionClip, kept_start: int, plan: SegmentPlan) -> MotionClip:
    """The motion with as many frames as it will have.

    kept: the motion before the change, from the scene frame ``kept_start`` on. Frames are taken
    away from the segment's end, or its last one is repeated there.
    """
    old_frames = np.arange(kept.frames)
    start, stop = plan.start - kept_start, plan.old_stop - kept_start
    wanted = np.arange(plan.new_stop - plan.start)
    inside = start + np.minimum(wanted, stop - 1 - start)
    chosen = np.concatenate([old_frames[:start], inside, old_frames[stop:]])
    return kept.replace(rotations_TJ4=kept.rotations_TJ4[chosen], root_T3=kept.root_T3[chosen])
