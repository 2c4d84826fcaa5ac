"""Which of a rig's bones stand for SMPL's joints: named by the person, or known by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...common.errors import MMMError
from ...geometry.retarget.presets import map_from_text, nearly, recognise
from ...geometry.retarget.rig_map import LIMB_JOINTS, SIDES, RigMap
from ..bpy_types import Object
from .smpl_rig import find_smpl_bones

MAP_PROPERTY = "mmm_rig_map"
"""Custom property of an armature object that holds its own map as JSON text."""

MOST_BONES = 4000
"""Of a rig that is looked through; characters have some hundreds."""

SMPL_NAME = "SMPL"

_VRM = "vrm_addon_extension"
_MOST_VRM_BONES = 100
_VRM_SLOTS: Mapping[str, str] = {
    "hips": "pelvis",
    "spine": "spine",
    "chest": "spine",
    "upper_chest": "spine",
    "neck": "neck",
    "head": "head",
}
_VRM_LIMBS: Mapping[str, str] = {
    "shoulder": "collar",
    "upper_arm": "shoulder",
    "lower_arm": "elbow",
    "hand": "wrist",
    "upper_leg": "hip",
    "lower_leg": "knee",
    "foot": "ankle",
    "toes": "foot",
}


def find_rig_map(rig: Object) -> RigMap | str:
    """The map of a rig; or, in one sentence, why there is none.

    The person's own map comes first, then SMPL's names, the VRM add-on's map and the conventions
    that are known.
    """
    if rig is None or rig.type != "ARMATURE":
        return "The active object is no armature: select a character's armature or add one."
    if own := rig.get(MAP_PROPERTY):
        return _own_map(rig, own)
    smpl = find_smpl_bones(rig)
    if not isinstance(smpl, str):
        return smpl_map(smpl)
    if len(rig.data.bones) > MOST_BONES:
        return f"'{rig.name}' has more than {MOST_BONES} bones: choose its map in the Rig panel."
    names = [str(bone.name) for bone in rig.data.bones]
    return _vrm_map(rig) or recognise(names) or _unknown(rig, names)


def _unknown(rig: Object, names: list[str]) -> str:
    """Why no convention fits, in one sentence."""
    near = nearly(names)
    if near is None:
        return (
            f"The bones of '{rig.name}' follow no convention that is known: propose a map, or "
            "choose one, in the Rig panel."
        )
    lacking = ", ".join(slot.replace("_", " ") for slot in near.lacking)
    return (
        f"The bones of '{rig.name}' are those of {near.name}, but it has none for {lacking}: "
        "choose them in the Rig panel."
    )


def smpl_map(bones: Mapping[str, str]) -> RigMap:
    """The map of a rig whose bones are SMPL's."""
    joints = {joint: (bone,) for joint, bone in bones.items() if not joint.startswith("spine")}
    spine = tuple(bones[f"spine{number}"] for number in (1, 2, 3))
    return RigMap(SMPL_NAME, {**joints, "spine": spine})


def smpl_bones_of(rig_map: RigMap) -> dict[str, str]:
    """The bone of each joint, of a map that ``smpl_map`` made."""
    joints = {joint: chain[0] for joint, chain in rig_map.read.items() if joint != "spine"}
    spine = {f"spine{number}": bone for number, bone in enumerate(rig_map.read["spine"], start=1)}
    return joints | spine


def _own_map(rig: Object, text: object) -> RigMap | str:
    try:
        found = map_from_text(text if isinstance(text, str) else "", f"The map of '{rig.name}'")
    except MMMError as error:
        return str(error)
    return map_fault(rig, found) or found


def map_fault(rig: Object, rig_map: RigMap) -> str:
    """What is wrong with a map for a rig, in one sentence; else ""."""
    missing = next((bone for bone in bones_of(rig_map) if bone not in rig.data.bones), None)
    if missing is not None:
        return (
            f"The map of '{rig.name}' names the bone '{missing}', which is not there (any more): "
            "mend the map in the Rig panel."
        )
    if rig_map.lacking:
        names = ", ".join(slot.replace("_", " ") for slot in rig_map.lacking)
        return f"The map of '{rig.name}' has no bone for {names}: choose them in the Rig panel."
    twice = _used_twice(rig_map)
    if twice:
        return (
            f"The map of '{rig.name}' uses the bone '{twice}' for two joints: mend it in the Rig "
            "panel."
        )
    return ""


