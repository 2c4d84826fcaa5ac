"""Where objects lie in the world now, also those that Blender does not evaluate.

What nobody sees (hidden in viewports, in another scene or in none) is not evaluated: its
``matrix_world`` is that of the last time it was.

Shape suffixes: N places, 3 xyz, 44 affine matrices that multiply columns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ..bpy_types import Object, bpy

FARTHEST = 1e6
"""From the world's origin, in its units: Blender's numbers are 6 cm coarse there."""


def world_matrix(item: Object) -> FloatArray:
    """Where an object lies on the current frame. (4, 4).

    Raises MMMError where its numbers are no places, and for an object that nobody sees but that
    keys, constraints or bones may move: nobody knows where it is.
    """
    matrix_44 = _matrix(item, str(item.name))
    checked_places(matrix_44[:3, 3], f"'{item.name}'")
    if not np.isfinite(matrix_44).all():
        raise MMMError(f"'{item.name}' has a turn or a scale that is no number: set it again.")
    return matrix_44


def is_evaluated(item: Object) -> bool:
    """Blender keeps an object up to date: it is shown in this scene, or hidden by the eye alone.

    Its own mark tells less: it is set as well for what only a property of ours names.
    """
    if not item.evaluated_get(bpy.context.evaluated_depsgraph_get()).is_evaluated:
        return False
    return item.visible_get() or _is_enabled(bpy.context.view_layer.layer_collection, item)


def _is_enabled(layer: Any, item: Object) -> bool:
    """An object counts in a layer collection or one inside it."""
    if layer.collection.hide_viewport or item.hide_viewport:
        return False
    if not layer.exclude and layer.collection.objects.get(item.name) == item:
        return True
    return any(_is_enabled(child, item) for child in layer.children)


def _matrix(item: Object, name: str) -> FloatArray:
    """name: of the object that is asked for, of which this one may be a parent."""
    if is_evaluated(item):
        seen = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
        return np.array(seen.matrix_world, dtype=np.float64)
    if _may_move(item):
        raise MMMError(
            f"'{name}' is hidden or not in this scene, so nobody knows where it has moved: show it."
        )
    own_44 = np.array(item.matrix_basis, dtype=np.float64)
    if item.parent is None:
        return own_44
    inverse_44 = np.array(item.matrix_parent_inverse, dtype=np.float64)
    return _matrix(item.parent, name) @ inverse_44 @ own_44


def _may_move(item: Object) -> bool:
    """More than an object's own channels and its parent may say where it is."""
    has_keys = item.animation_data is not None
    if has_keys or item.constraints or item.rigid_body is not None:
        return True
    parent = item.parent
    if parent is None:
        return False
    return item.parent_type != "OBJECT" or (parent.type == "CURVE" and parent.data.use_path)


def checked_places(places_N3: FloatArray, name: str) -> FloatArray:
    """The same places; MMMError where one is no number, or too far away.
    name: of what has them, as it begins a sentence."""
    if not np.isfinite(places_N3).all():
        raise MMMError(f"{name} has a point or a place that is no number: set it again.")
    if np.abs(places_N3).max(initial=0.0) > FARTHEST:
        raise MMMError(
            f"{name} reaches farther than {FARTHEST / 1000.0:.0f} km from the world's origin: "
            "bring it nearer."
        )
    return places_N3
