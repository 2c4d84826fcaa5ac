"""What of a motion the object makes, of which it carries the way over the ground.

Shape suffixes: T frames, W written bones, 3 channels or armature units, 4 quaternions w first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.editing.path_correction import GroundMove
from ...geometry.rotations import identity_quats, quat_rotate, yaw_quat
from ..bpy_types import Action, ArmatureObject, FCurve
from ..fcurves.keyframe_arrays import read_keys
from ..fcurves.layered_actions import bone_path, curves_by_channel, rig_curves
from ..rig.binding import binding_of
from ..rig.mapped_pose import ChannelMotion
from ..rig.pose_nodes import PoseNodes, carried_now
from ..rig.pose_reading import pose_reading
from ..rig.travel import location_axes, travelling_bones
from .object_way import base_of_way, ground_of, object_axes

LOCATION = "location"


@dataclass(frozen=True, eq=False)
class ObjectShare:
    """What of a motion the object makes that carries its way. rows: of the bones that carry the
    body, among the written ones, the one that leads first; axes: of each, where its location
    channels point in armature space, (3, 3). ground_33: takes what is upright out of a way there.
    over_3: channels of the leading bone over the object. base_3: where the object stands at the
    beginning of the way. linear_33: armature space to what the object's location is measured in.
    """

    rows: tuple[int, ...]
    axes: tuple[FloatArray, ...]
    ground_33: FloatArray
    over_3: FloatArray
    base_3: FloatArray
    linear_33: FloatArray

    @classmethod
    def of(cls, rig: ArmatureObject, action: Action) -> ObjectShare | None:
        """Of an Action; None where its bones carry the way."""
        base_3 = base_of_way(rig, action)
        if base_3 is None:
            return None
        binding, nodes = binding_of(rig), PoseNodes(rig)
        bones = travelling_bones(rig, binding)
        names = [each.bone if each.location else "" for each in binding.written]
        found = curves_by_channel(rig_curves(rig, action))
        lead = [found.get((bone_path(bones[0], LOCATION), index)) for index in range(3)]
        over_3 = np.array([0.0 if each is None else _middle(each) for each in lead])
        return cls(
            tuple(names.index(bone) for bone in bones),
            tuple(location_axes(rig, nodes, bone) for bone in bones),
            ground_of(rig, binding),
            over_3,
            base_3,
            object_axes(rig),
        )

    @property
    def size(self) -> float:
        """Of the object: a unit of armature space in those of its location."""
        return float(np.cbrt(abs(np.linalg.det(self.linear_33))))

    def taken_from(self, motion: ChannelMotion) -> ChannelMotion:
        """The channels of a motion without the object's share, which comes as one bone more."""
        rotations_TW4, locations_TW3 = motion.rotations_TW4, motion.locations_TW3
        along_T3 = locations_TW3[:, self.rows[0]] - self.over_3
        way_T3 = along_T3 @ self.axes[0].T @ self.ground_33.T
        kept_TW3 = locations_TW3.copy()
        for row, axes_33 in zip(self.rows, self.axes, strict=True):
            kept_TW3[:, row] -= way_T3 @ np.linalg.inv(axes_33).T
        places_T3 = self.base_3 + way_T3 @ self.linear_33.T
        return ChannelMotion(
            np.concatenate([rotations_TW4, identity_quats(len(way_T3), 1)], axis=1),
            np.concatenate([kept_TW3, places_T3[:, None]], axis=1),
        )

    def left_to_body(self, rig: ArmatureObject, move: GroundMove) -> GroundMove:
        """What of a move over the ground the bones make: they turn over the object."""
        over_3 = self._over_ground(rig)
        x, _, z = over_3 - quat_rotate(yaw_quat(move.turn), over_3)
        return GroundMove(move.turn, float(x), float(z))

    def left_to_object(
        self, rig: ArmatureObject, move: GroundMove
    ) -> tuple[FloatArray, FloatArray]:
        """The rest: matrix (3, 3) and offset (3,) of the object's location."""
        reading, yaw, over_3 = pose_reading(rig), yaw_quat(move.turn), self._over_ground(rig)
        zero_3 = reading.to_armature_points(np.zeros(3))
        axes_33 = self.linear_33 @ (reading.to_armature_points(np.eye(3)) - zero_3).T
        turn_33 = axes_33 @ quat_rotate(yaw, np.eye(3)).T @ np.linalg.inv(axes_33)
        shift_3 = quat_rotate(yaw, over_3) - over_3 + np.array([move.x, 0.0, move.z])
        return turn_33, self.base_3 - turn_33 @ self.base_3 + axes_33 @ shift_3

    def _over_ground(self, rig: ArmatureObject) -> FloatArray:
        """Where the body is over its object, on the ground of model space. (3,)"""
        binding = binding_of(rig)
        held = carried_now(rig, PoseNodes(rig)[binding.written[self.rows[0]].bone])
        head_3 = held.head_T3[0] + self.axes[0] @ self.over_3
        return pose_reading(rig, binding).to_model_points(head_3) * (1.0, 0.0, 1.0)


def _middle(curve: FCurve) -> float:
    """The value in the middle of a curve's: where nobody has moved the body off the object, its
    place over the ground is the same on all keys."""
    values = read_keys(curve)["co"][:, 1]
    return float(np.median(values)) if len(values) else 0.0
