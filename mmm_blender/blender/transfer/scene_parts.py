"""What an import brought into the file, and how it goes again."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from ..bpy_types import ArmatureObject, Context, Scene, bpy

_KINDS = (
    "objects",
    "meshes",
    "armatures",
    "actions",
    "materials",
    "images",
    "textures",
    "cameras",
    "lights",
    "collections",
    "node_groups",
)
"""Data-blocks that importers make."""

_TIME = ("frame_start", "frame_end", "frame_current")


class Brought:
    """Data-blocks that came since it was made."""

    def __init__(self) -> None:
        self._before = {kind: set(getattr(bpy.data, kind)) for kind in _KINDS}

    def new(self, kind: str) -> list[Any]:
        """Of a kind, as ``bpy.data`` calls it."""
        return [each for each in getattr(bpy.data, kind) if each not in self._before[kind]]

    def armatures(self) -> list[ArmatureObject]:
        """Armature objects that came, those with keys first."""
        rigs = [each for each in self.new("objects") if each.type == "ARMATURE"]
        return sorted(rigs, key=lambda rig: rig.animation_data is None)

    def remove(self) -> None:
        """Take all of it out of the file again."""
        for kind in _KINDS:
            for block in self.new(kind):
                with suppress(ReferenceError):  # it went with another
                    getattr(bpy.data, kind).remove(block)


@contextmanager
def time_kept(scene: Scene) -> Generator[None]:
    """The scene has its rate, range and frame again afterwards."""
    kept = {name: getattr(scene, name) for name in _TIME}
    fps, base = scene.render.fps, scene.render.fps_base
    try:
        yield
    finally:
        scene.render.fps, scene.render.fps_base = fps, base
        for name, value in kept.items():
            setattr(scene, name, value)


@contextmanager
def alone_selected(context: Context, rig: ArmatureObject) -> Generator[None]:
    """A character and its meshes are selected, and what was selected is afterwards."""
    layer = context.view_layer
    active, selected = layer.objects.active, [each for each in layer.objects if each.select_get()]
    mode = str(active.mode) if active is not None else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        _select(layer, [rig, *_meshes(layer, rig)])
        layer.objects.active = rig
        yield
    finally:
        _select(layer, selected)
        layer.objects.active = active
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)


def _select(layer: Any, wanted: list[Any]) -> None:
    for each in layer.objects:
        each.select_set(each in wanted)


def _meshes(layer: Any, rig: ArmatureObject) -> list[Any]:
    """Objects that the armature deforms."""
    return [
        each
        for each in layer.objects
        if each.type == "MESH"
        and any(item.type == "ARMATURE" and item.object == rig for item in each.modifiers)
    ]
