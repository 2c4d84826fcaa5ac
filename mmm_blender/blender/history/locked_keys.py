"""Which keys in a range stay because the user made them: a lock is one bone at one frame."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ...common.errors import MMMError
from ...geometry.editing.lock_mode import LockMode
from ...geometry.skeleton import SMPL_22
from ..bpy_types import Action, ArmatureObject, FCurve, bpy
from ..fcurves.frame_range import ALL_FRAMES, FrameRange
from ..fcurves.keyframe_arrays import (
    key_frames,
    point_frames,
    read_field,
    read_keys,
    write_keys,
)
from ..fcurves.layered_actions import (
    enum_value,
)
from ..fcurves.slot_properties import OBJECT_BONE, WAY_PROPERTY, read_text
from ..rig.binding import PELVIS, binding_of
from .fingerprint import (
    FINGERPRINT_PROPERTY,
    Fingerprint,
    bone_rows,
    load_fingerprint,
    renamed_bones,
    written_curves,
)

JointBones: TypeAlias = Mapping[str, tuple[str, ...]]
"""Bones that are keyed for each SMPL joint."""

MANY = 0.5
"""Share of a range's keys that differ from ours beyond which it is no edit of single keys."""

_KEYFRAME_TYPE = enum_value("type", "KEYFRAME")


@dataclass(frozen=True)
class LockedKeys:
    """frames: at which the keys of each SMPL joint's bones stay. changed, of: keys (a bone at a
    frame) in the range that are not as MMM wrote them or not there any more, and all of them.
    renamed: bones of which nobody knows what was edited."""

    frames: Mapping[str, frozenset[float]]
    changed: int = 0
    of: int = 0
    renamed: tuple[str, ...] = ()

    @property
    def listed(self) -> dict[str, list[float]]:
        """``frames`` for a recipe."""
        return {joint: sorted(frames) for joint, frames in self.frames.items()}

    @property
    def note(self) -> str:
        """What the user should know afterwards, in a sentence; else ""."""
        if not self.renamed:
            return ""
        return (
            f"{', '.join(self.renamed)}: renamed since MMM wrote the keys, so its edits are not "
            "known and none is locked."
        )

    @property
    def confirmation(self) -> str:
        """Why to ask the user whether all these are edits, in a sentence; else ""."""
        if self.changed <= MANY * self.of:
            return ""
        return (
            f"{self.changed} of {self.of} keys in the range are not as MMM wrote them, as if they "
            "had been retimed or thinned out: lock them all, or choose Lock Nothing."
        )


def automatic_mode(action: Action, rig: ArmatureObject | None = None) -> LockMode:
    """What AUTO means: EDITED for an Action of ours, else NONE: an imported one is all KEYFRAME.

    rig: whose slot counts, the first if not given.
    """
    made_by_us = read_text(action, FINGERPRINT_PROPERTY, rig) is not None
    return LockMode.EDITED if made_by_us else LockMode.NONE


def locked_keys(
    rig: ArmatureObject, action: Action, span: FrameRange, joints: Collection[str], mode: LockMode
) -> LockedKeys:
    """The locked keys of SMPL ``joints`` in the scene frames of ``span``.

    Raises MMMError where EDITED is asked of an Action that we have not written.
    """
    bones = _bones_of(rig, action, joints)
    match mode:
        case LockMode.AUTO:
            return locked_keys(rig, action, span, joints, automatic_mode(action, rig))
        case LockMode.EDITED:
            return _edited(rig, action, span, bones)
        case LockMode.KEYFRAME:
            return _poses(rig, action, span, bones)
        case LockMode.NONE:
            return LockedKeys({})


def _edited(rig: ArmatureObject, action: Action, span: FrameRange, bones: JointBones) -> LockedKeys:
    before = load_fingerprint(action, rig)
    if before is None:
        raise MMMError(
            f"'{action.name}' was not made by MMM, so its edited keys are not known: choose Lock "
            "Keyframes or Lock Nothing."
        )
    curves, renamed = written_curves(rig, action), renamed_bones(rig, action, before)
    locked: dict[str, frozenset[float]] = {}
    changed = total = 0
    for joint, bone in _pairs(bones):
        spelt = bpy.utils.escape_identifier(bone)
        if spelt in renamed or _is_unwatched(spelt, before):
            continue
        known = before.get(spelt)
        now = bone_rows(curves.get(spelt, ()), (span.first, span.last))
        gone = (
            0 if known is None else int((span.contains(known.frames_N) & ~known.found_N(now)).sum())
        )
        total += len(now.frames_N) + gone
        changed += int(now.changed_N(known).sum()) + gone
        by_hand_N = now.by_hand_N(known)
        if by_hand_N.any():
            by_hand = frozenset(now.frames_N[by_hand_N].tolist())
            locked[joint] = by_hand | locked.get(joint, frozenset())
    named = tuple(bone for _, bone in _pairs(bones) if bpy.utils.escape_identifier(bone) in renamed)
    return LockedKeys(locked, changed, total, named)


