from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.resample import lengthened, resample, resampled_frames
from mmm_blender.geometry.rotations import quat_angle, slerp
from tests.geometry.motions import smooth_clip

RATES = (12.5, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 59.94, 60.0, 120.0)
FINE = 2000.0
"""A rate at which differences are as good as derivatives."""


def slerped(clip: MotionClip, fps: float) -> FloatArray:
    """Rotations by slerp between samples, up to the last sample."""
    times = np.arange(int((clip.frames - 1) * fps / clip.fps)) * (clip.fps / fps)
    index = np.floor(times).astype(np.int64)
    turns = clip.rotations_TJ4
    return slerp(turns[index], turns[index + 1], (times - index)[:, None])


def turn_rates(turns_TJ4: FloatArray, fps: float) -> FloatArray:
    """Speed of turning between neighbouring frames, radians/s."""
    return quat_angle(turns_TJ4[1:], turns_TJ4[:-1]) * fps


def largest_jump(speeds: FloatArray) -> float:
    return float(np.abs(np.diff(speeds, axis=0)).max())


def test_velocity_has_no_jumps_where_slerp_has_them() -> None:
    clip = smooth_clip(40)
    ours = largest_jump(turn_rates(resample(clip, FINE).rotations_TJ4, FINE))
    facets = largest_jump(turn_rates(slerped(clip, FINE), FINE))
    assert facets > 0.2  # radians/s, at once: what the eye sees as stutter
    assert ours < 0.1 * facets


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_jumps_shrink_with_the_step_as_those_of_a_c1_curve(factor: int) -> None:
    """Across a kink the difference of two steps' velocities would stay as it is."""
    clip = smooth_clip(40)
    coarse, fine = (
        np.abs(np.diff(resample(clip, rate).root_T3, n=2, axis=0)).max() * rate
        for rate in (FINE * factor, 2.0 * FINE * factor)
    )
    assert fine == pytest.approx(coarse / 2.0, rel=0.1)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("frames", [1, 2, 3, 80])
def test_length_stays_to_half_a_frame(frames: int, fps: float) -> None:
    clip = smooth_clip(frames)
    result = resample(clip, fps)
    assert abs(result.seconds - clip.seconds) <= 0.5 / fps + 1e-9 or result.frames == 1
    assert result.fps == fps
    assert np.allclose(np.linalg.norm(result.rotations_TJ4, axis=-1), 1.0)


@pytest.mark.parametrize(
    ("fps", "frames"), [(24.0, 96), (60.0, 240), (29.97, 120), (23.976, 96), (120.0, 480)]
)
def test_four_seconds_have_the_frames_that_animators_expect(fps: float, frames: int) -> None:
    assert resampled_frames(80, 20.0, fps) == frames


@pytest.mark.parametrize("multiple", [2, 3, 6])
@pytest.mark.parametrize("frames", [1, 2, 3, 50])
def test_old_samples_are_met_exactly(frames: int, multiple: int) -> None:
    clip = smooth_clip(frames)
    result = resample(clip, 20.0 * multiple)
    assert np.abs(result.root_T3[::multiple] - clip.root_T3).max() < 1e-12
    assert quat_angle(result.rotations_TJ4[::multiple], clip.rotations_TJ4).max() < 1e-7
    back = resample(result, 20.0)
    assert back.frames == frames
    assert np.abs(back.root_T3 - clip.root_T3).max() < 1e-12


@pytest.mark.parametrize("fps", [23.976, 24.0, 29.97, 59.94])
def test_there_and_back_is_close(fps: float) -> None:
    clip = smooth_clip(80)
    back = resample(resample(clip, fps), 20.0)
    assert back.frames == clip.frames
    assert np.degrees(quat_angle(back.rotations_TJ4, clip.rotations_TJ4)).max() < 0.5
    assert np.abs(back.root_T3 - clip.root_T3).max() < 0.001


@pytest.mark.parametrize("fps", [24.0, 60.0])
def test_it_follows_the_true_motion_closer_than_slerp(fps: float) -> None:
    clip = smooth_clip(80)
    rate_frames = int((clip.frames - 1) * fps / clip.fps)
    truth = smooth_clip(rate_frames, fps).rotations_TJ4
    inner = slice(int(fps / clip.fps) + 1, -int(fps / clip.fps) - 1)  # all four neighbours known
    ours = quat_angle(resample(clip, fps).rotations_TJ4[:rate_frames], truth)[inner]
    assert ours.max() < 0.25 * quat_angle(slerped(clip, fps), truth)[inner].max()


@pytest.mark.parametrize("fps", [24.0, 60.0, 120.0])
def test_beyond_the_last_sample_the_motion_goes_on(fps: float) -> None:
    """A walk at one metre a second is neither stopped nor flung by the frames at the end."""
    still = smooth_clip(1).rotations_TJ4
    root = np.arange(10)[:, None] * [0.0, 0.0, 1.0 / 20.0]
    result = resample(MotionClip(np.repeat(still, 10, axis=0), root), fps)
    assert np.allclose(np.diff(result.root_T3[:, 2]) * fps, 1.0)


def test_a_single_frame_stays_still() -> None:
    clip = smooth_clip(1)
    result = resample(clip, 60.0)
    assert result.frames == 3
    assert np.allclose(result.rotations_TJ4, clip.rotations_TJ4)


def test_the_sign_of_stored_quaternions_does_not_matter() -> None:
    clip = smooth_clip(20)
    flipped = clip.rotations_TJ4.copy()
    flipped[::2] *= -1.0
    a, b = resample(clip, 60.0), resample(clip.replace(rotations_TJ4=flipped), 60.0)
    assert quat_angle(a.rotations_TJ4, b.rotations_TJ4).max() < 1e-7


def test_same_rate_is_the_same_clip() -> None:
    clip = smooth_clip(7)
    assert resample(clip, 20.0) is clip
    assert resample(clip.replace(twist_estimated=True), 30.0).twist_estimated


@pytest.mark.parametrize("fps", [0.0, -24.0, math.nan, math.inf])
def test_bad_rates_are_told(fps: float) -> None:
    with pytest.raises(MMMError, match="frame rate"):
        resample(smooth_clip(3), fps)


@settings(max_examples=30)
@given(st.integers(1, 30), st.floats(1.0, 240.0), st.floats(1.0, 240.0))
def test_any_rate_to_any_rate(frames: int, old: float, new: float) -> None:
    result = resample(smooth_clip(frames, old), new)
    assert result.frames == resampled_frames(frames, old, new)
    assert np.isfinite(result.rotations_TJ4).all()


def test_a_lengthened_clip_goes_on_at_its_last_velocity() -> None:
    clip = smooth_clip(10)
    longer = lengthened(clip, 14)
    assert longer.frames == 14
    assert np.array_equal(longer.rotations_TJ4[:10], clip.rotations_TJ4)
    steps_T3 = np.diff(longer.root_T3[8:], axis=0)
    assert np.allclose(steps_T3, steps_T3[0])
    turns = longer.rotations_TJ4[8:]
    assert np.allclose(quat_angle(turns[:-1], turns[1:]), quat_angle(turns[0], turns[1]))
    assert lengthened(clip, 4).frames == 4
    alone = lengthened(clip.slice(0, 1), 3)
    assert np.allclose(alone.root_T3, clip.root_T3[0])
