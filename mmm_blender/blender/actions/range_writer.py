"""Writes a motion into a range of an Action, and nothing else.

The promise: kept keys (outside the range, or locked in it) stay bit for bit. Blender computes
automatic handles from neighbours: kept ones that it would move become FREE where they are. Where
the range cuts a segment, the fewest keys are added that hold what is left of it.

Shape suffixes: T frames, W written bones, N components of a property or keys of a curve.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property, partial
from itertools import groupby
from typing import TypeAlias

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ...geometry.clip import MotionClip
from ...geometry.feet.leg_ik import ANKLES, HIPS, KNEES
from ...geometry.retarget.residuals import ease_places, ease_turns, turn_residual
from ...geometry.rotation_modes import (
    rotation_values,
    rotations_of,
    values_after,
    values_between,
)
from ...geometry.skeleton import SMPL_22
from ..bpy_types import Action, ArmatureObject
from ..fcurves.curve_snapshot import raw_curves, restore
from ..fcurves.curve_writer import open_writer
from ..fcurves.keyframe_arrays import (
    CONSTANT,
    POINTS,
    KeyArray,
    linear_keys,
    no_keys,
    read_keys,
    sorted_by_frame,
)
from ..fcurves.layered_actions import rig_curves
from ..fcurves.slot_properties import OBJECT_BONE
from ..fcurves.splice_keys import Component, SpliceRange, fractional_locks, splice_range
from ..rig.binding import RigBinding, binding_of
from ..rig.clip_channels import channel_motion
from ..rig.mapped_pose import ChannelMotion
from ..rig.pose_reading import pose_reading
from .object_share import ObjectShare
from .validation import LOCATION, BoneProperty, bone_properties, check_curves, joint_names

__all__ = ["check_curves", "keyed_extent", "raw_curves", "restore", "write_range"]

_CONTEXT = 12
"""Frames on either side of a range in which it is seen whether a foot stands already, or still."""

_LEG_JOINTS = frozenset((*HIPS, *KNEES, *ANKLES))

LockedFrames: TypeAlias = Mapping[str, Collection[float]]
"""Frames at which each bone's keys stay. Beside a locked key that stands between two frames, those
two are locked as well, at what the curves said there."""


def write_range(  # noqa: PLR0917  # a motion, where it lies, and where it goes
    rig: ArmatureObject,
    action: Action,
    clip: MotionClip,
    clip_start: int,
    first: int,
    last: int,
    bones: Collection[str],
    locked: LockedFrames,
) -> None:
    """Key ``clip`` on the scene frames ``first`` to ``last`` (both included) of ``bones``.

    clip: at the scene's rate, its first sample at the scene frame ``clip_start``; what it says at
    locked frames is not used. bones, keys of ``locked``: SMPL joints, or the rig's bones. One
    linear key of type GENERATED a frame. At the Action's own ends the new end keys hold beyond
    them; inside it, frames outside the range evaluate as before.

    Raises MMMError, with nothing changed, where curves refuse (``check_curves``); whatever else
    fails, the Action is as it was. Written twice, the raw numbers are the same.
    """
    check_curves(rig, action, bones, first, last)
    start, stop = first - clip_start, last + 1 - clip_start
    if start < 0 or stop > clip.frames:
        raise ValueError(f"frames {first} to {last} are not all in the clip")
    binding = binding_of(rig)
    span = splice_range(keyed_extent(rig, action), first, last)
    named = {joint: locked[name] for name in locked for joint in joint_names(binding, [name])}
    edits = [
        _PropertyEdit(each, span, named.get(SMPL_22.names[each.joint], frozenset()))
        for each in bone_properties(rig, action, joint_names(binding, bones))
    ]
    _share_locks(edits)
    share = ObjectShare.of(rig, action)
    if binding.smpl is not None:
        motion = _shared(channel_motion(rig, binding, clip.slice(start, stop)), share)
    else:
        motion = _with_residuals(rig, binding, clip, (start, stop), edits, share)
    _fill(edits, motion.rotations_TW4, motion.locations_TW3)
    with open_writer(rig, action) as writer:
        for edit in edits:
            for index, curve in enumerate(edit.of.curves):
                target = curve or writer.new(edit.of.path, index, edit.of.bone)
                writer.write(target, *edit.keys(index), before=edit.raw[index])


def _shared(motion: ChannelMotion, share: ObjectShare | None) -> ChannelMotion:
    return motion if share is None else share.taken_from(motion)


def _with_residuals(  # noqa: PLR0917  # the rig, the motion, and what keys it
    rig: ArmatureObject,
    binding: RigBinding,
    clip: MotionClip,
    span: tuple[int, int],
    edits: list[_PropertyEdit],
    share: ObjectShare | None,
) -> ChannelMotion:
    """Channels of a span of a clip on a mapped rig, led to what is kept beside every run: the map
    may not hold all of it."""
    start, stop = max(span[0] - _CONTEXT, 0), min(span[1] + _CONTEXT, clip.frames)
    free_T = np.zeros(stop - start, dtype=np.bool_)
    free_T[span[0] - start : span[1] - start] = _legs_free(edits)
    motion = _shared(channel_motion(rig, binding, clip.slice(start, stop), free_T), share)
    first, unit = span[0] - start, pose_reading(rig, binding).scale
    for edit in edits:
        at, is_place = edit.of.at, edit.of.mode == LOCATION
        values_T = (motion.locations_TW3 if is_place else motion.rotations_TW4)[:, at]
        mapped_T = values_T.copy()
        for begin, end in edit.runs():
            beside = [
                edit.residual(mapped_T[first + frame], frame)
                if 0 <= first + frame < len(mapped_T)
                else None
                for frame in (begin - 1, end)
            ]
            run = slice(first + begin, first + end)
            if is_place:
                size = share.size if share is not None and edit.of.bone == OBJECT_BONE else 1.0
                values_T[run] = ease_places(mapped_T[run], beside[0], beside[1], unit * size)
            else:
                values_T[run] = ease_turns(mapped_T[run], beside[0], beside[1])
    inside = slice(first, first + span[1] - span[0])
    return ChannelMotion(motion.rotations_TW4[inside], motion.locations_TW3[inside])


def _legs_free(edits: list[_PropertyEdit]) -> BoolArray:
    """Frames of the range in which both legs are written, down to the ankles."""
    legs = [edit for edit in edits if edit.of.joint in _LEG_JOINTS]
    if frozenset(edit.of.joint for edit in legs) != _LEG_JOINTS:
        return np.zeros_like(edits[0].locked_T)
    return ~np.any([edit.locked_T for edit in legs], axis=0)


def keyed_extent(rig: ArmatureObject, action: Action) -> tuple[float, float] | None:
    """First and last frame with a key on any of the rig's curves; None without keys."""
    ranges = [curve.range() for curve in rig_curves(rig, action) if not curve.is_empty]
    if not ranges:
        return None
    return min(float(each[0]) for each in ranges), max(float(each[1]) for each in ranges)


