"""From a captured skeleton to SMPL's: one constant rotation a joint, found once a skeleton.

For every mapped joint R_smpl = R_source A with A constant, both in world space. What fixes A:

trunk   the body's left, up and forward directions, seen from the joint in upright frames and
        snapped to the joint's own axes (bone directions would tilt the trunk);
limbs   the direction to the child joint, and the hinge of knee or elbow: the axis square to
        the plane in which the limb bends (lateral in SMPL's knees, vertical in its elbows);
feet    the sole: world up in frames in which the foot stands, and the toe's direction over it.

A forearm's own twist is not used (pronation makes the hinge wander): hinges are told by where
bones point, and the elbow bends by the shortest arc in the upper arm's frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...common.arrays import BoolArray, FloatArray, IntArray
from ...geometry.clip import MotionClip
from ...geometry.conventions import MODEL_FPS
from ...geometry.kinematics import clip_joints
from ...geometry.rotations import (
    cross,
    dot,
    make_continuous,
    matrix_to_quat,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    shortest_arc,
    slerp,
)
from ...geometry.skeleton import SMPL, SMPL_22, SOLE_HEIGHT, joint_index
from .sources import SourceMotion

SIDES = ("left", "right")
UP = np.array([0.0, 1.0, 0.0])
_UPRIGHT_COSINE = 0.95  # trunk within 18 degrees of vertical
_STANDING_SPEED = 0.15  # m/s
_FLOOR_PERCENTILE = 2.0


@dataclass(frozen=True)
class Rig:
    """Names of a captured skeleton's joints. ``{}`` in a limb name stands for a side of
    ``sides`` (left, right). toe may be None. scale: the file's unit in metres, roughly."""

    name: str
    pelvis: str
    spine: str
    chest: str
    neck: str
    head: str
    collar: str
    upper_arm: str
    forearm: str
    hand: str
    thigh: str
    shin: str
    foot: str
    toe: str | None
    sides: tuple[str, str]
    scale: float

    def on(self, joint: str, side: str) -> str:
        """The source name of a limb joint (``"thigh"``) on ``"left"`` or ``"right"``."""
        return str(getattr(self, joint)).format(self.sides[SIDES.index(side)])

    def joints(self) -> set[str]:
        """Source names of all joints that a take must have."""
        trunk = {self.pelvis, self.spine, self.chest, self.neck, self.head}
        limbs = ["collar", "upper_arm", "forearm", "hand", "thigh", "shin", "foot"]
        limbs += ["toe"] if self.toe else []
        return trunk | {self.on(limb, side) for limb in limbs for side in SIDES}


