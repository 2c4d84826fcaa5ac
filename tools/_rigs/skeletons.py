"""Skeletons of every convention, of several proportions and rest poses, as tables of bones.

Names and hierarchy come from the presets, places of joints from SMPL's rest skeleton with other
proportions, posed into an A, with chains of whatever length the convention has.

Shape suffixes: J = 22 joints, 3 metres in model space (Y up), 4 quaternions w first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.kinematics import forward_kinematics
from mmm_blender.geometry.retarget.presets import FINGERS, Preset
from mmm_blender.geometry.retarget.rig_map import CHAINS, LIMB_JOINTS, SIDES
from mmm_blender.geometry.rotations import (
    axis_angle_quat,
    identity_quats,
    normalize,
    quat_multiply,
    rotation_vector_to_quat,
)
from mmm_blender.geometry.skeleton import SMPL, SMPL_22, SOLE_HEIGHT, Skeleton, joint_index

_ABOVE = {
    "spine": "pelvis",
    "neck": "spine",
    "head": "neck",
    "collar": "spine",
    "shoulder": "collar",
    "elbow": "shoulder",
    "wrist": "elbow",
    "hip": "pelvis",
    "knee": "hip",
    "ankle": "knee",
    "foot": "ankle",
}
"""The slot that each hangs on."""

_LONG = {
    "legs": ("hip", "knee", "ankle"),
    "arms": ("elbow", "wrist"),
    "trunk": ("spine1", "spine2", "spine3", "neck", "collar"),
    "shoulders": ("shoulder",),
    "feet": ("foot",),
}
"""Joints whose offsets from their parents a proportion scales."""


@dataclass(frozen=True)
class Build:
    """How a character is built. arms_down: degrees from a T-pose. elbows, knees: degrees that they
    rest bent. spread: degrees that the legs stand apart. roll: seed of random rolls, None for
    none. Other numbers scale the proportions. thigh: of the leg, as a part of SMPL's own."""

    arms_down: float = 0.0
    elbows: float = 0.0
    knees: float = 0.0
    spread: float = 0.0
    roll: int | None = 0
    legs: float = 1.0
    arms: float = 1.0
    trunk: float = 1.0
    shoulders: float = 1.0
    feet: float = 1.0
    thigh: float = 1.0


@dataclass(frozen=True, eq=False)
class BoneSpec:
    """A bone: head and tail in model space, metres. follows: a control that it copies."""

    name: str
    parent: str
    head: FloatArray
    tail: FloatArray
    roll: float = 0.0
    follows: str = ""


@dataclass(frozen=True, eq=False)
class RestBody:
    """A body in its rest pose. joints_J3: places, soles at height 0."""

    skeleton: Skeleton
    joints_J3: FloatArray


def proportioned(build: Build) -> Skeleton:
    """SMPL's rest skeleton in other proportions."""
    offsets_J3 = SMPL.offsets_J3.copy()
    for joint, name in enumerate(SMPL.names):
        part = name.split("_")[-1]
        for kind, parts in _LONG.items():
            if part in parts:
                offsets_J3[joint] *= getattr(build, kind)
        if part == "knee":
            offsets_J3[joint] *= build.thigh
    return SMPL.with_offsets(offsets_J3)


def rest_rotations(build: Build) -> FloatArray:
    """Local rotations (22, 4) of the rest pose, from a T-pose."""
    turns_J4 = identity_quats(len(SMPL_22))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        angles = {
            "shoulder": ((0.0, 0.0, 1.0), -sign * build.arms_down),
            "elbow": ((0.0, 1.0, 0.0), -sign * build.elbows),
            "hip": ((0.0, 0.0, 1.0), sign * build.spread),
            "knee": ((1.0, 0.0, 0.0), build.knees),
            "ankle": ((0.0, 0.0, 1.0), -sign * build.spread),
        }
        for part, (axis, degrees) in angles.items():
            turn = axis_angle_quat(np.array(axis), np.radians(degrees))
            turns_J4[joint_index(f"{side}_{part}")] = turn
        bent = axis_angle_quat(np.array([1.0, 0.0, 0.0]), np.radians(-build.knees))
        ankle = joint_index(f"{side}_ankle")
        turns_J4[ankle] = quat_multiply(bent, turns_J4[ankle])
    return turns_J4


