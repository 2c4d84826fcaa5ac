"""The file that a row of a table edits: a .blend or a .bvh, opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..blender.bpy_types import ArmatureObject, FCurve, bpy
from ..blender.fcurves.layered_actions import action_fcurves, bone_path
from ..blender.rig.binding import PELVIS, RigBinding, binding_of, find_binding
from ..blender.rig.bvh_armature import add_bvh
from ..blender.rig.pose_reading import pose_reading
from ..blender.rig.pose_space import STANDING_PELVIS_HEIGHT, pose_space
from ..common.arrays import FloatArray
from ..common.errors import MMMError
from ..geometry.bvh import read_bvh
from ..geometry.rotations import quat_rotate


def open_motion(path: Path) -> ArmatureObject:
    """Open a Blender file or import a BVH file; the armature with the motion."""
    is_bvh = path.suffix.lower() == ".bvh"
    if is_bvh:
        _import_bvh(path)
    else:
        open_blend(path)
    rig = _chosen_armature(path)
    if is_bvh:
        _stand_on_floor(rig)
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


def _stand_on_floor(rig: ArmatureObject) -> None:
    """Put the rest pose of an imported BVH on the floor, with the motion where it was.

    The floor of a rig is where its rest pose stands, but BVH files mostly have their root's rest
    at the origin, and the feet below the floor that the motion knows.
    """
    binding = binding_of(rig)
    rise_3 = _rise(rig, binding)
    pelvis = rig.data.bones[binding.read_bone(PELVIS)]
    root = pelvis.parent_recursive[-1] if pelvis.parent else pelvis
    axes_33 = np.array(root.matrix_local, dtype=np.float64)[:3, :3]
    moved_44 = np.eye(4)
    moved_44[:3, 3] = rise_3
    rig.data.transform(moved_44.tolist())
    rig.data.update_tag()  # else the pose goes on as if the bones rested where they did
    path = bone_path(root.name, "location")
    for curve in action_fcurves(rig.animation_data.action):
        if curve.data_path == path:
            _raise(curve, -float(rise_3 @ axes_33[:, curve.array_index]))


def _rise(rig: ArmatureObject, binding: RigBinding) -> FloatArray:
    """By how much the rest pose is under the armature's floor, (3,) in armature space."""
    if binding.smpl is None:
        reading = pose_reading(rig, binding)
        floor_3, above_3 = reading.to_armature_points([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        up_3 = (above_3 - floor_3) / reading.scale
        return -up_3 * float(floor_3 @ up_3)
    space = pose_space(rig, binding.smpl)
    up_3 = quat_rotate(space.axes_4, np.array([0.0, 1.0, 0.0]))
    return up_3 * (STANDING_PELVIS_HEIGHT * space.scale - float(space.pelvis_3 @ up_3))


def _raise(curve: FCurve, amount: float) -> None:
    for key in curve.keyframe_points:
        for point in (key.co, key.handle_left, key.handle_right):
            point[1] += amount
