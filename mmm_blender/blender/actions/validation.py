"""Which curves an edit would write, and why it must not: one sentence for the animator."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY
from ...geometry.skeleton import SMPL_22
from ..bpy_types import Action, ArmatureObject, FCurve, bpy
from ..fcurves.keyframe_arrays import read_field, read_keys
from ..fcurves.layered_actions import (
    bone_path,
    curves_by_channel,
    has_slot,
    rig_curves,
    slot_handle,
    slot_label,
    unused_slot_label,
)
from ..fcurves.slot_properties import OBJECT_BONE, WAY_PROPERTY, read_text
from ..rig.binding import PELVIS, RigBinding, WrittenBone, binding_of
from .cycles import CYCLES, repeats

LOCATION = "location"


@dataclass(frozen=True, eq=False)
class BoneProperty:
    """A vector of a pose bone that keys move.

    joint: its number among the 22. at: the bone's number among those that are written. bone: its
    name in the rig, ``OBJECT_BONE`` for the object itself. mode: the bone's rotation mode, or
    LOCATION. curves: of each component, None where it has none.
    """

    rig: ArmatureObject
    joint: int
    at: int
    bone: str
    name: str
    mode: str
    curves: tuple[FCurve | None, ...]

    @property
    def path(self) -> str:
        """Data path of its curves."""
        return self.name if self.bone == OBJECT_BONE else bone_path(self.bone, self.name)

    def values(self, frame: float) -> FloatArray:
        """What the curves say at a frame before the edit. (N,)"""
        return np.array([self.value(i, frame) for i in range(len(self.curves))])

    def value(self, index: int, frame: float) -> float:
        """What one curve says; the bone's own value where there is none."""
        curve = self.curves[index]
        if curve is not None and not curve.is_empty:
            return float(curve.evaluate(frame))
        owner = self.rig if self.bone == OBJECT_BONE else self.rig.pose.bones[self.bone]
        return float(getattr(owner, self.name)[index])

    @property
    def label(self) -> str:
        """Whose property it is, for the animator."""
        return f"object '{self.rig.name}'" if self.bone == OBJECT_BONE else f"bone '{self.bone}'"


def joint_names(binding: RigBinding, names: Collection[str]) -> frozenset[str]:
    """SMPL joints, given by their own names or by those of the bones that are written for them."""
    joints, joint_of = frozenset(SMPL_22.names), binding.joint_of_bone
    return frozenset(name if name in joints else joint_of[name] for name in names)


def bone_properties(
    rig: ArmatureObject, action: Action, joints: Collection[str]
) -> list[BoneProperty]:
    """What an edit of these joints keys: the rotation of their bones, and where the body is, by the
    object too where that carries the way."""
    curves = curves_by_channel(rig_curves(rig, action))
    found: list[BoneProperty] = []
    binding = binding_of(rig)
    for at, each in enumerate(binding.written):
        if each.joint not in joints:
            continue
        joint, bone = SMPL_22.names.index(each.joint), each.bone
        for name, kind in _keyed_properties(rig, each):
            count = len(getattr(rig.pose.bones[bone], name))
            path = bone_path(bone, name)
            its_curves = tuple(curves.get((path, i)) for i in range(count))
            found.append(BoneProperty(rig, joint, at, bone, name, kind, its_curves))
    if PELVIS in joints and read_text(action, WAY_PROPERTY, rig):
        at, its_curves = len(binding.written), tuple(curves.get((LOCATION, i)) for i in range(3))
        found.append(BoneProperty(rig, 0, at, OBJECT_BONE, LOCATION, LOCATION, its_curves))
    return found


def _keyed_properties(rig: ArmatureObject, written: WrittenBone) -> Iterator[tuple[str, str]]:
    """Properties that are keyed of a bone, and the mode of each."""
    if written.rotation:
        mode = str(rig.pose.bones[written.bone].rotation_mode)
        yield PROPERTY.get(mode, EULER_PROPERTY), mode
    if written.location:
        yield LOCATION, LOCATION


def check_curves(
    rig: ArmatureObject, action: Action, bones: Collection[str], first: int, last: int
) -> None:
    """Raise MMMError, in one sentence, where keys of these bones cannot be replaced.

    bones: SMPL joints or the rig's bones. first, last: the scene frames, both included.
    """
    if last < first:
        raise MMMError(f"The range ends (frame {last}) before it starts ({first}): swap the two.")
    joints = joint_names(binding_of(rig), bones)
    reason = _action_poll_error(rig, action)
    properties = bone_properties(rig, action, joints)
    reason = reason or _slot_poll_error(rig, action, properties)
    reason = reason or next(_curve_poll_errors(properties, (first, last)), "")
    reason = reason or _mode_poll_error(rig, action, properties)
    if not reason and PELVIS in joints:
        reason = _parent_poll_error(rig, action)
    if reason:
        raise MMMError(reason)