def _used_twice(rig_map: RigMap) -> str:
    bones = [bone for chain in rig_map.read.values() for bone in chain]
    return next((bone for bone in bones if bones.count(bone) > 1), "")


def bones_of(rig_map: RigMap) -> Iterator[str]:
    """Every bone that a map names."""
    for chains in (rig_map.read, rig_map.write):
        for chain in chains.values():
            yield from chain
    yield from filter(None, (rig_map.root, rig_map.ground))
    for limb in rig_map.limbs:
        yield from filter(None, (limb.goal, limb.base, limb.pole, limb.toe, limb.switch_bone))


# --- the VRM add-on's own map --------------------------------------------------------------------


def _vrm_map(rig: Object) -> RigMap | None:
    named = {bone: name for bone, name in _vrm_bones(rig) if name in rig.data.bones}
    read: dict[str, tuple[str, ...]] = {}
    for bone, slot in _VRM_SLOTS.items():
        if bone in named:
            read[slot] = (*read.get(slot, ()), named[bone])
    for side in SIDES:
        for bone, joint in _VRM_LIMBS.items():
            assert joint in LIMB_JOINTS
            if f"{side}_{bone}" in named:
                read[f"{side}_{joint}"] = (named[f"{side}_{bone}"],)
    found = RigMap("VRM", read)
    return None if found.lacking else found


def _vrm_bones(rig: Object) -> Iterator[tuple[str, str]]:
    """Names of VRM's humanoid bones, and of the rig's bones that the add-on has for them.

    Whether the add-on is on (then it is a property group) or not (then it is plain data). VRM 1.0
    comes first, as the add-on keeps both.
    """
    extension = getattr(rig.data, _VRM, None) or rig.data.get(_VRM)
    if extension is None:
        return
    bones = _entry(_entry(_entry(extension, "vrm1"), "humanoid"), "human_bones")
    found = {
        name: _vrm_bone(rig, _entry(_entry(bones, name), "node"))
        for name in (*_VRM_SLOTS, *(f"{side}_{bone}" for side in SIDES for bone in _VRM_LIMBS))
    }
    if not any(found.values()):
        found = dict(_vrm_0_bones(rig, extension))
    yield from ((name, bone) for name, bone in found.items() if bone)


def _vrm_0_bones(rig: Object, extension: Any) -> Iterator[tuple[str, str]]:
    """VRM 0's list, whose names are in camel case."""
    listed = _entry(_entry(_entry(extension, "vrm0"), "humanoid"), "human_bones")
    entries = list(listed) if hasattr(listed, "__iter__") else []
    for each in entries[:_MOST_VRM_BONES]:
        name = _entry(each, "bone")
        if isinstance(name, str):
            snake = re.sub("([A-Z])", r"_\1", name).lower()
            yield snake, _vrm_bone(rig, _entry(each, "node"))


def _vrm_bone(rig: Object, node: Any) -> str:
    """The bone that an entry names: by its name, or by an id that the bone carries too."""
    name = _entry(node, "bone_name")
    if isinstance(name, str) and name:
        return name
    uuid = _entry(node, "bone_uuid")
    if not (isinstance(uuid, str) and uuid):
        return ""
    ids = ((bone.name, _entry(bone.get(_VRM), "uuid")) for bone in rig.data.bones)
    return next((str(name) for name, its in ids if its == uuid), "")


def _entry(holder: Any, key: str) -> Any:
    """A field of a property group, or of its plain data."""
    if holder is None:
        return None
    if hasattr(holder, "keys") and not hasattr(holder, key):
        return holder.get(key)
    return getattr(holder, key, None)
