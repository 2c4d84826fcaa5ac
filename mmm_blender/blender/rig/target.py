"""Which armature a motion goes to, and how a job finds it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...common.errors import MMMError
from ..bpy_types import ArmatureObject, Context, Object, Scene, bpy
from .binding import find_binding


@dataclass(frozen=True)
class DataBlockRef:
    """A data-block by name and session number: a reference would dangle after undo or deletion."""

    name: str
    session_uid: int

    @classmethod
    def of(cls, block: Any) -> DataBlockRef:
        """How to find ``block`` again."""
        try:
            name = str(block.name)
        except UnicodeDecodeError:  # a name of a stranger's file: its number will do
            name = ""
        return cls(name, int(block.session_uid))

    def find(self, collection: Any) -> Any | None:
        """The data-block in ``bpy.data.objects`` or the like, renamed or not; None if it went."""
        named = collection.get(self.name)
        if named is not None and named.session_uid == self.session_uid:
            return named
        return next((block for block in collection if block.session_uid == self.session_uid), None)


def target_armature(context: Context) -> ArmatureObject | None:
    """The character to animate: the active object or the one that deforms it; with neither, the
    only one that the view layer has.

    None where there is none, so that one is added. An armature of another kind that is selected
    and active is refused with MMMError: the user means it, and it cannot be done.
    """
    active = context.view_layer.objects.active
    rig = armature_of(active)
    if rig is None:
        return _only_character(context)
    found = find_binding(rig)
    if isinstance(found, str):
        if not active.select_get():
            return _only_character(context)
        raise MMMError(f"{found.rstrip('.')}; or select nothing to have a character added.")
    if rig.library is not None:
        raise MMMError(
            f"'{rig.name}' is linked from another file: make a library override of it first."
        )
    return rig


def _only_character(context: Context) -> ArmatureObject | None:
    """The one character that can be meant where nothing of a character is active."""
    rigs = (each for each in context.view_layer.objects if each.type == "ARMATURE")
    found = [rig for rig in rigs if rig.library is None and not isinstance(find_binding(rig), str)]
    return found[0] if len(found) == 1 else None


def selected_characters(context: Context) -> list[ArmatureObject]:
    """All characters that are selected (in Pose Mode: posed), by a bone's object or by a mesh; the
    active one first, then by name. Linked ones and other armatures are left out."""
    items = context.view_layer.objects
    posed = (each for each in items if each.type == "ARMATURE" and each.mode == "POSE")
    chosen = list(posed if context.mode == "POSE" else items.selected)
    rigs = {rig.name: rig for each in chosen if (rig := armature_of(each)) is not None}
    active = armature_of(items.active)
    return sorted(
        (
            rig
            for rig in rigs.values()
            if rig.library is None and rig.name in items and not isinstance(find_binding(rig), str)
        ),
        key=lambda rig: (rig != active, rig.name),
    )


def armature_of(active: Object | None) -> ArmatureObject | None:
    """The object itself, or the armature that deforms it: a click picks the body's mesh."""
    if active is None or active.type == "ARMATURE":
        return active
    modifiers = (item.object for item in active.modifiers if item.type == "ARMATURE")
    return next((rig for rig in modifiers if rig is not None), active.find_armature())


def scene_of(rig: ArmatureObject) -> Scene:
    """The scene whose time the rig lives in: the active one if the rig is in it."""
    scene = bpy.context.scene
    if scene in rig.users_scene or not rig.users_scene:
        return scene
    return rig.users_scene[0]


def scene_fps(scene: Scene) -> float:
    """Frames per second, with the base of rates such as 29.97."""
    return float(scene.render.fps) / float(scene.render.fps_base)


def collection_for_new(context: Context) -> Any:
    """Where new objects go: the active collection; the scene's own where that one is linked from
    another file, or overrides a linked one, and takes none."""
    found = context.collection
    takes = found.library is None and found.override_library is None
    return found if takes else context.scene.collection
