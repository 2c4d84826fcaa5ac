"""Objects with everything that moves them applied."""

from __future__ import annotations

from ..bpy_types import ArmatureObject, bpy


def evaluated(rig: ArmatureObject) -> ArmatureObject:
    """The armature with everything that moves it applied."""
    return rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
