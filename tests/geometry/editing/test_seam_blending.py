from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import BoolArray, FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.edit_mask import BodyPart, EditMask, span_mask
from mmm_blender.geometry.editing.path_correction import arrive
from mmm_blender.geometry.editing.seam_blending import EASE_SECONDS, meet
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import (
    axis_angle_quat,
    dot,
    quat_angle,
    quat_multiply,
    rotation_vector_to_quat,
)
from tests.geometry.edit_masks import PARTS, masks
from tests.geometry.motions import smooth_clip
from tests.geometry.reconstructions import reconstructed, walk

FRAMES = 40
RATES = (20.0, 23.976, 24.0, 30.0, 60.0)


def offset(clip: MotionClip, degrees: float, metres: float = 0.0) -> MotionClip:
    """Every joint turned about a slanted axis, the root shifted: the same at every frame."""
    turn = axis_angle_quat(np.array([0.6, 0.0, 0.8]), np.radians(degrees))
    return clip.replace(
        rotations_TJ4=quat_multiply(turn, clip.rotations_TJ4),
        root_T3=clip.root_T3 + np.array([metres, metres, 0.0]),
    )


def turn_steps(clip: MotionClip) -> FloatArray:
    return np.degrees(quat_angle(clip.rotations_TJ4[1:], clip.rotations_TJ4[:-1]))


@settings(max_examples=60, deadline=None)
@given(masks(FRAMES), st.sampled_from(RATES), st.integers(0, 99))
def test_kept_cells_are_bit_identical(mask: EditMask, fps: float, seed: int) -> None:
    kept = smooth_clip(FRAMES, fps, seed)
    flipped = np.where(np.random.default_rng(seed).random((FRAMES, 22, 1)) < 0.3, -1.0, 1.0)
    kept = kept.replace(rotations_TJ4=kept.rotations_TJ4 * flipped)
    met = meet(smooth_clip(FRAMES, fps, seed + 1), kept, mask)
    kept_TJ, kept_T = ~mask.rotations_TJ, ~mask.root_T
    assert met.rotations_TJ4[kept_TJ].tobytes() == kept.rotations_TJ4[kept_TJ].tobytes()
    assert met.root_T3[kept_T].tobytes() == kept.root_T3[kept_T].tobytes()
    assert np.allclose(np.linalg.norm(met.rotations_TJ4, axis=-1), 1.0)
    assert (met.fps, met.frames) == (fps, FRAMES)


@settings(max_examples=30, deadline=None)
@given(masks(FRAMES), st.integers(0, 99))
def test_masked_kept_input_has_no_influence(mask: EditMask, seed: int) -> None:
    made, kept, other = (smooth_clip(FRAMES, seed=seed + k) for k in range(3))
    scrambled = kept.replace(
        rotations_TJ4=np.where(
            mask.rotations_TJ[..., None], other.rotations_TJ4, kept.rotations_TJ4
        ),
        root_T3=np.where(mask.root_T[:, None], other.root_T3 + 3.0, kept.root_T3),
    )
    a, b = meet(made, kept, mask), meet(made, scrambled, mask)
    assert np.array_equal(a.rotations_TJ4, b.rotations_TJ4)
    assert np.array_equal(a.root_T3, b.root_T3)


@settings(max_examples=30, deadline=None)
@given(masks(FRAMES), st.integers(0, 99))
def test_what_meets_already_is_left_as_it_was_made(mask: EditMask, seed: int) -> None:
    clip = smooth_clip(FRAMES, seed=seed)
    met = meet(clip, clip, mask)
    assert quat_angle(met.rotations_TJ4, clip.rotations_TJ4).max() < 1e-6
    assert np.allclose(met.root_T3, clip.root_T3, atol=1e-9)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("start", "stop"), [(0, 60), (60, 120), (20, 100), (59, 60)])
def test_signs_follow_the_kept_frame_before(part: BodyPart, start: int, stop: int) -> None:
    kept = smooth_clip(120, 30.0, 1)
    made = smooth_clip(120, 30.0, 2)
    made = made.replace(rotations_TJ4=-made.rotations_TJ4)
    met = meet(made, kept, span_mask(120, start, stop, part)).rotations_TJ4
    side = dot(met[1:], met[:-1])
    joined = side[: stop - 1] if start > 0 else side[:stop]
    assert (joined > 0.0).all()


