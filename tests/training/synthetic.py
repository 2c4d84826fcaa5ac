"""A made-up captured skeleton: SMPL's own motion, seen through joint frames of another kind."""

from __future__ import annotations

import numpy as np

from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.kinematics import clip_joints, global_rotations
from mmm_blender.geometry.rotations import (
    axis_angle_quat,
    identity_quats,
    quat_conjugate,
    quat_multiply,
    yaw_quat,
)
from mmm_blender.geometry.skeleton import SMPL_22, SOLE_HEIGHT, joint_index
from mmm_blender.training.data.rigs import SIDES, Rig
from mmm_blender.training.data.sources import SourceMotion

RIG = Rig(
    "made up", "pelvis", "spine2", "spine3", "neck", "head", "{}_collar", "{}_shoulder", "{}_elbow",
    "{}_wrist", "{}_hip", "{}_knee", "{}_ankle", "{}_foot", ("left", "right"), 1.0,
)  # fmt: skip


def bend(
    clip_TJ4: FloatArray, joint: str, axis: tuple[float, float, float], angle: FloatArray
) -> None:
    clip_TJ4[:, joint_index(joint)] = axis_angle_quat(np.array(axis), angle)


def walk_on_the_spot(frames: int = 120) -> MotionClip:
    """Knees and elbows bend about their anatomical hinges; the feet stay level; one turn."""
    t = np.linspace(0, 6 * np.pi, frames)
    rotations = identity_quats(frames, 22)
    rotations[:, 0] = yaw_quat(np.linspace(0, 2, frames))
    for side, phase, sign in (("left", 0.0, -1.0), ("right", np.pi, 1.0)):
        lift = 0.5 * np.maximum(np.sin(t + phase), 0)
        bend(rotations, f"{side}_hip", (1, 0, 0), -lift)
        bend(rotations, f"{side}_knee", (1, 0, 0), 2 * lift)
        bend(rotations, f"{side}_ankle", (1, 0, 0), -lift)
        bend(rotations, f"{side}_shoulder", (0, 0, 1), sign * 0.9 + 0.2 * np.sin(t + phase))
        bend(rotations, f"{side}_elbow", (0, sign, 0), 0.6 + 0.4 * np.sin(t))
    height = -SMPL_22.rest_positions_J3[joint_index("left_foot"), 1] + SOLE_HEIGHT
    return MotionClip(rotations, np.tile([0.0, height, 0.0], (frames, 1)))


def as_source(clip: MotionClip, axes: dict[str, FloatArray], unit: float) -> SourceMotion:
    """The clip as a rig whose joint frames are turned by ``axes`` (4,), lengths in ``unit``s.

    R_source = R_smpl A^-1, so that R_smpl = R_source A.
    """
    world = global_rotations(clip.rotations_TJ4, SMPL_22.parents)
    joints = clip_joints(clip) / unit
    names = SMPL_22.names
    turned = {n: quat_multiply(world[:, j], quat_conjugate(axes[n])) for j, n in enumerate(names)}
    return SourceMotion(turned, {n: joints[:, j] for j, n in enumerate(names)}, clip.fps)


def signed_axes(rng: np.random.Generator) -> dict[str, FloatArray]:
    """A random quarter-turn frame for every joint of the trunk, any frame for the limbs."""
    quarter = [
        axis_angle_quat(np.eye(3)[a], np.float64(k * np.pi / 2)) for a in range(3) for k in range(4)
    ]
    free = [n for side in SIDES for n in SMPL_22.names if n.startswith(side) and "collar" not in n]
    result: dict[str, FloatArray] = {}
    for name in SMPL_22.names:
        q = rng.normal(size=4)
        snapped = quat_multiply(quarter[rng.integers(12)], quarter[rng.integers(12)])
        result[name] = q / np.linalg.norm(q) if name in free else snapped
    for side in SIDES:  # the frames of one arm are parallel where it is straight
        for joint in ("elbow", "wrist"):
            result[f"{side}_{joint}"] = result[f"{side}_shoulder"]
    return result
