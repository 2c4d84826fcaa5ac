from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import BoolArray, FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.feet.contacts import CONTACT_JOINTS, foot_contacts, joint_speeds
from mmm_blender.geometry.feet.foot_locking import TOLERANCE, Pinned, pin_feet
from mmm_blender.geometry.feet.leg_ik import ANKLES, HIPS, KNEES, TOES, Legs
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import (
    identity_quats,
    quat_angle,
    quat_multiply,
    rotation_vector_to_quat,
    yaw_quat,
)
from mmm_blender.geometry.skeleton import SMPL_22, SOLE_HEIGHT
from mmm_blender.geometry.smoothing import gaussian_smooth
from tests.geometry.motions import smooth_clip

REST_HEIGHT = SOLE_HEIGHT - float(SMPL_22.rest_positions_J3[:, 1].min())
"""Height of the pelvis over the floor in rest pose."""

STANDING_ANKLE = SOLE_HEIGHT - float(SMPL_22.offsets_J3[TOES[0], 1])
rates = st.sampled_from([20.0, 24.0, 30.0, 60.0])
seeds = st.integers(0, 1000)


def wobble(frames: int, fps: float, channels: int, seed: int) -> FloatArray:
    """Slow noise of unit size, as slow as what a decoder adds. (T, channels)."""
    noise = np.random.default_rng(seed).normal(size=(frames, channels))
    sigma = 0.2 * fps
    smooth = gaussian_smooth(noise, sigma, round(3 * sigma))
    return smooth / smooth.std(axis=0)


def standing(frames: int, fps: float, drop: float = 0.06) -> MotionClip:
    """Both soles on the floor, knees bent so that the pelvis is ``drop`` metres lower."""
    clip = MotionClip(
        identity_quats(frames, 22), np.tile([0.0, REST_HEIGHT, 0.0], (frames, 1)), fps
    )
    legs = Legs.of(clip)
    lower = clip.replace(root_T3=clip.root_T3 - np.array([0.0, drop, 0.0]))
    return led(lower, legs.ankle_TS3)


def led(clip: MotionClip, ankle_TS3: FloatArray) -> MotionClip:
    """The clip with its ankles elsewhere and its feet level."""
    rotations_TJ4 = clip.rotations_TJ4.copy()
    solved_TBS4 = Legs.of(clip).solved(ankle_TS3, identity_quats(clip.frames, 2))
    for bone, joints in enumerate((HIPS, KNEES, ANKLES)):
        rotations_TJ4[:, joints] = solved_TBS4[:, bone]
    return clip.replace(rotations_TJ4=rotations_TJ4)


def walking(frames: int, fps: float, speed: float = 0.7) -> MotionClip:
    """Steps of 0.5 s, each foot flat on the floor for 0.6 s out of 1 s. Along +Z."""
    seconds_T = np.arange(frames) / fps
    clip = standing(frames, fps, drop=0.08)
    clip = clip.replace(root_T3=clip.root_T3 + np.outer(speed * seconds_T, [0.0, 0.0, 1.0]))
    ankle_TS3 = np.repeat(Legs.of(standing(1, fps)).ankle_TS3, frames, axis=0)
    for side, phase in enumerate((0.0, 0.5)):
        cycle_T, place_T = np.modf(seconds_T + phase)
        swing_T = np.clip((cycle_T - 0.6) / 0.4, 0.0, 1.0)
        eased_T = swing_T * swing_T * (3.0 - 2.0 * swing_T)
        ankle_TS3[:, side, 2] += speed * (place_T + eased_T - phase + 0.3)
        ankle_TS3[:, side, 1] += 0.12 * np.sin(np.pi * swing_T) ** 2
    return led(clip, ankle_TS3)


def disturbed(
    clip: MotionClip, seed: int, radians: float = 0.03, metres: float = 0.01
) -> MotionClip:
    """The clip as a decoder gives it back: every joint and the root are a little off."""
    turns = radians * wobble(clip.frames, clip.fps, 66, seed).reshape(-1, 22, 3)
    return clip.replace(
        rotations_TJ4=quat_multiply(rotation_vector_to_quat(turns), clip.rotations_TJ4),
        root_T3=clip.root_T3 + metres * wobble(clip.frames, clip.fps, 3, seed + 1),
    )