class _PropertyEdit:
    """The new keys of one property of a bone, before anything is written.

    raw: keys of the curves as they are. locked_T: whole frames of the range that are locked.
    values_TN: what the new keys say. jumps_T: keys whose value stays until the next.
    """

    def __init__(self, of: BoneProperty, span: SpliceRange, named: Collection[float]) -> None:
        """named: frames of the bone that are locked."""
        self.of = of
        self.span = span
        self.raw = [no_keys() if curve is None else read_keys(curve) for curve in of.curves]
        between = [fractional_locks(keys, span, named) for keys in self.raw]
        self.locked_between = np.unique(np.concatenate(between))
        beside = np.concatenate([np.floor(self.locked_between), np.ceil(self.locked_between)])
        self.locked_T = np.isin(span.frames, [*named, *beside])
        self.values_TN = np.zeros((len(self.locked_T), len(self.raw)))
        self.jumps_T = np.zeros_like(self.locked_T)

    @cached_property
    def locked(self) -> FloatArray:
        """All locked frames; to be asked for only when the bone's locks are known."""
        return np.concatenate([self.span.frames[self.locked_T], self.locked_between])

    @cached_property
    def components(self) -> list[Component]:
        """The property's curves, with or without keys."""
        return [
            Component(sorted_by_frame(keys), self.span, self.locked, partial(self.of.value, index))
            for index, keys in enumerate(self.raw)
        ]

    def runs(self) -> Iterator[tuple[int, int]]:
        """Runs of frames to regenerate: first, and one after the last, counted from the range's
        first frame."""
        for is_locked, run in groupby(
            range(len(self.locked_T)), key=lambda at: bool(self.locked_T[at])
        ):
            if not is_locked:
                at = list(run)
                yield at[0], at[-1] + 1

    def values_before(self, start: int) -> FloatArray | None:
        """Old values (N,) that a run goes on from; None if nothing is before it."""
        if start > 0:
            return self.of.values(self.span.first + start - 1)
        return self._values_at([each.fixed(before=True)[-1:] for each in self.components])

    def values_after_run(self, stop: int) -> FloatArray | None:
        """Old values (N,) that a run leads to; None if nothing is after it."""
        if stop < len(self.locked_T):
            return self.of.values(self.span.first + stop)
        return self._values_at([each.fixed(before=False)[:1] for each in self.components])

    def residual(self, mapped_N: FloatArray, frame: int) -> FloatArray:
        """What the mapped channels lack to be what the curves say on a frame, counted from the
        range's first: a place to be added, or a turn from the right."""
        said = self.of.values(self.span.first + frame)
        if self.of.mode == LOCATION:
            return said - mapped_N
        return turn_residual(mapped_N, rotations_of(said, self.of.mode))

    def _values_at(self, frames: list[FloatArray]) -> FloatArray | None:
        """What each component says at its own last kept frame: between those, the range's keys
        have a say already, so that a second edit would find other values."""
        if not all(len(frame) for frame in frames):
            return None
        said = [self.of.value(index, float(frame[0])) for index, frame in enumerate(frames)]
        return np.array(said)

    def keys(self, index: int) -> tuple[KeyArray, BoolArray]:
        """All keys of a component after the edit, and which of them were there before."""
        component = self.components[index]
        selected = bool(component.keys["select_control_point"][component.inside_N].any())
        made = linear_keys(self.span.frames, self.values_TN[:, index], selected)
        made["interpolation"][self.jumps_T] = CONSTANT
        pinned = component.pinned(self.locked)
        said = [self.of.value(index, frame) for frame in pinned]
        cuts = [self._said_by_curve(index, keys) for keys in component.cuts]
        new = np.concatenate([made[~self.locked_T], linear_keys(pinned, said, free=True), *cuts])
        return component.spliced(new)

    def _said_by_curve(self, index: int, keys: KeyArray) -> KeyArray:
        """The same keys, with the values that Blender reads from the old curve on whole frames. (A
        key between frames may stand where the curve is all but upright and has no one value.)"""
        keys = keys.copy()
        for key in keys:
            if key["co"][0] % 1.0 != 0.0:
                continue
            value = self.of.value(index, float(key["co"][0]))
            shift = value - float(key["co"][1])
            for name in POINTS:
                key[name][1] += shift
        return keys


