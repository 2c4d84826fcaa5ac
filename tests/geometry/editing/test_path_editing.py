"""A walk is bent and stretched onto a path; what is there already stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.path_editing import (
    LEAST_STEP,
    LONGEST_STEP,
    Track,
    bend_to_path,
    monotone_samples,
    smooth_way,
)
from mmm_blender.geometry.ground_path import GroundPath
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.placement import headings, transform_ground
from mmm_blender.geometry.rotations import wrap_angle
from tests.geometry.feet.test_foot_locking import walking

FPS = 20.0
WALK = walking(100, FPS)  # along +Z, 0.7 m/s
bends = st.floats(-1.5, 1.5)


def curve(bend: float, length: float = 3.4) -> GroundPath:
    """An arc that turns by so many radians on its way, from the origin along +Z."""
    u_N = np.linspace(0.0, 1.0, 9)
    yaw_N = bend * u_N
    step_N2 = np.stack([np.sin(yaw_N), np.cos(yaw_N)], axis=-1) * length / 8
    return GroundPath.of(np.concatenate([np.zeros((1, 2)), np.cumsum(step_N2[:-1], axis=0)]))


def places(clip: MotionClip) -> FloatArray:
    return clip.root_T3[:, [0, 2]]


def test_a_straight_path_onto_itself_changes_nothing() -> None:
    path = GroundPath.of(places(WALK)[[0, -1]])
    bent = bend_to_path(WALK, path)
    assert bent.after is bent.before is WALK
    assert bent.step_scale == pytest.approx(1.0) and bent.pace == 1.0


@settings(max_examples=25, deadline=None)
@given(bends)
def test_it_begins_and_ends_where_the_path_does(bend: float) -> None:
    path = curve(bend)
    after = bend_to_path(WALK, path).after
    assert np.allclose(places(after)[[0, -1]], path.points_N2[[0, -1]], atol=1e-6)
    lengths_T = np.linspace(0.0, path.length, 500)
    apart_T = np.linalg.norm(places(after)[:, None] - path.at(lengths_T), axis=-1).min(axis=1)
    assert apart_T.max() < 0.02
    assert np.array_equal(after.root_T3[:, 1], WALK.root_T3[:, 1])
    assert np.array_equal(after.rotations_TJ4[:, 1:], WALK.rotations_TJ4[:, 1:])


@settings(max_examples=15, deadline=None)
@given(bends, st.floats(-3.0, 3.0))
def test_a_turned_scene_gives_the_same_motion(bend: float, turn: float) -> None:
    path, there = curve(bend), np.array([3.0, 0.0, -8.0])
    cosine, sine = np.cos(turn), np.sin(turn)
    turned = path.points_N2 @ np.array([[cosine, -sine], [sine, cosine]]) + there[[0, 2]]
    after = bend_to_path(WALK, path).after
    elsewhere = bend_to_path(WALK, GroundPath.of(turned)).after
    assert np.allclose(
        clip_joints(elsewhere),
        clip_joints(transform_ground(after, turn, np.zeros(3), there)),
        atol=1e-6,
    )


@settings(max_examples=15, deadline=None)
@given(bends, st.floats(-3.0, 3.0))
def test_where_the_motion_stands_does_not_matter(bend: float, turn: float) -> None:
    path = curve(bend)
    elsewhere = transform_ground(WALK, turn, np.zeros(3), np.array([3.0, 0.0, -8.0]))
    here, there = (clip_joints(bend_to_path(clip, path).after) for clip in (WALK, elsewhere))
    assert np.allclose(here, there, atol=1e-6)


def test_the_body_keeps_its_heading_to_the_path() -> None:
    after = bend_to_path(WALK, curve(1.2)).after
    assert headings(after)[0] == pytest.approx(0.0, abs=0.15)
    assert headings(after)[-1] == pytest.approx(1.2, abs=0.2)


@pytest.mark.parametrize("scale", [0.85, 1.2])
def test_steps_are_scaled_first(scale: float) -> None:
    bent = bend_to_path(WALK, curve(0.0, scale * 0.7 * 99 / FPS))
    assert bent.pace == 1.0 and bent.step_scale == pytest.approx(scale, rel=0.01)


def test_then_the_motion_is_played_slower_or_faster() -> None:
    slow = bend_to_path(WALK, curve(0.0, 1.8), seconds=4.0)
    assert slow.step_scale == pytest.approx(LEAST_STEP, rel=0.01) and slow.pace < 1.0
    fast = bend_to_path(WALK, curve(0.0, 3.2), seconds=3.0)
    assert fast.step_scale == pytest.approx(LONGEST_STEP, rel=0.01) and fast.pace > 1.0
    assert (slow.after.frames, fast.after.frames) == (81, 61)


def test_known_times_are_met() -> None:
    path = GroundPath.of([(0, 0), (0, 1), (0, 3)], seconds=[0.0, 2.0, 4.0])
    after = bend_to_path(WALK, path, seconds=4.0).after
    assert np.allclose(places(after)[[0, 40, 80]], path.points_N2, atol=0.03)


def test_a_body_looks_where_it_is_told_to() -> None:
    points = [(0, 0), (0, 1.7), (0, 3.4)]
    given_ones = bend_to_path(WALK, GroundPath.of(points, [None, 0.8, None])).after
    assert headings(given_ones)[50] == pytest.approx(0.8, abs=0.1)
    assert headings(given_ones)[0] == pytest.approx(0.0, abs=0.1)
    target = np.array([3.0, 1.7])
    after = bend_to_path(WALK, GroundPath.of(points, facing="target", target=target)).after
    x_T, z_T = (target - places(after)).T
    assert np.abs(wrap_angle(headings(after) - np.arctan2(x_T, z_T))).max() < 0.2
    along = bend_to_path(turned(WALK, 0.5), GroundPath.of(points, facing="along")).after
    assert np.abs(headings(along)).max() < 0.2


def turned(clip: MotionClip, yaw: float) -> MotionClip:
    """Turned about itself in every frame: it walks askew."""
    turned_clip = transform_ground(clip, yaw, np.zeros(3), np.zeros(3))
    return turned_clip.replace(root_T3=clip.root_T3)


def test_somebody_who_stands_is_carried() -> None:
    standing = WALK.replace(root_T3=np.tile(WALK.root_T3[:1], (100, 1)))
    bent = bend_to_path(standing, curve(0.3, 2.0))
    assert np.allclose(places(bent.after)[-1], curve(0.3, 2.0).points_N2[-1], atol=1e-6)
    assert bent.step_scale > 100.0


def test_smoothing_leaves_the_ends_and_straight_lines() -> None:
    line = np.outer(np.arange(30.0), [1.0, -2.0])
    assert np.allclose(smooth_way(line, 4.0), line)
    noisy = line + np.random.default_rng(0).normal(size=line.shape)
    assert np.allclose(smooth_way(noisy, 4.0)[[0, -1]], noisy[[0, -1]])
    assert np.allclose(smooth_way(noisy[:1], 4.0), noisy[:1])


def test_the_track_of_a_walk_is_its_way() -> None:
    track = Track.of(WALK)
    assert track.length == pytest.approx(0.7 * 99 / FPS, rel=1e-6)
    assert np.allclose(track.yaw_T, 0.0, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 2.0), min_size=2, max_size=6), st.integers(0, 99))
def test_a_curve_through_rising_points_rises(spans: list[float], seed: int) -> None:
    x_K = np.concatenate([[0.0], np.cumsum(spans)])
    y_K = np.concatenate(
        [[0.0], np.cumsum(np.random.default_rng(seed).uniform(0.01, 3, len(spans)))]
    )
    x_T = np.linspace(-0.5, x_K[-1] + 0.5, 200)
    y_T = monotone_samples(x_K, y_K, x_T)
    assert (np.diff(y_T) > -1e-12).all()
    assert np.allclose(monotone_samples(x_K, y_K, x_K), y_K)
