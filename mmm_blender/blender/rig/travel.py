"""The way that a character makes over the ground, in the channels of the bones that carry it.

Shape suffixes: B bones, 3 channels of a location.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.retarget.pose_graph import Node, Place
from ...geometry.rotations import quat_rotate
from ..bpy_types import ArmatureObject
from .binding import PELVIS, RigBinding, binding_of
from .carrying import loose_bones
from .mapped_pose import MappedPose
from .pose_nodes import PoseNodes, carried_now


def travelling_bones(rig: ArmatureObject, binding: RigBinding) -> list[str]:
    """Bones whose keyed places carry the body over the ground; the one that leads comes first."""
    if binding.smpl is not None:
        return [binding.smpl[PELVIS]]
    loose = set(loose_bones(rig, binding))
    return [each.bone for each in binding.written if each.location and each.bone in loose]


def ground_ways(rig: ArmatureObject, bones: Sequence[str], way_3: FloatArray) -> FloatArray:
    """What of a way in the first bone's channels goes over the ground, in each bone's. (B, 3)."""
    binding = binding_of(rig)
    if binding.smpl is not None:
        bone = rig.data.bones[bones[0]]
        up_3 = np.linalg.inv(np.array(bone.matrix_local)[:3, :3]) @ np.array([0.0, 0.0, 1.0])
        return np.asarray(way_3 - up_3 * (way_3 @ up_3), dtype=np.float64)[None]
    nodes = PoseNodes(rig)
    axes = [_location_axes(rig, nodes[bone]) for bone in bones]
    alignment = MappedPose(rig, binding).alignment
    up_3 = quat_rotate(alignment.axes_4, np.array([0.0, 1.0, 0.0]))
    moved_3 = axes[0] @ way_3
    flat_3 = moved_3 - up_3 * (moved_3 @ up_3)
    return np.array([np.linalg.solve(each, flat_3) for each in axes])


def _location_axes(rig: ArmatureObject, node: Node) -> FloatArray:
    """Columns: where a bone's location channels point in armature space. (3, 3)."""
    held = carried_now(rig, node)
    units = Place(np.tile([1.0, 0.0, 0.0, 0.0], (3, 1)), np.eye(3))
    return (node.moved(held, units).head_T3 - held.head_T3).T
