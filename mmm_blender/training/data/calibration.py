"""What turns a captured rig's joint frames into SMPL's: one rotation a joint, found once.

For every mapped joint R_smpl = R_source A with A constant, both in world space. What fixes A:

trunk   the body's left, up and forward directions, seen from the joint in upright frames and
        snapped to the joint's own axes (bone directions would tilt the trunk);
limbs   the direction to the child joint, and the hinge of knee or elbow: the axis square to
        the plane in which the limb bends (lateral in SMPL's knees, vertical in its elbows);
feet    the sole: world up in frames in which the foot stands, and the toe's direction over it.

A forearm's own twist is not used (pronation makes the hinge wander): hinges are known by where
bones point, and the elbow bends by the shortest arc in the upper arm's frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ...geometry.rotations import (
    cross,
    dot,
    make_continuous,
    matrix_to_quat,
    normalize,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
)
from ...geometry.skeleton import SMPL, joint_index
from .rigs import SIDES, Rig
from .sources import SourceMotion

UP = np.array([0.0, 1.0, 0.0])
_UPRIGHT_COSINE = 0.95  # trunk within 18 degrees of vertical
_STANDING_SPEED = 0.15  # m/s


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a skeleton's takes say. alignments: A (4,), w first, by SMPL joint name.
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


def rest_bone(joint: str) -> FloatArray:
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
        measured = takes.body_axes(source)
        snapped, off = (np.eye(3), 0.0) if rig.world_frames else _snap(measured)
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
        smpl = f"{side}_{joint}"
        hinge = smpl_hinge if rig.world_frames else takes.hinge(name[part], limb)
        bone = takes.child_direction(name[part], name[child])
        result[smpl] = _limb_alignment(bone, hinge, rest_bone(smpl), smpl_hinge)
        report[smpl] = {"bone": np.round(bone, 3).tolist(), "hinge": np.round(hinge, 3).tolist()}
    # a forearm pronates, so its own hinge wanders: the hand's frame is taken to be parallel to
    # the upper arm's where the arm is straight, as rigs are built
    flexion, bone = _ELBOW_FLEXION[side], takes.child_direction(arm[1], arm[2])
    elbow = flexion if rig.world_frames else takes.hinge(name["upper_arm"], arm)
    result[f"{side}_wrist"] = _limb_alignment(bone, elbow, rest_bone(f"{side}_elbow"), flexion)
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
    smpl_bone = rest_bone(ankle)
    align = matrix_to_quat(_frame(up, bone) @ _frame(UP, smpl_bone).T)
    down = np.degrees(np.arcsin(-float(dot(up, bone)[0])))
    report[ankle] = {"toe_bone_down": round(float(down), 1), "sole_up": np.round(up, 3).tolist()}
    # on the floor the toes lie as the foot does
    sole = quat_multiply(rotations[foot][standing], align)
    relative = make_continuous(quat_multiply(quat_conjugate(rotations[toes][standing]), sole))
    spread = np.linalg.eigh(np.einsum("ti,tj->ij", relative, relative))
    return {ankle: align, toe: spread[1][:, -1]}


def metres_in_unit(motion: SourceMotion, calibration: Calibration) -> float:
    """What brings a take's legs to SMPL's length, metres a file unit."""
    if not calibration.rig.own_sizes:
        return calibration.scale
    return SMPL.leg_length / _leg_length(motion, calibration.rig)


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
