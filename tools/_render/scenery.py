"""Pieces that every set needs: an object, a sun, a flat piece of ground, a plain material."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mmm_blender.blender.bpy_types import Material, Object, Scene, bpy

Point2 = tuple[float, float]

_ALWAYS_NODES = (5, 0, 0)


@dataclass(frozen=True)
class Sun:
    """energy: W/m2. size: radians, for soft shadows. turn: Euler angles, radians."""

    energy: float
    size: float
    turn: tuple[float, float, float]


def add_object(scene: Scene, name: str, data: Any) -> Object:
    """A new object of the scene; None as data makes an empty."""
    added = bpy.data.objects.new(name, data)
    scene.collection.objects.link(added)
    return added


def add_sun(scene: Scene, sun: Sun) -> None:
    """Light from far away."""
    lamp = bpy.data.lights.new("Sun", "SUN")
    lamp.energy, lamp.angle = sun.energy, sun.size
    add_object(scene, "Sun", lamp).rotation_euler = sun.turn


def add_ground(scene: Scene, low: Point2, high: Point2, material: Material) -> Object:
    """A rectangle at height 0 between two of its corners, metres."""
    mesh = bpy.data.meshes.new("Ground")
    corners = [low, (high[0], low[1]), high, (low[0], high[1])]
    mesh.from_pydata([(x, y, 0.0) for x, y in corners], [], [(0, 1, 2, 3)])
    mesh.materials.append(material)
    return add_object(scene, "Ground", mesh)


def new_material(name: str) -> tuple[Material, Any, Any]:
    """A material with its node tree and the shader's inputs."""
    material = bpy.data.materials.new(name)
    _use_nodes(material)
    tree = material.node_tree
    return material, tree, tree.nodes["Principled BSDF"].inputs


def sky_background(scene: Scene) -> tuple[Any, Any]:
    """The node tree of the scene's own new sky and the inputs of its background."""
    world: Any = bpy.data.worlds.new("Sky")
    scene.world = world
    _use_nodes(world)
    tree = world.node_tree
    return tree, tree.nodes["Background"].inputs


def _use_nodes(owner: Any) -> None:
    """Blender 5 uses nodes always, and warns who asks."""
    if bpy.app.version < _ALWAYS_NODES:
        owner.use_nodes = True
