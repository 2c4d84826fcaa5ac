"""Recognising an SMPL armature by its bones' names, whoever built it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...common.errors import MMMError
from ...geometry.skeleton import SMPL_22
from ..bpy_types import Object

_SIDES = (("left_", "l_"), ("right_", "r_"))
"""SMPL's own add-on shortens the sides: L_Hip."""


def find_smpl_bones(rig: Object) -> dict[str, str] | str:
    """Bone name of each of the 22 joints; or, in one sentence, why this is no SMPL armature.

    Names count in any case, with sides in full or as L_ and R_, and with any prefix that all of
    them share ("m_avg_Pelvis", "SMPLX-female_pelvis").
    """
    if rig is None or rig.type != "ARMATURE":
        return "The active object is no armature: select an SMPL armature or add one."
    bones = rig.data.bones
    named = {str(bone.name).lower(): str(bone.name) for bone in bones}
    best: list[str] = list(SMPL_22.names)
    for prefix in _prefixes(named):
        found = {joint: named.get(prefix + key) for joint, key in _keys(named, prefix)}
        missing = [joint for joint, name in found.items() if name is None]
        if not missing:
            smpl_bones = {joint: name for joint, name in found.items() if name is not None}
            return _hierarchy_poll_error(rig, smpl_bones) or smpl_bones
        best = min(best, missing, key=len)
    return f"'{rig.name}' is no SMPL armature: it has no bone for {_listed(best)}."


def smpl_bones(rig: Object) -> dict[str, str]:
    """``find_smpl_bones``, raising its reason as MMMError."""
    found = find_smpl_bones(rig)
    if isinstance(found, str):
        raise MMMError(found)
    return found


def inheritance_poll_error(rig: Object, smpl: Mapping[str, str], bones: Iterable[str]) -> str:
    """Why rotation keys of these bones would not say what a clip says, in a sentence; else "".

    smpl: the bone of every joint. A clip's rotations are relative to the parent, so every bone
    between two of the body must turn with its own. What the pelvis hangs on is worked around.
    """
    known = set(smpl.values())
    for name in bones:
        bone = rig.data.bones[name]
        while name != smpl[SMPL_22.names[0]]:
            if not bone.use_inherit_rotation:
                return f"Turn Inherit Rotation on for '{bone.name}' (Bone properties, Relations)."
            bone = bone.parent
            if bone.name in known:
                break
    return ""


def _prefixes(lower_names: Iterable[str]) -> list[str]:
    """What stands before "pelvis" in any name, shortest first."""
    root = SMPL_22.names[0]
    return sorted((n.removesuffix(root) for n in lower_names if n.endswith(root)), key=len)


def _keys(lower_names: Iterable[str], prefix: str) -> list[tuple[str, str]]:
    """For each joint, how its bone is spelled in lower case, less the prefix."""
    known = set(lower_names)
    return [(joint, joint if prefix + joint in known else _short(joint)) for joint in SMPL_22.names]


def _short(joint: str) -> str:
    for side, short in _SIDES:
        if joint.startswith(side):
            return short + joint.removeprefix(side)
    return joint


def _hierarchy_poll_error(rig: Object, found: dict[str, str]) -> str | None:
    """A sentence where a bone does not hang below its joint's parent, however far."""
    known = set(found.values())
    for joint, parent in zip(SMPL_22.names[1:], SMPL_22.parents[1:], strict=True):
        expected = found[SMPL_22.names[parent]]
        above = rig.data.bones[found[joint]].parent
        while above is not None and above.name not in known:
            above = above.parent
        if above is None or above.name != expected:
            return (
                f"'{rig.name}' is no SMPL armature: its bone '{found[joint]}' "
                f"does not hang below '{expected}'."
            )
    return None


def _listed(names: Sequence[str], shown: int = 3) -> str:
    """The first few names, and how many more."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
