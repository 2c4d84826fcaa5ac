"""The way that a character makes over the ground, in the channels of the bones that carry it.

Shape suffixes: B bones, 3 channels of a location.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.retarget.pose_graph import Place, PoseGraph
from ...geometry.rotations import quat_angle
from ..bpy_types import ArmatureObject
from .binding import PELVIS, RigBinding
from .carrying import loose_bones
from .motion_reader import read_motion
from .pose_nodes import PoseNodes, carried_now
from .pose_reading import pose_reading

_NO_WAY = 1e-4
"""Metres over the ground."""


def travelling_bones(rig: ArmatureObject, binding: RigBinding) -> list[str]:
    """Bones whose keyed places carry the body over the ground; the one that leads comes first."""
    if binding.smpl is not None:
        return [binding.smpl[PELVIS]]
    loose = set(loose_bones(rig, binding))
    return [each.bone for each in binding.written if each.location and each.bone in loose]


def ground_ways(
    rig: ArmatureObject, bones: Sequence[str], first: int, last: int
) -> FloatArray | None:
    """The body's way over the ground from a scene frame to another, in each bone's channels,
    (B, 3); None where it ends where it began."""
    reading = pose_reading(rig)
    roots = [read_motion(rig, frame, frame).root_T3[0] for frame in (first, last)]
    way_3 = (roots[1] - roots[0]) * (1.0, 0.0, 1.0)
    if np.linalg.norm(way_3) < _NO_WAY:
        return None
    places_23 = reading.to_armature_points(np.stack([np.zeros(3), way_3]))
    nodes = PoseNodes(rig)
    axes = [location_axes(rig, nodes, bone) for bone in bones]
    return np.array([np.linalg.solve(each, places_23[1] - places_23[0]) for each in axes])


_TURNED = 1e-3
"""How far, in radians, what is computed of a bone's carrier may be from what Blender shows."""


def location_axes(rig: ArmatureObject, nodes: PoseNodes, bone: str) -> FloatArray:
    """Columns: where a bone's location channels point in armature space. (3, 3). Computed where
    that can be: what Blender shows is rounded otherwise on every frame."""
    node, shown = nodes[bone], carried_now(rig, nodes[bone])
    held = PoseGraph(nodes, {}).carried(bone)
    if float(np.max(quat_angle(held.turn_T4, shown.turn_T4))) > _TURNED:
        held = shown
    units = Place(np.tile([1.0, 0.0, 0.0, 0.0], (3, 1)), np.eye(3))
    return (node.moved(held, units).head_T3 - held.head_T3).T
