"""A loop is periodic in value and in velocity, whatever made its seam."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.loop import plan_loop, seam_ratio
from mmm_blender.geometry.editing.mask_infill import fill_masked
from mmm_blender.geometry.editing.seam_blending import meet
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import quat_angle, yaw_quat
from mmm_blender.geometry.timing import retimed_clip, reversed_clip, touch_downs
from tests.geometry.motions import smooth_clip

FPS = 24.0


@settings(max_examples=12, deadline=None)
@given(frames=st.integers(20, 150), seed=st.integers(0, 30))
def test_the_last_frame_is_the_first_a_round_later(frames: int, seed: int) -> None:
    motion = smooth_clip(frames, FPS, seed=seed, amplitude=0.12)
    plan = plan_loop(motion)
    made = meet(fill_masked(plan.seam, plan.mask), plan.seam, plan.mask)
    closed = plan.closed(made)
    assert closed.frames == frames + 1
    assert np.abs(quat_angle(closed.rotations_TJ4[-1], closed.rotations_TJ4[0])).max() < 1e-9
    np.testing.assert_allclose(closed.root_T3[-1] - closed.root_T3[0], plan.shift_3, atol=1e-12)
    assert plan.shift_3[1] == 0.0, "it neither rises nor sinks"
    kept = slice(plan.edge, frames - plan.edge)
    assert (closed.rotations_TJ4[kept] == motion.rotations_TJ4[kept]).all()
    # velocity into the seam is that out of it, as in the clip that the seam was made in
    into = made.root_T3[plan.context] - made.root_T3[plan.context - 1]
    out_of = closed.root_T3[-1] - closed.root_T3[-2]
    np.testing.assert_allclose(into, out_of, atol=1e-12)


def test_a_motion_that_is_a_loop_has_no_jerk_at_its_seam() -> None:
    turns_T = np.arange(97) / 96.0 * 2.0 * np.pi
    base = smooth_clip(97, FPS)
    rotations = base.rotations_TJ4 * 0.0
    rotations[..., 0], rotations[..., 1] = np.cos(0.2 * np.sin(turns_T))[:, None], 0.0
    rotations[..., 2] = np.sin(0.2 * np.sin(turns_T))[:, None]
    root = np.stack([0.01 * np.sin(turns_T), 0.9 + 0 * turns_T, 0.02 * np.arange(97)], axis=1)
    closed = MotionClip(rotations, root, FPS)
    shift = root[-1] - root[0]
    assert seam_ratio(closed, clip_joints(closed), shift) < 1.2
    broken = closed.replace(root_T3=root + np.where(np.arange(97) == 96, 0.0, 0.0)[:, None])
    jumped = shift + np.array([0.1, 0.0, 0.0])
    assert seam_ratio(broken, clip_joints(broken), jumped) > 3.0


def test_what_cannot_go_round_is_said() -> None:
    motion = smooth_clip(96, FPS)
    with pytest.raises(MMMError, match=r"at least 0\.8 seconds"):
        plan_loop(motion.slice(0, 1))
    fallen = motion.root_T3 - np.linspace(0.0, 0.7, 96)[:, None] * np.array([0.0, 1.0, 0.0])
    with pytest.raises(MMMError, match="after a fall"):
        plan_loop(motion.replace(root_T3=fallen))
    turned = motion.rotations_TJ4.copy()
    turned[:, 0] = yaw_quat(np.linspace(0.0, 2.0, 96))
    with pytest.raises(MMMError, match="ends turned"):
        plan_loop(motion.replace(rotations_TJ4=turned))


@given(frames=st.integers(2, 60), wanted=st.integers(2, 120))
@settings(max_examples=15, deadline=None)
def test_retimed_and_reversed_motions_keep_their_ends(frames: int, wanted: int) -> None:
    clip = smooth_clip(frames, FPS, seed=1)
    found = retimed_clip(clip, wanted)
    assert found.frames == wanted
    for at in (0, -1):
        np.testing.assert_allclose(found.root_T3[at], clip.root_T3[at], atol=1e-9)
        assert quat_angle(found.rotations_TJ4[at], clip.rotations_TJ4[at]).max() < 1e-6
    again = reversed_clip(reversed_clip(clip))
    assert (again.root_T3 == clip.root_T3).all()


def test_feet_come_down() -> None:
    contacts = np.array([[1, 0], [1, 1], [0, 1], [1, 1], [1, 0]], dtype=np.bool_)
    assert touch_downs(contacts).tolist() == [1, 3]
    with pytest.raises(MMMError, match="cannot be made"):
        retimed_clip(smooth_clip(10), 1)
