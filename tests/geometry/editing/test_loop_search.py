"""The stretch that goes round best is found, and what it becomes is periodic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.loop import plan_loop, seam_ratio
from mmm_blender.geometry.editing.loop_search import MOST_STRETCH, best_round
from mmm_blender.geometry.editing.mask_infill import fill_masked
from mmm_blender.geometry.editing.seam_blending import meet
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import quat_angle
from mmm_blender.geometry.timing import retimed_clip
from tests.geometry.motions import smooth_clip

FPS = 24.0


def swaying(frames: int, period: int) -> MotionClip:
    """A walk whose joints sway with a period in frames."""
    turns_T = 2.0 * np.pi * np.arange(frames) / period
    rotations = np.zeros((frames, 22, 4))
    rotations[..., 0] = np.cos(0.2 * np.sin(turns_T))[:, None]
    rotations[..., 2] = np.sin(0.2 * np.sin(turns_T))[:, None]
    root = np.stack([0.01 * np.sin(turns_T), 0.9 + 0 * turns_T, 0.02 * np.arange(frames)], axis=1)
    return MotionClip(rotations, root, FPS)


@settings(max_examples=12, deadline=None)
@given(period=st.integers(20, 60), spare=st.integers(5, 40))
def test_a_period_is_found(period: int, spare: int) -> None:
    motion = swaying(period + spare + 8, period)
    found = best_round(motion, round(1.05 * period))
    assert found.stop - found.first == period
    assert found.first >= 0 and found.stop < motion.frames


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 30), frames=st.integers(24, 80))
def test_what_is_taken_becomes_periodic_in_value_and_velocity(seed: int, frames: int) -> None:
    motion = smooth_clip(frames * 2, FPS, seed=seed, amplitude=0.12)
    found = best_round(motion, frames)
    assert abs(found.stop - found.first - frames) <= MOST_STRETCH * frames + 1
    plan = plan_loop(retimed_clip(motion.slice(*found.frames), frames))
    closed = plan.closed(meet(fill_masked(plan.seam, plan.mask), plan.seam, plan.mask))
    assert closed.frames == frames + 1
    assert quat_angle(closed.rotations_TJ4[-1], closed.rotations_TJ4[0]).max() < 1e-9
    np.testing.assert_allclose(closed.root_T3[-1] - closed.root_T3[0], plan.shift_3, atol=1e-12)
    joints = clip_joints(closed)
    into, out_of = joints[-1] - joints[-2], joints[1] - joints[0]
    inside = np.abs(np.diff(joints, n=2, axis=0)).max()
    assert np.abs(into - out_of).max() <= 1.2 * inside
    assert seam_ratio(closed, joints, plan.shift_3) <= 1.2


def test_a_motion_that_is_too_short_is_said() -> None:
    with pytest.raises(MMMError, match="needs a longer motion"):
        best_round(smooth_clip(10, FPS), 40)
