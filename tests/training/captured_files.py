"""Files of the captured sources, written from an SMPL clip: what a reader must bring back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import quat_conjugate, quat_multiply
from mmm_blender.geometry.skeleton import SMPL, SMPL_22

SIDES = {"left": "l", "right": "r"}
LIMBS = {
    "collar": "clavicle",
    "shoulder": "humerus",
    "elbow": "radius",
    "wrist": "hand",
    "hip": "femur",
    "knee": "tibia",
    "ankle": "foot",
    "foot": "toes",
}
ASF_NAMES = {
    "pelvis": "root",
    "spine1": "lowerback",
    "spine2": "upperback",
    "spine3": "thorax",
    "neck": "lowerneck",
    "head": "head",
} | {
    f"{side}_{ours}": f"{s}{theirs}" for side, s in SIDES.items() for ours, theirs in LIMBS.items()
}
HEAD_OF_CHEST = {"spine3": "neck"}  # where a bone with several children ends


def scipy_rotation(quaternions: FloatArray) -> Rotation:
    return Rotation.from_quat(np.roll(quaternions, -1, axis=-1))


def _bone_lines(name: str, bone: FloatArray, axis: FloatArray, dof: str) -> list[str]:
    length = float(np.linalg.norm(bone))
    angles = scipy_rotation(axis).as_euler("xyz", degrees=True)
    lines = ["begin", f"id {abs(hash(name)) % 99}", f"name {name}"]
    lines.append("direction " + " ".join(f"{v:.9f}" for v in bone / length))
    lines.append(f"length {length:.9f}")
    lines.append("axis " + " ".join(f"{v:.9f}" for v in angles) + " XYZ")
    return [*lines, *([dof] if dof else []), "end"]


def asf_text(axes: dict[str, FloatArray], unit: float) -> str:
    """SMPL's skeleton as ASF: bones start at the joints whose names they have. axes: (4,) frames
    of the bones by SMPL name; unit: metres."""
    bones: list[str] = []
    tree: list[str] = []
    for at, name in enumerate(SMPL_22.names):
        children = [c for c in SMPL.children(at) if c < len(SMPL_22)]
        main = HEAD_OF_CHEST.get(name)
        ends = [c for c in children if main in (None, SMPL.names[c])]
        end = SMPL.offsets_J3[ends[0]] if ends and at else np.array([0.0, 0.05, 0.02])
        if at:
            bones += _bone_lines(ASF_NAMES[name], end / unit, axes[name], "dof rx ry rz")
        for child in children:
            theirs, bone = ASF_NAMES[SMPL.names[child]], SMPL.offsets_J3[child]
            gap = bone if not at else bone - end
            if np.linalg.norm(gap) < 1e-9:
                tree.append(f"{ASF_NAMES[name]} {theirs}")
            else:
                bones += _bone_lines(f"to_{theirs}", gap / unit, axes[name], "")
                tree += [f"{ASF_NAMES[name]} to_{theirs}", f"to_{theirs} {theirs}"]
    head = [":version 1.10", ":units", "mass 1.0", "length 0.45", "angle deg", ":root"]
    head += ["order TX TY TZ RX RY RZ", "axis XYZ", "position 0 0 0", "orientation 0 0 0"]
    return "\n".join([*head, ":bonedata", *bones, ":hierarchy", "begin", *tree, "end", ""])


def amc_text(clip: MotionClip, axes: dict[str, FloatArray], unit: float) -> str:
    """The clip as AMC of that skeleton."""
    lines = [":FULLY-SPECIFIED", ":DEGREES"]
    turns = {
        name: scipy_rotation(
            quat_multiply(
                quat_multiply(quat_conjugate(axes[name]), clip.rotations_TJ4[:, j]), axes[name]
            )
            if j
            else clip.rotations_TJ4[:, 0]
        ).as_euler("xyz", degrees=True)
        for j, name in enumerate(SMPL_22.names)
    }
    for frame in range(clip.frames):
        lines.append(str(frame + 1))
        for name, angles in turns.items():
            values = [*(clip.root_T3[frame] / unit if name == "pelvis" else ()), *angles[frame]]
            lines.append(" ".join([ASF_NAMES[name], *(f"{v:.8f}" for v in values)]))
    return "\n".join([*lines, ""])


SKILLMIMIC_BODIES = {
    "pelvis": 0, "left_hip": 1, "left_knee": 2, "left_ankle": 3, "left_foot": 4, "right_hip": 5,
    "right_knee": 6, "right_ankle": 7, "right_foot": 8, "spine1": 9, "spine2": 10, "spine3": 12,
    "neck": 13, "head": 14, "left_collar": 15, "left_shoulder": 16, "left_elbow": 17,
    "left_wrist": 18, "right_collar": 34, "right_shoulder": 35, "right_elbow": 36,
    "right_wrist": 37,
}  # fmt: skip
Z_UP = Rotation.from_euler("x", 90, degrees=True)


def skillmimic_tensor(clip: MotionClip) -> torch.Tensor:
    """The clip as SkillMimic stores it: Z up, 337 numbers a frame."""
    values = np.zeros((clip.frames, 337))
    joints = clip_joints(clip)
    for j, name in enumerate(SMPL_22.names):
        body, turn = SKILLMIMIC_BODIES[name], scipy_rotation(clip.rotations_TJ4[:, j])
        values[:, 165 + 3 * body : 168 + 3 * body] = Z_UP.apply(joints[:, j])
        if j:
            values[:, 6 + 3 * body : 9 + 3 * body] = turn.as_rotvec()
        else:
            values[:, 3:6] = (Z_UP * turn).as_rotvec()
    return torch.from_numpy(values).float()


def write_skillmimic(path: Path, clip: MotionClip) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(skillmimic_tensor(clip), path)


VECTOR_JOINTS = {
    "pelvis": 0, "left_hip": 2, "left_knee": 3, "left_ankle": 4, "left_foot": 5, "right_hip": 8,
    "right_knee": 9, "right_ankle": 10, "right_foot": 11, "spine1": 13, "spine2": 14,
    "spine3": 15, "neck": 16, "head": 18, "left_collar": 20, "left_shoulder": 21,
    "left_elbow": 22, "left_wrist": 23, "right_collar": 29, "right_shoulder": 30,
    "right_elbow": 31, "right_wrist": 32,
}  # fmt: skip


PARENTS = SMPL_22.parents


def vectors_text(clip: MotionClip, rest: dict[str, Rotation], unit: float) -> str:
    """The clip as transposed rotation vectors, a T-pose first. rest: local turns that make the
    T-pose, by SMPL name."""
    values = np.zeros((clip.frames + 1, 39, 3))
    values[1:, 0], values[0, 0] = clip.root_T3 / unit, clip.root_T3[0] / unit
    around: dict[int, Rotation] = {-1: Rotation.identity()}  # a joint's frame in the T-pose
    for j, name in enumerate(SMPL_22.names):
        at, base, parent = 1 + VECTOR_JOINTS[name], rest.get(name, Rotation.identity()), PARENTS[j]
        around[j] = around[parent] * base
        turn = scipy_rotation(clip.rotations_TJ4[:, j])
        values[0, at] = -base.as_rotvec()
        values[1:, at] = -(around[parent].inv() * turn * around[j]).as_rotvec()
    rows = (",".join(f"{v:.9g}" for v in row) for row in values.reshape(len(values), -1))
    return "\n".join([*rows, ""])