BANDAI = Rig(
    "bandai", "Hips", "Spine", "Chest", "Neck", "Head", "Shoulder_{}", "UpperArm_{}",
    "LowerArm_{}", "Hand_{}", "UpperLeg_{}", "LowerLeg_{}", "Foot_{}", "Toes_{}", ("L", "R"), 0.01,
)  # fmt: skip
CMU_DAZ = Rig(
    "cmu", "hip", "abdomen", "chest", "neck", "head", "{}Collar", "{}Shldr", "{}ForeArm",
    "{}Hand", "{}Thigh", "{}Shin", "{}Foot", "{}Foot/End Site", ("l", "r"), 0.0095,
)  # fmt: skip
DEEPMIMIC = Rig(
    "deepmimic", "root", "root", "chest", "neck", "neck", "chest", "{}_shoulder", "{}_elbow",
    "{}_wrist", "{}_hip", "{}_knee", "{}_ankle", None, ("left", "right"), 1.0,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a skeleton's takes told. alignments: A (4,), w first, by SMPL joint name.
    scale: metres a file unit, from the legs. report: figures for the check."""

    rig: Rig
    alignments: dict[str, FloatArray]
    scale: float
    report: dict[str, Any]


def _frame(primary: FloatArray, secondary: FloatArray) -> FloatArray:
    """Matrix (3, 3) whose columns are primary, secondary made square to it, and their product."""
    a = normalize(primary)
    b = normalize(secondary - dot(a, secondary) * a)
    return np.stack([a, b, cross(a, b)], axis=-1)


def _snap(matrix: FloatArray) -> tuple[FloatArray, float]:
    """The nearest rotation made of signed axes, and how far off the measured one is, degrees."""
    snapped = np.zeros((3, 3))
    for column in range(3):
        at = int(np.argmax(np.abs(matrix[:, column])))
        snapped[at, column] = np.sign(matrix[at, column])
    cosine = (np.trace(snapped.T @ matrix) - 1) / 2
    return snapped, float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _mean_direction(rotations: FloatArray, world: FloatArray, where: BoolArray) -> FloatArray:
    """Mean of a world direction as the joint sees it. (3,), unit."""
    return normalize(quat_rotate(quat_conjugate(rotations), world)[where].mean(axis=0))


@dataclass(frozen=True, eq=False)
class _Takes:
    """All calibration takes of a rig end to end, with what is asked of them often."""

    rig: Rig
    motion: SourceMotion
    left: FloatArray  # (T, 3) world, horizontal
    upright: BoolArray  # (T,)

    @classmethod
    def join(cls, rig: Rig, motions: Sequence[SourceMotion]) -> _Takes:
        first = motions[0]
        joined = SourceMotion(
            {n: np.concatenate([m.rotations[n] for m in motions]) for n in rig.joints()},
            {n: np.concatenate([m.positions[n] for m in motions]) for n in rig.joints()},
            first.fps,
        )
        p = joined.positions
        left = p[rig.on("thigh", "left")] - p[rig.on("thigh", "right")]
        left = left + p[rig.on("upper_arm", "left")] - p[rig.on("upper_arm", "right")]
        trunk = normalize(p[rig.neck] - p[rig.pelvis])
        return cls(rig, joined, normalize(left * [1, 0, 1]), trunk[:, 1] > _UPRIGHT_COSINE)

    def standing(self, joint: str) -> BoolArray:
        """Frames in which a joint keeps still, the lower half of them by height."""
        p = self.motion.positions[joint]
        speed = np.linalg.norm(np.diff(p, axis=0, prepend=p[:1]), axis=-1) * self.motion.fps
        still = speed * self.rig.scale < _STANDING_SPEED
        return still & (p[:, 1] <= np.median(p[still, 1]))

    def body_axes(self, joint: str) -> FloatArray:
        """(3, 3): columns are the body's left, up and forward as the joint sees them."""
        r = self.motion.rotations[joint]
        up = np.broadcast_to(UP, self.left.shape)
        side, rise = (_mean_direction(r, d, self.upright) for d in (self.left, up))
        frame = _frame(rise, side)  # columns up, left, up x left = -forward
        return np.stack([frame[:, 1], frame[:, 0], -frame[:, 2]], axis=-1)

    def child_direction(self, joint: str, child: str) -> FloatArray:
        """Where the child lies as the joint sees it. (3,), unit; constant but for noise."""
        p = self.motion.positions
        everywhere = np.ones(len(self.left), dtype=bool)
        return _mean_direction(self.motion.rotations[joint], p[child] - p[joint], everywhere)

    def hinge(self, seen_from: str, limb: tuple[str, str, str]) -> FloatArray:
        """Axis about which a limb (upper, middle, end joint) bends, in a joint's frame. (3,).

        Seen from the upper bone the lower one swings over a cone about the hinge (and the other
        way round), so its directions lie in a plane that is square to it. Its sign is that of
        bending: turning the lower bone about it by a positive angle bends the limb further.
        """
        p, r = self.motion.positions, self.motion.rotations
        upper, middle, end = limb
        bones = [normalize(p[b] - p[a]) for a, b in ((upper, middle), (middle, end))]
        swinging, frame = (bones[1], r[upper]) if seen_from == upper else (bones[0], r[middle])
        seen = quat_rotate(quat_conjugate(frame), swinging)
        axis = np.linalg.svd(seen - seen.mean(axis=0), full_matrices=False)[2][-1]
        bend = quat_rotate(quat_conjugate(frame), cross(bones[0], bones[1])).mean(axis=0)
        return axis * (np.sign(float(bend @ axis)) or 1.0)


def _limb_alignment(
    bone: FloatArray, hinge: FloatArray, smpl_bone: FloatArray, smpl_hinge: FloatArray
) -> FloatArray:
    """A (4,) with A smpl_bone = bone, and A smpl_hinge as near to hinge as that allows."""
    return matrix_to_quat(_frame(bone, hinge) @ _frame(smpl_bone, smpl_hinge).T)


def _rest_bone(joint: str) -> FloatArray:
    """SMPL's rest direction from a joint to its next one down the limb, in model space."""
    (child,) = SMPL.children(joint_index(joint))
    return SMPL.offsets_J3[child]


_KNEE_FLEXION = np.array([1.0, 0.0, 0.0])  # the shin goes back
_ELBOW_FLEXION = {"left": np.array([0.0, -1.0, 0.0]), "right": np.array([0.0, 1.0, 0.0])}


def _trunk_alignments(takes: _Takes, report: dict[str, object]) -> dict[str, FloatArray]:
    rig, result = takes.rig, {}
    sources = {"pelvis": rig.pelvis, "spine2": rig.spine, "spine3": rig.chest}
    sources |= {"neck": rig.neck, "head": rig.head}
    sources |= {f"{side}_collar": rig.on("collar", side) for side in SIDES}
    for joint, source in sources.items():
        snapped, off = _snap(takes.body_axes(source))
        result[joint] = matrix_to_quat(snapped)
        report[joint] = {"axes": axis_names(snapped), "degrees_off": round(off, 1)}
    return result


def axis_names(matrix: FloatArray) -> str:
    """Columns of a signed permutation in words, such as "-Y +X +Z" for left, up, forward."""
    columns = [int(np.argmax(np.abs(matrix[:, c]))) for c in range(3)]
    return " ".join("+-"[int(matrix[r, c] < 0)] + "XYZ"[r] for c, r in enumerate(columns))


def _limb_alignments(takes: _Takes, side: str, report: dict[str, object]) -> dict[str, FloatArray]:
    rig = takes.rig
    name = {part: rig.on(part, side) for part in ("thigh", "shin", "foot")}
    name |= {part: rig.on(part, side) for part in ("upper_arm", "forearm", "hand")}
    leg = (name["thigh"], name["shin"], name["foot"])
    arm = (name["upper_arm"], name["forearm"], name["hand"])
    chains = {
        "hip": ("thigh", "shin", leg, _KNEE_FLEXION),
        "knee": ("shin", "foot", leg, _KNEE_FLEXION),
        "shoulder": ("upper_arm", "forearm", arm, _ELBOW_FLEXION[side]),
    }
    result: dict[str, FloatArray] = {}
    for joint, (part, child, limb, smpl_hinge) in chains.items():
        smpl, hinge = f"{side}_{joint}", takes.hinge(name[part], limb)
        bone = takes.child_direction(name[part], name[child])
        result[smpl] = _limb_alignment(bone, hinge, _rest_bone(smpl), smpl_hinge)
        report[smpl] = {"bone": np.round(bone, 3).tolist(), "hinge": np.round(hinge, 3).tolist()}
    # a forearm pronates, so its own hinge wanders: the hand's frame is taken to be parallel to
    # the upper arm's where the arm is straight, as rigs are built
    elbow, bone = takes.hinge(name["upper_arm"], arm), takes.child_direction(arm[1], arm[2])
    result[f"{side}_wrist"] = _limb_alignment(
        bone, elbow, _rest_bone(f"{side}_elbow"), _ELBOW_FLEXION[side]
    )
    return result


def _foot_alignments(takes: _Takes, side: str, report: dict[str, object]) -> dict[str, FloatArray]:
    rig, ankle, toe = takes.rig, f"{side}_ankle", f"{side}_foot"
    foot = rig.on("foot", side)
    if rig.toe is None:  # no toe to tell the sole's direction: the zero pose stands flat
        snapped, _ = _snap(takes.body_axes(foot))
        return {ankle: matrix_to_quat(snapped)}
    toes = rig.on("toe", side)
    rotations, standing = takes.motion.rotations, takes.standing(toes)
    up = _mean_direction(rotations[foot], np.broadcast_to(UP, takes.left.shape), standing)
    bone = takes.child_direction(foot, toes)
    smpl_bone = _rest_bone(ankle)
    align = matrix_to_quat(_frame(up, bone) @ _frame(UP, smpl_bone).T)
    down = np.degrees(np.arcsin(-float(dot(up, bone)[0])))
    report[ankle] = {"toe_bone_down": round(float(down), 1), "sole_up": np.round(up, 3).tolist()}
    # on the floor the toes lie as the foot does
    sole = quat_multiply(rotations[foot][standing], align)
    relative = make_continuous(quat_multiply(quat_conjugate(rotations[toes][standing]), sole))
    spread = np.linalg.eigh(np.einsum("ti,tj->ij", relative, relative))
    return {ankle: align, toe: spread[1][:, -1]}


def _leg_length(motion: SourceMotion, rig: Rig) -> float:
    """Hip to knee to ankle, file unit, mean of both sides and all frames."""
    p = motion.positions
    lengths = [
        np.linalg.norm(p[rig.on(a, side)] - p[rig.on(b, side)], axis=-1).mean()
        for side in SIDES
        for a, b in (("thigh", "shin"), ("shin", "foot"))
    ]
    return float(sum(lengths) / len(SIDES))


def calibrate(rig: Rig, motions: Sequence[SourceMotion]) -> Calibration:
    """Find the alignments of a rig from takes of it (a few minutes of varied motion)."""
    takes, report = _Takes.join(rig, motions), dict[str, object]()
    alignments = _trunk_alignments(takes, report)
    for side in SIDES:
        alignments |= _limb_alignments(takes, side, report)
        alignments |= _foot_alignments(takes, side, report)
    scale = SMPL.leg_length / _leg_length(takes.motion, rig)
    return Calibration(rig, alignments, scale, report | {"scale": round(scale, 5)})


def _world_rotations(motion: SourceMotion, calibration: Calibration) -> dict[str, FloatArray]:
    """World rotations (T, 4) by SMPL joint name, for all joints that the rig knows."""
    rig = calibration.rig

    def aligned(joint: str, source: str) -> FloatArray:
        return quat_multiply(motion.rotations[source], calibration.alignments[joint])

    world = {"pelvis": aligned("pelvis", rig.pelvis), "spine2": aligned("spine2", rig.spine)}
    world["spine1"] = slerp(world["pelvis"], world["spine2"], np.full(motion.frames, 0.5))
    world |= {"spine3": aligned("spine3", rig.chest), "neck": aligned("neck", rig.neck)}
    world["head"] = aligned("head", rig.head)
    limbs = {"collar": "collar", "hip": "thigh", "knee": "shin", "ankle": "foot"}
    limbs |= {"shoulder": "upper_arm", "wrist": "hand"}
    for side in SIDES:
        for joint, part in limbs.items():
            world[f"{side}_{joint}"] = aligned(f"{side}_{joint}", rig.on(part, side))
        world[f"{side}_elbow"] = _bent_elbow(motion, rig, side, world[f"{side}_shoulder"])
        toe = f"{side}_foot"
        follows = toe not in calibration.alignments
        world[toe] = world[f"{side}_ankle"] if follows else aligned(toe, rig.on("toe", side))
    return world


def _bent_elbow(motion: SourceMotion, rig: Rig, side: str, shoulder: FloatArray) -> FloatArray:
    p = motion.positions
    forearm = p[rig.on("hand", side)] - p[rig.on("forearm", side)]
    seen = quat_rotate(quat_conjugate(shoulder), forearm)
    return quat_multiply(shoulder, shortest_arc(_rest_bone(f"{side}_elbow"), seen))


def _at_model_rate(
    rotations_TJ4: FloatArray, root_T3: FloatArray, fps: float
) -> tuple[FloatArray, FloatArray]:
    """Sample at 20 fps: slerp for rotations, straight lines for the root."""
    count = int((len(root_T3) - 1) / fps * MODEL_FPS + 1e-6) + 1
    at = np.minimum(np.arange(count) * fps / MODEL_FPS, len(root_T3) - 1)
    low = np.minimum(at.astype(int), max(len(root_T3) - 2, 0))
    high, part = np.minimum(low + 1, len(root_T3) - 1), at - low
    root = root_T3[low] + part[:, None] * (root_T3[high] - root_T3[low])
    return slerp(rotations_TJ4[low], rotations_TJ4[high], part[:, None]), root


def retarget(motion: SourceMotion, calibration: Calibration) -> tuple[MotionClip, float]:
    """A captured take as an SMPL clip at 20 fps that stands on the floor y = 0.

    Returns the clip and how far the take's floor was off, metres (what was subtracted).
    """
    rig, world = calibration.rig, _world_rotations(motion, calibration)
    rotations = np.stack([world[name] for name in SMPL_22.names], axis=1)
    parents = np.array(SMPL_22.parents[1:])
    rotations[:, 1:] = quat_multiply(quat_conjugate(rotations[:, parents]), rotations[:, 1:])
    hips = [motion.positions[rig.on("thigh", side)] for side in SIDES]
    smpl_hips = SMPL.offsets_J3[[joint_index(f"{side}_hip") for side in SIDES]].mean(axis=0)
    middle = (hips[0] + hips[1]) / 2 * calibration.scale
    root = middle - quat_rotate(world["pelvis"], smpl_hips)
    rotations, root = _at_model_rate(make_continuous(rotations), root, motion.fps)
    clip = MotionClip(make_continuous(rotations), root)
    toes = clip_joints(clip)[:, [joint_index(f"{side}_foot") for side in SIDES], 1]
    floor = float(np.percentile(toes.min(axis=1), _FLOOR_PERCENTILE)) - SOLE_HEIGHT
    return clip.replace(root_T3=root - floor * UP), floor


def _shared_frames(clip: MotionClip, motion: SourceMotion) -> tuple[BoolArray, IntArray]:
    """Frames of the clip (T,) that were not interpolated, and the take's frames they are."""
    at = np.arange(clip.frames) * motion.fps / clip.fps
    exact = np.abs(at - np.round(at)) < 1e-3
    return exact, np.round(at[exact]).astype(np.int64)


_LIMB_BONES = (
    ("hip", "knee", "thigh", "shin"),
    ("knee", "ankle", "shin", "foot"),
    ("shoulder", "elbow", "upper_arm", "forearm"),
    ("elbow", "wrist", "forearm", "hand"),
)


def bone_direction_errors(
    clip: MotionClip, motion: SourceMotion, calibration: Calibration
) -> float:
    """Mean angle in degrees between limb bones of the clip and of the take at the same times."""
    rig, joints, positions = calibration.rig, clip_joints(clip), motion.positions
    exact, frames = _shared_frames(clip, motion)
    errors: list[FloatArray] = []
    for side in SIDES:
        for start, end, source_start, source_end in _LIMB_BONES:
            ends = joints[:, [joint_index(f"{side}_{start}"), joint_index(f"{side}_{end}")]]
            source = positions[rig.on(source_end, side)] - positions[rig.on(source_start, side)]
            bone = normalize((ends[:, 1] - ends[:, 0])[exact])
            cosine = dot(bone, normalize(source[frames]))
            errors.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return float(np.mean(errors))


def joint_errors(clip: MotionClip, motion: SourceMotion, calibration: Calibration) -> float:
    """Mean distance in millimetres of knees, ankles, elbows and wrists from the scaled take's,
    both seen from between the hips. Mostly other proportions: a figure, not a test."""
    rig, joints, positions = calibration.rig, clip_joints(clip), motion.positions
    exact, frames = _shared_frames(clip, motion)
    hips = [joint_index(f"{side}_hip") for side in SIDES]
    middle = joints[:, hips].mean(axis=1)
    source_middle = sum(positions[rig.on("thigh", side)] for side in SIDES) / len(SIDES)
    errors: list[FloatArray] = []
    for side in SIDES:
        for _, end, _, source_end in _LIMB_BONES:
            made = (joints[:, joint_index(f"{side}_{end}")] - middle)[exact]
            wanted = (positions[rig.on(source_end, side)] - source_middle)[frames]
            errors.append(np.linalg.norm(made - wanted * calibration.scale, axis=-1))
    return 1000 * float(np.mean(errors))
