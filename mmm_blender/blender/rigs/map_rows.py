"""A character's map between its rows in the panel, the object's property, and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...common.atomic_files import make_folder, write_files
from ...common.errors import MMMError
from ...geometry.retarget.presets import map_text, read_map
from ...geometry.retarget.proposal import Bone, propose
from ...geometry.retarget.rig_map import CHAINS, SLOTS, Bones, RigMap
from ..addon.paths import user_folder
from ..addon.ui_state import ui_state
from ..bpy_types import ArmatureObject
from ..rig.rig_maps import MAP_PROPERTY, MOST_BONES, find_rig_map, map_fault

OWN_NAME = "Own map"
_FILLING = "mmm_filling_rows"


def maps_folder() -> Path:
    """Where a person's own maps are kept."""
    return user_folder() / "rigs"


def edit_map(rig: ArmatureObject) -> None:
    """The rows show the map that is recognised, to be changed. MMMError where there is none."""
    found = find_rig_map(rig)
    if isinstance(found, str):
        raise MMMError(found)
    take_map(rig, found)


def propose_map(rig: ArmatureObject) -> RigMap:
    """A map by the rig's shape becomes its own. MMMError says what was not found."""
    bones = list(rig.data.bones)
    if len(bones) > MOST_BONES:
        raise MMMError(
            f"'{rig.name}' has more than {MOST_BONES} bones: choose the bones in the Rig panel."
        )
    numbers = {bone.name: at for at, bone in enumerate(bones)}
    found = propose(
        [
            Bone(
                str(bone.name),
                -1 if bone.parent is None else numbers[bone.parent.name],
                np.array(bone.head_local, dtype=np.float64),
                np.array(bone.tail_local, dtype=np.float64),
            )
            for bone in bones
        ]
    )
    take_map(rig, found)
    return found


def take_map(rig: ArmatureObject, rig_map: RigMap) -> None:
    """A map becomes the rig's own, and its rows show it. MMMError, with nothing changed, where it
    does not fit the rig."""
    if fault := _keeping_fault(rig) or map_fault(rig, rig_map):
        raise MMMError(fault)
    _fill(rig, rig_map)
    rig[MAP_PROPERTY] = map_text(rig_map)
    ui_state.scene_changed()  # a custom property that changes is not announced


def _keeping_fault(rig: ArmatureObject) -> str:
    """Why Blender would not save a map with the rig, in a sentence; else ""."""
    if rig.override_library is None:
        return ""
    return f"'{rig.name}' is a library override, which keeps no map: set it in the rig's own file."


def empty_rows(rig: ArmatureObject) -> None:
    """Rows of a rig that nothing is known of, for bones to be picked."""
    if fault := _keeping_fault(rig):
        raise MMMError(fault)
    _fill(rig, RigMap(OWN_NAME, {}))


def forget_map(rig: ArmatureObject) -> None:
    """The rig goes by what is recognised again."""
    if fault := _keeping_fault(rig):
        raise MMMError(fault)
    rig.mmm_rig.rows.clear()
    if MAP_PROPERTY in rig:
        del rig[MAP_PROPERTY]
    ui_state.scene_changed()


def store_rows(rig: ArmatureObject) -> None:
    """What the rows say becomes the rig's own map, whole or not: what is missing is said where it
    is used."""
    if rig.get(_FILLING):
        return
    before = _stored(rig)
    read, write = _chains(rig, "bone"), _chains(rig, "control")
    changed = {slot for slot in SLOTS if read.get(slot) != before.read.get(slot)}
    kept = {slot: bones for slot, bones in before.write.items() if slot not in changed}
    name = before.name if not changed or before.name == OWN_NAME else f"{before.name}, changed"
    rig_map = replace(before, name=name, read=read, write={**kept, **write})
    rig[MAP_PROPERTY] = map_text(rig_map)
    ui_state.scene_changed()  # a custom property that changes is not announced


def save_map(rig: ArmatureObject, path: Path) -> None:
    """Write the rig's map to a file."""
    found = find_rig_map(rig)
    if isinstance(found, str):
        raise MMMError(found)
    make_folder(path.parent)
    write_files({path: map_text(found).encode()})


def load_map(rig: ArmatureObject, path: Path) -> RigMap:
    """A map from a file becomes the rig's own. MMMError, with nothing changed, where it is none or
    does not fit."""
    found = read_map(path)
    take_map(rig, found)
    return found


def _stored(rig: ArmatureObject) -> RigMap:
    found = find_rig_map(rig)
    return RigMap(OWN_NAME, {}) if isinstance(found, str) else found


def _fill(rig: ArmatureObject, rig_map: RigMap) -> None:
    rows = rig.mmm_rig.rows
    rig[_FILLING] = True  # a bone that is set here was not picked by the person
    try:
        rows.clear()
        for slot in SLOTS:
            for bone, control in _pairs(rig_map, slot):
                row = rows.add()
                row.slot, row.bone, row.control = slot, bone, control
    finally:
        del rig[_FILLING]


def _pairs(rig_map: RigMap, slot: str) -> list[tuple[str, str]]:
    """Bones of a slot with the controls that stand for them; a chain has room for one more."""
    bones = list(rig_map.read.get(slot, ()))
    written = rig_map.write.get(slot, ())
    controls = list(written[-len(bones) :]) if bones and len(written) >= len(bones) else []
    room = [""] if slot in CHAINS or not bones else []
    return [
        (bone, controls[at] if at < len(controls) and controls[at] != bone else "")
        for at, bone in enumerate(bones + room)
    ]


def _chains(rig: ArmatureObject, field: str) -> dict[str, Bones]:
    """What the rows say, by slot."""
    chains: dict[str, list[str]] = {}
    rows: Any = rig.mmm_rig.rows
    for row in rows:
        if name := str(getattr(row, field)):
            chains.setdefault(str(row.slot), []).append(name)
    return {slot: tuple(names) for slot, names in chains.items() if slot in SLOTS}
