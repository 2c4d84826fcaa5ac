"""A BVH file as an armature with an Action, by our own reader: Blender's importer may be off.

A bone for each joint, from the joint to the middle of its children; one linear key a frame. T
frames, J joints.
"""

from __future__ import annotations

import numpy as np

from ...common.arrays import FloatArray
from ...geometry.bvh import END_SITE, BvhMotion
from ...geometry.bvh_body import in_metres_y_up
from ...geometry.conventions import to_blender_vectors
from ...geometry.rotations import (
    axis_angle_quat,
    make_continuous,
    matrix_to_quat,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
)
from ..bpy_types import ArmatureObject, Context, FCurve, bpy
from ..fcurves.layered_actions import (
    Channel,
    action_fcurves,
    assign_action,
    bone_channels,
    bone_path,
    build_action,
)
from .binding import PELVIS, RigBinding, binding_of
from .pose_reading import pose_reading
from .pose_space import STANDING_PELVIS_HEIGHT, pose_space

FIRST_FRAME = 1
_SHORTEST = 1e-3
"""Metres: Blender drops bones without length."""
_STUMP = 0.05
_UP_4 = axis_angle_quat(np.array([1.0, 0.0, 0.0]), np.array(np.pi / 2.0))
"""Model axes to Blender's."""


def add_bvh(context: Context, name: str, motion: BvhMotion) -> ArmatureObject:
    """The armature, active in the scene, which takes the file's rate; its keys begin at frame 1."""
    rest_J3, rotations_TJ4, positions_TJ3 = in_metres_y_up(motion)
    rig = _armature(context, name)
    bones = _make_bones(rig, motion, to_blender_vectors(rest_J3))
    channels: list[Channel] = []
    for at, bone in bones.items():
        parent = motion.joints[at].parent
        offset_3 = rest_J3[at] - rest_J3[parent] if parent >= 0 else np.zeros(3)
        moved_T3 = positions_TJ3[:, at] - offset_3
        is_moved = any(each.endswith("position") for each in motion.joints[at].channels)
        channels += _channels(rig, bone, rotations_TJ4[:, at], moved_T3 if is_moved else None)
    frames_T = FIRST_FRAME + np.arange(len(rotations_TJ4))
    assign_action(rig, build_action(name, frames_T, channels, owner=rig.name))
    scene = context.scene
    scene.render.fps = max(1, round(motion.fps))
    scene.render.fps_base = scene.render.fps / motion.fps
    scene.frame_start, scene.frame_end = FIRST_FRAME, int(frames_T[-1])
    return rig


def _armature(context: Context, name: str) -> ArmatureObject:
    rig = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    context.scene.collection.objects.link(rig)
    context.view_layer.objects.active = rig
    return rig


def _make_bones(rig: ArmatureObject, motion: BvhMotion, heads_J3: FloatArray) -> dict[int, str]:
    """Bones for all joints but the end sites; their names, which Blender may have to cut. heads_J3:
    Blender's axes, the root at the origin."""
    bpy.ops.object.mode_set(mode="EDIT")
    names: dict[int, str] = {}
    for at, joint in enumerate(motion.joints):
        if joint.name.endswith(END_SITE):
            continue
        bone = rig.data.edit_bones.new(joint.name)
        bone.head, bone.tail = heads_J3[at], _tail(motion, at, heads_J3)
        if joint.parent >= 0:
            bone.parent = rig.data.edit_bones[names[joint.parent]]
        names[at] = str(bone.name)
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    return names


def _tail(motion: BvhMotion, at: int, heads_J3: FloatArray) -> FloatArray:
    """The middle of the joint's children, or a little above it."""
    children = [child for child, joint in enumerate(motion.joints) if joint.parent == at]
    tail_3 = heads_J3[children or [at]].mean(axis=0)
    if np.linalg.norm(tail_3 - heads_J3[at]) > _SHORTEST:
        return tail_3
    return heads_J3[at] + np.array([0.0, 0.0, _STUMP])


def _channels(
    rig: ArmatureObject, bone: str, turns_T4: FloatArray, moved_T3: FloatArray | None
) -> list[Channel]:
    """Keys of a bone. turns_T4: local rotations, model axes. moved_T3: from its place in the rest
    pose, None for a bone that stays there."""
    rest_33 = np.array(rig.data.bones[bone].matrix_local, dtype=np.float64)[:3, :3]
    to_bone_4 = quat_multiply(quat_conjugate(matrix_to_quat(rest_33)), _UP_4)
    own_T4 = quat_multiply(quat_multiply(to_bone_4, turns_T4), quat_conjugate(to_bone_4))
    channels = bone_channels(bone, "rotation_quaternion", make_continuous(own_T4[:, None])[:, 0])
    if moved_T3 is not None:
        channels += bone_channels(bone, "location", quat_rotate(to_bone_4, moved_T3))
    return channels


def stand_on_floor(rig: ArmatureObject) -> None:
    """Put the rest pose of an imported BVH on the floor, with the motion where it was.

    The floor of a rig is where its rest pose stands, but BVH files mostly have their root's rest
    at the origin, and the feet below the floor that the motion knows.
    """
    binding = binding_of(rig)
    rise_3 = _rise(rig, binding)
    pelvis = rig.data.bones[binding.read_bone(PELVIS)]
    root = pelvis.parent_recursive[-1] if pelvis.parent else pelvis
    axes_33 = np.array(root.matrix_local, dtype=np.float64)[:3, :3]
    moved_44 = np.eye(4)
    moved_44[:3, 3] = rise_3
    rig.data.transform(moved_44.tolist())
    rig.data.update_tag()  # else the pose goes on as if the bones rested where they did
    path = bone_path(root.name, "location")
    for curve in action_fcurves(rig.animation_data.action):
        if curve.data_path == path:
            _raise(curve, -float(rise_3 @ axes_33[:, curve.array_index]))


def _rise(rig: ArmatureObject, binding: RigBinding) -> FloatArray:
    """By how much the rest pose is under the armature's floor, (3,) in armature space."""
    if binding.smpl is None:
        reading = pose_reading(rig, binding)
        floor_3, above_3 = reading.to_armature_points([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        up_3 = (above_3 - floor_3) / reading.scale
        return -up_3 * float(floor_3 @ up_3)
    space = pose_space(rig, binding.smpl)
    up_3 = quat_rotate(space.axes_4, np.array([0.0, 1.0, 0.0]))
    return up_3 * (STANDING_PELVIS_HEIGHT * space.scale - float(space.pelvis_3 @ up_3))


def _raise(curve: FCurve, amount: float) -> None:
    for key in curve.keyframe_points:
        for point in (key.co, key.handle_left, key.handle_right):
            point[1] += amount
