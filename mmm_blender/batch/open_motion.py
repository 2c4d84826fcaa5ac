"""The file that a row of a table edits: a .blend or a .bvh, opened."""

from __future__ import annotations

from pathlib import Path

from ..blender.bpy_types import ArmatureObject, bpy
from ..blender.rig.binding import find_binding
from ..blender.rig.bvh_armature import add_bvh, stand_on_floor
from ..common.errors import MMMError
from ..geometry.bvh import read_bvh


def open_motion(path: Path) -> ArmatureObject:
    """Open a Blender file or import a BVH file; the armature with the motion."""
    is_bvh = path.suffix.lower() == ".bvh"
    if is_bvh:
        _import_bvh(path)
    else:
        open_blend(path)
    rig = _chosen_armature(path)
    if is_bvh:
        stand_on_floor(rig)
    return rig


def _chosen_armature(path: Path) -> ArmatureObject:
    """The open file's one character, or the active one of several; active from here on."""
    layer = bpy.context.view_layer
    rigs = [each for each in layer.objects if each.type == "ARMATURE"]
    if not rigs:
        raise MMMError(f"{path} has no armature: choose a file with a character.")
    faults = {rig: found for rig in rigs if isinstance(found := find_binding(rig), str)}
    fitting = [rig for rig in rigs if rig not in faults]
    if not fitting:
        raise MMMError(faults[rigs[0]])
    if layer.objects.active not in fitting and len(fitting) > 1:
        raise MMMError(
            f"{path} has {len(fitting)} characters: make one of them the active object there, "
            "and save it."
        )
    if layer.objects.active not in fitting:
        layer.objects.active = fitting[0]
    return layer.objects.active


def open_blend(path: Path) -> None:
    """Open a Blender file without running its scripts. MMMError where that cannot be."""
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    except RuntimeError as error:  # how an operator says that it is damaged or too new
        reason = str(error).strip().removeprefix("Error: ")
        raise MMMError(f"{path} could not be opened ({reason}).") from error


def _import_bvh(path: Path) -> None:
    """Into a new file at the rate of the BVH, from frame 1 on."""
    motion = read_bvh(path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    add_bvh(bpy.context, path.stem, motion)
