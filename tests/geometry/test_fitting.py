from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.fitting import fit_pose
from mmm_blender.geometry.kinematics import clip_joints, forward_kinematics, global_rotations
from mmm_blender.geometry.rotations import (
    identity_quats,
    normalize,
    quat_angle,
    quat_rotate,
    quat_to_rotation_vector,
    shortest_arc,
    yaw_quat,
)
from mmm_blender.geometry.skeleton import SMPL_22, joint_index
from tests.geometry.motions import hinged_clip, smooth_clip

HUBS = ("pelvis", "spine3")
"""Joints with several children: their bones are fitted together, the rest one by one."""

HINGES = {"left_knee": 0, "right_knee": 0, "left_elbow": 1, "right_elbow": 1}
TWISTED = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")


def bones(joints_TJ3: FloatArray) -> FloatArray:
    """Unit directions of all bones but the root's. (T, 21, 3)."""
    return normalize(joints_TJ3[:, 1:] - joints_TJ3[:, list(SMPL_22.parents[1:])])


def angles(a: FloatArray, b: FloatArray) -> FloatArray:
    """Angles in radians between unit vectors; good for small ones too."""
    return 2.0 * np.arcsin(np.clip(0.5 * np.linalg.norm(a - b, axis=-1), 0.0, 1.0))


def single_bones() -> list[int]:
    """Rows of ``bones`` that leave a joint with one child."""
    hubs = [joint_index(name) for name in HUBS]
    return [j - 1 for j in range(1, 22) if SMPL_22.parents[j] not in hubs]


def other_proportions(seed: int) -> FloatArray:
    """SMPL's offsets, each bone up to 30 % longer or shorter and a little askew. (22, 3)."""
    rng = np.random.default_rng(seed)
    offsets = SMPL_22.offsets_J3 * rng.uniform(0.7, 1.3, (22, 1))
    return offsets + 0.05 * np.linalg.norm(offsets, axis=-1, keepdims=True) * rng.uniform(
        -1, 1, (22, 3)
    )


def test_rest_pose_is_identity() -> None:
    clip = fit_pose(SMPL_22.rest_positions_J3[None] + [0.0, 1.0, 0.0])
    assert quat_angle(clip.rotations_TJ4, identity_quats(1)).max() < 1e-3
    assert np.allclose(clip.root_T3, [[0.0, 1.0, 0.0]])
    assert clip.twist_estimated


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_any_pose_of_the_same_body_comes_back_as_joints(seed: int) -> None:
    joints = clip_joints(smooth_clip(12, seed=seed, amplitude=0.8))
    assert np.abs(clip_joints(fit_pose(joints)) - joints).max() < 1e-6


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_bones_of_other_bodies_point_the_same_way(seed: int) -> None:
    body = SMPL_22.with_offsets(other_proportions(seed))
    joints = clip_joints(smooth_clip(12, seed=seed), body)
    off = angles(bones(clip_joints(fit_pose(joints))), bones(joints))
    assert off[:, single_bones()].max() < 1e-6
    assert np.degrees(off).max() < 8.0  # three askew bones can't all be met by one rotation


def test_scattered_points_still_give_finite_unit_rotations() -> None:
    joints = np.random.default_rng(0).normal(size=(50, 22, 3))
    clip = fit_pose(joints)
    assert np.allclose(np.linalg.norm(clip.rotations_TJ4, axis=-1), 1.0)
    assert angles(bones(clip_joints(clip)), bones(joints))[:, single_bones()].max() < 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_bent_limbs_tell_their_twist(seed: int) -> None:
    """Knees and elbows that are hinges show how their upper bones were really turned in space."""
    true = hinged_clip(100, seed=seed, bend=1.2)
    fitted = fit_pose(clip_joints(true))
    got, wanted = (global_rotations(c.rotations_TJ4, SMPL_22.parents) for c in (fitted, true))
    for name in TWISTED:
        joint = joint_index(name)
        off = quat_angle(got[:, joint], wanted[:, joint])
        assert np.degrees(off).max() < 10.0, name
        assert np.degrees(np.median(off)) < 4.0, name