def rest_body(build: Build) -> RestBody:
    """A character as it rests."""
    skeleton = proportioned(build)
    joints_J3 = forward_kinematics(rest_rotations(build), np.zeros(3), skeleton)
    joints_J3[:, 1] += SOLE_HEIGHT - joints_J3[:, 1].min()
    return RestBody(skeleton, joints_J3)


def bones_of_preset(preset: Preset, build: Build) -> list[BoneSpec]:
    """All bones of a character of a convention, parents first."""
    body = rest_body(build)
    rng = None if build.roll is None else np.random.default_rng(build.roll)
    controls = list(_chains(preset, body, controls=True))
    rolls = [0.0 if rng is None else float(rng.uniform(-np.pi, np.pi)) for _ in controls]
    bones = [_rolled(each, roll) for each, roll in zip(controls, rolls, strict=True)]
    placed = {each.name: each for each in bones}
    for each in _chains(preset, body, controls=False):
        if each.name not in placed:
            bones.append(_rolled(each, placed[each.follows].roll if each.follows else 0.0))
            placed[each.name] = bones[-1]
    bones += _needed(preset, placed)
    return bones + list(_extras(preset, body))


def _rolled(bone: BoneSpec, roll: float) -> BoneSpec:
    return BoneSpec(bone.name, bone.parent, bone.head, bone.tail, roll, bone.follows)


def _spelled(names: tuple[str, ...], side: int | None, preset: Preset) -> list[str]:
    """The first spelling of each name."""
    first = [name.split("|")[0] for name in names]
    return first if side is None else [name.replace("{}", preset.sides[side]) for name in first]


def _slots(preset: Preset) -> Iterator[tuple[str, str, int | None]]:
    """Every slot of a convention: its full name, its name in the file, and its side."""
    for key in preset.read:
        if key in LIMB_JOINTS:
            yield from ((f"{name}_{key}", key, side) for side, name in enumerate(SIDES))
        else:
            yield key, key, None


def _names(preset: Preset, controls: bool) -> dict[str, list[str]]:
    """Bones of every slot."""
    given = {**preset.read, **preset.write} if controls else preset.read
    return {slot: _spelled(given[key], side, preset) for slot, key, side in _slots(preset)}


def _chains(preset: Preset, body: RestBody, controls: bool) -> Iterator[BoneSpec]:
    names, others = _names(preset, controls), _names(preset, controls=True)
    root = _spelled((preset.ground,), None, preset)[0] if preset.ground else ""
    if root and controls:
        yield BoneSpec(root, "", np.zeros(3), np.array([0.0, 0.0, 0.3]))
    order = [slot for slot, _, _ in _slots(preset)]
    for slot in sorted(order, key=_depth):
        points = _points(slot, len(names[slot]), body)
        parent = _above(slot, names) or root
        for at, name in enumerate(names[slot]):
            follows = ""
            if not controls and name not in others[slot]:
                follows = others[slot][min(at, len(others[slot]) - 1)]
            yield BoneSpec(name, parent, points[at], points[at + 1], follows=follows)
            parent = name


def _depth(slot: str) -> int:
    key = slot.rsplit("_", maxsplit=1)[-1]
    return 0 if key == "pelvis" else 1 + _depth(_ABOVE[key])


def _above(slot: str, names: dict[str, list[str]]) -> str:
    """The bone that the slot's first hangs on; those above it may be missing."""
    key, side = slot.rsplit("_", maxsplit=1)[-1], slot.split("_", maxsplit=1)[0]
    while key != "pelvis":
        key = _ABOVE[key]
        full = f"{side}_{key}" if key in LIMB_JOINTS else key
        if names.get(full):
            return names[full][-1]
    return ""


def _points(slot: str, count: int, body: RestBody) -> FloatArray:
    """Where the slot's bones begin, and where the last ends. (count + 1, 3)."""
    joints = body.joints_J3
    if slot == "pelvis":
        ends = np.stack([joints[0], joints[joint_index("spine1")]])
    elif slot in CHAINS:
        start = [joint_index(name) for name in CHAINS[slot]]
        end = joint_index("neck" if slot == "spine" else "head")
        ends = joints[[*start, end]]
    elif slot == "head":
        head = joints[joint_index("head")]
        ends = np.stack([head, head + np.array([0.0, 0.18, 0.0])])
    else:
        ends = _limb_ends(slot, joints)
    return _resampled(ends, count)