@pytest.mark.parametrize("seconds", [0.3, 0.9, 1.1, 3.0])
@pytest.mark.parametrize("part", PARTS)
def test_an_offset_dies_away_and_comes_back(part: BodyPart, seconds: float) -> None:
    """The seam carries a whole turn of 20 degrees; steps of a frame stay small all the way."""
    kept = smooth_clip(200, 30.0, amplitude=0.1)
    stop = 50 + round(seconds * 30.0)
    met = meet(offset(kept, 20.0, 0.1), kept, span_mask(200, 50, stop, part))
    assert turn_steps(met).max() < turn_steps(kept).max() + 20.0 * 2.0 / (EASE_SECONDS * 30.0)
    assert np.abs(np.diff(met.root_T3 - kept.root_T3, axis=0)).max() < 0.1 * 2.0 / 15.0
    middle = quat_angle(met.rotations_TJ4[(50 + stop) // 2], kept.rotations_TJ4[(50 + stop) // 2])
    expected = 0.0 if seconds < 2.0 * EASE_SECONDS else 20.0
    masked = np.degrees(middle)[[0] if part == "lower" else [3]]
    assert masked == pytest.approx(expected, abs=0.5)


def test_speed_has_no_jump_at_the_seams() -> None:
    """At twice the rate a frame's change of speed halves, which it would not over a kink."""
    jumps = []
    for fps in (240.0, 480.0):
        frames = round(3.0 * fps)
        kept, made = smooth_clip(frames, fps, 1, 0.4), smooth_clip(frames, fps, 2, 0.4)
        mask = span_mask(frames, round(0.8 * fps), round(2.2 * fps), "all")
        joints = clip_joints(meet(made, kept, mask))
        jumps.append(np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1).max() * fps)
    assert jumps[1] == pytest.approx(0.5 * jumps[0], rel=0.1)


@settings(max_examples=40, deadline=None)
@given(st.floats(150.0, 210.0), st.sampled_from(RATES), st.integers(0, 30), st.booleans())
def test_residuals_near_a_half_turn_do_not_flip(
    degrees: float, fps: float, seed: int, short: bool
) -> None:
    """The residual wavers around 180 degrees, where its shortest vector changes sides."""
    frames = round(4.0 * fps)
    kept = smooth_clip(frames, fps, seed, amplitude=0.1)
    wavering = degrees + 2.0 * np.sin(np.arange(frames) * 1.3)
    turn_T4 = axis_angle_quat(np.array([0.0, 0.6, 0.8]), np.radians(wavering))
    made = kept.replace(rotations_TJ4=quat_multiply(turn_T4[:, None], kept.rotations_TJ4))
    start = round(fps)
    stop = start + round((0.6 if short else 2.0) * fps)
    met = meet(made, kept, span_mask(frames, start, stop, "all"))
    if short:  # both nodes lack nearly the same: the way between them is not a full turn
        assert quat_angle(met.rotations_TJ4, kept.rotations_TJ4).max() < np.radians(45.0)
    # a half turn eased over half a second passes at most twice its mean speed; a flip is a full one
    assert turn_steps(met).max() < (210.0 * 2.0 / EASE_SECONDS + 200.0) / fps


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(11, 48), min_size=1, max_size=5), st.integers(0, 50))
def test_holds_are_met_exactly_and_passed_at_the_speed_that_was_made(
    holds: set[int], seed: int
) -> None:
    kept, made = smooth_clip(60, 30.0, seed, 0.3), smooth_clip(60, 30.0, seed + 1, 0.3)
    held = np.zeros((60, 22), dtype=np.bool_)
    held[list(holds), ::2] = True
    mask = span_mask(60, 10, 50, "all", held)
    met = meet(made, kept, mask)
    for frame in holds:
        assert np.array_equal(met.rotations_TJ4[frame, ::2], kept.rotations_TJ4[frame, ::2])
        assert np.array_equal(met.root_T3[frame], kept.root_T3[frame])
    for frame in holds:
        if not {frame - 1, frame + 1, frame - 2, frame + 2} & (holds | {9, 50}):
            speed = met.root_T3[frame + 1] - met.root_T3[frame - 1]
            assert np.allclose(speed, made.root_T3[frame + 1] - made.root_T3[frame - 1], atol=0.02)


def test_a_held_joint_does_not_touch_the_others() -> None:
    kept, made = smooth_clip(60, seed=1), smooth_clip(60, seed=2)
    held: BoolArray = np.zeros((60, 22), dtype=np.bool_)
    held[30, 16] = True
    free = meet(made, kept, span_mask(60, 10, 50, "all"))
    bound = meet(made, kept, span_mask(60, 10, 50, "all", held))
    others = [joint for joint in range(22) if joint != 16]
    assert np.array_equal(free.rotations_TJ4[:, others], bound.rotations_TJ4[:, others])
    near = np.abs(np.arange(60) - 30) < EASE_SECONDS * 20.0
    changed = quat_angle(free.rotations_TJ4[:, 16], bound.rotations_TJ4[:, 16]) > 1e-9
    assert changed[30]
    assert not changed[~near].any()


