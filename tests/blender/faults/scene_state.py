"""All of a Blender file that a press may change, to be compared before and after."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import bpy

OF_OBJECTS = ("mmm_takes", "mmm_pins", "mmm_rig", "mmm_sequence")
OF_SCENES = ("mmm", "mmm_sequence", "mmm_path")
"""Property groups of ours, which a file may hold."""

KINDS = ("scenes", "objects", "armatures", "meshes", "materials", "collections", "actions")


def scene_state() -> dict[str, Any]:
    """Data-blocks, keys and their properties, what each object plays and where it stands."""
    scene = bpy.context.scene
    return {
        "blocks": {kind: [each.name for each in getattr(bpy.data, kind)] for kind in KINDS},
        "keys": {action.name: raw_curves(action) for action in bpy.data.actions},
        "texts": {
            action.name: {name: str(action[name]) for name in action.keys()}  # noqa: SIM118  # no Mapping
            for action in bpy.data.actions
        },
        "objects": {each.name: _object_state(each) for each in bpy.data.objects},
        "scene": (scene.name, scene.frame_current, scene.frame_start, scene.frame_end,
                  scene.render.fps, scene.render.fps_base),
        "markers": sorted((each.frame, each.name) for each in scene.timeline_markers),
        "ours": [_plain(getattr(scene, name)) for name in OF_SCENES if hasattr(scene, name)],
        "active": getattr(bpy.context.view_layer.objects.active, "name", ""),
        "mode": bpy.context.mode,
    }  # fmt: skip


def _object_state(each: Any) -> tuple[Any, ...]:
    data = each.animation_data
    played = "" if data is None or data.action is None else data.action.name
    ours = [_plain(getattr(each, name)) for name in OF_OBJECTS if hasattr(each, name)]
    custom = {name: str(each[name]) for name in each.keys() if isinstance(each[name], str)}  # noqa: SIM118
    basis = np.array(each.matrix_basis).tobytes()
    return played, basis, each.mode, each.select_get(), ours, custom


def _plain(value: Any) -> Any:
    """A property group of ours as plain values."""
    if isinstance(value, bpy.types.PropertyGroup):
        names = [name for name in value.bl_rna.properties.keys() if name != "rna_type"]  # noqa: SIM118
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, bpy.types.ID):
        return value.name
    if hasattr(value, "values"):  # a collection
        return [_plain(each) for each in value.values()]
    return value if isinstance(value, str | int | float) else str(value)
