"""Captured motion as its own skeleton has it: world transforms of named joints.

Two formats are read: BVH (Bandai Namco Research, CMU) and DeepMimic's 44-number frames (the CMU
jumps). Lengths stay in the file's unit, Y up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.bvh import read_bvh
from ...geometry.rotations import (
    axis_angle_quat,
    identity_quats,
    normalize,
    quat_multiply,
    quat_rotate,
)


@dataclass(frozen=True, eq=False)
class SourceMotion:
    """World transforms of a captured skeleton.

    rotations: (T, 4), w first, of each joint by name; positions: (T, 3), file unit, Y up;
    fps: true frames per second.
    """

    rotations: dict[str, FloatArray]
    positions: dict[str, FloatArray]
    fps: float

    @property
    def frames(self) -> int:
        """Number of frames T."""
        return len(next(iter(self.rotations.values())))

    def drop(self, count: int) -> SourceMotion:
        """Without the first ``count`` frames (a T-pose that was put before the take)."""
        return self.cut(count, self.frames)

    def cut(self, start: int, stop: int) -> SourceMotion:
        """Frames ``start`` to ``stop`` (exclusive)."""
        return replace(
            self,
            rotations={name: r[start:stop] for name, r in self.rotations.items()},
            positions={name: p[start:stop] for name, p in self.positions.items()},
        )

    def lowered(self, height: float) -> SourceMotion:
        """Moved down by so much, file unit."""
        moved = {name: p - np.array([0.0, height, 0.0]) for name, p in self.positions.items()}
        return replace(self, positions=moved)


def read_bvh_source(path: Path, fps: float | None = None) -> SourceMotion:
    """A BVH file; ``fps`` replaces the header's where that is known to be wrong."""
    motion = read_bvh(path)
    rotations, positions = motion.world_transforms()
    names = [joint.name for joint in motion.joints]
    return SourceMotion(
        {name: rotations[:, j] for j, name in enumerate(names)},
        {name: positions[:, j] for j, name in enumerate(names)},
        fps or motion.fps,
    )


# DeepMimic's frame after the duration: root position, then these joints in order. "4" is a
# quaternion (w first) relative to the parent, "1" an angle about the joint's +Z.
_DEEPMIMIC_JOINTS = (
    ("root", 4), ("chest", 4), ("neck", 4), ("right_hip", 4), ("right_knee", 1),
    ("right_ankle", 4), ("right_shoulder", 4), ("right_elbow", 1), ("left_hip", 4),
    ("left_knee", 1), ("left_ankle", 4), ("left_shoulder", 4), ("left_elbow", 1),
)  # fmt: skip
_DEEPMIMIC_CHANNELS = 44

# DeepMimic humanoid, metres (parent, offset): X forward, Y up, Z right
_DEEPMIMIC_OFFSETS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "chest": ("root", (0.0, 0.236, 0.0)),
    "neck": ("chest", (0.0, 0.224, 0.0)),
    "right_hip": ("root", (0.0, 0.0, 0.085)),
    "right_knee": ("right_hip", (0.0, -0.4215, 0.0)),
    "right_ankle": ("right_knee", (0.0, -0.41, 0.0)),
    "right_shoulder": ("chest", (-0.024, 0.2435, 0.183)),
    "right_elbow": ("right_shoulder", (0.0, -0.275, 0.0)),
    "right_wrist": ("right_elbow", (0.0, -0.259, 0.0)),
    "left_hip": ("root", (0.0, 0.0, -0.085)),
    "left_knee": ("left_hip", (0.0, -0.4215, 0.0)),
    "left_ankle": ("left_knee", (0.0, -0.41, 0.0)),
    "left_shoulder": ("chest", (-0.024, 0.2435, -0.183)),
    "left_elbow": ("left_shoulder", (0.0, -0.275, 0.0)),
    "left_wrist": ("left_elbow", (0.0, -0.259, 0.0)),
}


def _deepmimic_locals(frames: FloatArray) -> dict[str, FloatArray]:
    """Local rotations (T, 4) by joint name."""
    column, result = 4, {}
    for name, size in _DEEPMIMIC_JOINTS:
        values = frames[:, column : column + size]
        turn = axis_angle_quat(np.array([0.0, 0.0, 1.0]), values[:, 0])
        result[name] = normalize(values) if size == 4 else turn
        column += size
    still = identity_quats(len(frames))
    return result | {"left_wrist": still, "right_wrist": still}


def read_deepmimic_source(path: Path) -> SourceMotion:
    """A DeepMimic motion file (JSON with "Frames" of 44 numbers, the first a duration)."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        frames = np.array(data["Frames"], dtype=np.float64)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MMMError(f"{path.name} is not a readable DeepMimic motion ({error}).") from error
    if frames.ndim != 2 or frames.shape[1] != _DEEPMIMIC_CHANNELS or not np.isfinite(frames).all():
        raise MMMError(f"{path.name} holds no frames of {_DEEPMIMIC_CHANNELS} finite numbers.")
    if len(frames) < 2 or not np.median(frames[:-1, 0]) > 0:
        raise MMMError(f"{path.name} holds no two frames with a time between them.")
    local = _deepmimic_locals(frames)
    rotations, positions = {"root": local["root"]}, {"root": frames[:, 1:4]}
    for name, (parent, offset) in _DEEPMIMIC_OFFSETS.items():
        rotations[name] = quat_multiply(rotations[parent], local[name])
        positions[name] = positions[parent] + quat_rotate(rotations[parent], np.array(offset))
    return SourceMotion(rotations, positions, fps=1.0 / float(np.median(frames[:-1, 0])))