def accelerations(clip: MotionClip) -> FloatArray:
    """Largest acceleration of a world joint at each frame, m/s^2; NaN at the ends. (T,)."""
    steps = np.linalg.norm(np.diff(clip_joints(clip), n=2, axis=0), axis=-1).max(axis=1)
    return np.concatenate([[np.nan], steps * clip.fps**2, [np.nan]])


def seam_excess(clip: MotionClip, mask: EditMask) -> float:
    """Largest acceleration at the frames on either side of the seams, over the 99th percentile of
    the other frames in the range and a second around it (seams themselves would raise it)."""
    values, second = accelerations(clip), round(clip.fps)
    seams = [mask.start - 1, mask.start, mask.stop - 1, mask.stop]
    seams = [frame for frame in seams if 0 < frame < clip.frames - 1]
    others = values.copy()
    others[seams] = np.nan
    around = others[max(mask.start - second, 0) : mask.stop + second]
    return float(np.nanmax(values[seams]) / np.nanpercentile(around, 99.0))


def edited(seconds: float, fps: float, part: BodyPart, seed: int) -> tuple[MotionClip, EditMask]:
    """Part of a walk replaced by its noisy reconstruction somewhere else."""
    kept = walk(round(10.0 * fps), fps, turn=0.2 * (seed - 1), start=0.37 * seed)
    made = reconstructed(kept, seed)
    start = round(2.0 * fps) + 3 * seed
    stop = start + max(1, round(seconds * fps))
    mask = span_mask(kept.frames, start, stop, part)
    return meet(arrive(made, kept, mask).clip, kept, mask), mask


SPANS = (0.02, 0.1, 0.2, 0.35, 0.5, 0.8, 1.0, 1.5, 3.0, 6.0)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("part", PARTS)
def test_seams_are_no_rougher_than_what_lies_around(part: BodyPart, fps: float) -> None:
    """The walk itself, cut nowhere, comes to 1.01 by this measure: a seam may lie at its peak."""
    excess = [
        seam_excess(*edited(seconds, fps, part, seed)) for seconds in SPANS for seed in (0, 2)
    ]
    assert max(excess) < 1.12
    assert np.median(excess) < 1.03


@pytest.mark.parametrize("suffix", [True, False])
def test_a_prefix_and_a_suffix_have_one_smooth_seam(suffix: bool) -> None:
    kept = walk(200)
    mask = span_mask(200, *((120, 200) if suffix else (0, 80)), "all")
    made = reconstructed(kept, 4)
    met = meet(arrive(made, kept, mask).clip, kept, mask)
    assert seam_excess(met, mask) < 1.12
    far = 199 if suffix else 0
    assert quat_angle(met.rotations_TJ4[far], made.rotations_TJ4[far])[1:].max() < 1e-6


def test_a_jump_without_easing_would_be_seen_by_the_measure() -> None:
    kept = walk(200)
    mask = span_mask(200, 60, 120, "all")
    arrived = arrive(reconstructed(kept, 4), kept, mask).clip
    cut = kept.replace(
        rotations_TJ4=np.where(
            mask.rotations_TJ[..., None], arrived.rotations_TJ4, kept.rotations_TJ4
        ),
        root_T3=np.where(mask.root_T[:, None], arrived.root_T3, kept.root_T3),
    )
    assert seam_excess(cut, mask) > 1.5


def test_jitter_of_the_kept_motion_is_not_thrown_into_the_range() -> None:
    """A millimetre on each frame of a 60 fps capture reads as 10 m/s^2, 0.1 degrees as 20 deg/s."""
    rng = np.random.default_rng(0)
    made = walk(240, 60.0)
    shaky = rotation_vector_to_quat(np.radians(0.1) * rng.normal(size=(240, 22, 3)))
    kept = made.replace(
        rotations_TJ4=quat_multiply(shaky, made.rotations_TJ4),
        root_T3=made.root_T3 + 0.001 * rng.normal(size=(240, 3)),
    )
    met = meet(made, kept, span_mask(240, 80, 160, "all"))
    assert np.abs(met.root_T3 - made.root_T3).max() < 0.02
    assert np.degrees(quat_angle(met.rotations_TJ4, made.rotations_TJ4)).max() < 4.0


def test_clips_of_other_lengths_or_rates_are_refused() -> None:
    mask = span_mask(10, 2, 4, "all")
    with pytest.raises(ValueError, match="same frames"):
        meet(walk(10), walk(11), mask)
    with pytest.raises(ValueError, match="same frames"):
        meet(walk(10, 24.0), walk(10, 30.0), mask)
