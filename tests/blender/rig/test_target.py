"""Which character is meant, and that its keys show."""

from __future__ import annotations

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.bone_selection import is_selected
from mmm_blender.blender.rig.scene_end import follow_motion
from mmm_blender.blender.rig.target import target_armature
from mmm_blender.common.errors import MMMError


def add(kind: str) -> None:
    """An object that belongs to no character, selected and active."""
    data = {
        "LIGHT": lambda: bpy.data.lights.new("Lamp", "POINT"),
        "CAMERA": lambda: bpy.data.cameras.new("Camera"),
        "EMPTY": lambda: None,
        "MESH": lambda: bpy.data.meshes.new("Cube"),
    }[kind]()
    added = bpy.data.objects.new(kind, data)
    bpy.context.collection.objects.link(added)
    added.select_set(True)
    bpy.context.view_layer.objects.active = added


@pytest.mark.parametrize("kind", ["LIGHT", "CAMERA", "EMPTY", "MESH", "nothing"])
def test_with_one_character_it_is_meant_whatever_is_active(kind: str) -> None:
    rig = create_character(bpy.context)
    if kind == "nothing":
        bpy.context.view_layer.objects.active = None
    else:
        add(kind)
    assert target_armature(bpy.context) == rig


def test_of_two_characters_the_active_one_is_meant_and_none_without_it() -> None:
    first, second = create_character(bpy.context), create_character(bpy.context)
    assert target_armature(bpy.context) == second
    bpy.context.view_layer.objects.active = first
    assert target_armature(bpy.context) == first
    add("EMPTY")
    assert target_armature(bpy.context) is None


def test_another_armature_that_is_selected_is_refused_beside_a_character() -> None:
    create_character(bpy.context)
    crane = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    bpy.context.collection.objects.link(crane)
    bpy.context.view_layer.objects.active = crane
    assert target_armature(bpy.context) is not None, "it is not selected"
    crane.select_set(True)
    with pytest.raises(MMMError, match="'Crane' follow no convention"):
        target_armature(bpy.context)


def test_bones_of_a_new_character_are_selected() -> None:
    rig = create_character(bpy.context)
    assert all(is_selected(bone) for bone in rig.pose.bones)
    bpy.ops.object.mode_set(mode="POSE")
    assert len(bpy.context.selected_pose_bones) == len(rig.pose.bones)


@pytest.mark.parametrize(
    ("choice", "written", "last", "end"),
    [
        ("EXTEND", 40, None, 100),
        ("EXTEND", 140, None, 140),
        ("FIT", 40, None, 40),
        ("FIT", 40, 70, 70),
        ("FIT", -5, None, 1),
        ("KEEP", 140, None, 100),
    ],
)
def test_the_scene_ends_as_the_person_wants(
    registered: object, choice: str, written: int, last: int | None, end: int
) -> None:
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 100
    scene.mmm.scene_end = choice
    follow_motion(scene, written, last)
    assert scene.frame_end == end
