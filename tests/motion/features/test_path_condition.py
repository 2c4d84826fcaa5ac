"""The numbers that tell the transformer where the root has to go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.common.arrays import BoolArray
from mmm_blender.motion.config import PATH_FEATURES
from mmm_blender.motion.features.path_condition import path_features, root_poses
from mmm_blender.motion.features.smpl import decode_features, encode_clip
from tests.geometry.motions import hinged_clip

ALL = np.ones(6, dtype=np.bool_)


def some(*borders: int, count: int = 6) -> BoolArray:
    known = np.zeros(count, dtype=np.bool_)
    known[list(borders)] = True
    return known


def test_a_straight_walk_goes_ahead_wherever_it_faces() -> None:
    for yaw in (0.0, 1.0, -2.5):
        step = 0.3 * np.array([np.sin(yaw), np.cos(yaw), 0.0])
        poses = np.arange(6)[:, None] * step + [5.0, -2.0, yaw]
        told = path_features(poses, ALL, ALL, 0.2)
        assert told.shape == (5, PATH_FEATURES)
        assert told == pytest.approx(np.tile([1, 0, 1.5, 1, 0, 0.04, 0.5, 0], (5, 1)), abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    turn=st.floats(-7, 7),
    x=st.floats(-50, 50),
    z=st.floats(-50, 50),
)
def test_a_moved_and_turned_scene_gives_the_same_numbers(
    seed: int, turn: float, x: float, z: float
) -> None:
    rng = np.random.default_rng(seed)
    poses = rng.normal(size=(9, 3))
    position, heading = rng.random(9) < 0.6, rng.random(9) < 0.6
    sin, cos = np.sin(turn), np.cos(turn)
    moved = np.stack(
        [
            poses[:, 0] * cos + poses[:, 1] * sin + x,
            poses[:, 1] * cos - poses[:, 0] * sin + z,
            poses[:, 2] + turn,
        ],
        axis=-1,
    )
    first, second = (path_features(p, position, heading, 0.2) for p in (poses, moved))
    assert np.allclose(first, second, atol=1e-9)


def test_what_is_not_known_is_not_read() -> None:
    poses = np.zeros((6, 3))
    unread = poses.copy()
    unread[1:5] = np.nan
    told = path_features(unread, some(0, 5), some(0), 1.0)
    assert np.array_equal(told, path_features(poses, some(0, 5), some(0), 1.0))
    assert told[:, 5] == pytest.approx(1.0) and told[:, 6] == pytest.approx(np.arange(5) / 5 + 0.1)


def test_a_place_with_no_known_end_is_free() -> None:
    told = path_features(np.zeros((6, 3)), some(0, 2), some(0), 0.2)
    assert told[:2, 0].all() and not told[2:].any()
    assert not path_features(np.zeros((6, 3)), some(2, 5), some(5), 0.2).any()  # no heading before


def test_turns_are_within_a_half() -> None:
    poses = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, np.radians(350.0)]])
    told = path_features(poses, np.ones(2, dtype=np.bool_), np.ones(2, dtype=np.bool_), 1.0)
    assert told[0, 4] == pytest.approx(np.radians(-10.0))


def test_borders_stand_where_the_decoded_clip_does() -> None:
    features = encode_clip(hinged_clip(44, turn=0.6))
    poses = root_poses(features, 4)
    assert poses.shape == (12, 3)
    assert poses[:-1, :2] == pytest.approx(decode_features(features).root_T3[::4][:, [0, 2]])