def moved(a: MotionClip, b: MotionClip) -> FloatArray:
    """How far each joint of one clip is from the other's, metres. (T, J)."""
    return np.linalg.norm(clip_joints(a) - clip_joints(b), axis=-1)


def spread(pinned: Pinned) -> float:
    """How far any joint in contact gets from the middle of where it is in that span, metres."""
    joints_TJ3 = clip_joints(pinned.clip)
    paths = [joints_TJ3[span.start : span.stop, span.joint] for span in pinned.spans]
    middles = [0.5 * (path.min(axis=0) + path.max(axis=0)) for path in paths]
    found = zip(paths, middles, strict=True)
    return max(float(np.linalg.norm(path - middle, axis=-1).max()) for path, middle in found)


def slide(clip: MotionClip) -> float:
    """Mean speed over the ground of foot joints in contact, m/s."""
    joints_TJ3 = clip_joints(clip)
    speeds = joint_speeds(joints_TJ3[:, CONTACT_JOINTS] * [1.0, 0.0, 1.0], clip.fps)
    return float(speeds[foot_contacts(joints_TJ3, clip.fps)].mean())


def same(a: MotionClip, b: MotionClip, frames: BoolArray | slice) -> bool:
    turns = np.array_equal(a.rotations_TJ4[frames], b.rotations_TJ4[frames])
    return turns and np.array_equal(a.root_T3, b.root_T3)


@settings(max_examples=20, deadline=None)
@given(seeds, rates, st.booleans())
def test_feet_stay_within_a_centimetre_while_they_stand(seed: int, fps: float, walks: bool) -> None:
    frames = round(4 * fps)
    clip = disturbed((walking if walks else standing)(frames, fps), seed)
    pinned = pin_feet(clip)
    assert len(pinned.spans) >= (8 if walks else 4)
    assert not pinned.unmet
    assert spread(pinned) <= TOLERANCE
    assert slide(pinned.clip) < 0.4 * slide(clip)
    changed = [joint for joint in range(22) if joint not in {*HIPS, *KNEES, *ANKLES}]
    assert np.array_equal(pinned.clip.rotations_TJ4[:, changed], clip.rotations_TJ4[:, changed])
    assert np.array_equal(pinned.clip.root_T3, clip.root_T3)


@settings(max_examples=20, deadline=None)
@given(seeds, rates, st.data())
def test_frames_that_are_not_free_stay_bit_for_bit(
    seed: int, fps: float, data: st.DataObject
) -> None:
    clip = disturbed(walking(round(3 * fps), fps), seed)
    start = data.draw(st.integers(0, clip.frames - 1))
    free_T = np.zeros(clip.frames, dtype=np.bool_)
    free_T[start : data.draw(st.integers(start, clip.frames))] = True
    pinned = pin_feet(clip, free_T)
    assert same(pinned.clip, clip, ~free_T)
    assert all(free_T[span.start : span.stop].all() for span in pinned.spans)
    assert not pinned.spans or spread(pinned) <= TOLERANCE


@settings(max_examples=15, deadline=None)
@given(seeds, rates)
def test_any_motion_is_taken_and_its_far_parts_are_left_alone(seed: int, fps: float) -> None:
    clip = smooth_clip(round(2 * fps), fps, seed)
    pinned = pin_feet(clip)
    assert np.isfinite(pinned.clip.rotations_TJ4).all()
    assert not pinned.spans or spread(pinned) <= TOLERANCE


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_clips_are_taken(frames: int) -> None:
    clip = disturbed(standing(3, 20.0), 0).slice(0, frames)
    assert moved(pin_feet(clip).clip, clip).max() < 0.05


