"""An Action's bone curves at every frame, and the armature's bones as a chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY
from ...geometry.simplify.pose_error import BoneChain
from ...geometry.simplify.simplify import BoneCurves
from ..actions.cycles import CYCLES
from ..bpy_types import Action, ArmatureObject, Bone, FCurve, PoseBone
from ..fcurves.keyframe_arrays import read_field
from ..fcurves.layered_actions import bone_path, curves_by_channel, rig_curves
from ..rig.clip_channels import orientation_quats

_MANY = 200
"""Bones from which on not all are looked at: rigs of controls have hundreds that nobody keys."""


@dataclass(frozen=True, eq=False)
class KeyedBone:
    """A bone's curves by channel, rotation first and then location; None for one without keys.
    values_C: what a channel without keys has."""

    name: str
    mode: str
    curves: tuple[FCurve | None, ...]
    values_C: FloatArray

    def sampled(self, first: int, last: int, metre: float, fixed: frozenset[int]) -> BoneCurves:
        """All channels at the scene frames from first to last. metre: metres a unit of location;
        fixed: frames from 0 that keep a key."""
        values_TC = np.tile(self.values_C, (last - first + 1, 1))
        for at, curve in enumerate(self.curves):
            if curve is not None:
                values_TC[:, at] = _sampled(curve, first, last)
        split = len(self.curves) - 3
        return BoneCurves(self.mode, values_TC[:, :split], values_TC[:, split:] * metre, fixed)


def _sampled(curve: FCurve, first: int, last: int) -> FloatArray:
    """What a curve says at whole frames: its keys where it has one on each, which is quicker."""
    points = read_field(curve, "co")
    dense = len(points) == last - first + 1 and points[0, 0] == first and points[-1, 0] == last
    plain = all(each.type == CYCLES for each in curve.modifiers)  # which changes nothing inside
    if dense and plain and (np.diff(points[:, 0]) == 1.0).all():
        return points[:, 1].astype(np.float64)
    evaluate = curve.evaluate
    return np.array([evaluate(frame) for frame in range(first, last + 1)])


def keyed_bones(rig: ArmatureObject, action: Action) -> list[KeyedBone]:
    """Bones of an armature, parents first, with the curves by which an Action moves them: all, or
    of many those that are keyed, what these hang on, and the furthest that hangs on each."""
    found = curves_by_channel(rig_curves(rig, action))
    keyed = {path for path, _ in found}
    bones = list(rig.data.bones)
    if len(bones) > _MANY:
        own = {bone.name for bone in bones if _paths(bone.name) & keyed}
        counted = _counted(bones, own)
        bones = [bone for bone in bones if bone.name in counted]
    return [_keyed_bone(rig.pose.bones[bone.name], found) for bone in bones]


def _paths(bone: str) -> set[str]:
    """Data paths of a bone's channels that are looked at."""
    names = ("location", *PROPERTY.values(), EULER_PROPERTY)
    return {bone_path(bone, name) for name in names}


def _counted(bones: Sequence[Bone], keyed: set[str]) -> set[str]:
    """Names of keyed bones, of all above them, and of the way to the furthest tip on each."""
    ends: dict[str, tuple[float, Bone]] = {}
    for bone in bones:
        holder = next((each for each in (bone, *bone.parent_recursive) if each.name in keyed), None)
        if holder is not None:
            far = (bone.tail_local - holder.head_local).length
            if far > ends.get(holder.name, (-1.0, bone))[0]:
                ends[holder.name] = far, bone
    return {each.name for _, end in ends.values() for each in (end, *end.parent_recursive)} | {
        each.name for bone in bones if bone.name in keyed for each in (bone, *bone.parent_recursive)
    }


def _keyed_bone(bone: PoseBone, found: Mapping[tuple[str, int], FCurve]) -> KeyedBone:
    mode = str(bone.rotation_mode)
    kind = PROPERTY.get(mode, EULER_PROPERTY)
    channels: list[FCurve | None] = []
    values: list[float] = []
    for name in (kind, "location"):
        now = getattr(bone, name)
        for index in range(len(now)):
            curve = found.get((bone_path(bone.name, name), index))
            channels.append(curve if curve is not None and len(curve.keyframe_points) else None)
            values.append(float(now[index]))
    return KeyedBone(str(bone.name), mode, tuple(channels), np.array(values))


def bone_chain(rig: ArmatureObject, names: Sequence[str], metre: float) -> BoneChain:
    """The rest pose of bones, parents first. metre: metres a unit of the armature."""
    bones = [rig.data.bones[name] for name in names]
    numbers = {name: at for at, name in enumerate(names)}
    parents = [-1 if bone.parent is None else numbers[bone.parent.name] for bone in bones]
    locals_J44 = np.array([np.array(bone.matrix_local) for bone in bones])
    inverse_J44 = np.linalg.inv(locals_J44)
    rest_J4, offsets_J3 = [], []
    for parent, local_44 in zip(parents, locals_J44, strict=True):
        relative_44 = local_44 if parent < 0 else inverse_J44[parent] @ local_44
        rest_J4.append(orientation_quats(relative_44[:3, :3]))
        offsets_J3.append(metre * relative_44[:3, 3])
    lengths_J = metre * np.array([float(bone.length) for bone in bones])
    tips_J3 = lengths_J[:, None] * np.array([0.0, 1.0, 0.0])
    return BoneChain(tuple(parents), np.array(rest_J4), np.array(offsets_J3), tips_J3)
