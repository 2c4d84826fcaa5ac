"""Hands, feet and head held to targets: met, eased, and told where they cannot be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.limb_pins import HEAD, PIN_EASE, TOLERANCE, Pin, pin_limbs
from mmm_blender.geometry.kinematics import clip_joints, global_rotations
from mmm_blender.geometry.limb_ik import LIMBS, reach_for
from mmm_blender.geometry.placement import transform_ground
from mmm_blender.geometry.rotations import dot, normalize, quat_rotate
from mmm_blender.geometry.skeleton import SMPL_22, joint_index
from tests.geometry.motions import hinged_clip

FRAMES = 80
limbs = st.sampled_from(sorted(LIMBS))
seeds = st.integers(0, 200)


def at(clip: MotionClip, joint: str) -> FloatArray:
    return clip_joints(clip)[:, joint_index(joint)]


def near(clip: MotionClip, joint: str, frame: int, seed: int, share: float = 0.75) -> FloatArray:
    """A place that the limb's end reaches at a frame."""
    limb = LIMBS[joint]
    root_3 = clip_joints(clip)[frame, limb.root]
    way_3 = at(clip, joint)[frame] - root_3 + 0.15 * np.random.default_rng(seed).normal(size=3)
    return root_3 + way_3 / np.linalg.norm(way_3) * limb.reach * share


@settings(max_examples=40, deadline=None)
@given(limbs, seeds)
def test_a_limb_reaches_and_its_end_keeps_its_turn(joint: str, seed: int) -> None:
    clip, limb = hinged_clip(20, seed), LIMBS[joint]
    target_T3 = np.stack([near(clip, joint, frame, seed) for frame in range(20)])
    led = reach_for(clip, limb, target_T3)
    assert np.abs(at(led, joint) - target_T3).max() < 1e-6
    turns = [
        global_rotations(each.rotations_TJ4, SMPL_22.parents)[:, limb.end] for each in (clip, led)
    ]
    assert np.allclose(np.abs(dot(*turns)), 1.0, atol=1e-9)
    others = [j for j in range(22) if j not in (limb.root, limb.middle, limb.end)]
    assert np.array_equal(led.rotations_TJ4[:, others], clip.rotations_TJ4[:, others])
    assert (dot(led.rotations_TJ4, clip.rotations_TJ4) >= 0.0).all()


@settings(max_examples=25, deadline=None)
@given(limbs, seeds)
def test_a_limb_that_is_there_stays(joint: str, seed: int) -> None:
    clip = hinged_clip(20, seed)
    led = reach_for(clip, LIMBS[joint], at(clip, joint))
    assert np.abs(clip_joints(led) - clip_joints(clip)).max() < 1e-6


@settings(max_examples=25, deadline=None)
@given(limbs, seeds)
def test_the_elbow_and_knee_stay_on_their_side(joint: str, seed: int) -> None:
    clip, limb = hinged_clip(20, seed), LIMBS[joint]
    target_T3 = np.stack([near(clip, joint, frame, seed) for frame in range(20)])
    led = reach_for(clip, limb, target_T3)

    def axis(each: MotionClip) -> FloatArray:
        """About which the middle joint is bent, in the frame of the first bone."""
        upper_3, lower_3 = SMPL_22.offsets_J3[[limb.middle, limb.end]]
        shank_T3 = quat_rotate(each.rotations_TJ4[:, limb.middle], lower_3)
        return normalize(np.cross(np.broadcast_to(upper_3, shank_T3.shape), shank_T3))

    assert dot(axis(led), np.broadcast_to(limb.hinge, (20, 3))).min() > 0.5
    assert dot(axis(led), axis(clip)).min() > 0.9


def pin(joint: str, target: FloatArray, first: float = 1.5, last: float = 2.5) -> Pin:
    return Pin(joint, first, last, np.atleast_2d(target))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["left_wrist", "right_wrist", "left_ankle"]), seeds)
