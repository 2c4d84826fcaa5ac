"""Between model space and a rig's bones, whatever way the rig was built.

The rig's rest pose is taken to be SMPL's T-pose; its size, the axes of its bones and the axes of
its armature space are its own. All conversions go through the bones' rest matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...common.arrays import ArrayLike, FloatArray
from ...common.errors import MMMError
from ...geometry.rotations import (
    cross,
    matrix_to_quat,
    matrix_to_rotation_6d,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    rotation_6d_to_matrix,
)
from ...geometry.skeleton import MIRROR, SMPL_22, SOLE_HEIGHT, joint_index
from ..bpy_types import ArmatureObject

_UPRIGHT_COSINE = np.cos(np.radians(10.0))
"""A body this near to an axis of its armature stands along it: other proportions, not a lean."""

STANDING_PELVIS_HEIGHT = float(SOLE_HEIGHT - SMPL_22.rest_positions_J3[:, 1].min())
"""Height of the model's pelvis joint over the floor in rest pose, metres."""


@dataclass(frozen=True, eq=False)
class PoseSpace:
    """How a rig relates to the model.

    bones: the rig's bone for each of the 22 joints. axes_4: quaternion (w first) that takes model
    axes to armature axes. scale: armature units a model metre. pelvis_3: the pelvis bone's rest
    position in armature space. bone_axes_J4: rest orientation of every bone's own axes, in
    model axes.
    """

    bones: tuple[str, ...]
    axes_4: FloatArray
    scale: float
    pelvis_3: FloatArray
    bone_axes_J4: FloatArray

    def to_armature_points(self, points: ArrayLike) -> FloatArray:
        """Model space to armature space, (..., 3): the model's floor to the rig's rest floor,
        the model's origin to under the rig's rest pelvis."""
        raised = np.asarray(points) - (0.0, STANDING_PELVIS_HEIGHT, 0.0)
        return quat_rotate(self.axes_4, raised) * self.scale + self.pelvis_3

    def to_model_points(self, points: ArrayLike) -> FloatArray:
        """The reverse of ``to_armature_points``."""
        raised = quat_rotate(quat_conjugate(self.axes_4), np.asarray(points) - self.pelvis_3)
        return raised / self.scale + (0.0, STANDING_PELVIS_HEIGHT, 0.0)

    def to_bone_rotations(self, rotations_TJ4: FloatArray) -> FloatArray:
        """Local SMPL rotations to rotations in the bones' own rest axes: R^-1 q R. (T, 22, 4)."""
        axes = self.bone_axes_J4
        return quat_multiply(quat_conjugate(axes), quat_multiply(rotations_TJ4, axes))

    def to_armature_rotations(self, rotations_T4: FloatArray) -> FloatArray:
        """Orientations of the pelvis in model space to those of its bone in armature space."""
        return quat_multiply(self.axes_4, quat_multiply(rotations_T4, self.bone_axes_J4[0]))

    def to_local_rotations(self, orientations_TJ4: FloatArray) -> FloatArray:
        """Orientations of the posed bones in armature space, (..., 22, 4), to local SMPL
        rotations."""
        in_model = quat_multiply(quat_conjugate(self.axes_4), orientations_TJ4)
        turned = quat_multiply(in_model, quat_conjugate(self.bone_axes_J4))
        parents = turned[..., SMPL_22.parents[1:], :]
        local = turned.copy()
        local[..., 1:, :] = quat_multiply(quat_conjugate(parents), turned[..., 1:, :])
        return local


def pose_space(rig: ArmatureObject, smpl_bones: Mapping[str, str]) -> PoseSpace:
    """Measure a rig whose bone of each joint is named in ``smpl_bones``."""
    names = tuple(smpl_bones[joint] for joint in SMPL_22.names)
    bones = [rig.data.bones[name] for name in names]
    heads_J3 = np.array([bone.head_local for bone in bones], dtype=np.float64)
    matrices = np.array([bone.matrix_local for bone in bones], dtype=np.float64)[:, :3, :3]
    axes_4 = matrix_to_quat(body_axes(heads_J3))
    return PoseSpace(
        bones=names,
        axes_4=axes_4,
        scale=_leg_length(heads_J3) / SMPL_22.leg_length,
        pelvis_3=heads_J3[0],
        bone_axes_J4=quat_multiply(quat_conjugate(axes_4), orientation_quats(matrices)),
    )


def orientation_quats(matrices: FloatArray) -> FloatArray:
    """Matrices (..., 3, 3) that may carry scale, to the quaternions (..., 4) of their turn."""
    return matrix_to_quat(rotation_6d_to_matrix(matrix_to_rotation_6d(matrices)))


def _leg_length(heads_J3: FloatArray) -> float:
    chain = heads_J3[[joint_index("left_hip"), joint_index("left_knee"), joint_index("left_ankle")]]
    length = float(np.linalg.norm(np.diff(chain, axis=0), axis=-1).sum())
    if length <= 0.0:
        raise MMMError("The armature's left leg has no length: its rest pose must be a T-pose.")
    return length


def body_axes(heads_J3: FloatArray) -> FloatArray:
    """Matrix (3, 3) whose columns are the body's left, up and forward in armature space.

    heads_J3: rest positions of the 22 joints, any unit. Left follows from the pairs of joints,
    which is exact for a symmetric body of any proportions. The lean about it is a least-squares
    fit to the model's rest pose, and none where that comes out nearly upright.
    """
    centred = heads_J3 - heads_J3.mean(axis=0)
    model = SMPL_22.rest_positions_J3 - SMPL_22.rest_positions_J3.mean(axis=0)
    left = normalize(np.sum((centred - centred[list(MIRROR)]) * np.sign(model[:, :1]), axis=0))
    some_up = normalize(cross(left, np.eye(3)[np.argmin(np.abs(left))]))
    some_forward = cross(left, some_up)
    up_J, forward_J = centred @ some_up, centred @ some_forward
    lean = np.arctan2(
        np.sum(model[:, 1] * forward_J - model[:, 2] * up_J),
        np.sum(model[:, 1] * up_J + model[:, 2] * forward_J),
    )
    up = _upright(np.cos(lean) * some_up + np.sin(lean) * some_forward)
    left = normalize(left - (left @ up) * up)
    return np.stack([left, up, cross(left, up)], axis=-1)


def _upright(up: FloatArray) -> FloatArray:
    """The axis of armature space that ``up`` nearly follows; ``up`` itself where there is none."""
    axis = int(np.argmax(np.abs(up)))
    if np.abs(up[axis]) < _UPRIGHT_COSINE:
        return up
    return np.eye(3)[axis] * np.sign(up[axis])
