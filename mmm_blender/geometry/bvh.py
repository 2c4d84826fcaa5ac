"""BVH files: the plain-text hierarchy and motion format that every tool reads.

The reader keeps the file's own skeleton, units and frame rate; position channels of any joint
replace its OFFSET in that frame, as they do in motion-capture exports.

The writer writes what most tools take without a question: centimetres, Y up, the character facing
+Z, a T-pose as rest pose, Z X Y rotations in degrees, and the root's position.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common.arrays import ArrayLike, FloatArray
from ..common.atomic_files import write_files
from ..common.errors import MMMError
from ..common.untrusted import clean_text, file_bytes, is_text
from .clip import MotionClip
from .rotations import (
    axis_angle_quat,
    identity_quats,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
)
from .skeleton import ANIMATED_JOINTS, SMPL, Skeleton

_AXES = {"X": 0, "Y": 1, "Z": 2}
END_SITE = "End Site"

CENTIMETRES = 100.0
"""Units of a written file in one metre."""

_POSITION_CHANNELS = "Xposition Yposition Zposition"
_ROTATION_CHANNELS = "Zrotation Xrotation Yrotation"

_END_OFFSETS = {
    "head": (0.0, 0.170, 0.020),
    "left_foot": (0.010, -0.005, 0.070),
    "right_foot": (-0.010, -0.005, 0.070),
}
"""Where the last bones of a written file end, metres: crown and toe tips of a mean adult."""

_LAST_BONE = 0.35
"""Length of any other last bone as a share of the bone before it (a hand to a forearm)."""

MOST_BYTES = 2**28
"""Of a file: two hours of a body with fingers."""

_BEGINNING = 1_000  # characters
_MOTION = re.compile(r"^\s*MOTION\s+Frames:\s*(?P<frames>\d{1,9})\b", re.MULTILINE)
_LINES_AT_ONCE = 1_000
_CHANNELS = frozenset(f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation"))
_SHORTEST_FRAME, _LONGEST_FRAME = 1e-4, 100.0  # seconds

_GIMBAL = 1e-9
"""Cosine of the X angle below which Z and Y turn about one axis and only their sum counts."""


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
    if not channels:
        raise ValueError("no joint of it has channels, so nothing moves")
    lines = text.split("\n", 3)
    frames = int(lines[1].split(":")[1])
    frame_time = float(lines[2].split(":")[1])
    values = _numbers_of(lines[3].split("\n"))
    # some exports say one frame more than they hold: what is there counts, whole frames only
    whole = min(frames, values.size // channels)
    return values[: whole * channels].reshape(whole, channels), frame_time


def _numbers_of(lines: list[str]) -> FloatArray:
    """All numbers of the lines, a part at a time: as words they take ten times as much memory."""
    parts = [np.empty(0)]
    for start in range(0, len(lines), _LINES_AT_ONCE):
        words = " ".join(lines[start : start + _LINES_AT_ONCE]).split()
        part = np.array(words, dtype=np.float64)
        if not np.isfinite(part).all():
            raise ValueError(_first_odd(lines, start))
        parts.append(part)
    return np.concatenate(parts)


def _first_odd(lines: list[str], start: int) -> str:
    """Which line has a number that is none, counted from the first of the motion."""
    for at, line in enumerate(lines[start:], start=start + 1):
        if not np.isfinite(np.array(line.split(), dtype=np.float64)).all():
            return f"line {at} of the motion has a value that is no finite number"
    return "a value is no finite number"


def _check_joints(joints: tuple[BvhJoint, ...]) -> None:
    """ValueError for channels and offsets that no program writes."""
    if len({joint.name for joint in joints if not joint.name.endswith(END_SITE)}) < sum(
        not joint.name.endswith(END_SITE) for joint in joints
    ):
        raise ValueError("two of its joints have one name")
    for joint in joints:
        if not set(joint.channels) <= _CHANNELS or len(set(joint.channels)) < len(joint.channels):
            raise ValueError(f"the joint {clean_text(joint.name, 40)} has channels of its own")
        if not is_text(joint.name) or not np.isfinite(joint.offset).all():
            raise ValueError(f"the joint {clean_text(joint.name, 40)} has no place or no name")


def _check_parts(text: str, name: str) -> None:
    """MMMError where one of the file's two parts is missing."""
    if not text[:_BEGINNING].lstrip().casefold().startswith("hierarchy"):
        raise MMMError(f"{name} is no BVH file: it does not begin with HIERARCHY.")
    motion = _MOTION.search(text)
    if motion is None:
        raise MMMError(f"{name} has no motion: MOTION and its number of Frames are missing.")
    if not int(motion["frames"]):
        raise MMMError(f"{name} has no motion: its number of Frames is 0.")