@pytest.mark.parametrize("fps", [20.0, 60.0])
def test_what_is_far_from_any_contact_is_not_touched(fps: float) -> None:
    seconds_T = np.arange(round(4 * fps)) / fps
    clip = disturbed(standing(len(seconds_T), fps), 3)
    jump_T = np.where((seconds_T > 1) & (seconds_T < 3), 0.5, 0.0)
    jump_T = gaussian_smooth(jump_T[:, None], 0.06 * fps, round(0.2 * fps))[:, 0]
    clip = clip.replace(root_T3=clip.root_T3 + np.outer(jump_T, [0.0, 1.0, 0.0]))
    pinned = pin_feet(clip)
    middle = (seconds_T > 1.8) & (seconds_T < 2.2)
    assert same(pinned.clip, clip, middle)
    assert not same(pinned.clip, clip, ~middle)


def test_feet_that_do_not_slide_are_hardly_moved() -> None:
    clip = walking(80, 20.0)
    assert moved(pin_feet(clip).clip, clip).max() < 0.02
    still = standing(40, 20.0)
    assert moved(pin_feet(still).clip, still).max() < 1e-6


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_pinning_again_hardly_changes_anything(seed: int) -> None:
    once = pin_feet(disturbed(standing(60, 20.0), seed, radians=0.01)).clip
    assert moved(pin_feet(once).clip, once).max() < 0.03
    once = pin_feet(disturbed(walking(60, 20.0), seed, radians=0.01)).clip
    # frames beside a contact have become slow enough to count as contact too
    assert moved(pin_feet(once).clip, once).max() < 0.06


@settings(max_examples=15, deadline=None)
@given(seeds, rates)
def test_knees_do_not_pop(seed: int, fps: float) -> None:
    clip = disturbed(walking(round(4 * fps), fps), seed)
    turn, was = (
        np.abs(np.diff(knee_speeds(each), axis=0)).max() for each in (pin_feet(clip).clip, clip)
    )
    # the walk's own knees change speed by 3 to 6 rad/s from one frame to the next
    assert turn < was + 4.0


def knee_speeds(clip: MotionClip) -> FloatArray:
    """Radians a second. (T - 1, S)."""
    knees_TS4 = clip.rotations_TJ4[:, KNEES]
    return quat_angle(knees_TS4[1:], knees_TS4[:-1]) * clip.fps


