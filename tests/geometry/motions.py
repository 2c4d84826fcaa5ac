"""Motions made of sines, for tests: smooth, known at every instant, nowhere near a limit."""

from __future__ import annotations

import numpy as np

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.rotations import axis_angle_quat, quat_multiply, rotation_vector_to_quat
from mmm_blender.geometry.skeleton import ANIMATED_JOINTS, joint_index

_HINGES = {
    "left_knee": (1.0, 0.0, 0.0),
    "right_knee": (1.0, 0.0, 0.0),
    "left_elbow": (0.0, -1.0, 0.0),
    "right_elbow": (0.0, 1.0, 0.0),
}
"""Axes about which SMPL's knees and elbows bend from a T-pose."""


def _sines(seconds_T: FloatArray, seed: int) -> FloatArray:
    """A sum of slow sines for each coordinate of each joint, within one. (T, 22, 3)."""
    rng = np.random.default_rng(seed)
    shape = (ANIMATED_JOINTS, 3)
    rates, phases = rng.uniform(0.2, 1.0, shape), rng.uniform(0.0, 6.3, shape)
    return np.sin(2.0 * np.pi * rates * seconds_T[:, None, None] + phases)


def _root(seconds_T: FloatArray) -> FloatArray:
    sway = 0.1 * np.sin(3.0 * seconds_T)
    return np.stack([0.3 * sway, 0.95 + 0.3 * sway, 1.1 * seconds_T + sway], axis=-1)


def smooth_clip(
    frames: int, fps: float = 20.0, seed: int = 0, amplitude: float = 0.5
) -> MotionClip:
    """Every joint sways by up to ``amplitude`` radians about each axis; walks along +Z."""
    seconds_T = np.arange(frames) / fps
    turns = rotation_vector_to_quat(amplitude * _sines(seconds_T, seed))
    return MotionClip(turns, _root(seconds_T), fps)


def hinged_clip(frames: int, seed: int = 0, bend: float = 1.0, turn: float = 0.0) -> MotionClip:
    """As a body moves: knees and elbows bend about their hinges by ``bend`` +- 0.5 radians; feet,
    head and wrists are still. turn: radians by which the pelvis turns each second."""
    seconds_T = np.arange(frames) / 20.0
    sines_TJ3 = _sines(seconds_T, seed)
    vectors_TJ3 = 0.4 * sines_TJ3
    still = [
        joint_index(f"{side}_{name}") for side in ("left", "right") for name in ("foot", "wrist")
    ]
    vectors_TJ3[:, [*still, joint_index("head")]] = 0.0
    turns_TJ4 = rotation_vector_to_quat(vectors_TJ3)
    for name, axis in _HINGES.items():
        joint = joint_index(name)
        turns_TJ4[:, joint] = axis_angle_quat(axis, bend + 0.5 * sines_TJ3[:, joint, 0])
    yaw = axis_angle_quat(np.array([0.0, 1.0, 0.0]), turn * seconds_T)
    turns_TJ4[:, 0] = quat_multiply(yaw, turns_TJ4[:, 0])
    return MotionClip(turns_TJ4, _root(seconds_T))
