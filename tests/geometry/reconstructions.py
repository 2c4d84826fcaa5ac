"""A synthetic walk and what a tokenizer would make of it: for tests of edits."""

from __future__ import annotations

import numpy as np

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.conventions import MODEL_FPS
from mmm_blender.geometry.placement import transform_ground
from mmm_blender.geometry.resample import resample
from mmm_blender.geometry.rotations import (
    axis_angle_quat,
    identity_quats,
    quat_multiply,
    quat_rotate,
    rotation_vector_to_quat,
    yaw_quat,
)
from mmm_blender.geometry.skeleton import ANIMATED_JOINTS, joint_index
from mmm_blender.geometry.smoothing import gaussian_smooth

_X, _Z = np.eye(3)[0], np.eye(3)[2]
_STRIDE_SECONDS = 1.1
_WALK_MPS = 1.2


def _swing(phase_T: FloatArray, *waves: tuple[float, float]) -> FloatArray:
    """Sum of harmonics 1, 2, ... of a stride, each (radians, phase). (T,)."""
    return np.sum(
        [size * np.sin((k + 1) * phase_T + lag) for k, (size, lag) in enumerate(waves)], axis=0
    )


def walk(frames: int, fps: float = 30.0, turn: float = 0.2, start: float = 0.0) -> MotionClip:
    """A walk with swinging arms and bending knees along an arc of ``turn`` radians a second."""
    seconds_T = start + np.arange(frames) / fps
    turns = identity_quats(frames, ANIMATED_JOINTS)

    def pose(name: str, axis: FloatArray, angle_T: FloatArray) -> None:
        joint = joint_index(name)
        turns[:, joint] = quat_multiply(axis_angle_quat(axis, angle_T), turns[:, joint])

    for side, lag, down in (("left", 0.0, -1.2), ("right", np.pi, 1.2)):
        phase_T = 2.0 * np.pi * seconds_T / _STRIDE_SECONDS + lag
        pose(f"{side}_hip", _X, -_swing(phase_T, (0.42, 0.0), (0.06, 0.8)))
        pose(f"{side}_knee", _X, 0.5 + _swing(phase_T, (0.35, 1.2), (0.2, 1.8)))
        pose(f"{side}_ankle", _X, _swing(phase_T, (0.15, 2.0), (0.12, 0.3)))
        pose(f"{side}_shoulder", _Z, np.full(frames, down))
        pose(f"{side}_shoulder", _X, _swing(phase_T, (0.35, 0.0), (0.03, 0.5)))
        pose(f"{side}_elbow", _X, -0.4 - _swing(phase_T, (0.15, 0.3)))
    phase_T = 2.0 * np.pi * seconds_T / _STRIDE_SECONDS
    pose("pelvis", _Z, _swing(phase_T, (0.05, 0.4)))
    pose("spine2", _X, 0.05 + 0.02 * np.sin(2.0 * phase_T))
    heading_T = turn * seconds_T
    turns[:, 0] = quat_multiply(yaw_quat(heading_T), turns[:, 0])
    velocity_T3 = quat_rotate(yaw_quat(heading_T), _WALK_MPS * _Z)
    root_T3 = np.cumsum(velocity_T3, axis=0) / fps
    root_T3[:, 1] = 0.93 + 0.02 * np.sin(2.0 * phase_T)
    return MotionClip(turns, root_T3, fps)


def smooth_noise(frames: int, channels: int, seconds: float, seed: int) -> FloatArray:
    """Noise at the model's rate of root mean square one and the given correlation time. (T, C)."""
    sigma = seconds * MODEL_FPS
    margin = int(4 * sigma) + 1
    white = np.random.default_rng(seed).normal(size=(frames + 2 * margin, channels))
    noise = gaussian_smooth(white, sigma, margin)[margin:-margin]
    return noise * np.sqrt(2.0 * np.sqrt(np.pi) * sigma)


def reconstructed(
    clip: MotionClip,
    seed: int,
    *,
    metres: float = 0.02,
    degrees: float = 3.0,
    seconds: float = 0.2,
    drift: float = 0.02,
) -> MotionClip:
    """The clip as a model gives it back: at the model's rate and resampled, every joint wrong by
    ``degrees`` and the root by ``metres`` (root mean square of each coordinate), the errors smooth
    over ``seconds``; the path drifts by ``drift`` m/s, and the whole stands somewhere else."""
    coarse = resample(clip, MODEL_FPS)
    noise = smooth_noise(coarse.frames, 3 * ANIMATED_JOINTS + 6, seconds, seed)
    turns = np.radians(degrees) * noise[:, :-6].reshape(-1, ANIMATED_JOINTS, 3)
    path = np.cumsum(noise[:, -6:-3], axis=0) * drift / MODEL_FPS * np.array([1.0, 0.0, 1.0])
    wrong = coarse.replace(
        rotations_TJ4=quat_multiply(rotation_vector_to_quat(turns), coarse.rotations_TJ4),
        root_T3=coarse.root_T3 + metres * noise[:, -3:] + path,
    )
    fine = resample(wrong, clip.fps)
    index = np.minimum(np.arange(clip.frames), fine.frames - 1)
    fine = fine.replace(rotations_TJ4=fine.rotations_TJ4[index], root_T3=fine.root_T3[index])
    return elsewhere(fine, seed)


def elsewhere(clip: MotionClip, seed: int) -> MotionClip:
    """The clip somewhere else on the ground, facing anywhere."""
    rng = np.random.default_rng(seed)
    target = rng.uniform(-5.0, 5.0, 3) * np.array([1.0, 0.0, 1.0])
    return transform_ground(clip, float(rng.uniform(-3.0, 3.0)), np.zeros(3), target)
