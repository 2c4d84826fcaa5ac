"""BVH files: the plain-text hierarchy and motion format that every tool reads.

The reader keeps the file's own skeleton, units and frame rate; position channels of any joint
replace its OFFSET in that frame, as they do in motion-capture exports.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .conventions import FloatArray
from .errors import MMMError
from .rotations import axis_angle_quat, identity_quats, quat_multiply, quat_rotate

_AXES = {"X": 0, "Y": 1, "Z": 2}
END_SITE = "End Site"


@dataclass(frozen=True)
class BvhJoint:
    """One joint of a file's hierarchy. offset: in the file's unit. channels: as written, such as
    ("Xposition", "Zrotation"). parent: index, -1 for the root. End sites are joints too, named
    ``PARENT/End Site``, without channels."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class BvhMotion:
    """A file's content. values_TC: all channels of all joints in file order, degrees and the
    file's unit. frame_time: seconds."""

    joints: tuple[BvhJoint, ...]
    values_TC: FloatArray
    frame_time: float

    @property
    def fps(self) -> float:
        """Frames per second as the header says."""
        return 1.0 / self.frame_time

    def index(self, name: str) -> int:
        """Index of a joint by name; MMMError names the missing one."""
        for at, joint in enumerate(self.joints):
            if joint.name == name:
                return at
        raise MMMError(f"The BVH file has no joint named '{name}'.")

    def local_transforms(self) -> tuple[FloatArray, FloatArray]:
        """Rotations (T, J, 4), w first, and positions (T, J, 3), each relative to the parent."""
        frames, count = len(self.values_TC), len(self.joints)
        rotations, positions = identity_quats(frames, count), np.empty((frames, count, 3))
        column = 0
        for j, joint in enumerate(self.joints):
            positions[:, j] = joint.offset
            for channel in joint.channels:
                axis, value = _AXES[channel[0]], self.values_TC[:, column]
                if channel.endswith("position"):
                    positions[:, j, axis] = value
                else:
                    turn = axis_angle_quat(np.eye(3)[axis], np.radians(value))
                    rotations[:, j] = quat_multiply(rotations[:, j], turn)
                column += 1
        return rotations, positions

    def world_transforms(self) -> tuple[FloatArray, FloatArray]:
        """Rotations (T, J, 4), w first, and positions (T, J, 3) in the file's world."""
        rotations, positions = self.local_transforms()
        for j, joint in enumerate(self.joints):
            if joint.parent >= 0:
                turn = rotations[:, joint.parent].copy()
                positions[:, j] = positions[:, joint.parent] + quat_rotate(turn, positions[:, j])
                rotations[:, j] = quat_multiply(turn, rotations[:, j])
        return rotations, positions


def _parse_hierarchy(lines: list[str]) -> tuple[BvhJoint, ...]:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[tuple[float, float, float]] = []
    channels: list[tuple[str, ...]] = []
    open_joints: list[int] = []
    for line in lines:
        words = line.split()
        if not words:
            continue
        if words[0] in ("ROOT", "JOINT", "End"):
            parent = open_joints[-1] if open_joints else -1
            name = f"{names[parent]}/{END_SITE}" if words[0] == "End" else " ".join(words[1:])
            names.append(name)
            parents.append(parent)
            channels.append(())
        elif words[0] == "{":
            open_joints.append(len(names) - 1)
        elif words[0] == "}":
            open_joints.pop()
        elif words[0] == "OFFSET":
            offsets.append((float(words[1]), float(words[2]), float(words[3])))
        elif words[0] == "CHANNELS":
            channels[-1] = tuple(words[2:])
    rows = zip(names, parents, offsets, channels, strict=True)
    return tuple(BvhJoint(*row) for row in rows)


def _parse_motion(text: str, channels: int) -> tuple[FloatArray, float]:
    lines = text.split("\n", 3)
    frames = int(lines[1].split(":")[1])
    frame_time = float(lines[2].split(":")[1])
    values = np.array(lines[3].split(), dtype=np.float64)
    # some exports say one frame more than they hold: what is there counts, whole frames only
    whole = min(frames, values.size // channels)
    return values[: whole * channels].reshape(whole, channels), frame_time


def parse_bvh(text: str, name: str = "BVH text") -> BvhMotion:
    """Read BVH text; MMMError in one sentence, naming ``name``, where it is none."""
    try:
        text = text.replace("\r\n", "\n")
        head, motion = text[: text.index("MOTION")], text[text.index("MOTION") :]
        joints = _parse_hierarchy(head.splitlines())
        values, frame_time = _parse_motion(motion, sum(len(j.channels) for j in joints))
    except (ValueError, IndexError) as error:
        raise MMMError(f"{name} is not a readable BVH file ({error}).") from error
    if not len(values) or not np.isfinite(values).all() or not frame_time > 0:
        raise MMMError(f"{name} holds no frames, or values that are not numbers.")
    return BvhMotion(joints, values, frame_time)


def read_bvh(path: Path) -> BvhMotion:
    """Read a BVH file; MMMError where it is missing or none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    return parse_bvh(text, path.name)