@pytest.mark.parametrize("seed", range(4))
def test_knees_and_elbows_bend_about_their_hinges_the_natural_way(seed: int) -> None:
    true = hinged_clip(100, seed=seed)
    fitted = fit_pose(clip_joints(true))
    for name, axis in HINGES.items():
        joint = joint_index(name)
        vector = quat_to_rotation_vector(fitted.rotations_TJ4[:, joint])
        expected = quat_to_rotation_vector(true.rotations_TJ4[:, joint])
        assert np.abs(vector - expected).max() < 0.15, name
        assert (np.sign(vector[:, axis]) == np.sign(expected[:, axis])).all(), name


def test_straight_limbs_are_not_twisted() -> None:
    turns = identity_quats(20, 22)
    turns[:, 1:3] = shortest_arc([0.0, -1.0, 0.0], [0.0, -1.0, 0.4])
    joints = forward_kinematics(turns, np.zeros((20, 3)), SMPL_22)
    fitted = fit_pose(joints)
    assert np.degrees(quat_angle(fitted.rotations_TJ4, turns)).max() < 2.0


def test_the_spine_shares_the_turn_of_the_chest() -> None:
    turns = identity_quats(1, 22)
    turns[:, joint_index("spine3")] = yaw_quat(0.9)
    fitted = fit_pose(forward_kinematics(turns, np.zeros((1, 3)), SMPL_22))
    shares = [
        float(quat_to_rotation_vector(fitted.rotations_TJ4[0, joint_index(name)])[1])
        for name in ("spine1", "spine2", "spine3")
    ]
    assert shares == pytest.approx([0.3, 0.3, 0.3], abs=0.08)


@pytest.mark.parametrize("seed", range(4))
def test_smooth_motion_stays_smooth(seed: int) -> None:
    """Turning right round twice, limbs bending and straightening: no joint ever jumps."""
    true = hinged_clip(160, seed=seed, bend=0.5, turn=1.6)
    fitted = fit_pose(clip_joints(true))
    steps = quat_angle(fitted.rotations_TJ4[1:], fitted.rotations_TJ4[:-1])
    assert np.degrees(steps).max() < 25.0
    signs = np.sum(fitted.rotations_TJ4[1:] * fitted.rotations_TJ4[:-1], axis=-1)
    assert (signs > 0).all()


@settings(max_examples=10, deadline=None)
@given(st.floats(-3.1, 3.1), st.integers(0, 1000))
def test_turning_the_joints_turns_only_the_pelvis(yaw: float, seed: int) -> None:
    joints = clip_joints(hinged_clip(10, seed=seed))
    plain, turned = fit_pose(joints), fit_pose(quat_rotate(yaw_quat(yaw), joints))
    assert quat_angle(plain.rotations_TJ4[:, 1:], turned.rotations_TJ4[:, 1:]).max() < 1e-6


@pytest.mark.parametrize("scale", [0.01, 0.8, 100.0])
def test_size_and_unit_do_not_matter(scale: float) -> None:
    true = hinged_clip(10)
    joints = clip_joints(true)
    plain, scaled = fit_pose(joints), fit_pose(joints * scale)
    assert np.allclose(scaled.rotations_TJ4, plain.rotations_TJ4, atol=1e-9)
    assert np.allclose(scaled.root_T3, true.root_T3, atol=1e-6)


def test_feet_keep_their_height_on_another_body() -> None:
    """Longer shins under the same hips must not sink into the floor."""
    offsets = SMPL_22.offsets_J3.copy()
    offsets[[1, 2]] *= 1.4
    joints = clip_joints(hinged_clip(30), SMPL_22.with_offsets(offsets))
    feet = [joint_index("left_foot"), joint_index("right_foot")]
    fitted = clip_joints(fit_pose(joints))
    assert fitted[:, feet, 1].min() == pytest.approx(joints[:, feet, 1].min(), abs=1e-9)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="positions"):
        fit_pose(np.zeros((5, 21, 3)))