def _limb_ends(slot: str, joints: FloatArray) -> FloatArray:
    side, key = slot.split("_")
    after = {above: each for each, above in _ABOVE.items() if each in LIMB_JOINTS}
    start = joints[joint_index(slot)]
    if key in after:
        return np.stack([start, joints[joint_index(f"{side}_{after[key]}")]])
    before = joints[joint_index(f"{side}_{_ABOVE[key]}")]
    onward = normalize(start - before) if key == "wrist" else np.array([0.0, 0.0, 1.0])
    return np.stack([start, start + 0.08 * onward])


def _resampled(points: FloatArray, count: int) -> FloatArray:
    """Points that cut a line of points into so many equal parts."""
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.linspace(0.0, along[-1], count + 1)
    if count == len(lengths):
        return points
    return np.stack([np.interp(wanted, along, points[:, axis]) for axis in range(3)], axis=-1)


def _needed(preset: Preset, placed: dict[str, BoneSpec]) -> list[BoneSpec]:
    """Bones by which a convention is known from others, where nothing else has made them."""
    spare = [name.split("|")[0] for name in preset.needs]
    return [
        BoneSpec(name, "", np.array([0.0, 0.1, 0.0]), np.array([0.0, 0.2, 0.0]))
        for name in spare
        if name not in placed
    ]


_KNUCKLES = ((0.090, 0.030), (0.093, 0.010), (0.088, -0.010), (0.080, -0.029))
"""Of index to little finger: along the hand from the wrist, and towards the thumb, metres."""
_PHALANGES = (0.042, 0.026, 0.021)
_THUMB_PHALANGES = (0.044, 0.033, 0.027)


def _extras(preset: Preset, body: RestBody) -> Iterator[BoneSpec]:
    """Twist bones and fingers, which every rig has and no map names."""
    names = _names(preset, controls=True)
    for number, side in enumerate(SIDES):
        elbow, wrist = f"{side}_elbow", f"{side}_wrist"
        if wrist not in names:
            continue
        start, end = (body.joints_J3[joint_index(name)] for name in (elbow, wrist))
        middle = 0.5 * (start + end)
        yield BoneSpec(f"{side} forearm twist", names[elbow][-1], middle, end)
        for at, finger in enumerate(FINGERS):
            given = preset.fingers.get(finger, ())
            bones = _spelled(given, number, preset) or [f"{side} f{at} {n}" for n in range(3)]
            yield from _finger(at, bones, names[wrist][-1], start, end)


def _finger(
    at: int, names: list[str], parent: str, elbow: FloatArray, wrist: FloatArray
) -> Iterator[BoneSpec]:
    """Bones of a finger, the thumb first; they droop a little, and are rolled somehow."""
    along = normalize(wrist - elbow)
    ahead = np.array([0.0, 0.0, 1.0])
    ahead = normalize(ahead - (ahead @ along) * along)
    down = np.array([0.0, -1.0, 0.0])
    down = normalize(down - (down @ along) * along - (down @ ahead) * ahead)
    if at == 0:
        head = wrist + 0.022 * along + 0.024 * ahead + 0.008 * down
        way, lengths = normalize(0.72 * along + 0.6 * ahead + 0.3 * down), _THUMB_PHALANGES
    else:
        forth, aside = _KNUCKLES[at - 1]
        head = wrist + forth * along + aside * ahead
        way, lengths = normalize(along + 0.08 * down), _PHALANGES
    for number, (name, length) in enumerate(zip(names, lengths, strict=True)):
        tail = head + length * way
        yield BoneSpec(name, parent, head, tail, roll=1.3 * at + 0.7 * number)
        head, parent, way = tail, name, normalize(way + 0.06 * down)


@dataclass(frozen=True)
class Style:
    """How the object lies. up: the armature's axis that is up, "Z" or "Y". scale: of the object;
    the armature is as much larger."""

    up: str = "Z"
    scale: float = 1.0
    turn: tuple[float, float, float] = field(default=(0.0, 0.0, 0.0))


def turned(turn: tuple[float, float, float]) -> FloatArray:
    """A rotation vector as a quaternion (4,)."""
    return rotation_vector_to_quat(np.array(turn))
