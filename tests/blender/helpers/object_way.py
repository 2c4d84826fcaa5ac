"""Characters whose object carries the way over the ground, and what the world sees of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from _rigs.blender_rigs import build_armature
from _rigs.skeletons import Build, Style, bones_of_preset

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import Action, ArmatureObject, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import KEY_DTYPE
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.binding import binding_of
from mmm_blender.blender.rig.evaluation import evaluated
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.retarget.presets import presets
from mmm_blender.geometry.skeleton import SMPL_22

BY_NAME = {preset.name: preset for preset in presets()}
STAND = (1.0, -2.0, 0.5)
"""Where the objects stand."""


def character(bundle: Path, kind: str, root: str) -> ArmatureObject:
    """An empty character, moved and turned, that is alone in its file. root: of new motions."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.mmm.bundle = str(bundle)
    if kind == "MMM":
        rig = create_character(bpy.context)
    else:
        style = Style(up="Y", scale=0.01) if kind == "Mixamo" else Style()
        rig = build_armature("Hero", bones_of_preset(BY_NAME[kind], Build(arms_down=40.0)), style)
    rig.location, rig.rotation_euler.z = STAND, 0.8
    rig.mmm_rig.root_motion = root
    bpy.context.view_layer.update()
    return rig


def played(rig: ArmatureObject) -> Action:
    return rig.animation_data.action


def raw_keys(rig: ArmatureObject) -> dict[tuple[str, int], Any]:
    """All keys of all curves, bit for bit."""
    return {
        (path, index): np.frombuffer(raw.keys, KEY_DTYPE)
        for (_, path, index), raw in raw_curves(played(rig)).items()
    }


def seen(rig: ArmatureObject, first: int, last: int) -> FloatArray:
    """Where the body's bones begin in the world, frame by frame."""
    binding = binding_of(rig)
    names = dict.fromkeys(binding.read_bone(joint) for joint in SMPL_22.names)
    places = []
    for frame in range(first, last + 1):
        bpy.context.scene.frame_set(frame)
        shown = evaluated(rig)
        posed = [shown.matrix_world @ shown.pose.bones[name].head for name in names]
        places.append([place[:] for place in posed])
    return np.array(places)
