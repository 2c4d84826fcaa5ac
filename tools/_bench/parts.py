"""Parts that need no weights: rotations, pose fitting, keys.

T frames, J joints.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from _bench.figures import Figure, Row, seconds, seconds_once
from scipy.spatial.transform import Rotation

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import (
    Channel,
    assign_action,
    bone_channels,
    build_action,
)
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.fitting import fit_pose
from mmm_blender.geometry.kinematics import clip_joints
from mmm_blender.geometry.rotations import (
    matrix_to_quat,
    matrix_to_rotation_6d,
    normalize,
    quat_to_matrix,
    rotation_6d_to_matrix,
    rotation_vector_to_quat,
)
from mmm_blender.geometry.skeleton import ANIMATED_JOINTS, SMPL, SMPL_22

FRAMES = 196
KEYED_FRAMES = 600
_SWAY = 0.5  # radians
_FASTEST = 0.12  # of a cycle a frame
_SEED = 0
_MILLI = 1000.0
_DECODE_TARGET, _FIT_TARGET, _KEYS_TARGET = 1.0, 10.0, 50.0  # ms


def rows() -> list[Row]:
    """Every part."""
    return [decoding(), fitting(), keying()]


def swaying_clip(frames: int) -> MotionClip:
    """Every joint sways by itself; walks along +Z at 1 m/s."""
    rng = np.random.default_rng(_SEED)
    shape = (ANIMATED_JOINTS, 3)
    rates, phases = rng.uniform(0.0, _FASTEST, shape), rng.uniform(0.0, 2 * np.pi, shape)
    times_T = np.arange(frames)
    vectors_TJ3 = _SWAY * np.sin(times_T[:, None, None] * rates + phases)
    root_T3 = np.stack([0.0 * times_T, 0.95 + 0.0 * times_T, times_T / 20.0], axis=-1)
    return MotionClip(rotation_vector_to_quat(vectors_TJ3), root_T3)


def decoding() -> Figure:
    """6D numbers to quaternions, as when a clip leaves the model."""
    matrices_TJ33 = quat_to_matrix(swaying_clip(FRAMES).rotations_TJ4)
    sixes_TJ6 = matrix_to_rotation_6d(matrices_TJ33)

    def peer() -> FloatArray:
        first, second = normalize(sixes_TJ6[..., :3]), normalize(sixes_TJ6[..., 3:])
        columns = np.stack([first, second, np.cross(first, second)], axis=-1)
        return Rotation.from_matrix(columns.reshape(-1, 3, 3)).as_quat()

    return Figure(
        f"6D decode, {FRAMES} frames",
        seconds(lambda: matrix_to_quat(rotation_6d_to_matrix(sixes_TJ6))) * _MILLI,
        "ms",
        "scipy's Rotation",
        seconds(peer) * _MILLI,
        _DECODE_TARGET,
    )


def fitting() -> Figure:
    """Joint positions to poses."""
    positions_TJ3 = clip_joints(swaying_clip(FRAMES))
    return Figure(
        f"position fitting, {FRAMES} frames",
        seconds(lambda: fit_pose(positions_TJ3)) * _MILLI,
        "ms",
        "scipy's align_vectors, joint by joint",
        seconds_once(lambda: _align_joint_by_joint(positions_TJ3)) * _MILLI,
        _FIT_TARGET,
    )


def _align_joint_by_joint(positions_TJ3: FloatArray) -> None:
    """The direct way: every joint of every frame turns its rest bones onto those that are seen."""
    for joint in range(ANIMATED_JOINTS):
        children = list(SMPL_22.children(joint))
        if children:
            rest = SMPL_22.offsets_J3[children]
            for bones in positions_TJ3[:, children] - positions_TJ3[:, [joint]]:
                Rotation.align_vectors(bones, rest)


def keying() -> Figure:
    """600 frames of 24 bones to keys of an Action on an armature."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig = create_character(bpy.context)
    frames_T = np.arange(1, KEYED_FRAMES + 1)
    channels = _channels(KEYED_FRAMES)
    return Figure(
        f"keys, {KEYED_FRAMES} frames x {len(SMPL.names)} bones",
        seconds(lambda: assign_action(rig, build_action("bench", frames_T, channels))) * _MILLI,
        "ms",
        "keyframe_insert",
        seconds_once(lambda: _insert_keys(rig, channels)) * _MILLI,
        _KEYS_TARGET,
    )


def _channels(frames: int) -> list[Channel]:
    """Rotations of all 24 bones and the pelvis' location."""
    clip = swaying_clip(frames)
    channels = bone_channels("pelvis", "location", clip.root_T3)
    for joint, name in enumerate(SMPL.names):
        turns_T4 = clip.rotations_TJ4[:, min(joint, ANIMATED_JOINTS - 1)]
        channels += bone_channels(name, "rotation_quaternion", turns_T4)
    return channels


def _insert_keys(rig: ArmatureObject, channels: Sequence[Channel]) -> None:
    """The same keys as a script's author would first write it."""
    rig.animation_data.action = None
    values = {(item.group, item.data_path.rsplit(".", 1)[1]): [] for item in channels}
    for item in channels:
        values[item.group, item.data_path.rsplit(".", 1)[1]].append(item.values_T)
    for (bone, name), columns in values.items():
        posed = rig.pose.bones[bone]
        for frame, value in enumerate(np.stack(columns, axis=-1), 1):
            setattr(posed, name, value)
            posed.keyframe_insert(name, frame=frame)
