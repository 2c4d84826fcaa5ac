"""Clips as channels of an armature's bones, and evaluated poses back."""

from __future__ import annotations

import numpy as np

from ...common.arrays import ArrayLike, BoolArray, FloatArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY, rotation_values
from ...geometry.rotations import quat_multiply
from ..bpy_types import ArmatureObject, Bone
from ..fcurves.layered_actions import Channel, bone_channels, bone_path
from .binding import RigBinding
from .evaluation import evaluated
from .mapped_pose import ChannelMotion, MappedPose
from .pose_space import PoseSpace, orientation_quats, pose_space
from .rig_options import FK, KEEP, switch_choice
from .smpl_rig import inheritance_poll_error

_SWITCHES = "IK/FK"
"""The group of their curves."""


def clip_channels(
    rig: ArmatureObject, binding: RigBinding, clip: MotionClip, free_T: BoolArray | None = None
) -> list[Channel]:
    """Every channel of a clip on a rig: the root's location, and the rotation of all bones.
    free_T: as in ``channel_motion``.

    Raises MMMError where the rig cannot take them.
    """
    motion = channel_motion(rig, binding, clip, free_T)
    modes = [str(rig.pose.bones[each.bone].rotation_mode) for each in binding.written]
    values = _values_by_bone(motion.rotations_TW4, modes)
    channels: list[Channel] = []
    for at, (each, mode, values_TN) in enumerate(zip(binding.written, modes, values, strict=True)):
        if each.location:
            channels += bone_channels(each.bone, "location", motion.locations_TW3[:, at])
        if each.rotation:
            channels += bone_channels(each.bone, PROPERTY.get(mode, EULER_PROPERTY), values_TN)
    return channels


def switch_channels(rig: ArmatureObject, binding: RigBinding, frames: int) -> list[Channel]:
    """IK/FK switches that the person wants set, the same on every frame."""
    choice = switch_choice(rig)
    limbs = binding.rig_map.limbs if choice != KEEP and binding.smpl is None else ()
    channels: list[Channel] = []
    for limb in limbs:
        if limb.switch and limb.switch in rig.pose.bones[limb.switch_bone]:
            path = bone_path(limb.switch_bone, "").removesuffix(".") + f'["{limb.switch}"]'
            value = limb.fk if choice == FK else 1.0 - limb.fk
            channels.append(Channel(path, 0, _SWITCHES, np.full(frames, value)))
    return channels


def check_inheritance(rig: ArmatureObject, binding: RigBinding) -> None:
    """Raises MMMError where bones do not inherit what SMPL's joints do."""
    bones = binding.smpl
    if bones is not None and (reason := inheritance_poll_error(rig, bones, bones.values())):
        raise MMMError(reason)


def channel_motion(
    rig: ArmatureObject, binding: RigBinding, clip: MotionClip, free_T: BoolArray | None = None
) -> ChannelMotion:
    """A clip in the written bones' own channels. free_T: frames in which a mapped rig's legs may
    be led to where its feet stand, None for all."""
    if binding.smpl is None:
        return MappedPose(rig, binding).channels(clip, free_T)
    check_inheritance(rig, binding)
    space = pose_space(rig, binding.smpl)
    rotations_TJ4 = space.to_bone_rotations(clip.rotations_TJ4)
    locations_TJ3 = np.zeros((*rotations_TJ4.shape[:2], 3))
    rotations_TJ4[:, 0], locations_TJ3[:, 0] = _pelvis_basis(rig, space, clip)
    return ChannelMotion(rotations_TJ4, locations_TJ3)


def _values_by_bone(rotations_TW4: FloatArray, modes: list[str]) -> list[FloatArray]:
    """Keyed values (T, N) of each bone; bones of one mode are converted together."""
    values: dict[int, FloatArray] = {}
    for mode in set(modes):
        bones = [bone for bone, its_mode in enumerate(modes) if its_mode == mode]
        converted = rotation_values(rotations_TW4[:, bones], mode)
        values.update({bone: converted[:, at] for at, bone in enumerate(bones)})
    return [values[bone] for bone in range(len(modes))]


def _pelvis_basis(
    rig: ArmatureObject, space: PoseSpace, clip: MotionClip
) -> tuple[FloatArray, FloatArray]:
    """Rotation (T, 4) and location (T, 3) of the pelvis bone that bring it where the clip says,
    under whatever bones stand above it, as they are posed now."""
    bone = rig.data.bones[space.bones[0]]
    if bone.use_connect:
        raise MMMError(
            f"The bone '{bone.name}' of '{rig.name}' is connected to its parent and cannot move: "
            "turn Connected off in its bone properties."
        )
    turn_4, linear_33, origin_3 = pose_to_basis(rig, bone)
    rotations = quat_multiply(turn_4, space.to_armature_rotations(clip.rotations_TJ4[:, 0]))
    return rotations, space.to_armature_points(clip.root_T3) @ linear_33.T + origin_3


def pose_to_basis(rig: ArmatureObject, bone: Bone) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The map from a bone's place in armature space to its own channels, found by asking Blender
    for four places (its rules depend on parents and on several settings of the bone).

    Returns a turn (4,) that comes before the bone's orientation, and for the location a matrix
    (3, 3) and an offset (3,).
    """
    parents = {}
    if bone.parent is not None:
        parent_pose = evaluated(rig).pose.bones[bone.parent.name]
        parents = {
            "parent_matrix": parent_pose.matrix,
            "parent_matrix_local": bone.parent.matrix_local,
        }

    def basis(location: ArrayLike) -> FloatArray:
        place = np.eye(4)
        place[:3, 3] = location
        found = bone.convert_local_to_pose(
            place.T.tolist(), bone.matrix_local, invert=True, **parents
        )
        return np.array(found, dtype=np.float64)

    still = basis(np.zeros(3))
    columns = [basis(unit)[:3, 3] - still[:3, 3] for unit in np.eye(3)]
    return orientation_quats(still[:3, :3]), np.stack(columns, axis=-1), still[:3, 3]
