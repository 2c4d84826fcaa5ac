"""All of a Blender file that a press may change, to be compared before and after."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmm_blender.blender.actions.range_writer import raw_curves
from mmm_blender.blender.bpy_types import bpy

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
        "active": getattr(bpy.context.view_layer.objects.active, "name", ""),
        "mode": bpy.context.mode,
    }  # fmt: skip


def _object_state(each: Any) -> tuple[Any, ...]:
    data = each.animation_data
    played = "" if data is None or data.action is None else data.action.name
    return played, np.array(each.matrix_basis).tobytes(), each.mode, each.select_get()