def test_a_pin_is_met_and_eased(joint: str, seed: int) -> None:
    clip = still(hinged_clip(FRAMES, seed))
    target = near(clip, joint, 40, seed)
    result = pin_limbs(clip, [pin(joint, target)])
    assert not result.notes
    apart_T = np.linalg.norm(at(result.clip, joint) - target, axis=-1)
    assert apart_T[30:51].max() < TOLERANCE
    far = round(PIN_EASE.value * clip.fps) + 1
    for frames in (slice(0, 30 - far), slice(50 + far, None)):
        assert np.array_equal(result.clip.rotations_TJ4[frames], clip.rotations_TJ4[frames])
    assert np.array_equal(result.clip.root_T3, clip.root_T3)
    jumps = np.linalg.norm(np.diff(at(result.clip, joint), axis=0), axis=-1)
    assert jumps.max() < 0.2


def still(clip: MotionClip) -> MotionClip:
    """The body stays where it is."""
    rotations_TJ4 = clip.rotations_TJ4.copy()
    rotations_TJ4[:, [0, 3, 6, 9, 13, 14]] = rotations_TJ4[:1, [0, 3, 6, 9, 13, 14]]
    root_T3 = np.tile(clip.root_T3[:1], (clip.frames, 1))
    return clip.replace(rotations_TJ4=rotations_TJ4, root_T3=root_T3)


def test_a_pin_at_one_frame() -> None:
    clip = still(hinged_clip(FRAMES))
    target = near(clip, "left_wrist", 40, 3)
    result = pin_limbs(clip, [pin("left_wrist", target, 2.0, 2.0)])
    assert np.linalg.norm(at(result.clip, "left_wrist")[40] - target) < TOLERANCE


def test_a_target_that_moves_is_followed() -> None:
    clip = still(hinged_clip(FRAMES))
    ends = np.stack([near(clip, "right_wrist", 40, seed, 0.7) for seed in (1, 2)])
    result = pin_limbs(clip, [pin("right_wrist", ends)])
    wanted = np.linspace(ends[0], ends[1], 21)
    assert np.abs(at(result.clip, "right_wrist")[30:51] - wanted).max() < TOLERANCE


def test_a_head_goes_and_looks() -> None:
    clip = still(hinged_clip(FRAMES))
    target = at(clip, HEAD)[40] + np.array([0.06, -0.02, 0.05])
    moved = pin_limbs(clip, [pin(HEAD, target)])
    assert np.linalg.norm(at(moved.clip, HEAD)[30:51] - target, axis=-1).max() < TOLERANCE
    ahead = at(clip, HEAD)[40] + quat_rotate(clip.rotations_TJ4[40, 0], np.array([0.7, 0.3, 2.0]))
    seen = pin_limbs(clip, [Pin(HEAD, 1.5, 2.5, ahead[None], look=True)]).clip
    world = global_rotations(seen.rotations_TJ4, SMPL_22.parents)[30:51, joint_index(HEAD)]
    looks = quat_rotate(world, np.array([0.0, 0.0, 1.0]))
    to_target = normalize(ahead - at(seen, HEAD)[30:51])
    assert dot(looks, to_target).min() > np.cos(np.radians(8.0))


def test_kept_frames_stay_bit_for_bit() -> None:
    clip = still(hinged_clip(FRAMES))
    free_T = (np.arange(FRAMES) >= 28) & (np.arange(FRAMES) < 60)
    result = pin_limbs(clip, [pin("left_wrist", near(clip, "left_wrist", 40, 1))], free_T)
    kept = result.clip.rotations_TJ4[~free_T].tobytes()
    assert kept == clip.rotations_TJ4[~free_T].tobytes() and not result.notes


def test_a_turned_scene_gives_the_same_motion() -> None:
    clip = still(hinged_clip(FRAMES))
    target = near(clip, "left_wrist", 40, 1)
    there = transform_ground(clip, 1.1, np.zeros(3), np.array([4.0, 0.0, 2.0]))
    moved = at(there, "left_wrist")[40] + quat_rotate(
        np.array([np.cos(0.55), 0.0, np.sin(0.55), 0.0]), target - at(clip, "left_wrist")[40]
    )
    first = pin_limbs(clip, [pin("left_wrist", target)]).clip
    second = pin_limbs(there, [pin("left_wrist", moved)]).clip
    expected = transform_ground(first, 1.1, np.zeros(3), np.array([4.0, 0.0, 2.0]))
    assert np.allclose(clip_joints(second), clip_joints(expected), atol=1e-9)