def user_keys_after(
    rig: ArmatureObject,
    action: Action,
    frames: FrameRange,
    joints: Collection[str],
    locked: LockedKeys,
) -> dict[str, set[float]]:
    """The user's own keys in the Action once ``joints`` are regenerated on ``frames``, as
    ``store_fingerprint`` wants them: those elsewhere, and the locked ones.

    To be asked before the write.
    """
    before = load_fingerprint(action, rig)
    now = {} if before is None else written_curves(rig, action)
    for bone in () if before is None else renamed_bones(rig, action, before):
        del now[bone]
    bones = _bones_of(rig, action, SMPL_22.names)
    regenerated = {spelt for joint in joints for spelt in _spelt(bones, joint)}
    own: dict[str, set[float]] = {}
    for bone, curves in now.items():
        if before is not None and _is_unwatched(bone, before):
            continue
        each = bone_rows(curves)
        own_N = each.by_hand_N(None if before is None else before.get(bone))
        if bone in regenerated:
            own_N &= ~frames.contains(each.frames_N)
        own[bone] = set(each.frames_N[own_N].tolist())
    for joint, locked_frames in locked.frames.items():
        for bone in _spelt(bones, joint):
            own.setdefault(bone, set()).update(locked_frames)
    return own


def _poses(rig: ArmatureObject, action: Action, span: FrameRange, bones: JointBones) -> LockedKeys:
    """Keys of the type Keyframe, and in an Action of ours those that the user has changed: Blender
    leaves the type of a key that is keyed again. Where most are changed, it is no posing."""
    typed = _of_type_keyframe(rig, action, span, bones)
    if load_fingerprint(action, rig) is None:
        return typed
    edited = _edited(rig, action, span, bones)
    if edited.confirmation:
        return typed
    nothing: frozenset[float] = frozenset()
    joints = (*typed.frames, *(joint for joint in edited.frames if joint not in typed.frames))
    return LockedKeys(
        {
            joint: typed.frames.get(joint, nothing) | edited.frames.get(joint, nothing)
            for joint in joints
        }
    )


def pose_frames(rig: ArmatureObject, action: Action, joints: Collection[str]) -> list[float]:
    """Every frame at which the user has set a pose of SMPL ``joints``, in order."""
    locked = locked_keys(rig, action, ALL_FRAMES, joints, LockMode.KEYFRAME)
    return sorted({frame for frames in locked.frames.values() for frame in frames})


def _of_type_keyframe(
    rig: ArmatureObject, action: Action, span: FrameRange, bones: JointBones
) -> LockedKeys:
    locked: dict[str, frozenset[float]] = {}
    for joint, curves in curves_of_joints(rig, action, bones).items():
        frames: set[float] = set()
        for curve in curves:
            frames_N = point_frames(read_field(curve, "co"))
            frames |= set(frames_N[read_field(curve, "type") == _KEYFRAME_TYPE].tolist())
        inside = frozenset(frame for frame in frames if span.touches(frame, frame))
        if inside:
            locked[joint] = inside
    return LockedKeys(locked)


def curves_of_joints(
    rig: ArmatureObject, action: Action, joints: Iterable[str]
) -> dict[str, list[FCurve]]:
    """The curves of each SMPL joint's bones that an edit writes."""
    joints = tuple(joints)
    bones, curves = _bones_of(rig, action, joints), written_curves(rig, action)
    return {
        joint: [curve for bone in _spelt(bones, joint) for curve in curves.get(bone, ())]
        for joint in joints
    }


def _bones_of(rig: ArmatureObject, action: Action, joints: Iterable[str]) -> JointBones:
    """Bones that are keyed for each joint; with the pelvis the object, where it carries the way."""
    binding = binding_of(rig)
    bones = {joint: binding.bones_of(joint) for joint in joints}
    if PELVIS in bones and read_text(action, WAY_PROPERTY, rig):
        bones[PELVIS] = (*bones[PELVIS], OBJECT_BONE)
    return bones


def _is_unwatched(spelt: str, before: Fingerprint) -> bool:
    """The object's keys, in an Action that was written before they were looked after."""
    return spelt == OBJECT_BONE and spelt not in before


def _spelt(bones: JointBones, joint: str) -> tuple[str, ...]:
    """The joint's bones as data paths spell them."""
    return tuple(bpy.utils.escape_identifier(bone) for bone in bones.get(joint, ()))


def _pairs(bones: JointBones) -> list[tuple[str, str]]:
    """Every joint with each of its bones."""
    return [(joint, bone) for joint, chain in bones.items() for bone in chain]


def mark_as_keyframes(rig: ArmatureObject, action: Action, locked: LockedKeys) -> None:
    """Give locked keys the type KEYFRAME, so that the user sees which they are."""
    for joint, curves in curves_of_joints(rig, action, locked.frames).items():
        for curve in curves:
            keys = read_keys(curve).copy()
            at_lock = np.isin(key_frames(keys), list(locked.frames[joint]))
            if at_lock.any():
                keys["type"][at_lock] = _KEYFRAME_TYPE
                write_keys(curve, keys)
