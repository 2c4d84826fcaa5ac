"""Which unit a BVH file is in, and which of its axes is up: neither is written in it.

Both are read from the rest pose, which stands whatever the motion does: in a file of a lying person
only the motion lies.
"""

from __future__ import annotations

import numpy as np

from ..common.arrays import FloatArray
from ..common.errors import MMMError
from .bvh import END_SITE, BvhMotion
from .rotations import axis_angle_quat, quat_conjugate, quat_multiply, quat_rotate

UNITS = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254, "feet": 0.3048}
"""Metres in each unit that motion-capture software writes."""

_BODY_METRES = 1.5
"""Height of the joints of a mean adult, from ankles to head or a little above."""

_LEAST_EXTENT = 1e-9


def rest_positions(motion: BvhMotion) -> FloatArray:
    """Where the joints are in the rest pose, the root at the origin, in the file's unit. (J, 3)."""
    positions_J3 = np.zeros((len(motion.joints), 3))
    for at, joint in enumerate(motion.joints):
        if joint.parent >= 0:
            positions_J3[at] = positions_J3[joint.parent] + np.array(joint.offset)
    return positions_J3


def metres_per_unit(motion: BvhMotion) -> float:
    """The unit in which the rest pose is as tall as a person, as nearly as there is one."""
    rest_J3 = rest_positions(motion)
    extent = float((rest_J3.max(axis=0) - rest_J3.min(axis=0))[up_axis(motion)])
    if extent < _LEAST_EXTENT:
        raise MMMError("The BVH file's rest pose has no height: its offsets are all alike.")
    return min(UNITS.values(), key=lambda unit: abs(np.log(extent * unit / _BODY_METRES)))


def up_axis(motion: BvhMotion) -> int:
    """1 where the rest pose stands along Y, 2 where it stands along Z.

    Legs and trunk are chains of joints that go along the axis, arms go across it.
    """
    ends = [at for at, joint in enumerate(motion.joints) if joint.name.endswith(END_SITE)]
    rest_J3 = rest_positions(motion)
    spread = rest_J3[ends or slice(None)].max(axis=0) - rest_J3[ends or slice(None)].min(axis=0)
    return 2 if spread[2] > spread[1] else 1


def in_metres_y_up(motion: BvhMotion) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rest positions (J, 3), local rotations (T, J, 4) and positions relative to the parent
    (T, J, 3): metres, model axes (Y up), whatever the file has."""
    unit = metres_per_unit(motion)
    rotations_TJ4, positions_TJ3 = motion.local_transforms()
    rest_J3, positions_TJ3 = rest_positions(motion) * unit, positions_TJ3 * unit
    if up_axis(motion) == 1:
        return rest_J3, rotations_TJ4, positions_TJ3
    turn_4 = axis_angle_quat(np.array([1.0, 0.0, 0.0]), np.array(-np.pi / 2.0))
    turned = quat_multiply(quat_multiply(turn_4, rotations_TJ4), quat_conjugate(turn_4))
    return quat_rotate(turn_4, rest_J3), turned, quat_rotate(turn_4, positions_TJ3)
