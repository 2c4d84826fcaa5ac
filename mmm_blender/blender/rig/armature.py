"""The SMPL armature that this add-on makes.

Bones carry SMPL's names and point to their children; X is the hinge of knees, ankles, elbows and
fingers, so that turning by +X bends them (up to the sign of the foot). The pelvis bone carries
the root motion. Names end up mirrored for Blender's X-mirror tools, which know left_ and right_.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.conventions import to_blender_vectors
from ...geometry.mannequin.body_shape import BodyMesh, mannequin
from ...geometry.rotations import normalize
from ...geometry.skeleton import SMPL, SOLE_HEIGHT, Skeleton
from ..bpy_types import Armature, ArmatureObject, Context, EditBone, bpy
from .bone_selection import select_bones
from .mannequin_mesh import add_body
from .smpl_rig import find_smpl_bones, smpl_bones
from .target import collection_for_new

__all__ = ["create_character", "find_smpl_bones", "smpl_bones"]

_MAIN_CHILD = {"pelvis": "spine1", "spine3": "neck"}
"""Where a bone with several children points; others point to the middle of their children."""

_LEAF_DIRECTION = {
    "head": (0.0, 1.0, 0.0),
    "left_foot": (0.0, 0.0, 1.0),
    "right_foot": (0.0, 0.0, 1.0),
}
"""Model-space direction of bones that end a chain; others go on as their parent does."""

_LEAF_LENGTH = {"head": 0.18, "left_foot": 0.07, "right_foot": 0.07}
_DEFAULT_LEAF_LENGTH = 0.06
"""Metres, in an adult's proportions."""

_SHORTEST_BONE = 0.004
"""Blender drops bones without length; a child nearer than this is not pointed at. Metres."""

_FORWARD, _BACK, _DOWN = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (0.0, -1.0, 0.0)
_ROLL_TOWARDS = {"hip": _BACK, "knee": _BACK, "ankle": _DOWN, "foot": _DOWN,
                 "wrist": _DOWN, "hand": _DOWN}  # fmt: skip
"""Model-space direction of a bone's Z axis by the last word of its name: where +X turns it."""

_LOWER_BODY = ("pelvis", "hip", "knee", "ankle", "foot")
_COLLECTIONS = ("Lower body", "Upper body")
_SIDE_PALETTES = {"left_": "THEME04", "right_": "THEME01"}
"""Blender's bone colours: blue for the left, red for the right."""
_CENTRE_PALETTE = "THEME09"


def create_character(
    context: Context,
    name: str = "MMM Character",
    skeleton: Skeleton = SMPL,
    mesh: BodyMesh | None = None,
) -> ArmatureObject:
    """Add an SMPL armature with its body at the 3D cursor, selected and active.

    skeleton: rest proportions, SMPL's joints first, hands or fingers after them. mesh: its body;
    without one, our mannequin is made to fit. Soles stand on the object's origin plane. All
    bones are selected, so that the timeline shows their keys.
    """
    body = mannequin(skeleton) if mesh is None else mesh
    floor = _floor(skeleton) if mesh is None else float(body.vertices_V3[:, 1].min())
    lift_3 = np.array([0.0, -floor, 0.0])
    rig = _new_armature(context, name)
    _make_bones(rig, skeleton, skeleton.rest_positions_J3 + lift_3)
    rig.show_in_front = True
    _dress(rig.data)
    select_bones(rig)
    add_body(rig, skeleton.names, body, lift_3)
    return rig


def _floor(skeleton: Skeleton) -> float:
    """Height of the sole relative to the pelvis, metres."""
    return float(skeleton.rest_positions_J3[:, 1].min()) - SOLE_HEIGHT


def _new_armature(context: Context, name: str) -> ArmatureObject:
    """An empty armature object in the active collection, in object mode, alone selected."""
    if context.view_layer.objects.active is not None and context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    rig = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    collection = collection_for_new(context)
    collection.objects.link(rig)
    if not rig.visible_get(view_layer=context.view_layer):
        # Blender edits visible objects only, and the active collection may be hidden
        collection.objects.unlink(rig)
        context.scene.collection.objects.link(rig)
    for other in context.selected_objects:
        other.select_set(False)
    rig.select_set(True)
    context.view_layer.objects.active = rig
    rig.location = context.scene.cursor.location
    return rig


def _make_bones(rig: ArmatureObject, skeleton: Skeleton, heads_J3: FloatArray) -> None:
    """Make the bones. heads_J3: (J, 3) metres, model axes, floor at 0."""
    tails_J3 = bone_tails(skeleton, heads_J3)
    bpy.ops.object.mode_set(mode="EDIT")
    bones: list[EditBone] = []
    for joint, name in enumerate(skeleton.names):
        bone = rig.data.edit_bones.new(name)
        bone.head = to_blender_vectors(heads_J3[joint])
        bone.tail = to_blender_vectors(tails_J3[joint])
        bone.align_roll(to_blender_vectors(_ROLL_TOWARDS.get(_part(name), _FORWARD)))
        parent = skeleton.parents[joint]
        if parent >= 0:
            bone.parent = bones[parent]
            bone.use_connect = bool(np.allclose(tails_J3[parent], heads_J3[joint]))
        bones.append(bone)
    bpy.ops.object.mode_set(mode="OBJECT")


def _part(name: str) -> str:
    """ "left_knee" -> "knee"."""
    return name.rsplit("_", 1)[-1]


def bone_tails(skeleton: Skeleton, heads_J3: FloatArray) -> FloatArray:
    """Where each bone ends, from where all begin. (J, 3), metres, model axes."""
    tails_J3 = heads_J3.copy()
    for joint, name in enumerate(skeleton.names):
        parent = skeleton.parents[joint]
        target = _pointed_at(skeleton, joint, heads_J3)
        if target is None:
            onward = tails_J3[parent] - heads_J3[parent]
            direction = np.array(_LEAF_DIRECTION[name]) if name in _LEAF_DIRECTION else onward
            length = _LEAF_LENGTH.get(name, _DEFAULT_LEAF_LENGTH)
            target = heads_J3[joint] + length * normalize(direction)
        tails_J3[joint] = target
    return tails_J3


def _pointed_at(skeleton: Skeleton, joint: int, heads_J3: FloatArray) -> FloatArray | None:
    """The point that a bone's children give it; None where it ends a chain."""
    name = skeleton.names[joint]
    children = skeleton.children(joint)
    if not children or name in _LEAF_DIRECTION:
        return None
    if name in _MAIN_CHILD:
        children = (skeleton.names.index(_MAIN_CHILD[name]),)
    target = heads_J3[list(children)].mean(axis=0)
    far_enough = np.linalg.norm(target - heads_J3[joint]) > _SHORTEST_BONE
    return target if far_enough else None


def _dress(armature: Armature) -> None:
    """How the bones look: sticks, in collections, coloured by side."""
    armature.display_type = "STICK"
    lower, upper = (armature.collections.new(name) for name in _COLLECTIONS)
    for bone in armature.bones:
        (lower if _part(bone.name) in _LOWER_BODY else upper).assign(bone)
        side = next((side for side in _SIDE_PALETTES if bone.name.startswith(side)), "")
        color: Any = bone.color
        color.palette = _SIDE_PALETTES.get(side, _CENTRE_PALETTE)
