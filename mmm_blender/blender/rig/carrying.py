"""What a mapped rig's controls hang on, known without evaluating anything: panels ask too."""

from __future__ import annotations

from typing import Any

from ..bpy_types import ArmatureObject
from .binding import RigBinding


def carrying_bones(rig: ArmatureObject, binding: RigBinding) -> list[str]:
    """Bones that carry written ones, by parents and constraints, and are not written themselves."""
    written = {each.bone for each in binding.written}
    found: dict[str, None] = {}
    open_bones = [rig.pose.bones[name].parent for name in written]
    while open_bones:
        bone = open_bones.pop()
        if bone is None or bone.name in written or bone.name in found:
            continue
        found[str(bone.name)] = None
        open_bones.append(bone.parent)
        open_bones += [rig.pose.bones.get(name) for name in _targets(rig, bone)]
    return list(found)


def loose_bones(rig: ArmatureObject, binding: RigBinding) -> list[str]:
    """Written bones that hang on no other written one: they alone say where the body is."""
    written = {each.bone for each in binding.written}

    def hangs_on(name: str) -> bool:
        seen: set[str] = set()
        open_bones = [rig.pose.bones[name].parent]
        while open_bones:
            bone = open_bones.pop()
            if bone is None or bone.name in seen:
                continue
            if bone.name in written:
                return True
            seen.add(str(bone.name))
            open_bones.append(bone.parent)
            open_bones += [rig.pose.bones.get(target) for target in _targets(rig, bone)]
        return False

    return [
        name for name in dict.fromkeys(each.bone for each in binding.written) if not hangs_on(name)
    ]


def _targets(rig: ArmatureObject, bone: Any) -> list[str]:
    """Bones of the rig that a bone's constraints listen to."""
    names: list[str] = []
    for constraint in bone.constraints:
        if str(constraint.type) == "ARMATURE":
            names += [
                str(each.subtarget)
                for each in constraint.targets
                if each.target == rig and each.weight > 0.0
            ]
        elif getattr(constraint, "target", None) == rig:
            names.append(str(constraint.subtarget))
    return [name for name in names if name]


_PLACE_ONLY = frozenset({"COPY_LOCATION"})
_SIZE_ONLY = frozenset({"COPY_SCALE", "LIMIT_SCALE", "MAINTAIN_VOLUME"})
_PARENTS = frozenset({"ARMATURE", "CHILD_OF"})
_LEAST, _WHOLE = 1e-5, 1.0 - 1e-5


def leaves_keys(binding: RigBinding, bone: str, constraint: Any) -> bool:
    """Whether a constraint on a written bone of a mapped rig leaves what is keyed: it is a parent,
    or says what is not keyed."""
    kind = str(constraint.type)
    if kind in _PARENTS:
        return not _LEAST < float(constraint.influence) < _WHOLE
    keeps_place = "location" not in binding.keyed.get(bone, ())
    return kind in _SIZE_ONLY or (kind in _PLACE_ONLY and keeps_place)
