"""Between a character's model space and Blender's world.

Model space (metres, Y up) is the body's own: a character of another size, or on an object that is
moved, turned or scaled, has the same motion in it. Paths and targets come from the world.

Shape suffixes: N places, 3 xyz, 44 affine matrices that multiply columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...common.arrays import ArrayLike, FloatArray
from ...common.errors import MMMError
from ...geometry.conventions import to_blender_vectors
from ..bpy_types import ArmatureObject
from ..fcurves.layered_actions import assigned_action
from ..fcurves.slot_properties import way_base
from .pose_reading import pose_reading

_LEAST_VOLUME = 1e-9
"""A character that is thinner has no size, metres; also the least volume of its axes' unit cube."""


@dataclass(frozen=True, eq=False)
class WorldSpace:
    """matrix_44: takes places of the model space to the world."""

    matrix_44: FloatArray

    def to_world(self, places_N3: ArrayLike) -> FloatArray:
        """Model space to the world, (..., 3)."""
        return np.asarray(places_N3) @ self.matrix_44[:3, :3].T + self.matrix_44[:3, 3]

    def to_model(self, places_N3: ArrayLike) -> FloatArray:
        """The world to model space, (..., 3). MMMError where the character has no size."""
        inverse_44 = self._inverse_44
        return np.asarray(places_N3) @ inverse_44[:3, :3].T + inverse_44[:3, 3]

    def to_model_yaw(self, directions_N3: ArrayLike) -> FloatArray:
        """Headings (...) in radians of directions in the world: 0 is +Z, towards +X positive."""
        model_N3 = np.asarray(directions_N3) @ self._inverse_44[:3, :3].T
        return np.arctan2(model_N3[..., 0], model_N3[..., 2])

    @cached_property
    def _inverse_44(self) -> FloatArray:
        """The world to model space. MMMError where the character has no size."""
        if not np.isfinite(self.matrix_44).all():
            raise MMMError("The character's object lies nowhere: its transform holds no numbers.")
        sizes_3 = np.linalg.norm(self.matrix_44[:3, :3], axis=0)
        volume = abs(np.linalg.det(self.matrix_44[:3, :3]))
        if volume <= _LEAST_VOLUME * np.prod(sizes_3) or sizes_3.min() <= _LEAST_VOLUME:
            raise MMMError("The character's object is scaled to nothing: give it a size first.")
        return np.linalg.inv(self.matrix_44)

    @property
    def metre(self) -> float:
        """Length of a model metre in the world."""
        return float(np.cbrt(abs(np.linalg.det(self.matrix_44[:3, :3]))))


def world_space(rig: ArmatureObject) -> WorldSpace:
    """Of a character as its object lies now. Raises MMMError where it is no character."""
    space = pose_reading(rig)
    origin_3, *axes = space.to_armature_points(np.concatenate([np.zeros((1, 3)), np.eye(3)]))
    local_44 = np.eye(4)
    local_44[:3, :3] = np.stack([axis - origin_3 for axis in axes], axis=-1)
    local_44[:3, 3] = origin_3
    return WorldSpace(np.array(rig.matrix_world, dtype=np.float64) @ local_44)


def motion_space(rig: ArmatureObject) -> WorldSpace:
    """As ``world_space``, for what the character's motion goes through: the object counts where it
    was before it carried the way of the Action that the rig has."""
    action = assigned_action(rig)
    base = None if action is None else way_base(action, rig)
    space = world_space(rig)
    if base is None:
        return space
    now_44 = np.array(rig.matrix_basis, dtype=np.float64)
    before_44 = now_44.copy()
    before_44[:3, 3] = base
    world_44 = np.array(rig.matrix_world, dtype=np.float64)
    stays_44 = world_44 @ np.linalg.inv(now_44) @ before_44
    return WorldSpace(stays_44 @ np.linalg.inv(world_44) @ space.matrix_44)


def space_of_new_character(origin_3: ArrayLike) -> WorldSpace:
    """Of a character that is still to be added with its object at a place of the world."""
    matrix_44 = np.eye(4)
    matrix_44[:3, :3] = to_blender_vectors(np.eye(3)).T
    matrix_44[:3, 3] = origin_3
    return WorldSpace(matrix_44)
