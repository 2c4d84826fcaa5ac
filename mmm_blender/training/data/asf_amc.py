"""Acclaim ASF and AMC files: a skeleton and its motion, as CMU and HDM05 publish them.

A bone's frame in the zero pose is the world's, turned by its ``axis``; its degrees of freedom turn
about that frame's axes. A joint here is the start of the bone of its name; ends of bones without
children are named ``BONE/End``. Lengths stay in the file's unit (0.45 units are an inch).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.rotations import (
    axis_angle_quat,
    identity_quats,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
)
from .sources import SourceMotion

UNIT_METRES = 0.0254 / 0.45
"""Metres in the unit that VICON's BodyBuilder wrote for CMU and HDM05."""

BONE_END = "End"
_ROOT = "root"
_AXES = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True, eq=False)
class AsfBone:
    """One bone. direction: (3,), unit, world frame of the zero pose. axis: (4,), w first, its own
    frame. dof: names of its values in an AMC frame, such as ("rx", "rz"). parent: a bone or root.
    """

    name: str
    parent: str
    direction: FloatArray
    length: float
    axis: FloatArray
    dof: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AsfSkeleton:
    """bones: parents before children. order: the root's values in an AMC frame, such as
    ("tx", "ty", "tz", "rx", "ry", "rz"); axis: (4,), the root's own frame. degrees: angles are."""

    order: tuple[str, ...]
    axis: FloatArray
    bones: tuple[AsfBone, ...]
    degrees: bool


def _euler(angles: FloatArray, order: Sequence[str]) -> FloatArray:
    """Angles (..., N) in radians about fixed axes in turn, the first name first. (..., 4)."""
    result = identity_quats(*angles.shape[:-1])
    for column, name in enumerate(order):
        turn = axis_angle_quat(np.eye(3)[_AXES[name]], angles[..., column])
        result = quat_multiply(turn, result)
    return result


def _sections(text: str) -> dict[str, list[list[str]]]:
    """Lines as words by the ``:keyword`` they stand under."""
    found: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if words and words[0].startswith(":"):
            current = found.setdefault(words[0][1:].lower(), [])
            words = words[1:]
        if words:
            current.append(words)
    return found


def _blocks(lines: list[list[str]]) -> Iterator[dict[str, list[str]]]:
    """What stands between ``begin`` and ``end``, by keyword."""
    block: dict[str, list[str]] = {}
    for words in lines:
        if words[0] == "begin":
            block = {}
        elif words[0] == "end":
            yield block
        else:
            block.setdefault(words[0].lower(), words[1:])


def _frame(words: list[str], order: str, degrees: bool) -> FloatArray:
    angles = np.array([float(word) for word in words[:3]])
    return _euler(np.radians(angles) if degrees else angles, order.upper())


def _bone(block: dict[str, list[str]], parents: dict[str, str], degrees: bool) -> AsfBone:
    direction = np.array([float(word) for word in block["direction"][:3]])
    return AsfBone(
        block["name"][0],
        parents[block["name"][0]],
        direction / np.linalg.norm(direction),
        float(block["length"][0]),
        _frame(block["axis"], block["axis"][3], degrees),
        tuple(word.lower() for word in block.get("dof", [])),
    )


def _parsed_skeleton(text: str) -> AsfSkeleton:
    sections = _sections(text)
    units = {words[0].lower(): words[1:] for words in sections.get("units", [])}
    degrees = units.get("angle", ["deg"])[0].lower() == "deg"
    root = {words[0].lower(): words[1:] for words in sections[_ROOT]}
    parents: dict[str, str] = {}
    for words in sections["hierarchy"]:
        if words[0] not in ("begin", "end"):
            parents |= dict.fromkeys(words[1:], words[0])
    blocks = {block["name"][0]: block for block in _blocks(sections["bonedata"])}
    # the hierarchy lists parents first
    bones = tuple(_bone(blocks[name], parents, degrees) for name in parents)
    orientation = root.get("orientation", ["0", "0", "0"])
    axis = _frame(orientation, root.get("axis", ["XYZ"])[0], degrees)
    return AsfSkeleton(tuple(word.lower() for word in root["order"]), axis, bones, degrees)


