"""An Action's bone curves at every frame, and the armature's bones as a chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY
from ...geometry.simplify.pose_error import BoneChain
from ...geometry.simplify.simplify import BoneCurves
from ..bpy_types import Action, ArmatureObject, FCurve, PoseBone
from ..fcurves.layered_actions import bone_path, curves_by_channel, rig_curves
from ..rig.clip_channels import orientation_quats


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
                evaluate = curve.evaluate
                values_TC[:, at] = [evaluate(frame) for frame in range(first, last + 1)]
        split = len(self.curves) - 3
        return BoneCurves(self.mode, values_TC[:, :split], values_TC[:, split:] * metre, fixed)


def keyed_bones(rig: ArmatureObject, action: Action) -> list[KeyedBone]:
    """All bones of an armature, parents first, with the curves by which an Action moves them."""
    found = curves_by_channel(rig_curves(rig, action))
    return [_keyed_bone(rig.pose.bones[bone.name], found) for bone in rig.data.bones]


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


def bone_chain(rig: ArmatureObject, metre: float) -> BoneChain:
    """The rest pose of all bones, parents first. metre: metres a unit of the armature."""
    bones = list(rig.data.bones)
    names = [str(bone.name) for bone in bones]
    parents = [-1 if bone.parent is None else names.index(bone.parent.name) for bone in bones]
    locals_J44 = np.array([np.array(bone.matrix_local) for bone in bones])
    rest_J4, offsets_J3 = [], []
    for parent, local_44 in zip(parents, locals_J44, strict=True):
        relative_44 = local_44 if parent < 0 else np.linalg.inv(locals_J44[parent]) @ local_44
        rest_J4.append(orientation_quats(relative_44[:3, :3]))
        offsets_J3.append(metre * relative_44[:3, 3])
    lengths_J = metre * np.array([float(bone.length) for bone in bones])
    tips_J3 = lengths_J[:, None] * np.array([0.0, 1.0, 0.0])
    return BoneChain(tuple(parents), np.array(rest_J4), np.array(offsets_J3), tips_J3)
