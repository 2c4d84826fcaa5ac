"""Which bones are selected, whatever the version of Blender."""

from __future__ import annotations

from typing import Any

from ..bpy_types import ArmatureObject, PoseBone


def is_selected(bone: PoseBone) -> bool:
    """The bone is selected in Pose Mode."""
    return bool(_holder(bone).select)


def select_bones(rig: ArmatureObject) -> None:
    """Select all of them: editors of keys show those of selected bones only, in Object Mode too."""
    for bone in rig.pose.bones:
        _holder(bone).select = True


def _holder(bone: PoseBone) -> Any:
    """Blender 5 keeps a bone's selection on the object, before it lay on the armature."""
    return bone if hasattr(bone, "select") else bone.bone