def _action_poll_error(rig: ArmatureObject, action: Action) -> str:
    if action.library or not action.is_editable:
        return (
            f"The Action '{action.name}' is linked from another file and cannot be changed: "
            "make it local first (in the Action menu of the dope sheet's header)."
        )
    if not has_slot(rig, action):
        return (
            f"'{rig.name}' uses no slot of the Action '{action.name}': "
            "choose one beside the Action's name."
        )
    return _sharing_poll_error(rig, action)


def _sharing_poll_error(rig: ArmatureObject, action: Action) -> str:
    """A sentence where another object plays the same keys: it would move too."""
    handle = slot_handle(rig, action)
    for other in bpy.data.objects if action.users > 1 else ():
        data = other.animation_data
        if other == rig or data is None or data.action != action:
            continue
        if slot_handle(other, action) == handle:
            return (
                f"'{other.name}' plays the same keys of the Action '{action.name}' and would move "
                "too: give one of them a copy (the number beside the Action's name)."
            )
    return ""


def _mode_poll_error(rig: ArmatureObject, action: Action, properties: list[BoneProperty]) -> str:
    """A sentence where a bone changes its rotation mode: keys would be of one mode only."""
    paths = {bone_path(each.bone, "rotation_mode"): each.bone for each in properties}
    for (path, _), curve in curves_by_channel(rig_curves(rig, action)).items():
        if path in paths and np.unique(read_field(curve, "co")[:, 1]).size > 1:
            return (
                f"The rotation mode of the bone '{paths[path]}' is keyed: delete those keys, or "
                "bake the Action first."
            )
    return ""


def _slot_poll_error(rig: ArmatureObject, action: Action, properties: list[BoneProperty]) -> str:
    """A sentence where the bones' curves lie in a slot that nobody uses, and none in the rig's."""
    if any(curve for each in properties for curve in each.curves):
        return ""
    unused = unused_slot_label(rig, action, {each.path for each in properties})
    if not unused:
        return ""
    return (
        f"The keys lie in the slot '{unused}' of the Action, and '{rig.name}' uses the slot "
        f"'{slot_label(rig, action)}': choose the other slot."
    )


def _curve_poll_errors(properties: list[BoneProperty], frames: tuple[int, int]) -> Iterator[str]:
    for each in properties:
        for index, curve in enumerate(each.curves):
            reason = (
                ""
                if curve is None
                else _curve_poll_error(curve)
                or keys_poll_error(curve)
                or _seam_poll_error(curve, frames)
            )
            if reason:
                yield f"The curve {each.name}[{index}] of the {each.label} {reason}."


def _curve_poll_error(curve: FCurve) -> str:
    """What is wrong with it and what to do, as the end of a sentence; "" if nothing."""
    others = [each for each in curve.modifiers if each.type != CYCLES]
    if others:
        kind = str(others[0].type).capitalize()
        return f"has the modifier {kind}: remove it or bake the Action first"
    if curve.extrapolation != "CONSTANT":
        return "goes on in a straight line outside its keys: set its extrapolation to Constant"
    if len(curve.sampled_points):
        return "is baked to samples without keys: turn them into keys (Key > Samples to Keys)"
    return _switch_poll_error(curve)


def _switch_poll_error(curve: FCurve) -> str:
    """The same for what a person can switch on a curve or its group."""
    group = curve.group
    if curve.mute or (group is not None and group.mute):
        return "is muted: turn its channel or its group on in the graph editor"
    if curve.lock or (group is not None and group.lock):
        return "is locked: unlock its channel or its group in the graph editor"
    return ""


def _seam_poll_error(curve: FCurve, frames: tuple[int, int]) -> str:
    """As ``_curve_poll_error``, where a curve goes round: what is made on one side of its seam
    alone would not meet the other side any more."""
    if not repeats(curve) or curve.is_empty:
        return ""
    first, last = (math.floor(frame) for frame in curve.range())
    if first < frames[0] and frames[1] < last:
        return ""
    return (
        f"goes round, and the range reaches its seam: choose frames from {first + 1} to "
        f"{last - 1}, or press Make Loop again, which makes the seam"
    )


def keys_poll_error(curve: FCurve) -> str:
    """Why a curve's keys cannot be read, as the end of a sentence; "" where they can."""
    if np.isfinite(read_field(curve, "co")).all():
        return ""
    return "has a key whose frame or value is no number: delete that key"


def _parent_poll_error(rig: ArmatureObject, action: Action) -> str:
    """A sentence where a bone above the pelvis moves: its pelvis cannot be keyed frame by frame."""
    binding = binding_of(rig)
    if binding.smpl is None:  # what carries a mapped rig is looked at where it is computed
        return ""
    above = rig.data.bones[binding.smpl[PELVIS]].parent_recursive
    prefixes = {str(bone.name): bone_path(bone.name, "") for bone in above}
    curves = curves_by_channel(rig_curves(rig, action))
    for (path, _), curve in curves.items():
        for name, prefix in prefixes.items():
            if path.startswith(prefix) and np.unique(read_keys(curve)["co"][:, 1]).size > 1:
                return (
                    f"The bone '{name}' above the pelvis is animated: bake its motion into the "
                    "pelvis and clear it first."
                )
    return ""
