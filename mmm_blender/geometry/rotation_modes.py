"""Quaternions over time to the numbers that a Blender rotation mode is keyed with.

Every function takes rotations (T, ..., 4), w first, and gives values that run on without jumps
along axis 0. Angles are radians. Plain NumPy: it is Blender's convention, but not its code.
"""

from __future__ import annotations

import numpy as np

from ..common.arrays import FloatArray, IntArray
from .rotations import (
    axis_angle_quat,
    dot,
    make_continuous,
    normalize,
    quat_multiply,
    quat_to_matrix,
)

QUATERNION = "QUATERNION"
AXIS_ANGLE = "AXIS_ANGLE"

PROPERTY = {QUATERNION: "rotation_quaternion", AXIS_ANGLE: "rotation_axis_angle"}
"""Pose bone property by rotation mode; every other mode is an Euler order."""
EULER_PROPERTY = "rotation_euler"

_LOCKED_COSINE = 1e-4
"""Cosine of the middle Euler angle under which the outer two turn about one axis."""
_DEFAULT_AXIS = np.array([0.0, 1.0, 0.0])
"""Blender's axis of a bone that is not turned."""
_NO_AXIS_SINE = 1e-6
"""Sine of half the angle under which a rotation has no axis to speak of."""
_SAME_VALUES = 1e-6
"""Difference under which two ways of writing a rotation are one: rounding, radians or units."""


def rotation_values(rotations_T4: FloatArray, mode: str) -> FloatArray:
    """Values of the property that ``mode`` keys: (T, ..., 4), or (T, ..., 3) for Euler orders."""
    if mode == QUATERNION:
        return make_continuous(rotations_T4)
    if mode == AXIS_ANGLE:
        return axis_angles(rotations_T4)
    return eulers(rotations_T4, mode)


def values_after(rotations_T4: FloatArray, mode: str, before: FloatArray) -> FloatArray:
    """``rotation_values`` that go on from the values (..., N) ``before`` them: of all ways to
    write the rotations, the one that is nearest there."""
    if mode not in PROPERTY:
        return eulers(rotations_T4, mode, before)
    values = rotation_values(rotations_T4, mode)
    if mode == QUATERNION:
        return values * np.where(dot(values[0], before) < 0, -1.0, 1.0)
    values *= np.where(dot(values[0, ..., 1:], before[..., 1:]) < 0, -1.0, 1.0)
    values[..., 0] += 2.0 * np.pi * np.round((before - values[0])[..., 0] / (2.0 * np.pi))
    return values


def values_between(
    rotations_TJ4: FloatArray, mode: str, before_JN: FloatArray, after_JN: FloatArray
) -> tuple[FloatArray, IntArray]:
    """Values (T, J, N) that go on from those before them and lead to those after them.

    The ends may be written so that no continuous values join them (a quaternion's other sign, an
    angle a turn away). Then the way of writing changes once, where the joint turns least from
    one frame to the next: at_J (J,) is the frame after which it does, -1 for joints that need no
    change. With a single frame it changes after that.
    """
    ahead = values_after(rotations_TJ4, mode, before_JN)
    back = values_after(rotations_TJ4[::-1], mode, after_JN)[::-1]
    agrees_TJ = np.abs(ahead - back).max(axis=-1) < _SAME_VALUES
    change_J = np.where(agrees_TJ.any(axis=0), agrees_TJ.argmax(axis=0), _stillest(rotations_TJ4))
    after_change_TJ = np.arange(len(ahead))[:, None] >= change_J
    values = np.where(after_change_TJ[..., None], back, ahead)
    return values, np.where(agrees_TJ.any(axis=0), -1, change_J - 1)


def rotations_of(values_TN: FloatArray, mode: str) -> FloatArray:
    """The rotations (..., 4), w first, that values (..., N) of a rotation mode stand for."""
    if mode == QUATERNION:
        return normalize(values_TN)
    if mode == AXIS_ANGLE:
        axes = normalize(values_TN[..., 1:])
        none = ~values_TN[..., 1:].any(axis=-1, keepdims=True)
        return axis_angle_quat(np.where(none, _DEFAULT_AXIS, axes), values_TN[..., 0])
    axes = ["XYZ".index(axis) for axis in mode]
    first, second, third = (axis_angle_quat(np.eye(3)[i], values_TN[..., i]) for i in axes)
    return quat_multiply(third, quat_multiply(second, first))


