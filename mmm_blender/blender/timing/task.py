"""Mirror, Reverse, Retime and Trim without buttons."""

from __future__ import annotations

import numpy as np

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.feet.contacts import CONTACT_JOINTS, foot_contacts
from ...geometry.kinematics import clip_joints
from ...geometry.placement import place, placement_of
from ...geometry.skeleton import SOLE_HEIGHT
from ...geometry.timing import retimed_clip, reversed_clip, touch_downs
from ..actions.editability import editing_poll_error
from ..bpy_types import ArmatureObject, Context
from ..edit.chosen_range import Source, chosen_range
from ..fcurves.layered_actions import assigned_action
from ..rig.motion_reader import read_motion
from ..takes.derived import keep_going_round, whole_range, write_derived


def mirror(context: Context, rig: ArmatureObject) -> MotionClip:
    """Left and right change places; the motion begins where it began, and as it faced."""
    clip, first = _whole(rig)
    placed = place(clip.mirrored(), placement_of(clip))
    _written(context, rig, placed, first, "mirrored")
    return placed


def reverse(context: Context, rig: ArmatureObject) -> MotionClip:
    """Backwards, between the same places."""
    clip, first = _whole(rig)
    found = reversed_clip(clip)
    _written(context, rig, found, first, "reversed")
    return found


def retime(context: Context, rig: ArmatureObject, speed: float, seconds: float = 0.0) -> MotionClip:
    """The selected keys' range faster or slower, or all of it; what follows moves along. seconds:
    of the range afterwards, instead of a speed, where over 0."""
    clip, first = _whole(rig)
    chosen = chosen_range(context, rig)
    start, stop = 0, clip.frames
    if chosen.source is Source.KEYS:
        start, stop = max(0, chosen.first - first), min(clip.frames, chosen.last - first + 1)
    if stop - start < 2:  # one frame has no length
        raise MMMError("One frame has no time to change: choose a longer range.")
    wanted = seconds * clip.fps if seconds > 0.0 else (stop - start) / speed
    middle = retimed_clip(clip.slice(start, stop), round(wanted))
    turns, places = clip.rotations_TJ4, clip.root_T3
    found = clip.replace(
        rotations_TJ4=np.concatenate([turns[:start], middle.rotations_TJ4, turns[stop:]]),
        root_T3=np.concatenate([places[:start], middle.root_T3, places[stop:]]),
    )
    _written(context, rig, found, first, "retimed")
    return found


def trim_to_contacts(context: Context, rig: ArmatureObject) -> MotionClip:
    """From the first time that a foot comes down to the last; MMMError where no two do."""
    clip, first = _whole(rig)
    joints_TJ3 = clip_joints(clip)
    joints_TJ3[..., 1] -= joints_TJ3[:, CONTACT_JOINTS, 1].min() - SOLE_HEIGHT
    downs = touch_downs(foot_contacts(joints_TJ3, clip.fps))
    if len(downs) < 2 or downs[-1] == downs[0]:  # a start and an end
        raise MMMError("No two steps are found in this motion: cut it by hand.")
    found = clip.slice(int(downs[0]), int(downs[-1]) + 1)
    write_derived(context, rig, found, first + int(downs[0]), "trimmed")
    return found


def _written(
    context: Context, rig: ArmatureObject, clip: MotionClip, first: int, what: str
) -> None:
    """Key all of a motion in another way; a loop stays one."""
    before = assigned_action(rig)
    keep_going_round(rig, before, write_derived(context, rig, clip, first, what))


def _whole(rig: ArmatureObject) -> tuple[MotionClip, int]:
    """All of the motion, and its first scene frame."""
    if reason := editing_poll_error(rig, "ALL"):
        raise MMMError(reason)
    first, last = whole_range(rig)
    return read_motion(rig, first, last), first
