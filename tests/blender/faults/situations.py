"""Files in a state that a press may not expect: each situation is made from a saved file with a
character and its motion, and stays open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.fcurves.layered_actions import HAS_SLOTS

CAST = "Cast"
"""The collection that holds the character."""

Situation = Callable[[Path], None]


def save_cast(path: Path) -> None:
    """Put all objects of the open file into one collection, and save it."""
    cast = bpy.data.collections.new(CAST)
    scene = bpy.context.scene
    scene.collection.children.link(cast)
    for item in list(bpy.data.objects):
        for holder in list(item.users_collection):
            holder.objects.unlink(item)
        cast.objects.link(item)
    _choose(_armature(cast.objects))
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def _armature(objects: Any) -> Any:
    return next(each for each in objects if each.type == "ARMATURE")


def _choose(item: Any) -> None:
    bpy.context.view_layer.objects.active = item
    item.select_set(True)


def _open(path: Path) -> Any:
    bpy.ops.wm.open_mainfile(filepath=str(path))
    return _armature(bpy.data.objects)


def _linked_cast(path: Path) -> Any:
    """The collection, linked into an empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.collections = [CAST]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    return wanted.collections[0]


def _copy_of(path: Path) -> str:
    return str(shutil.copyfile(path, path.with_name("other.blend")))


def plain(path: Path) -> None:
    _open(path)


def empty_scene(_path: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)


def linked(path: Path) -> None:
    _choose(_armature(_linked_cast(path).all_objects))


def override(path: Path) -> None:
    cast = _linked_cast(path)
    made = cast.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    for item in made.all_objects:
        item.override_library.is_system_override = False
    _choose(_armature(made.all_objects))


def instance(path: Path) -> None:
    cast = _linked_cast(path)
    bpy.context.scene.collection.children.unlink(cast)
    empty = bpy.data.objects.new(CAST, None)
    empty.instance_type, empty.instance_collection = "COLLECTION", cast
    bpy.context.scene.collection.objects.link(empty)
    _choose(empty)


def hidden_collection(path: Path) -> None:
    _open(path)
    bpy.context.view_layer.layer_collection.children[CAST].hide_viewport = True


def excluded_collection(path: Path) -> None:
    _open(path)
    bpy.context.view_layer.layer_collection.children[CAST].exclude = True


def linked_active_collection(path: Path) -> None:
    """New objects cannot go where Blender would put them."""
    _open(path)
    with bpy.data.libraries.load(_copy_of(path), link=True) as (_, wanted):
        wanted.collections = [CAST]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    layer = bpy.context.view_layer
    layer.active_layer_collection = layer.layer_collection.children[-1]
    layer.objects.active = None


def linked_action(path: Path) -> None:
    rig = _open(path)
    name = rig.animation_data.action.name
    rig.animation_data_clear()
    with bpy.data.libraries.load(_copy_of(path), link=True) as (_, wanted):
        wanted.actions = [name]
    data = rig.animation_data_create()
    data.action = wanted.actions[0]
    if HAS_SLOTS:
        data.action_slot = data.action.slots[0]


def linked_bones(path: Path) -> None:
    rig = _open(path)
    with bpy.data.libraries.load(_copy_of(path), link=True) as (_, wanted):
        wanted.armatures = [rig.data.name]
    rig.data = wanted.armatures[0]


def edit_mode(path: Path) -> None:
    _open(path)
    bpy.ops.object.mode_set(mode="EDIT")


def other_armature(path: Path) -> None:
    """An armature without bones is active and selected."""
    _open(path)
    rig = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    bpy.context.scene.collection.objects.link(rig)
    _choose(rig)


def strange_numbers(path: Path) -> None:
    """Keys that are no numbers, in a scene near the last frame that there is."""
    rig = _open(path)
    bpy.context.scene.frame_set(1_048_573)
    for bone in list(rig.pose.bones)[:3]:
        bone.location = (float("nan"), float("inf"), 0.0)
        bone.keyframe_insert("location", frame=5)


SITUATIONS: Mapping[str, Situation] = {
    each.__name__: each
    for each in (
        plain,
        empty_scene,
        linked,
        override,
        instance,
        hidden_collection,
        excluded_collection,
        linked_active_collection,
        linked_action,
        linked_bones,
        edit_mode,
        other_armature,
        strange_numbers,
    )
}
