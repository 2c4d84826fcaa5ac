from __future__ import annotations

import numpy as np

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.editing.seam_smoothing import smooth_seams
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import axis_angle_quat, quat_multiply
from tests.geometry.motions import smooth_clip


def jolted(clip: MotionClip, frame: int) -> MotionClip:
    """From a frame on the body leans by a few degrees more."""
    lean = axis_angle_quat(np.array([1.0, 0.0, 0.0]), 0.06)
    rotations_TJ4 = clip.rotations_TJ4.copy()
    rotations_TJ4[frame:, 3] = quat_multiply(lean, rotations_TJ4[frame:, 3])
    return clip.replace(rotations_TJ4=rotations_TJ4)


def largest_jerk(clip: MotionClip) -> float:
    return float(np.linalg.norm(np.diff(clip_joints(clip), n=3, axis=0), axis=-1).max())


def test_a_jolt_is_halved_and_nothing_else_is_touched() -> None:
    clip = jolted(smooth_clip(80, amplitude=0.02), 40)
    smooth = smooth_seams(clip, [39.5])
    assert largest_jerk(smooth) < 0.6 * largest_jerk(clip)
    far = np.r_[0:32, 48:80]
    assert smooth.rotations_TJ4[far].tobytes() == clip.rotations_TJ4[far].tobytes()
    assert smooth.root_T3[far].tobytes() == clip.root_T3[far].tobytes()
    assert np.allclose(np.linalg.norm(smooth.rotations_TJ4, axis=-1), 1.0)
    assert np.abs(clip_joints(smooth) - clip_joints(clip)).max() < 0.05


def test_without_a_border_it_is_the_very_clip() -> None:
    clip = smooth_clip(20)
    assert smooth_seams(clip, []) is clip