def _stillest(rotations_TJ4: FloatArray) -> IntArray:
    """The frame (J,) that each joint reaches with the least turn from the frame before."""
    if len(rotations_TJ4) == 1:
        return np.ones(rotations_TJ4.shape[1], dtype=np.int64)
    likeness = np.abs(dot(rotations_TJ4[1:], rotations_TJ4[:-1]))[..., 0]
    return 1 + likeness.argmax(axis=0)


def axis_angles(rotations_T4: FloatArray) -> FloatArray:
    """Angle, then unit axis: (T, ..., 4). The axis stays on one side and the angle goes on past
    zero or a full turn; where there is no rotation, the axis before it is held (at the start,
    the first one to come)."""
    rotations = make_continuous(rotations_T4)
    sines = np.linalg.norm(rotations[..., 1:], axis=-1)
    axes = rotations[..., 1:] / np.maximum(sines, _NO_AXIS_SINE)[..., None]
    still = (sines < _NO_AXIS_SINE)[..., None]
    held = np.take_along_axis(axes, np.argmin(still, axis=0)[None], axis=0)[0]
    held = np.where(still.all(axis=0), _DEFAULT_AXIS, held)
    for frame in range(len(axes)):
        side = np.where(dot(axes[frame], held) < 0, -1.0, 1.0)
        held = np.where(still[frame], held, side * axes[frame])
        axes[frame] = held
    signed_sines = dot(rotations[..., 1:], axes)[..., 0]
    angles = np.unwrap(2.0 * np.arctan2(signed_sines, rotations[..., 0]), axis=0)
    return np.concatenate([angles[..., None], axes], axis=-1)


def eulers(rotations_T4: FloatArray, order: str, before: FloatArray | None = None) -> FloatArray:
    """Euler angles about x, y and z, applied in ``order`` ("XYZ": x first): (T, ..., 3).

    Of the two sets of angles that give a rotation, each frame takes the one nearer to the frame
    before, a whole number of turns away; where the order locks, the last axis is held. The first
    frame is taken near the angles (..., 3) ``before`` it, or near zero.
    """
    i, j, k = ("XYZ".index(axis) for axis in order)
    matrices = quat_to_matrix(rotations_T4)
    angles = np.empty((*rotations_T4.shape[:-1], 3))
    previous = np.zeros(angles.shape[1:]) if before is None else before
    for frame, matrix in enumerate(matrices):
        first = _euler_set(matrix, (i, j, k), previous)
        second = _other_euler_set(first, (i, j, k))
        first, second = (_nearest_turn(angle, previous) for angle in (first, second))
        distances = [np.abs(angle - previous).sum(-1, keepdims=True) for angle in (first, second)]
        previous = np.where(distances[0] <= distances[1], first, second)
        angles[frame] = previous
    return angles


def _euler_set(m: FloatArray, order: tuple[int, int, int], previous: FloatArray) -> FloatArray:
    """The angles (..., 3) of matrices (..., 3, 3) whose middle one is within a quarter turn."""
    i, j, k = order
    parity = 1.0 if (j - i) % 3 == 1 else -1.0
    cosine = np.hypot(m[..., i, i], m[..., j, i])
    angles = np.empty(m.shape[:-1])
    angles[..., j] = np.arctan2(-parity * m[..., k, i], cosine)
    locked = cosine < _LOCKED_COSINE
    last = np.arctan2(parity * m[..., j, i], m[..., i, i])
    last = np.where(locked, previous[..., k], last)
    # with the last turn undone, the first angle is read from the row of j, locked or not
    c, s = np.cos(last), parity * np.sin(last)
    row_j, row_i = c[..., None] * m[..., j, :], s[..., None] * m[..., i, :]
    unturned = row_j - row_i
    angles[..., i] = np.arctan2(-parity * unturned[..., k], unturned[..., j])
    angles[..., k] = last
    return angles


def _other_euler_set(angles: FloatArray, order: tuple[int, int, int]) -> FloatArray:
    """The second set of angles that gives the same rotation."""
    other = angles + np.pi
    other[..., order[1]] = np.pi - angles[..., order[1]]
    return other


def _nearest_turn(angles: FloatArray, previous: FloatArray) -> FloatArray:
    """The same angles, whole turns added, within half a turn of ``previous``."""
    turn = 2.0 * np.pi
    return angles + turn * np.round((previous - angles) / turn)
