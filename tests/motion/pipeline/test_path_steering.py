"""Stretch by stretch along a path: nothing is left out, what is chosen is what was asked for.

L token places, P columns of the grid, S borders of the places.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmm_blender.common.arrays import IntArray
from mmm_blender.geometry.ground_path import Facing, GroundPath
from mmm_blender.geometry.placement import headings
from mmm_blender.geometry.rotations import quat_multiply, yaw_quat
from mmm_blender.motion.config import SamplerConfig, TokenizerConfig
from mmm_blender.motion.pipeline import path_course
from mmm_blender.motion.pipeline import path_steering as steering
from mmm_blender.motion.pipeline.path_course import OwnWay, course_along
from mmm_blender.motion.pipeline.path_steering import Course, steered_tokens
from mmm_blender.motion.pipeline.pipeline import GenerateRequest
from mmm_blender.motion.pipeline.refinement import root_steps
from mmm_blender.motion.pipeline.windows import WindowFiller
from tests.geometry.motions import smooth_clip
from tests.motion.tiny_models import tiny_generator

BEND = GroundPath.of([(1.0, 2.0), (1.5, 4.0), (4.0, 5.0)])
PROMPT = "a person walks"


def filler(tries: int = 3, kind: str = "hears paths") -> WindowFiller:
    generator = tiny_generator(kind)
    sampler = SamplerConfig(steps=1, candidates=tries)
    return WindowFiller(generator.model, generator.text_encoder, sampler)


def course(places: int, path: GroundPath = BEND) -> Course:
    config = tiny_generator("hears paths").config.tokenizer
    return course_along(path, places * config.token_seconds, config)


@given(st.integers(1, 200))
def test_stretches_make_every_place_once(places: int) -> None:
    stretches = steering._stretches(places)  # pyright: ignore[reportPrivateUsage]
    assert [done for done, _, _ in stretches] == [0, *(stop for _, stop, _ in stretches[:-1])]
    assert stretches[-1][1:] == (places, places)
    for done, stop, reach in stretches:
        assert done < stop <= reach <= places
        for most in (9, 49):
            window = steering._window(places, done, reach, most)  # pyright: ignore[reportPrivateUsage]
            assert 0 <= window.start <= done and reach <= window.stop <= places
            assert window.length <= most


@pytest.mark.parametrize("kind", ["hears paths", "short, hears paths"])
@pytest.mark.parametrize("places", [2, 4, 8, 9, 23, 60])
def test_every_cell_gets_a_code(kind: str, places: int) -> None:
    made_LP = steered_tokens(filler(2, kind), course(places), PROMPT, 4)
    codes = tiny_generator(kind).model.vocabulary.codes
    assert made_LP.shape == (places, 2)
    assert ((made_LP >= 0) & (made_LP < codes)).all()


def test_the_same_wherever_the_path_lies() -> None:
    turned = np.array([[0.6, -0.8], [0.8, 0.6]])
    there = GroundPath.of(BEND.points_N2 @ turned + [9.0, -3.0])
    first, second = (steered_tokens(filler(), course(18, p), PROMPT, 4) for p in (BEND, there))
    assert np.array_equal(first, second)


def test_a_course_from_the_origin_keeps_its_shape() -> None:
    far = course(20)
    near = far.from_origin
    assert np.allclose(near.poses_S3[0], 0.0)
    ways = [np.linalg.norm(np.diff(c.poses_S3[:, :2], axis=0), axis=-1) for c in (far, near)]
    assert np.allclose(*ways)
    assert np.allclose(near.features(0.2), far.features(0.2))


def test_poses_of_the_new_places_are_those_of_the_whole() -> None:
    model = tiny_generator("hears paths").model
    tokens_BLP = np.random.default_rng(1).integers(0, 24, (3, 40, 2))
    tokens_BLP[:, :30] = tokens_BLP[:1, :30]
    whole_BS3 = root_steps(model, tokens_BLP).path_NF3[:, ::4, [1, 2, 0]]
    first, found_BR3 = steering._poses(model, tokens_BLP, whole_BS3[0, :31])  # pyright: ignore[reportPrivateUsage]
    assert 0 < first <= 30
    assert np.allclose(found_BR3, whole_BS3[:, first:], atol=1e-5)


def test_what_else_it_costs_is_heard() -> None:
    def few(tokens_LP: IntArray) -> float:
        return 1e6 * float(tokens_LP.sum())

    def many(tokens_LP: IntArray) -> float:
        return -few(tokens_LP)

    low, high = (steered_tokens(filler(8), course(10), PROMPT, 4, cost) for cost in (few, many))
    assert low.sum() < high.sum()


def test_how_far_a_try_is_off() -> None:
    poses_S3 = np.zeros((11, 3))
    poses_S3[:, 1] = 0.5 * np.arange(11)
    aside = poses_S3[1:5] + np.array([0.2, 0.0, 1.0])
    off_B = Course(poses_S3).apart(np.stack([poses_S3[1:5], aside]), 1)
    assert off_B == pytest.approx([0.0, 0.5])


def test_times_and_headings_of_points_are_met() -> None:
    config = tiny_generator("hears paths").config.tokenizer
    path = GroundPath.of(
        [(0, 0), (0, 1), (0, 4)], headings=[None, 0.5, None], seconds=[0.0, 3.0, 4.0]
    )
    found = course_along(path, 4.0, config)
    assert found.poses_S3[[0, 15, 20], 1] == pytest.approx([0.0, 1.0, 4.0])
    assert found.poses_S3[[0, 7, 15], 2] == pytest.approx([0.0, 0.0, 0.5])
    assert 0.0 < found.poses_S3[17, 2] < 0.5


@pytest.mark.parametrize(
    ("facing", "wanted"), [("free", -1.0), ("along", 0.0), ("target", 0.5 * np.pi)]
)
def test_which_way_the_body_looks(facing: Facing, wanted: float) -> None:
    config = tiny_generator("hears paths").config.tokenizer
    path = GroundPath.of([(0, 0), (0, 4)], facing=facing, target=(5, 0))
    assert course_along(path, 4.0, config, -1.0).poses_S3[0, 2] == pytest.approx(wanted)


@pytest.mark.parametrize("turn", [0.0, 0.3, 0.5 * np.pi, np.pi])
def test_a_body_that_goes_backward_or_aside_is_seen(turn: float) -> None:
    clip = smooth_clip(80, seed=3)
    going_T3 = np.arange(80.0)[:, None] * np.array([0.0, 0.0, 0.1])
    turned_T4 = quat_multiply(yaw_quat(turn - headings(clip)), clip.rotations_TJ4[:, 0])
    rotations_TJ4 = clip.rotations_TJ4.copy()
    rotations_TJ4[:, 0] = turned_T4
    ahead = clip.replace(rotations_TJ4=rotations_TJ4, root_T3=going_T3)
    found = path_course._looks(ahead)  # pyright: ignore[reportPrivateUsage]
    assert abs(found) == pytest.approx(turn if turn > 0.5 else 0.0)


def test_without_a_time_it_goes_at_its_own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def told(path: GroundPath, seconds: float, config: TokenizerConfig, looks: float) -> Course:
        asked.append(seconds)
        return course_along(path, seconds, config, looks)

    module = "mmm_blender.motion.pipeline.path_following"
    monkeypatch.setattr(f"{module}.course_along", told)
    monkeypatch.setattr(f"{module}.own_way", lambda *_: OwnWay(2.0))  # pyright: ignore[reportUnknownLambdaType]
    request = GenerateRequest(PROMPT, 0.0, 1, SamplerConfig(steps=1), path=BEND)
    tiny_generator("hears paths").generate(request)
    assert asked == [pytest.approx(BEND.length / 2.0)]


def test_its_steps_are_told_as_one_jobs() -> None:
    generator = tiny_generator("hears paths")
    told: list[tuple[int, int]] = []
    request = GenerateRequest(PROMPT, 6.0, 1, SamplerConfig(steps=2), path=BEND)
    generator.generate(request, on_step=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