def _share_locks(edits: list[_PropertyEdit]) -> None:
    """A lock is per bone and frame: the pelvis' place and rotation lock at the same ones."""
    locked: dict[int, BoolArray] = {}
    for edit in edits:
        locked[edit.of.joint] = edit.locked_T | locked.get(edit.of.joint, np.False_)
    for edit in edits:
        edit.locked_T = locked[edit.of.joint]


def _fill(edits: list[_PropertyEdit], rotations_TW4: FloatArray, locations_TW3: FloatArray) -> None:
    """Give every edit its new values, written so that they go on from what is kept."""
    rotated: dict[tuple[str, int, int, bool, bool], list[_PropertyEdit]] = {}
    for edit in edits:
        if edit.of.mode == LOCATION:
            edit.values_TN[:] = locations_TW3[:, edit.of.at]
            continue
        for start, stop in edit.runs():
            known = edit.values_before(start) is not None, edit.values_after_run(stop) is not None
            rotated.setdefault((edit.of.mode, start, stop, *known), []).append(edit)
    for (mode, start, stop, *_), alike in rotated.items():
        bones = [edit.of.at for edit in alike]
        _fill_run(alike, mode, start, stop, rotations_TW4[start:stop, bones])


def _fill_run(
    edits: list[_PropertyEdit], mode: str, start: int, stop: int, rotations_TW4: FloatArray
) -> None:
    """One run of several bones in one rotation mode, of which all or none are joined."""
    before = [edit.values_before(start) for edit in edits]
    after = [edit.values_after_run(stop) for edit in edits]
    before_WN = None if before[0] is None else np.array(before)
    after_WN = None if after[0] is None else np.array(after)
    jump_W = np.full(len(edits), -1)
    if before_WN is not None and after_WN is not None:
        values_TWN, jump_W = values_between(rotations_TW4, mode, before_WN, after_WN)
    elif before_WN is not None:
        values_TWN = values_after(rotations_TW4, mode, before_WN)
    elif after_WN is not None:
        values_TWN = values_after(rotations_TW4[::-1], mode, after_WN)[::-1]
    else:
        values_TWN = rotation_values(rotations_TW4, mode)
    for at, edit in enumerate(edits):
        edit.values_TN[start:stop] = values_TWN[:, at]
        if jump_W[at] >= 0:
            edit.jumps_T[start + jump_W[at]] = True
