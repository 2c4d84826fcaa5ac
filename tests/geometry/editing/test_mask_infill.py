from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import EditMask, span_mask
from mmm_blender.geometry.editing.mask_infill import fill_masked
from mmm_blender.geometry.rotations import (
    axis_angle_quat,
    identity_quats,
    normalize,
    quat_angle,
    quat_multiply,
    quat_rotate,
    yaw_of,
    yaw_quat,
)
from mmm_blender.geometry.skeleton import LOWER_JOINTS, UPPER_JOINTS
from tests.geometry.edit_masks import masks
from tests.geometry.motions import smooth_clip

FRAMES = 16


def scrambled(clip: MotionClip, mask: EditMask, seed: int) -> MotionClip:
    """The clip with anything at all in its masked cells."""
    rng = np.random.default_rng(seed)
    turns = normalize(rng.normal(size=clip.rotations_TJ4.shape))
    root = rng.normal(scale=100.0, size=clip.root_T3.shape)
    return clip.replace(
        rotations_TJ4=np.where(mask.rotations_TJ[..., None], turns, clip.rotations_TJ4),
        root_T3=np.where(mask.root_T[:, None], root, clip.root_T3),
    )


@settings(max_examples=40, deadline=None)
@given(masks(FRAMES), st.integers(0, 99))
def test_masked_input_has_no_influence_at_all(mask: EditMask, seed: int) -> None:
    clip = smooth_clip(FRAMES, seed=seed)
    filled = fill_masked(clip, mask)
    again = fill_masked(scrambled(clip, mask, seed), mask)
    assert np.array_equal(filled.rotations_TJ4, again.rotations_TJ4)
    assert np.array_equal(filled.root_T3, again.root_T3)


@settings(max_examples=40, deadline=None)
@given(masks(FRAMES), st.integers(0, 99))
def test_kept_cells_stay_bit_for_bit_and_the_rest_are_rotations(mask: EditMask, seed: int) -> None:
    clip = scrambled(smooth_clip(FRAMES, 24.0), mask, seed)
    filled = fill_masked(clip, mask)
    kept_TJ, kept_T = ~mask.rotations_TJ, ~mask.root_T
    assert np.array_equal(filled.rotations_TJ4[kept_TJ], clip.rotations_TJ4[kept_TJ])
    assert np.array_equal(filled.root_T3[kept_T], clip.root_T3[kept_T])
    assert np.allclose(np.linalg.norm(filled.rotations_TJ4, axis=-1), 1.0)
    assert filled.fps == clip.fps


def test_joints_turn_evenly_and_the_root_goes_straight_between_kept_frames() -> None:
    clip = smooth_clip(FRAMES)
    filled = fill_masked(clip, span_mask(FRAMES, 4, 9, "all"))
    speeds = quat_angle(filled.rotations_TJ4[4:10, 1:], filled.rotations_TJ4[3:9, 1:])
    assert np.allclose(speeds, speeds[0])
    assert np.allclose(np.diff(filled.root_T3[3:10], n=2, axis=0), 0.0)


@pytest.mark.parametrize(("start", "stop", "held"), [(0, 5, 5), (11, FRAMES, 10)])
def test_before_the_first_and_after_the_last_kept_frame_the_pose_is_held(
    start: int, stop: int, held: int
) -> None:
    clip = smooth_clip(FRAMES)
    filled = fill_masked(clip, span_mask(FRAMES, start, stop, "all"))
    angles = quat_angle(filled.rotations_TJ4[start:stop], clip.rotations_TJ4[held])
    assert angles.max() < 1e-7
    assert np.allclose(filled.root_T3[start:stop], clip.root_T3[held])


def turned_around(degrees: float) -> MotionClip:
    """A body that leans forward and stands turned by ``degrees`` from the second frame on."""
    turns = identity_quats(FRAMES, 22)
    lean = axis_angle_quat(np.array([1.0, 0.0, 0.0]), 0.4)
    turns[0, 0] = lean
    turns[1:, 0] = quat_multiply(yaw_quat(np.radians(degrees)), lean)
    return MotionClip(turns, np.zeros((FRAMES, 3)))


def up(clip: MotionClip) -> FloatArray:
    return quat_rotate(clip.rotations_TJ4[:, 0], np.array([0.0, 1.0, 0.0]))


@pytest.mark.parametrize("degrees", [170.0, 179.0, 181.0, -175.0])
def test_a_body_that_turned_around_comes_about_upright(degrees: float) -> None:
    filled = fill_masked(turned_around(degrees), span_mask(FRAMES, 1, 12, "all"))
    assert np.allclose(up(filled)[:, 1], np.cos(0.4))
    shorter = (degrees + 180.0) % 360.0 - 180.0
    half_way = np.degrees(yaw_of(filled.rotations_TJ4[6, 0]))
    assert half_way == pytest.approx(shorter / 2.0)


def test_a_body_part_of_a_whole_clip_takes_the_rest_pose() -> None:
    clip = smooth_clip(4)
    arms = fill_masked(clip, span_mask(4, 0, 4, "upper"))
    assert np.array_equal(arms.rotations_TJ4[:, UPPER_JOINTS], identity_quats(4, 13))
    assert np.array_equal(arms.rotations_TJ4[:, LOWER_JOINTS], clip.rotations_TJ4[:, LOWER_JOINTS])
    legs = fill_masked(clip, span_mask(4, 0, 4, "lower"))
    assert np.array_equal(legs.rotations_TJ4[:, LOWER_JOINTS], identity_quats(4, 9))
    assert 0.8 < legs.root_T3[0, 1] < 1.1


def test_a_clip_of_which_nothing_is_kept_is_told() -> None:
    with pytest.raises(MMMError, match="generate"):
        fill_masked(smooth_clip(4), span_mask(4, 0, 4, "all"))


def test_two_posed_frames_are_enough() -> None:
    held = np.zeros((FRAMES, 22), dtype=np.bool_)
    held[0] = held[-1] = True
    clip = smooth_clip(FRAMES)
    filled = fill_masked(clip, span_mask(FRAMES, 0, FRAMES, "all", held))
    assert np.array_equal(filled.rotations_TJ4[[0, -1]], clip.rotations_TJ4[[0, -1]])
    assert np.allclose(filled.root_T3[FRAMES // 2, 2], clip.root_T3[-1, 2] * 8 / 15)


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        fill_masked(smooth_clip(5), span_mask(6, 1, 2, "all"))
