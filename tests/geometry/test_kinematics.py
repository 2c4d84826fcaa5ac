from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from scipy.spatial.transform import Rotation

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.kinematics import clip_joints, forward_kinematics, global_rotations
from mmm_blender.geometry.rotations import (
    identity_quats,
    quat_conjugate,
    quat_multiply,
    quat_to_matrix,
)
from mmm_blender.geometry.skeleton import SMPL, SMPL_22
from tests.geometry.motions import smooth_clip
from tests.geometry.strategies import quaternions


def test_identity_is_the_rest_pose() -> None:
    root = np.array([1.0, 2.0, 3.0])
    joints = forward_kinematics(identity_quats(24), root, SMPL)
    assert np.allclose(joints, SMPL.rest_positions_J3 + root)


@settings(max_examples=20)
@given(quaternions(22))
def test_joints_are_those_of_chained_4x4_matrices(turns: FloatArray) -> None:
    """The textbook way, with SciPy's matrices."""
    matrices = Rotation.from_quat(turns[:, [1, 2, 3, 0]]).as_matrix()
    world: list[FloatArray] = []
    for joint, parent in enumerate(SMPL_22.parents):
        local = np.eye(4)
        local[:3, :3] = matrices[joint]
        local[:3, 3] = SMPL_22.offsets_J3[joint]
        world.append(local if parent < 0 else world[parent] @ local)
    joints = forward_kinematics(turns, np.zeros(3), SMPL_22)
    assert np.allclose(joints, [matrix[:3, 3] for matrix in world], atol=1e-9)
    turned = quat_to_matrix(global_rotations(turns, SMPL_22.parents))
    assert np.allclose(turned, [matrix[:3, :3] for matrix in world], atol=1e-9)


@settings(max_examples=20)
@given(quaternions(4, 22))
def test_local_rotations_come_back_from_global_ones(turns: FloatArray) -> None:
    world = global_rotations(turns, SMPL_22.parents)
    parents = list(SMPL_22.parents[1:])
    local = quat_multiply(quat_conjugate(world[:, parents]), world[:, 1:])
    assert np.allclose(local, turns[:, 1:], atol=1e-9)
    assert np.array_equal(world[:, 0], turns[:, 0])


def test_bones_keep_their_lengths() -> None:
    joints = clip_joints(smooth_clip(20, amplitude=1.5))
    bones = joints[:, 1:] - joints[:, list(SMPL_22.parents[1:])]
    lengths = np.linalg.norm(SMPL_22.offsets_J3[1:], axis=-1)
    assert np.allclose(np.linalg.norm(bones, axis=-1), lengths)


def test_global_rotations_leave_their_input_alone() -> None:
    clip = smooth_clip(3)
    before = clip.rotations_TJ4.copy()
    clip_joints(clip)
    assert np.array_equal(clip.rotations_TJ4, before)