@pytest.mark.parametrize("fps", [20.0, 30.0])
def test_a_contact_that_goes_on_in_fixed_frames_keeps_its_place_there(fps: float) -> None:
    clip = disturbed(standing(round(3 * fps), fps), 5, radians=0.01)
    free_T = np.arange(clip.frames) >= clip.frames // 2
    pinned = pin_feet(clip, free_T)
    fixed_J3 = clip_joints(clip)[clip.frames // 2 - 1]
    joints_TJ3 = clip_joints(pinned.clip)[free_T]
    assert {span.joint for span in pinned.spans} == set(CONTACT_JOINTS)
    off = np.linalg.norm(joints_TJ3 - fixed_J3, axis=-1)[:, CONTACT_JOINTS]
    assert off.max() < TOLERANCE


def sheared(metres: float) -> tuple[MotionClip, BoolArray]:
    """Standing in one place, then in another so far away; what lies between is free."""
    clip = standing(60, 20.0)
    share_T = np.clip((np.arange(60) - 20) / 20, 0.0, 1.0)
    root_T3 = clip.root_T3 + np.outer(metres * share_T, [1.0, 0.0, 0.0])
    return clip.replace(root_T3=root_T3), (share_T > 0.0) & (share_T < 1.0)


def test_two_fixed_places_that_differ_are_told() -> None:
    pinned = pin_feet(*sheared(0.06))
    assert {fault.joint for fault in pinned.unmet} == {
        "left_ankle", "left_foot", "right_ankle", "right_foot"
    }  # fmt: skip
    assert all(0.02 < fault.metres < 0.07 for fault in pinned.unmet)
    assert not pinned.spans


def test_two_fixed_places_that_agree_are_not_told() -> None:
    pinned = pin_feet(*sheared(0.012))
    assert not pinned.unmet
    assert len(pinned.spans) == 4


def test_a_slow_slide_is_cut_into_steps() -> None:
    clip = standing(200, 20.0)
    slow_T3 = np.outer(0.08 * np.arange(200) / 20.0, [1.0, 0.0, 0.0])
    clip = clip.replace(root_T3=clip.root_T3 + slow_T3)
    pinned = pin_feet(clip)
    longest = max(span.stop - span.start for span in pinned.spans) / 20.0
    assert 1.0 < longest < 4.0
    assert spread(pinned) <= TOLERANCE
    assert moved(pinned.clip, clip).max() < 0.13


def test_a_turn_on_the_spot_is_cut_into_steps() -> None:
    clip = standing(200, 20.0)
    yaw_T4 = yaw_quat(0.3 * np.arange(200) / 20.0)
    turning_T4 = quat_multiply(yaw_T4, clip.rotations_TJ4[:, 0])
    rotations_TJ4 = clip.rotations_TJ4.copy()
    rotations_TJ4[:, 0] = turning_T4
    clip = clip.replace(rotations_TJ4=rotations_TJ4)
    pinned = pin_feet(clip)
    assert 1.0 < max(span.stop - span.start for span in pinned.spans) / 20.0 < 5.0
    assert spread(pinned) <= TOLERANCE
    ankles = quat_angle(pinned.clip.rotations_TJ4[:, ANKLES], clip.rotations_TJ4[:, ANKLES])
    assert np.degrees(ankles.max()) < 35.0


@pytest.mark.parametrize("fps", [20.0, 60.0])
def test_feet_in_the_floor_are_lifted_and_feet_on_a_stair_are_not(fps: float) -> None:
    clip = disturbed(walking(round(3 * fps), fps), 1)
    sunk = clip.replace(root_T3=clip.root_T3 - np.array([0.0, 0.05, 0.0]))
    feet_TK = clip_joints(pin_feet(sunk).clip)[:, [*ANKLES, *TOES], 1]
    assert feet_TK[:, :2].min() > STANDING_ANKLE - 0.005
    assert feet_TK[:, 2:].min() > SOLE_HEIGHT - 0.005
    cellar = clip.replace(root_T3=clip.root_T3 - np.array([0.0, 2.0, 0.0]))
    assert same(pin_feet(cellar).clip, cellar, slice(None))


def test_a_foot_out_of_reach_is_let_go_instead_of_stretching_the_leg() -> None:
    clip = standing(60, 20.0)
    leaving_T3 = np.outer(np.maximum(np.arange(60) - 30, 0) * 0.02, [0.0, 0.5, 1.0])
    clip = clip.replace(root_T3=clip.root_T3 + leaving_T3)
    pinned = pin_feet(clip)
    assert spread(pinned) <= TOLERANCE
    assert not pinned.unmet
    assert all(span.stop < 60 for span in pinned.spans)


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="one truth value a frame"):
        pin_feet(standing(10, 20.0), np.ones(9, dtype=np.bool_))


@pytest.mark.parametrize("fps", [20.0, 60.0])
def test_a_foot_that_lands_right_after_fixed_frames_is_not_thrown_to_its_place(fps: float) -> None:
    seconds_T = np.arange(round(2 * fps)) / fps
    clip = standing(len(seconds_T), fps)
    # too fast to stand until 1 s, then slow enough; 1 s to 1.6 s are 14 cm apart
    speed_T = np.select([seconds_T < 1.0, seconds_T < 1.6], [0.6, 0.24], 0.6)
    aside_T3 = np.outer(np.cumsum(speed_T) / fps, [1.0, 0.0, 0.0])
    clip = clip.replace(root_T3=clip.root_T3 + aside_T3)
    pinned = pin_feet(clip, seconds_T > 1.0 - 2.5 / fps)
    assert {span.joint for span in pinned.spans} == set(CONTACT_JOINTS)
    carried_TJ3 = clip_joints(pinned.clip) - clip_joints(clip)
    assert np.linalg.norm(np.diff(carried_TJ3, axis=0), axis=-1).max() * fps < 1.25
