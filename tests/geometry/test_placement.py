from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.placement import Placement, headings, joint_headings, place
from mmm_blender.geometry.rotations import identity_quats, yaw_quat
from tests.geometry.motions import smooth_clip


def standing(yaw: float) -> MotionClip:
    turns = identity_quats(1, 22)
    turns[:, 0] = yaw_quat(yaw)
    return MotionClip(turns, np.array([[0.0, 0.95, 0.0]]))


def wrapped(angle: float) -> float:
    return float(np.arctan2(np.sin(angle), np.cos(angle)))


@given(st.floats(-3.1, 3.1))
def test_heading_of_a_turned_t_pose(yaw: float) -> None:
    assert headings(standing(yaw))[0] == pytest.approx(yaw, abs=1e-9)


@settings(max_examples=20)
@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(-3.1, 3.1))
def test_placed_clips_stand_there_facing_that_way(x: float, z: float, yaw: float) -> None:
    clip = smooth_clip(5)
    placed = place(clip, Placement(x, z, yaw))
    assert np.allclose(placed.root_T3[0, [0, 2]], [x, z])
    assert wrapped(headings(placed)[0] - yaw) == pytest.approx(0.0, abs=1e-9)


def test_placing_is_rigid() -> None:
    clip = smooth_clip(10)
    placed = place(clip, Placement(3.0, -2.0, 2.5))
    a, b = clip_joints(clip).reshape(-1, 3), clip_joints(placed).reshape(-1, 3)
    distances = [np.linalg.norm(p[:, None] - p[None], axis=-1) for p in (a, b)]
    assert np.allclose(*distances)
    assert np.allclose(a[:, 1], b[:, 1])
    assert np.array_equal(clip.rotations_TJ4[:, 1:], placed.rotations_TJ4[:, 1:])


def test_joint_headings_are_those_of_the_clip() -> None:
    clip = smooth_clip(10)
    assert np.array_equal(headings(clip), joint_headings(clip_joints(clip)))
