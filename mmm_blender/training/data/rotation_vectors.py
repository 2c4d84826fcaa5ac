"""Captures that are stored as arrays of rotation vectors: SkillMimic's and CMU's in that form.

SkillMimic: tensors of 337 numbers a frame, metres, Z up. CMU: text of 117 numbers a frame,
rotations transposed, the first frame a T-pose, which also tells how the joints' frames lie.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import torch

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.feet.contacts import standing_heights
from ...geometry.rotations import (
    axis_angle_quat,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    rotation_vector_to_quat,
)
from ...geometry.skeleton import SMPL, joint_index
from .sources import SourceMotion

# SkillMimic's bodies in order (parent); fingers are left out
_SKILLMIMIC_BODIES: tuple[tuple[str, int, int], ...] = (
    ("pelvis", 0, -1), ("left_hip", 1, 0), ("left_knee", 2, 1), ("left_ankle", 3, 2),
    ("left_foot", 4, 3), ("right_hip", 5, 0), ("right_knee", 6, 5), ("right_ankle", 7, 6),
    ("right_foot", 8, 7), ("torso", 9, 0), ("spine", 10, 9), ("spine2", 11, 10),
    ("chest", 12, 11), ("neck", 13, 12), ("head", 14, 13), ("left_collar", 15, 12),
    ("left_shoulder", 16, 15), ("left_elbow", 17, 16), ("left_wrist", 18, 17),
    ("right_collar", 34, 12), ("right_shoulder", 35, 34), ("right_elbow", 36, 35),
    ("right_wrist", 37, 36),
)  # fmt: skip
_SKILLMIMIC_COLUMNS = 337
_BODIES, _FIRST_JOINT, _FIRST_BODY = 53, 9, 165
_SKILLMIMIC_FPS = 60.0
_Y_UP = axis_angle_quat(np.array([1.0, 0.0, 0.0]), np.float64(-np.pi / 2))


def _tensor(path: Path) -> FloatArray:
    """A tensor file's numbers; nothing in the file is executed."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    try:
        values = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise MMMError(f"{path.name} is not a readable tensor file.") from error
    if not isinstance(values, torch.Tensor) or values.shape[1:] != (_SKILLMIMIC_COLUMNS,):
        raise MMMError(f"{path.name} holds no frames of {_SKILLMIMIC_COLUMNS} numbers.")
    array = values.double().numpy()
    if not len(array) or not np.isfinite(array).all():
        raise MMMError(f"{path.name} holds no frames, or values that are not numbers.")
    return array


def read_skillmimic_source(path: Path) -> SourceMotion:
    """A SkillMimic capture. Bones are made rigid: each has its mean offset over the take."""
    values = _tensor(path)
    turns = rotation_vector_to_quat(
        values[:, _FIRST_JOINT : _FIRST_JOINT + 3 * (_BODIES - 1)].reshape(-1, _BODIES - 1, 3)
    )
    bodies = values[:, _FIRST_BODY : _FIRST_BODY + 3 * _BODIES].reshape(-1, _BODIES, 3)
    places = quat_rotate(_Y_UP, bodies)
    rotations: dict[int, FloatArray] = {}
    positions: dict[int, FloatArray] = {}
    for _, body, parent in _SKILLMIMIC_BODIES:
        if parent < 0:
            rotations[body] = quat_multiply(_Y_UP, rotation_vector_to_quat(values[:, 3:6]))
            positions[body] = places[:, body]
            continue
        around = rotations[parent]
        seen = quat_rotate(quat_conjugate(around), places[:, body] - places[:, parent])
        rotations[body] = quat_multiply(around, turns[:, body - 1])
        positions[body] = positions[parent] + quat_rotate(around, seen.mean(axis=0))
    names = {body: name for name, body, _ in _SKILLMIMIC_BODIES}
    return SourceMotion(
        {names[body]: turn for body, turn in rotations.items()},
        {names[body]: place for body, place in positions.items()},
        _SKILLMIMIC_FPS,
    )