def test_a_target_out_of_reach_is_told() -> None:
    clip = still(hinged_clip(FRAMES))
    result = pin_limbs(clip, [pin("left_wrist", at(clip, "left_wrist")[40] + 5.0)])
    assert "left wrist stays" in result.notes[0] and result.notes[0].endswith(".")
    assert np.isfinite(result.clip.rotations_TJ4).all()


def test_pins_that_exclude_each_other_are_refused() -> None:
    clip = hinged_clip(FRAMES)
    a = pin("left_wrist", np.zeros(3))
    with pytest.raises(MMMError, match=r"want the left wrist 1\.00 m apart"):
        pin_limbs(clip, [a, pin("left_wrist", np.array([1.0, 0.0, 0.0]), 2.0, 3.0)])
    pin_limbs(clip, [a, pin("left_wrist", np.ones(3), 3.0, 3.5), pin("left_wrist", np.zeros(3))])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"joint": "tail"}, "cannot be pinned"),
        ({"first": 2.0, "last": 1.0}, "ends before it begins"),
        ({"target": []}, "no target"),
        ({"target": [[0, 0]]}, "no target"),
        ({"target": [["x", 0, 0]]}, "not a number"),
        ({"target": [[0, 0, float("nan")]]}, "is no place"),
        ({"look": True}, "Only the head looks"),
    ],
)
def test_bad_pins_are_told(change: dict[str, object], words: str) -> None:
    values = pin("left_wrist", np.zeros(3)).to_json() | change
    with pytest.raises(MMMError, match=words):
        pin_limbs(hinged_clip(FRAMES), [Pin.from_json(values)])


@pytest.mark.parametrize("times", [(9.0, 9.5), (-3.0, -1.0), (4.01, 1e300), (-1e300, -0.1)])
def test_a_pin_outside_of_the_motion_is_left_out_and_told(times: tuple[float, float]) -> None:
    """How long a motion along a path is, nobody knows before: it failed after all the work."""
    clip = still(hinged_clip(FRAMES))
    inside = pin("left_wrist", near(clip, "left_wrist", 40, 1))
    alone = pin_limbs(clip, [inside])
    both = pin_limbs(clip, [inside, pin("left_wrist", np.ones(3), *times)])
    assert np.array_equal(both.clip.rotations_TJ4, alone.clip.rotations_TJ4)
    (note,) = both.notes
    assert "lies outside the motion, which lasts 4.00 s, and was left out." in note


@settings(max_examples=30, deadline=None)
@given(st.integers(-30, 70), st.integers(1, 200), st.integers(0, 9))
def test_places_keep_their_time_where_a_motion_ends_sooner(
    first: int, count: int, seed: int
) -> None:
    """Those of a moving object were squeezed into the frames that the motion has."""
    clip = still(hinged_clip(FRAMES))
    places = np.random.default_rng(seed).normal(size=(count, 3))
    held = Pin("left_wrist", first / clip.fps, (first + count - 1) / clip.fps, places)
    span = held.frames(clip)
    begin = max(first, 0)
    assert (span.start, span.stop) == (begin, max(begin, min(first + count, FRAMES)))
    np.testing.assert_allclose(
        held.targets(clip), places[span.start - first : span.stop - first], atol=1e-9
    )


def test_text_and_back() -> None:
    given_one = pin(HEAD, np.ones((3, 3)))
    again = Pin.from_json(json.loads(json.dumps(given_one.to_json())))
    assert again.to_json() == given_one.to_json()
    with pytest.raises(MMMError, match="missing or unknown"):
        Pin.from_json(again.to_json() | {"bone": 1})
