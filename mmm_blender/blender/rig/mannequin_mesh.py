"""A body mesh as a Blender object, skinned to an armature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.conventions import to_blender_vectors
from ...geometry.mannequin.body_shape import BodyMesh
from ..bpy_types import ArmatureObject, Material, Mesh, Object, bpy


@dataclass(frozen=True)
class _Tone:
    """A material slot. colour: linear RGB."""

    name: str
    colour: tuple[float, float, float]


_TONES = (
    _Tone("MMM body", (0.55, 0.53, 0.50)),
    _Tone("MMM left", (0.19, 0.33, 0.50)),
    _Tone("MMM right", (0.53, 0.27, 0.19)),
    _Tone("MMM face", (0.20, 0.20, 0.22)),
)
"""In the order of ``BodyMesh.tones_F``."""

_ROUGHNESS = 0.55


def add_body(
    rig: ArmatureObject, joint_names: Sequence[str], body: BodyMesh, lift_3: FloatArray
) -> Object:
    """Add a body to an armature, as its child.

    joint_names: bone of each column of the weights. lift_3: position of the pelvis joint in
    model axes, metres.
    """
    mesh = _new_mesh(f"{rig.name} Body", body, lift_3)
    skin = bpy.data.objects.new(mesh.name, mesh)
    for collection in rig.users_collection:
        collection.objects.link(skin)
    skin.parent = rig
    _add_vertex_groups(skin, joint_names, body.weights_VJ)
    modifier = skin.modifiers.new("Armature", "ARMATURE")
    modifier.object = rig
    return skin


def _new_mesh(name: str, body: BodyMesh, lift_3: FloatArray) -> Mesh:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_blender_vectors(body.vertices_V3 + lift_3), [], body.faces)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(body.faces), dtype=bool))
    tones = _TONES[:1] if body.tones_F is None else _TONES
    for tone in tones:
        mesh.materials.append(_material(tone))
    if body.tones_F is not None:
        mesh.polygons.foreach_set("material_index", body.tones_F.astype(np.int32))
    mesh.update()
    return mesh


def _material(tone: _Tone) -> Material:
    """The file's material of that name, made if it is not there: characters share them."""
    found = bpy.data.materials.get(tone.name)
    if found is not None:
        return found
    material: Material = bpy.data.materials.new(tone.name)
    if not material.node_tree:  # 5.0 gives new materials one
        material.use_nodes = True
    colour = (*tone.colour, 1.0)
    material.diffuse_color = colour
    # by type: a node's name is translated in a translated Blender
    tree: Any = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = colour
    shader.inputs["Roughness"].default_value = _ROUGHNESS
    return material


def _add_vertex_groups(skin: Object, joint_names: Sequence[str], weights_VJ: FloatArray) -> None:
    for name, column in zip(joint_names, weights_VJ.T, strict=True):
        group = skin.vertex_groups.new(name=name)
        for vertex in np.flatnonzero(column):
            group.add([int(vertex)], float(column[vertex]), "REPLACE")