# CMU as rotation vectors: which of the 38 joints are used, parents first, and the SMPL joint whose
# place in a T-pose each has
_VECTOR_JOINTS: tuple[tuple[int, int, str, str], ...] = (
    (0, -1, "hips", "pelvis"), (1, 0, "left_hip_joint", "pelvis"),
    (2, 1, "left_hip", "left_hip"), (3, 2, "left_knee", "left_knee"),
    (4, 3, "left_ankle", "left_ankle"), (5, 4, "left_foot", "left_foot"),
    (7, 0, "right_hip_joint", "pelvis"), (8, 7, "right_hip", "right_hip"),
    (9, 8, "right_knee", "right_knee"), (10, 9, "right_ankle", "right_ankle"),
    (11, 10, "right_foot", "right_foot"), (13, 0, "lower_back", "spine1"),
    (14, 13, "spine", "spine2"), (15, 14, "chest", "spine3"), (16, 15, "neck", "neck"),
    (17, 16, "neck2", "neck"), (18, 17, "head", "head"), (20, 15, "left_collar", "left_collar"),
    (21, 20, "left_shoulder", "left_shoulder"), (22, 21, "left_elbow", "left_elbow"),
    (23, 22, "left_wrist", "left_wrist"), (29, 15, "right_collar", "right_collar"),
    (30, 29, "right_shoulder", "right_shoulder"), (31, 30, "right_elbow", "right_elbow"),
    (32, 31, "right_wrist", "right_wrist"),
)  # fmt: skip
_VECTOR_COLUMNS = 117
# in CMU's T-pose legs are vertical and arms level; a toe joint lies 39 degrees below its ankle
_VECTOR_BONES: dict[str, tuple[float, float, float]] = {
    "left_knee": (0.0, -1.0, 0.0), "left_ankle": (0.0, -1.0, 0.0),
    "right_knee": (0.0, -1.0, 0.0), "right_ankle": (0.0, -1.0, 0.0),
    "left_foot": (0.0, -0.62, 0.78), "right_foot": (0.0, -0.62, 0.78),
    "left_elbow": (1.0, 0.0, 0.0), "left_wrist": (1.0, 0.0, 0.0),
    "right_elbow": (-1.0, 0.0, 0.0), "right_wrist": (-1.0, 0.0, 0.0),
}  # fmt: skip


def _numbers(path: Path) -> FloatArray:
    try:
        values = np.loadtxt(path, delimiter=",", ndmin=2)
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    except ValueError as error:
        raise MMMError(f"{path.name} is no table of numbers ({error}).") from error
    if values.shape[1] != _VECTOR_COLUMNS or len(values) < 2 or not np.isfinite(values).all():
        raise MMMError(f"{path.name} holds no frames of {_VECTOR_COLUMNS} finite numbers.")
    return values


def _world_turns(values: FloatArray) -> dict[int, FloatArray]:
    """World rotations (T, 4) of the used joints. The file's are transposed: hence the minus."""
    turns = rotation_vector_to_quat(-values[:, 3:].reshape(len(values), -1, 3))
    result: dict[int, FloatArray] = {}
    for joint, parent, _, _ in _VECTOR_JOINTS:
        own = turns[:, joint]
        result[joint] = quat_multiply(result[parent], own) if parent >= 0 else own
    return result


def read_rotation_vector_source(path: Path, fps: float) -> SourceMotion:
    """A CMU take as rotation vectors. The T-pose in its first frame, which is left out, stands for
    the bones, whose lengths no file says: SMPL's are taken, and the root's way is scaled so that
    the feet come down to the floor y = 0. Metres."""
    values = _numbers(path)
    rotations, bones = _world_turns(values), _t_pose_bones()
    offsets = {0: np.zeros((len(values), 3))}
    for joint, parent, _, _ in _VECTOR_JOINTS[1:]:
        bone = quat_rotate(quat_conjugate(rotations[parent][0]), bones[joint])
        offsets[joint] = offsets[parent] + quat_rotate(rotations[parent], bone)
    root = values[:, :3] * _root_scale(values[:, 1], offsets)
    source = SourceMotion(
        {name: rotations[joint] for joint, _, name, _ in _VECTOR_JOINTS},
        {name: root + offsets[joint] for joint, _, name, _ in _VECTOR_JOINTS},
        fps,
    )
    return source.drop(1)


def _t_pose_bones() -> dict[int, FloatArray]:
    """From each used joint's parent to it in the T-pose, metres. (3,)."""
    rest = SMPL.rest_positions_J3
    places = {joint: rest[joint_index(smpl)] for joint, _, _, smpl in _VECTOR_JOINTS}
    bones = {joint: places[joint] - places[max(up, 0)] for joint, up, _, _ in _VECTOR_JOINTS}
    for joint, _, name, _ in _VECTOR_JOINTS:
        if name in _VECTOR_BONES:
            bones[joint] = np.linalg.norm(bones[joint]) * np.array(_VECTOR_BONES[name])
    return bones


def _root_scale(heights: FloatArray, offsets: dict[int, FloatArray]) -> float:
    """Metres in the root's unit, from how far the lower ankle reaches below it (toes would mislead:
    they are lowest when a foot pushes off)."""
    ankles = [offsets[at][:, 1] for at, _, name, _ in _VECTOR_JOINTS if name.endswith("_ankle")]
    reach = standing_heights()[0] - np.minimum(*ankles)
    return float(np.median(reach[1:] / heights[1:]))