def read_asf(path: Path) -> AsfSkeleton:
    """Read a skeleton; MMMError where it is missing or none."""
    try:
        return _parsed_skeleton(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    except (KeyError, ValueError, IndexError) as error:
        raise MMMError(f"{path.name} is not a readable ASF skeleton ({error}).") from error


def _amc_rows(text: str) -> dict[str, list[list[float]]]:
    """Values of every frame by bone."""
    rows: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0][0] not in ":#":
            rows.setdefault(words[0], []).append([float(word) for word in words[1:]])
    return rows


def read_amc(path: Path, skeleton: AsfSkeleton) -> dict[str, FloatArray]:
    """Values (T, N) of each bone that an AMC file moves, as its degrees of freedom name them;
    MMMError where it is missing or none."""
    try:
        rows = _amc_rows(path.read_text(encoding="utf-8", errors="replace"))
        frames = min((len(values) for values in rows.values()), default=0)
        values = {name: np.array(row[:frames], dtype=np.float64) for name, row in rows.items()}
        wanted = {bone.name: len(bone.dof) for bone in skeleton.bones if bone.dof}
        wanted[_ROOT] = len(skeleton.order)
        if not frames or any(values[name].shape != (frames, n) for name, n in wanted.items()):
            raise ValueError("a frame lacks values")
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    except (KeyError, ValueError, IndexError) as error:
        raise MMMError(
            f"{path.name} is no readable AMC motion of its skeleton ({error})."
        ) from error
    if not all(np.isfinite(column).all() for column in values.values()):
        raise MMMError(f"{path.name} holds values that are not numbers.")
    return values


def _turns(values: FloatArray, names: Sequence[str], degrees: bool) -> FloatArray:
    """The rotation (T, 4) that the "r" values among ``names`` make."""
    columns = [at for at, name in enumerate(names) if name.startswith("r")]
    angles = values[:, columns]
    order = [names[at][1:].upper() for at in columns]
    return _euler(np.radians(angles) if degrees else angles, order)


def _in_frame(turn: FloatArray, axis: FloatArray) -> FloatArray:
    """A turn that is meant in a frame, as the frame around it has it."""
    return quat_multiply(quat_multiply(axis, turn), quat_conjugate(axis))


def pose_skeleton(
    skeleton: AsfSkeleton, values: dict[str, FloatArray]
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """World rotations (T, 4) and positions (T, 3) of the start of every bone, by name."""
    root, order = values[_ROOT], list(skeleton.order)
    place = root[:, [order.index(name) for name in ("tx", "ty", "tz")]]
    turn = _in_frame(_turns(root, skeleton.order, skeleton.degrees), skeleton.axis)
    rotations, positions, ends = {_ROOT: turn}, {_ROOT: place}, {_ROOT: place}
    for bone in skeleton.bones:
        turn = rotations[bone.parent]
        if bone.dof:
            own = _turns(values[bone.name], bone.dof, skeleton.degrees)
            turn = quat_multiply(turn, _in_frame(own, bone.axis))
        rotations[bone.name], positions[bone.name] = turn, ends[bone.parent]
        ends[bone.name] = ends[bone.parent] + quat_rotate(turn, bone.direction * bone.length)
    parents = {bone.parent for bone in skeleton.bones}
    for name in set(ends) - parents:
        rotations[f"{name}/{BONE_END}"], positions[f"{name}/{BONE_END}"] = (
            rotations[name],
            ends[name],
        )
    return rotations, positions


def read_amc_source(path: Path, skeleton_path: Path, fps: float) -> SourceMotion:
    """An AMC motion on its ASF skeleton. fps: frames per second, which no AMC file says."""
    skeleton = read_asf(skeleton_path)
    rotations, positions = pose_skeleton(skeleton, read_amc(path, skeleton))
    return SourceMotion(rotations, positions, fps)
