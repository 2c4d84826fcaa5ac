from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.feet.leg_ik import (
    ANKLES,
    FOOT_S3,
    HIPS,
    KNEES,
    TOES,
    Legs,
)
from mmm_blender.geometry.kinematics import clip_joints, global_rotations
from mmm_blender.geometry.rotations import (
    axis_angle_quat,
    cross,
    dot,
    identity_quats,
    normalize,
    quat_angle,
    quat_rotate,
)
from mmm_blender.geometry.skeleton import SMPL_22, joint_index
from tests.geometry.motions import hinged_clip
from tests.geometry.strategies import directions

LEG = float(np.linalg.norm(SMPL_22.offsets_J3[[KNEES[0], ANKLES[0]]], axis=-1).sum())
seeds = st.integers(0, 1000)


def led(clip: MotionClip, ankle_TS3: FloatArray, foot_TS4: FloatArray) -> MotionClip:
    rotations_TJ4 = clip.rotations_TJ4.copy()
    solved_TBS4 = Legs.of(clip).solved(ankle_TS3, foot_TS4)
    for bone, joints in enumerate((HIPS, KNEES, ANKLES)):
        rotations_TJ4[:, joints] = solved_TBS4[:, bone]
    return clip.replace(rotations_TJ4=rotations_TJ4)


def bends(clip: MotionClip) -> FloatArray:
    """Angle of each knee out of straight, radians. (T, S)."""
    joints_TJ3 = clip_joints(clip)
    thigh_TS3 = normalize(joints_TJ3[:, KNEES] - joints_TJ3[:, HIPS])
    shank_TS3 = normalize(joints_TJ3[:, ANKLES] - joints_TJ3[:, KNEES])
    return np.arccos(np.clip(dot(thigh_TS3, shank_TS3)[..., 0], -1.0, 1.0))


def standing_leg(knee: float) -> MotionClip:
    """One frame in rest pose but for both knees, bent by ``knee`` radians."""
    rotations_TJ4 = identity_quats(1, 22)
    rotations_TJ4[:, KNEES] = axis_angle_quat([1.0, 0.0, 0.0], np.array(knee))
    return MotionClip(rotations_TJ4, np.zeros((1, 3)))


@settings(max_examples=30, deadline=None)
@given(seeds, directions(2), st.floats(0.0, 0.15))
def test_ankles_go_where_they_are_wanted_and_feet_turn_as_wanted(
    seed: int, aside_S3: FloatArray, metres: float
) -> None:
    clip = hinged_clip(12, seed)
    legs = Legs.of(clip)
    ankle_TS3 = legs.ankle_TS3 + metres * normalize(aside_S3)
    away_TS3 = ankle_TS3 - legs.hip_TS3
    ankle_TS3 = legs.hip_TS3 + away_TS3 * np.minimum(
        1.0, 0.98 * LEG / np.linalg.norm(away_TS3, axis=-1, keepdims=True)
    )
    foot_TS4 = hinged_clip(12, seed + 1).rotations_TJ4[:, ANKLES]
    moved = led(clip, ankle_TS3, foot_TS4)
    joints_TJ3 = clip_joints(moved)
    assert np.allclose(joints_TJ3[:, ANKLES], ankle_TS3, atol=1e-9)
    world_TJ4 = global_rotations(moved.rotations_TJ4, SMPL_22.parents)
    assert quat_angle(world_TJ4[:, ANKLES], foot_TS4).max() < 1e-6
    others = [joint for joint in range(22) if joint not in {*HIPS, *KNEES, *ANKLES}]
    assert np.array_equal(moved.rotations_TJ4[:, others], clip.rotations_TJ4[:, others])


@settings(max_examples=20, deadline=None)
@given(seeds, directions(2))
def test_knees_keep_their_plane_and_bend_forward(seed: int, aside_S3: FloatArray) -> None:
    clip = hinged_clip(12, seed)
    legs = Legs.of(clip)
    moved = led(clip, legs.ankle_TS3 + 0.04 * normalize(aside_S3), legs.feet_TS4)
    thigh_S3, shank_S3 = SMPL_22.offsets_J3[KNEES], SMPL_22.offsets_J3[ANKLES]
    before_TS3 = quat_rotate(clip.rotations_TJ4[:, KNEES], shank_S3)
    after_TS3 = quat_rotate(moved.rotations_TJ4[:, KNEES], shank_S3)
    normal_TS3 = normalize(cross(thigh_S3, before_TS3))
    # the shank's part along the knee's axis stays what it was: next to nothing
    assert np.abs(dot(normal_TS3, after_TS3)).max() < 0.02
    assert (dot(normal_TS3, cross(thigh_S3, after_TS3)) > 0.0).all()


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_legs_that_need_not_move_do_not(seed: int) -> None:
    clip = hinged_clip(12, seed, bend=0.45)
    legs = Legs.of(clip)
    ankle_TS3, foot_TS4 = legs.reached(legs.toe_TS3, legs.feet_TS4)
    moved = led(clip, ankle_TS3, foot_TS4)
    assert quat_angle(moved.rotations_TJ4, clip.rotations_TJ4).max() < 1e-5


def test_a_leg_straightens_softly_and_then_lifts_the_heel() -> None:
    clip = standing_leg(0.8)
    legs = Legs.of(clip)
    steps = np.linspace(0.0, 0.25, 126)
    straight, toes_off = [], []
    for step in steps:
        toe_TS3 = legs.toe_TS3 + np.array([0.0, -step, 0.0])
        ankle_TS3, foot_TS4 = legs.reached(toe_TS3, legs.feet_TS4)
        straight.append(bends(led(clip, ankle_TS3, foot_TS4))[0, 0])
        reached_TS3 = ankle_TS3 + quat_rotate(foot_TS4, FOOT_S3)
        toes_off.append(np.linalg.norm(reached_TS3 - toe_TS3, axis=-1).max())
    change = np.diff(straight)
    # a leg without a soft end takes the last 0.3 radians within 1 cm
    assert change.max() < 1e-9
    assert change.min() > -0.06
    assert max(toes_off[: np.searchsorted(steps, 0.11)]) < 1e-6


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.4, 0.3), st.floats(0.0, 0.0005), directions())
def test_a_straight_or_overstretched_knee_does_not_snap(
    knee: float, metres: float, aside_3: FloatArray
) -> None:
    clip = standing_leg(knee)
    legs = Legs.of(clip)
    toe_TS3 = legs.toe_TS3 + metres * normalize(aside_3)
    moved = led(clip, *legs.reached(toe_TS3, legs.feet_TS4))
    turned = quat_angle(moved.rotations_TJ4[:, KNEES], clip.rotations_TJ4[:, KNEES]).max()
    # half a millimetre less of a straight leg bends it by 4 degrees
    assert turned < 0.09


def test_an_ankle_beyond_the_leg_gets_a_straight_leg_that_points_at_it() -> None:
    clip = standing_leg(0.8)
    legs = Legs.of(clip)
    ankle_TS3 = legs.hip_TS3 + np.array([0.0, -2.0, 1.0])
    joints_TJ3 = clip_joints(led(clip, ankle_TS3, legs.feet_TS4))
    leg_TS3 = joints_TJ3[:, ANKLES] - joints_TJ3[:, HIPS]
    assert np.allclose(normalize(leg_TS3), normalize(np.array([0.0, -2.0, 1.0])))
    assert np.allclose(np.linalg.norm(leg_TS3, axis=-1), LEG, atol=0.01)


def test_joints_are_named_as_in_the_skeleton() -> None:
    assert joint_index("left_foot") == TOES[0]