def parse_bvh(text: str, name: str = "BVH text") -> BvhMotion:
    """Read BVH text; MMMError in one sentence, naming ``name``, where it is none."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    _check_parts(text, name)
    try:
        head, motion = text[: text.index("MOTION")], text[text.index("MOTION") :]
        joints = _parse_hierarchy(head.splitlines())
        _check_joints(joints)
        values, frame_time = _parse_motion(motion, sum(len(j.channels) for j in joints))
    except (ValueError, IndexError, OverflowError) as error:
        raise MMMError(f"{name} is not a readable BVH file ({clean_text(str(error))}).") from error
    if not len(values) or not _SHORTEST_FRAME <= frame_time <= _LONGEST_FRAME:
        raise MMMError(f"{name} holds no frames, or a frame time that no motion has.")
    return BvhMotion(joints, values, frame_time)


def read_bvh(path: Path) -> BvhMotion:
    """Read a BVH file; MMMError where it is missing or none."""
    try:
        text = file_bytes(path, MOST_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    return parse_bvh(text, path.name)


def _zxy_angles(matrices: FloatArray) -> FloatArray:
    """Angles (..., 3) in radians, z, x, y, of rotations Rz Rx Ry; x within a quarter turn."""
    m = matrices
    cos_x = np.hypot(m[..., 2, 0], m[..., 2, 2])
    x = np.arctan2(m[..., 2, 1], cos_x)
    locked = cos_x < _GIMBAL
    z = np.where(
        locked,
        np.arctan2(m[..., 1, 0], m[..., 0, 0]),
        np.arctan2(-m[..., 0, 1], m[..., 1, 1]),
    )
    y = np.where(locked, 0.0, np.arctan2(-m[..., 2, 0], m[..., 2, 2]))
    return np.stack([z, x, y], axis=-1)


def quat_to_zxy(quaternions: ArrayLike) -> FloatArray:
    """Quaternions (T, ..., 4) to angles (T, ..., 3) in radians, z, x, y, of Rz Rx Ry.

    Every rotation has two such triples, each up to whole turns; along axis 0 the one nearest to
    the frame before is taken, so that curves do not jump.
    """
    angles = _zxy_angles(quat_to_matrix(quaternions))
    other = np.stack(
        [angles[..., 0] + np.pi, np.pi - angles[..., 1], angles[..., 2] + np.pi], axis=-1
    )
    turn = 2.0 * np.pi
    for t in range(1, len(angles)):
        both = np.stack([angles[t], other[t]])
        both -= turn * np.round((both - angles[t - 1]) / turn)
        nearer = np.abs(both - angles[t - 1]).sum(axis=-1).argmin(axis=0)
        angles[t] = np.take_along_axis(both, nearer[None, ..., None], axis=0)[0]
    return angles


def _numbers(values: ArrayLike) -> str:
    return " ".join(f"{value:.6f}" for value in np.asarray(values, dtype=np.float64))


def _end_offset(skeleton: Skeleton, joint: int) -> FloatArray:
    """Where the bone of a joint without animated children ends, metres. (3,)."""
    name = skeleton.names[joint]
    if name in _END_OFFSETS:
        return np.array(_END_OFFSETS[name])
    hands = skeleton.children(joint)
    if hands:
        return skeleton.offsets_J3[hands[0]]
    return skeleton.offsets_J3[joint] * _LAST_BONE


def _joint_lines(skeleton: Skeleton, joint: int, order: list[int], depth: int) -> list[str]:
    """Lines of a joint and all below it; appends the joints to ``order`` as they are written."""
    order.append(joint)
    tabs, root = "\t" * depth, skeleton.parents[joint] < 0
    offset = np.zeros(3) if root else skeleton.offsets_J3[joint] * CENTIMETRES
    channels = f"6 {_POSITION_CHANNELS} {_ROTATION_CHANNELS}" if root else f"3 {_ROTATION_CHANNELS}"
    lines = [
        f"{tabs}{'ROOT' if root else 'JOINT'} {skeleton.names[joint]}",
        f"{tabs}{{",
        f"{tabs}\tOFFSET {_numbers(offset)}",
        f"{tabs}\tCHANNELS {channels}",
    ]
    children = [child for child in skeleton.children(joint) if child < ANIMATED_JOINTS]
    for child in children:
        lines += _joint_lines(skeleton, child, order, depth + 1)
    if not children:
        end = _numbers(_end_offset(skeleton, joint) * CENTIMETRES)
        lines += [f"{tabs}\t{END_SITE}", f"{tabs}\t{{", f"{tabs}\t\tOFFSET {end}", f"{tabs}\t}}"]
    return [*lines, f"{tabs}}}"]


def bvh_text(clip: MotionClip, skeleton: Skeleton = SMPL) -> str:
    """A clip as BVH text: 22 joints with the skeleton's proportions, centimetres, Y up."""
    order: list[int] = []
    hierarchy = _joint_lines(skeleton, 0, order, 0)
    angles_TJ3 = np.degrees(quat_to_zxy(clip.rotations_TJ4[:, order]))
    values_TC = np.concatenate(
        [clip.root_T3 * CENTIMETRES, angles_TJ3.reshape(clip.frames, -1)], axis=1
    )
    motion = [f"Frames: {clip.frames}", f"Frame Time: {1.0 / clip.fps:.8f}"]
    rows = [_numbers(row_C) for row_C in values_TC]
    return "\n".join(["HIERARCHY", *hierarchy, "MOTION", *motion, *rows, ""])


def write_bvh(path: Path, clip: MotionClip, skeleton: Skeleton = SMPL) -> None:
    """Write a clip as a BVH file (see ``bvh_text``); MMMError where that can't be done."""
    write_files({path: bvh_text(clip, skeleton).encode()})
