"""The smpl_269 layout holds a clip exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.placement import Placement, headings, place
from mmm_blender.geometry.rotations import rotation_vector_to_quat
from mmm_blender.motion.features.layout import LAYOUTS, SMPL_269, layout_named
from mmm_blender.motion.features.smpl import decode_features, encode_clip


def wandering_clip(seed: int, frames: int) -> MotionClip:
    rng = np.random.default_rng(seed)
    vectors = np.cumsum(rng.normal(size=(frames, 22, 3)) * 0.05, axis=0)
    root = np.cumsum(rng.normal(size=(frames, 3)) * 0.02, axis=0) + np.array([0.3, 0.9, -2.0])
    return MotionClip(rotation_vector_to_quat(vectors), root)


@given(st.integers(0, 10_000), st.integers(1, 80))
@settings(max_examples=25, deadline=None)
def test_a_clip_comes_back_but_for_its_place(seed: int, frames: int) -> None:
    clip = wandering_clip(seed, frames)
    features = encode_clip(clip)
    assert features.shape == (frames, 269)
    start = Placement(*clip.root_T3[0, [0, 2]], yaw=float(headings(clip)[0]))
    back = place(decode_features(features), start)
    np.testing.assert_allclose(clip_joints(back), clip_joints(clip), atol=1e-9)


def test_redundant_blocks_agree_with_forward_kinematics() -> None:
    features = encode_clip(wandering_clip(1, 50))
    joints = clip_joints(decode_features(features))
    heights = features[:, SMPL_269.positions].reshape(50, 21, 3)[..., 1]
    np.testing.assert_allclose(heights, joints[:, 1:, 1], atol=1e-9)
    steps = features[:-1, SMPL_269.velocities].reshape(49, 22, 3)
    lengths = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=-1), lengths, atol=1e-9)


def test_no_frame_hears_of_one_more_than_half_a_second_away() -> None:
    clip = wandering_clip(2, 60)
    turned = clip.rotations_TJ4.copy()
    turned[40:] = turned[40:, ::-1]
    changed = encode_clip(clip.replace(rotations_TJ4=turned))
    np.testing.assert_array_equal(changed[:28], encode_clip(clip)[:28])


@pytest.mark.parametrize("name", LAYOUTS)
def test_blocks_and_parts_cover_every_channel_once(name: str) -> None:
    layout = layout_named(name)
    both = np.concatenate([layout.part_channels("lower"), layout.part_channels("upper")])
    np.testing.assert_array_equal(np.sort(both), np.arange(layout.channels))
    assert layout.contacts.stop == layout.channels == int(name.rsplit("_", 1)[1])
