"""Motions that set out from a pose, and motions that end standing.

Both are edits: the pose is held beside the frames that are made, so that the model hears of it, and
the motion is led out of it, or into it.

T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import Ends
from ...geometry.editing.edit_mask import span_mask
from ...geometry.editing.limb_pins import Pin
from ...geometry.ground_path import GroundPath
from ...geometry.placement import Placement, place
from ...geometry.resample import resample
from ...geometry.standing import standing_clip
from ..config import SamplerConfig
from .edit import EditRequest, EditResult

_HELD_SECONDS = 0.6
"""So long a pose is held for the model to hear of it: three tokens."""


@dataclass(frozen=True, eq=False)
class HeldEdit:
    """The edit that makes a motion with its ends. frames: of the edit, those that are the motion.
    placed: they stand where they belong."""

    request: EditRequest
    frames: slice
    placed: bool

    def cut(self, made: EditResult) -> MotionClip:
        """The motion: it stands where its pose does; without one it starts over the origin."""
        clip = made.clip.slice(self.frames.start, self.frames.stop)
        return clip if self.placed else place(clip, Placement())


@dataclass(frozen=True, eq=False)
class Wanted:
    """What a motion with ends is to be; fields as in a GenerateRequest."""

    prompt: str
    frames: int
    fps: float
    seed: int
    sampler: SamplerConfig
    pin_feet: bool
    path: GroundPath | None
    pins: tuple[Pin, ...]


def held_edit(wanted: Wanted, ends: Ends) -> HeldEdit:
    """The edit of poses that are held, with the motion's frames between them.

    With a start the first frame is the pose itself, so one fewer is made.
    """
    held = max(2, round(_HELD_SECONDS * wanted.fps))
    before = _before(ends, held, wanted.fps)
    after = standing_clip(held, wanted.fps) if ends.end == "standing" else None
    known = 0 if before is None else before.frames
    first = max(known - 1, 0)
    stop = first + wanted.frames
    empty = standing_clip(stop - known, wanted.fps)
    clip = _joined([part for part in (before, empty, after) if part is not None])
    request = EditRequest(
        clip,
        span_mask(clip.frames, known, stop, "all"),
        wanted.prompt,
        wanted.seed,
        wanted.sampler,
        wanted.pin_feet,
        moves_after=after is not None,
        path=wanted.path,
        pins=tuple(_later(pin, first / wanted.fps) for pin in wanted.pins),
    )
    return HeldEdit(request, slice(first, stop), known > 0 or wanted.path is not None)


def _before(ends: Ends, held: int, fps: float) -> MotionClip | None:
    """What is held before the motion: the pose, after what led to it, for long enough."""
    if ends.start == "standing":
        return standing_clip(held, fps)
    if ends.start == "free" or ends.pose is None:
        return None
    pose = resample(ends.pose, fps)
    missing = max(0, held - pose.frames)
    return _joined([pose.slice(0, 1)] * missing + [pose])


def _joined(clips: list[MotionClip]) -> MotionClip:
    return clips[0].replace(
        rotations_TJ4=np.concatenate([clip.rotations_TJ4 for clip in clips]),
        root_T3=np.concatenate([clip.root_T3 for clip in clips]),
    )


def _later(pin: Pin, seconds: float) -> Pin:
    return Pin(pin.joint, pin.first + seconds, pin.last + seconds, pin.target_K3, pin.look)
