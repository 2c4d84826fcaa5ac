"""Armatures of other makes, built for the tests from SMPL's rest joints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.conventions import to_blender_vectors
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import (
    axis_angle_quat,
    normalize,
    quat_multiply,
    quat_rotate,
    rotation_vector_to_quat,
)
from mmm_blender.geometry.skeleton import SMPL

SEEDED = 20250611


@dataclass(frozen=True)
class RigStyle:
    """How a maker builds an SMPL armature. points: rest joints in Blender's axes, metres, to the
    maker's armature space. tails: "up", "random" or "child". spell: joint name to bone name.
    root: with a bone above the pelvis."""

    points: Callable[[FloatArray], FloatArray] = lambda points: points
    tails: str = "up"
    spell: Callable[[str], str] = str
    root: bool = False
    transform: Sequence[float] = (0.0,) * 6
    scale: float = 1.0


def turned(points: FloatArray, axis: Sequence[float], degrees: float) -> FloatArray:
    return quat_rotate(axis_angle_quat(normalize(axis), np.radians(degrees)), points)


def smpl_addon_spelling(joint: str) -> str:
    """f_avg_L_Hip, as SMPL's own add-on has it."""
    words = joint.replace("left_", "L_").replace("right_", "R_").split("_")
    return "f_avg_" + "_".join(word.capitalize() for word in words)


STYLES: dict[str, RigStyle] = {
    "all bones up": RigStyle(),
    "random axes": RigStyle(tails="random"),
    "smpl add-on": RigStyle(spell=smpl_addon_spelling, root=True),
    "capital names": RigStyle(spell=str.upper),
    "centimetres, Y up": RigStyle(
        points=lambda p: 100.0 * turned(p, (1.0, 0.0, 0.0), -90.0),
        transform=(1.0, 2.0, 3.0, np.pi / 2, 0.0, 0.0),
        scale=0.01,
    ),
    "rest turned": RigStyle(points=lambda p: turned(p, (0.0, 0.0, 1.0), 37.0), tails="random"),
    "rest lying": RigStyle(points=lambda p: turned(p, (1.0, 0.2, 0.1), 61.0), tails="random"),
    "object moved": RigStyle(transform=(3.0, -2.0, 0.5, 0.3, -0.2, 2.0), scale=1.7),
}


def build_rig(style: RigStyle) -> ArmatureObject:
    """A bare armature of that style, active in object mode."""
    rng = np.random.default_rng(SEEDED)
    heads = style.points(to_blender_vectors(SMPL.rest_positions_J3))
    size = float(np.linalg.norm(heads[15] - heads[0])) / 6.0
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bones = rig.data.edit_bones
    if style.root:
        root = bones.new("root")
        root.head, root.tail = heads[0] - np.array([0.0, 0.0, 5.0 * size]), heads[0]
    for joint, name in enumerate(SMPL.names):
        bone = bones.new(style.spell(name))
        direction = (0.0, 0.0, 1.0) if style.tails == "up" else rng.normal(size=3)
        bone.head, bone.tail = heads[joint], heads[joint] + size * np.array(direction)
        bone.roll = 0.0 if style.tails == "up" else rng.uniform(-3.0, 3.0)
        if joint:
            bone.parent = bones[style.spell(SMPL.names[SMPL.parents[joint]])]
        elif style.root:
            bone.parent = bones["root"]
    bpy.ops.object.mode_set(mode="OBJECT")
    rig.location, rig.rotation_euler = style.transform[:3], style.transform[3:]
    rig.scale = (style.scale,) * 3
    bpy.context.view_layer.update()
    return rig


def wild_clip(frames: int = 12, fps: float = 24.0, wildness: float = 0.8) -> MotionClip:
    """A smooth clip in which every joint turns about every axis, and the root wanders.

    At 24 fps, the scene's default, so that keys are the clip's own samples.
    """
    rng = np.random.default_rng(SEEDED)
    phases = np.linspace(0.0, 2.0, frames)[:, None, None]
    waves = np.sin(phases * rng.uniform(0.5, 2.0, (1, 22, 3)) + rng.uniform(0, 6, (1, 22, 3)))
    rotations = rotation_vector_to_quat(wildness * waves)
    heading = axis_angle_quat(np.array([0.0, 1.0, 0.0]), np.linspace(0.2, 2.0, frames))
    rotations[:, 0] = quat_multiply(heading, rotations[:, 0])
    root = np.stack(
        [np.linspace(0, 1, frames), np.full(frames, 0.9), np.linspace(0, 2, frames)], -1
    )
    return MotionClip(rotations, root, fps)


def posed_heads(rig: ArmatureObject, names: Sequence[str], frames: Sequence[int]) -> FloatArray:
    """World positions of the bones' heads at each frame. (T, J, 3)."""
    heads = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        matrix = np.array(rig.matrix_world)
        local = np.array([rig.pose.bones[name].head for name in names])
        heads.append(local @ matrix[:3, :3].T + matrix[:3, 3])
    return np.array(heads)


def expected_heads(clip: MotionClip) -> FloatArray:
    """Joints of a clip in Blender's axes. (T, 22, 3)."""
    return to_blender_vectors(clip_joints(clip))
