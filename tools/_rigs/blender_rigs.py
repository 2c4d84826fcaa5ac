"""Tables of bones as armatures, and Blender's own rigs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.conventions import to_blender_vectors
from mmm_blender.geometry.rotations import quat_rotate

from .skeletons import BoneSpec, Style, turned

_UPRIGHT = Style()


def build_armature(name: str, bones: Iterable[BoneSpec], style: Style = _UPRIGHT) -> ArmatureObject:
    """An armature of these bones, active in object mode; standing upright in the world."""
    rig = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    bones = list(bones)
    for each in bones:
        bone = rig.data.edit_bones.new(each.name)
        bone.head, bone.tail = _placed(each.head, style), _placed(each.tail, style)
        bone.roll = each.roll
        if each.parent:
            bone.parent = rig.data.edit_bones[each.parent]
    bpy.ops.object.mode_set(mode="OBJECT")
    for each in bones:
        if each.follows:
            constraint = rig.pose.bones[each.name].constraints.new("COPY_TRANSFORMS")
            constraint.target, constraint.subtarget = rig, each.follows
    rig.scale = (style.scale,) * 3
    rig.rotation_euler = (np.pi / 2.0 if style.up == "Y" else 0.0, 0.0, 0.0)
    bpy.context.view_layer.update()
    return rig


def _placed(point: FloatArray, style: Style) -> FloatArray:
    """Model space to the armature's own."""
    axes = point if style.up == "Y" else to_blender_vectors(point)
    return quat_rotate(turned(style.turn), axes) / style.scale


def rigify_human() -> ArmatureObject:
    """Rigify's human, generated from its metarig. Raises RuntimeError where Rigify is not there."""
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
    rig: Any = bpy.context.object
    bpy.data.objects.remove(metarig)
    return rig
