"""Motions with a path, with a start and an end, and with pins: what is asked for is met."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmm_blender.common.arrays import FloatArray
from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.conditions import Ends
from mmm_blender.geometry.editing.edit_mask import span_mask
from mmm_blender.geometry.editing.limb_pins import TOLERANCE, Pin
from mmm_blender.geometry.ground_path import GroundPath
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.placement import headings
from mmm_blender.geometry.rotations import dot
from mmm_blender.geometry.skeleton import joint_index
from mmm_blender.geometry.standing import standing_clip
from mmm_blender.motion.config import SamplerConfig
from mmm_blender.motion.features.path_condition import condition_between
from mmm_blender.motion.pipeline.path_course import course_along
from mmm_blender.motion.pipeline.pipeline import (
    EditRequest,
    GenerateRequest,
    GenerateResult,
    SequenceRequest,
)
from tests.geometry.motions import smooth_clip
from tests.motion.tiny_models import tiny_generator

SAMPLER = SamplerConfig(steps=1, candidates=3)
BEND = GroundPath.of([(1.0, 2.0), (1.5, 4.0), (4.0, 5.0)])


def places(clip: MotionClip) -> FloatArray:
    return clip.root_T3[:, [0, 2]]


def wanted(seconds: float = 3.0, path: GroundPath | None = BEND) -> GenerateRequest:
    return GenerateRequest("a person walks", seconds, 3, SAMPLER, path=path)


def assert_on_path(clip: MotionClip, path: GroundPath) -> None:
    assert np.allclose(places(clip)[[0, -1]], path.points_N2[[0, -1]], atol=1e-6)


@pytest.mark.parametrize(
    "kind",
    ["two parts", "whole", "published", "kit", "short", "hears paths", "short, hears paths"],
)
def test_every_kind_of_bundle_follows_a_path(kind: str) -> None:
    made = tiny_generator(kind).generate(wanted())
    assert_on_path(made.clip, BEND)
    assert made.clip.frames == round(3.0 * made.clip.fps)


def same(a: GenerateResult, b: GenerateResult) -> bool:
    turns = a.clip.rotations_TJ4.tobytes() == b.clip.rotations_TJ4.tobytes()
    return turns and a.clip.root_T3.tobytes() == b.clip.root_T3.tobytes() and a.notes == b.notes


@pytest.mark.parametrize("kind", ["two parts", "hears paths"])
@pytest.mark.parametrize("seconds", [0.0, 3.0, 14.0])
def test_a_path_of_any_duration_replays(seconds: float, kind: str) -> None:
    generator = tiny_generator(kind)
    request = wanted(seconds)
    made = generator.generate(request)
    assert same(made, generator.generate(request))
    again = replace(request, tokens_LP=made.tokens_LP, seed=9)
    assert same(made, generator.generate(again))
    if seconds:
        assert made.clip.frames == round(seconds * 20.0)


def test_times_of_points_go_before_the_seconds() -> None:
    timed = GroundPath.of(BEND.points_N2, seconds=[0.0, 1.0, 4.0])
    assert tiny_generator("two parts").generate(wanted(2.0, timed)).clip.frames == 80


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.3, "a person runs at most"), (500.0, "at most 120"), (-1.0, "positive")],
)
def test_durations_that_cannot_be(seconds: float, words: str) -> None:
    with pytest.raises(MMMError, match=words):
        tiny_generator("two parts").generate(wanted(seconds))


def test_what_the_path_takes_is_told_in_metres() -> None:
    far = GroundPath.of([(0.0, 0.0), (0.0, 20.0)])
    notes = tiny_generator("two parts").generate(wanted(4.0, far)).notes
    assert any(" m" in note and note.endswith(".") for note in notes)


def test_an_edit_takes_a_path_and_keeps_the_rest() -> None:
    clip = smooth_clip(80, seed=3)
    start, end = places(clip)[19], places(clip)[60]
    path = GroundPath.of([start, 0.5 * (start + end) + [0.5, 0.0], end])
    request = EditRequest(clip, span_mask(80, 20, 60, "all"), "", 4, SAMPLER, path=path)
    made = tiny_generator("two parts").edit(request).clip
    kept = np.r_[0:20, 60:80]
    assert made.rotations_TJ4[kept].tobytes() == clip.rotations_TJ4[kept].tobytes()
    assert made.root_T3[kept].tobytes() == clip.root_T3[kept].tobytes()
    apart = np.linalg.norm(places(made)[40] - path.at(np.linspace(0, path.length, 900)), axis=-1)
    assert apart.min() < 0.5  # the sway of a network that was never trained


def test_a_path_needs_a_body_to_lead() -> None:
    clip = smooth_clip(80, seed=3)
    arms = EditRequest(clip, span_mask(80, 20, 60, "upper"), "", 4, SAMPLER, path=BEND)
    with pytest.raises(MMMError, match="choose the whole or the lower body"):
        tiny_generator("two parts").edit(arms)
    held_TJ = np.zeros((80, 22), dtype=np.bool_)
    held_TJ[40] = True
    holds = EditRequest(clip, span_mask(80, 20, 60, "all", held_TJ), "", 4, SAMPLER, path=BEND)
    with pytest.raises(MMMError, match="lock none"):
        tiny_generator("two parts").edit(holds)


def test_a_sequence_takes_a_path() -> None:
    request = SequenceRequest(("walks", "runs"), (2.0, 3.0), (1, 2), path=BEND, sampler=SAMPLER)
    made = tiny_generator("two parts").sequence(request)
    assert_on_path(made.clip, BEND)
    assert made.clip.frames == 100


@pytest.mark.parametrize("fps", [20.0, 24.0])
@pytest.mark.parametrize("end", ["free", "standing"])
def test_a_motion_starts_from_the_pose_itself(fps: float, end: str) -> None:
    pose = smooth_clip(30, fps, seed=5).slice(8, 9)
    ends = Ends("pose", end, pose)  # pyright: ignore[reportArgumentType]
    request = replace(wanted(3.0, None), fps=fps, ends=ends)
    generator = tiny_generator("two parts")
    made = generator.generate(request)
    assert made.clip.frames == round(3.0 * fps)
    assert made.clip.rotations_TJ4[0].tobytes() == pose.rotations_TJ4[0].tobytes()
    assert made.clip.root_T3[0].tobytes() == pose.root_T3[0].tobytes()
    assert same(made, generator.generate(replace(request, tokens_LP=made.tokens_LP)))


def test_a_motion_stands_at_first_and_at_last() -> None:
    generator = tiny_generator("two parts")
    made = generator.generate(replace(wanted(4.0, None), ends=Ends("standing", "standing"))).clip
    standing = standing_clip(1, 20.0)
    assert np.array_equal(made.rotations_TJ4[0], standing.rotations_TJ4[0])
    alike = np.abs(dot(made.rotations_TJ4[-1, 1:], standing.rotations_TJ4[0, 1:]))
    assert alike.min() > 0.98
    free = generator.generate(replace(wanted(4.0, None), ends=Ends("free", "standing"))).clip
    assert np.allclose(places(free)[0], 0.0) and abs(headings(free)[0]) < 1e-6


def test_a_motion_from_a_pose_takes_a_path() -> None:
    pose = smooth_clip(10, seed=5)
    start = places(pose)[-1]
    path = GroundPath.of(start + np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 3.0]]))
    request = replace(wanted(0.0, path), ends=Ends("pose", "free", pose))
    made = tiny_generator("two parts").generate(request).clip
    assert made.rotations_TJ4[0].tobytes() == pose.rotations_TJ4[-1].tobytes()
    assert_on_path(made, path)


def test_pins_are_met_in_new_motions_and_in_edits() -> None:
    generator = tiny_generator("two parts")
    wrist = joint_index("left_wrist")
    plain = generator.generate(wanted(3.0, None)).clip
    target = clip_joints(plain)[30, wrist] + [0.0, 0.05, 0.0]
    pin = Pin("left_wrist", 1.5, 1.5, target[None])
    made = generator.generate(replace(wanted(3.0, None), pins=(pin,)))
    assert np.linalg.norm(clip_joints(made.clip)[30, wrist] - target) < TOLERANCE
    request = EditRequest(plain, span_mask(60, 10, 50, "upper"), "", 4, SAMPLER, pins=(pin,))
    edited = generator.edit(request)
    assert np.array_equal(edited.clip.rotations_TJ4[:10], plain.rotations_TJ4[:10])
    assert np.array_equal(edited.clip.rotations_TJ4[:, :3], plain.rotations_TJ4[:, :3])


def test_a_batch_is_of_plain_requests() -> None:
    with pytest.raises(ValueError, match="one by one"):
        tiny_generator("two parts").generate_batch([wanted(3.0)])


def test_the_path_is_told_to_a_model_that_follows_paths() -> None:
    config = tiny_generator("hears paths").config.tokenizer
    straight = course_along(GroundPath.of([(0, 0), (0, 4)]), 2.0, config).features(0.2)
    assert np.allclose(straight[:, 0], 1.0) and np.allclose(straight[:, 2], 2.0)  # m/s ahead
    masked_L = np.zeros(10, dtype=np.bool_)
    masked_L[3:7] = True
    poses_S3 = np.arange(11.0)[:, None] * np.array([0.0, 0.2, 0.0])
    between = condition_between(poses_S3, masked_L, 0.2)
    assert np.allclose(between[:, 0], 1.0) and np.allclose(between[3:7, 2], 1.0)
    assert np.allclose(between[3:7, 5], 0.8 / 5.0)
    free = condition_between(poses_S3, masked_L, 0.2, moves_after=True)
    assert np.allclose(free[3:], 0.0) and np.allclose(free[:3, 0], 1.0)
