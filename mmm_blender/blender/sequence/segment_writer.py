"""A regenerated segment, written between the keys around it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask
from ...geometry.editing.lock_mode import LockMode
from ...geometry.editing.path_correction import NO_MOVE, GroundMove, carry_after
from ...geometry.placement import headings
from ...geometry.rotations import quat_rotate, yaw_quat
from ...geometry.skeleton import SMPL_22
from ..actions.range_writer import keyed_extent, write_range
from ..actions.retime import move_ground, move_keys
from ..bpy_types import Action, ArmatureObject
from ..fcurves.curve_writer import open_writer
from ..fcurves.frame_range import FrameRange
from ..fcurves.keyframe_arrays import key_frames, read_keys
from ..fcurves.slot_properties import body_curves
from ..history.locked_keys import LockedKeys, locked_keys
from .layout import Segment, SegmentPlan


def check_several(segments: tuple[Segment, ...]) -> None:
    """Raises MMMError for a sequence of one segment."""
    if len(segments) == 1:
        raise MMMError("The sequence has one prompt only: generate it again.")


def segments_extent(
    rig: ArmatureObject, action: Action, segments: tuple[Segment, ...]
) -> tuple[float, float]:
    """First and last keyed frame; MMMError where the segments do not lie between them."""
    keyed = keyed_extent(rig, action)
    first, last = segments[0].first, segments[-1].stop - 1
    if keyed is None or keyed[0] > first or keyed[1] < last:
        raise MMMError(
            f"The sequence lay on the frames {first} to {last}, where not all of it is any more: "
            "move its keys back, or generate it again."
        )
    return keyed


def segment_locked_keys(
    rig: ArmatureObject, action: Action, span: FrameRange, lock: LockMode
) -> LockedKeys:
    """Keys of a segment that stay; MMMError where the user has to choose first."""
    locked = locked_keys(rig, action, span, SMPL_22.names, lock)
    if lock is LockMode.AUTO and locked.confirmation:
        raise MMMError(locked.confirmation)
    return locked


def check_none_lost(locked: LockedKeys, plan: SegmentPlan) -> None:
    """MMMError where locked poses lie in what a shorter segment leaves out."""
    frames = {frame for frames in locked.frames.values() for frame in frames}
    lost = sorted(frame for frame in frames if plan.after_shift(frame) is None)
    if lost:
        raise MMMError(
            f"{len(lost)} poses that you made by hand (the first on frame {lost[0]:g}) lie in what "
            "is cut off: give the prompt more seconds, or choose Lock Nothing."
        )


def shifted_keys(
    locked: Mapping[str, Collection[float]], plan: SegmentPlan
) -> dict[str, frozenset[float]]:
    """LockedKeys frames of each joint where they lie after the shift."""
    return {
        joint: frozenset(
            moved for frame in frames if (moved := plan.after_shift(frame)) is not None
        )
        for joint, frames in locked.items()
    }


def brought_to_start(
    made: MotionClip, move: GroundMove, seen: MotionClip, mask: EditMask
) -> tuple[MotionClip, GroundMove]:
    """The worker's motion with the frames after it where they are carried, and what carries them
    there. If nothing before it is kept, it starts where ``seen`` started."""
    if mask.start > 0:
        return carry_after(made, mask.stop, move), move
    turn = float(headings(seen.slice(0, 1))[0] - headings(made.slice(0, 1))[0])
    there = seen.root_T3[0] - quat_rotate(yaw_quat(turn), made.root_T3[0])
    to_start = GroundMove(turn, float(there[0]), float(there[2]))
    return carry_after(made, 0, to_start), to_start


def write_segment(  # noqa: PLR0917  # an answer, where it lies, and where it goes
    rig: ArmatureObject,
    action: Action,
    plan: SegmentPlan,
    clip_start: int,
    clip: MotionClip,
    move: GroundMove,
    locked: Mapping[str, Collection[float]],
) -> None:
    """Key the worker's motion and carry along everything after it.

    clip: as the model was shown it, ``clip_start`` its first scene frame after the shift. locked:
    as the keys lie before it. A failure leaves the keys half-written: see ``rolled_back``.
    """
    keyed = keyed_extent(rig, action)
    if plan.shift:
        move_keys(rig, action, plan.old_stop, plan.shift)
    if keyed is not None and keyed[1] < plan.old_stop:
        _cut(rig, action, plan.new_stop)
    elif move != NO_MOVE:
        move_ground(rig, action, plan.last + 1, move)
    write_range(
        rig,
        action,
        clip,
        clip_start,
        plan.first,
        plan.last,
        SMPL_22.names,
        shifted_keys(locked, plan),
    )


def _cut(rig: ArmatureObject, action: Action, frame: int) -> None:
    """Take away keys from a frame on: of a motion that ends there, ``move_keys`` keeps the end."""
    with open_writer(rig, action) as writer:
        for curve in (each for own in body_curves(rig, action).values() for each in own):
            before = read_keys(curve)
            stays_N = key_frames(before) < frame
            if stays_N.any() and not stays_N.all():
                writer.write(curve, before[stays_N], np.ones(stays_N.sum(), np.bool_), before)
