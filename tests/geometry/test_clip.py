from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import identity_quats
from mmm_blender.geometry.skeleton import MIRROR
from tests.geometry.motions import smooth_clip


def test_seconds_are_frames_on_screen() -> None:
    clip = smooth_clip(80)
    assert (clip.frames, clip.seconds) == (80, 4.0)


def test_slice_is_the_same_motion_there() -> None:
    clip = smooth_clip(30)
    part = clip.slice(10, 20)
    assert part.frames == 10
    assert np.array_equal(clip_joints(part), clip_joints(clip)[10:20])


def test_replace_changes_only_what_is_named() -> None:
    clip = smooth_clip(5)
    marked = clip.replace(twist_estimated=True)
    assert marked.twist_estimated
    assert not clip.twist_estimated
    assert marked.root_T3 is clip.root_T3


def test_mirrored_joints_are_the_joints_in_a_mirror() -> None:
    clip = smooth_clip(20)
    expected = clip_joints(clip)[:, MIRROR] * [-1.0, 1.0, 1.0]
    assert np.allclose(clip_joints(clip.mirrored()), expected)
    twice = clip.mirrored().mirrored()
    assert np.allclose(twice.rotations_TJ4, clip.rotations_TJ4)


@pytest.mark.parametrize(
    ("rotations", "root", "fps"),
    [
        (identity_quats(2, 21), np.zeros((2, 3)), 20.0),
        (identity_quats(2, 22), np.zeros((3, 3)), 20.0),
        (identity_quats(0, 22), np.zeros((0, 3)), 20.0),
        (identity_quats(2, 22), np.zeros((2, 3)), 0.0),
        (identity_quats(2, 22), np.zeros((2, 3)), float("nan")),
        (identity_quats(2, 22), np.full((2, 3), np.nan), 20.0),
        (np.full((2, 22, 4), np.inf), np.zeros((2, 3)), 20.0),
    ],
)
def test_bad_arrays_are_refused(rotations: FloatArray, root: FloatArray, fps: float) -> None:
    with pytest.raises(ValueError, match="clip"):
        MotionClip(rotations, root, fps)
