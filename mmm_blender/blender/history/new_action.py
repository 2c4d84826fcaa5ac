"""Clips to keys and poses back: what the operators and the command-line tools call.

Keys are in armature space, so the object can be moved, turned and scaled afterwards. Hands and
the object's own transform are never written.
"""

from __future__ import annotations

import numpy as np

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.conventions import ArrayLike, FloatArray
from ...geometry.placement import Placement, headings
from ...geometry.resample import resample
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY, rotation_values
from ...geometry.rotations import quat_multiply
from ...geometry.skeleton import SMPL_22
from ..bpy_types import Action, ArmatureObject, Bone, Scene, bpy
from ..fcurves.layered_actions import Channel, assign_action, bone_channels, build_action
from ..rig.pose_space import PoseSpace, orientation_quats, pose_space
from ..rig.smpl_rig import inheritance_fault, smpl_bones
from .recipe import Recipe, store_recipe

_NAME_LENGTH = 48
"""Letters of a prompt in an Action's name: Blender 4 takes 63 bytes, and adds .001."""

_DEFAULT_NAME = "MMM motion"


def write_clip(
    rig: ArmatureObject, clip: MotionClip, start_frame: int, recipe: Recipe | None = None
) -> Action:
    """Key ``clip`` on an SMPL armature, in a new Action that becomes the active one.

    One linear key of type GENERATED at every scene frame from ``start_frame`` on, on the 22
    bones in their own rotation modes. The Action before it is kept; the scene's end moves out if
    it must. Raises MMMError, with nothing changed, if the rig cannot take it.
    """
    action = make_action(rig, clip, start_frame, recipe)
    try:
        assign_action(rig, action)
    except BaseException:  # a Ctrl+C too leaves no Action behind; raised again
        bpy.data.actions.remove(action)
        raise
    scene = scene_of(rig)
    scene.frame_end = max(scene.frame_end, int(action.frame_range[1]))
    return action


def make_action(
    rig: ArmatureObject,
    clip: MotionClip,
    start_frame: int,
    recipe: Recipe | None = None,
    fps: float | None = None,
) -> Action:
    """The Action of ``write_clip``, which the rig does not have yet. fps: of its keys, the scene's
    if not given."""
    sampled = resample(clip, fps or scene_fps(scene_of(rig)))
    frames_T = start_frame + np.arange(sampled.frames)
    channels = clip_channels(rig, smpl_bones(rig), sampled)
    action = build_action(action_name(recipe), frames_T, channels, owner=rig.name)
    if recipe is not None:
        store_recipe(action, recipe)
    return action


def clip_channels(rig: ArmatureObject, bones: dict[str, str], clip: MotionClip) -> list[Channel]:
    """Every channel of a clip on a rig: the pelvis' location, and the rotation of all bones.

    Raises MMMError where the rig cannot take them.
    """
    _check_inheritance(rig, bones)
    rotations_TJ4, location_T3 = channel_motion(rig, bones, clip)
    names = [bones[joint] for joint in SMPL_22.names]
    modes = [str(rig.pose.bones[name].rotation_mode) for name in names]
    channels = bone_channels(names[0], "location", location_T3)
    values = _values_by_joint(rotations_TJ4, modes)
    for name, mode, values_TN in zip(names, modes, values, strict=True):
        channels += bone_channels(name, PROPERTY.get(mode, EULER_PROPERTY), values_TN)
    return channels


def _check_inheritance(rig: ArmatureObject, bones: dict[str, str]) -> None:
    if fault := inheritance_fault(rig, bones, bones.values()):
        raise MMMError(fault)


def channel_motion(
    rig: ArmatureObject, bones: dict[str, str], clip: MotionClip
) -> tuple[FloatArray, FloatArray]:
    """A clip in the bones' own channels: rotations (T, 22, 4), w first, whatever the bones'
    rotation modes are, and the pelvis' location (T, 3)."""
    space = pose_space(rig, bones)
    rotations_TJ4 = space.to_bone_rotations(clip.rotations_TJ4)
    rotations_TJ4[:, 0], location_T3 = _pelvis_basis(rig, space, clip)
    return rotations_TJ4, location_T3


def _values_by_joint(rotations_TJ4: FloatArray, modes: list[str]) -> list[FloatArray]:
    """Keyed values (T, N) of each joint; joints of one mode are converted together."""
    values: dict[int, FloatArray] = {}
    for mode in set(modes):
        joints = [joint for joint, its_mode in enumerate(modes) if its_mode == mode]
        converted = rotation_values(rotations_TJ4[:, joints], mode)
        values.update({joint: converted[:, at] for at, joint in enumerate(joints)})
    return [values[joint] for joint in range(len(modes))]


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
        parent_pose = _evaluated(rig).pose.bones[bone.parent.name]
        parents = {
            "parent_matrix": parent_pose.matrix,
            "parent_matrix_local": bone.parent.matrix_local,
        }

    def basis(location: ArrayLike) -> FloatArray:
        place = np.eye(4)
        place[:3, 3] = location
        found = bone.convert_local_to_pose(place.T, bone.matrix_local, invert=True, **parents)
        return np.array(found, dtype=np.float64)

    still = basis(np.zeros(3))
    columns = [basis(unit)[:3, 3] - still[:3, 3] for unit in np.eye(3)]
    return orientation_quats(still[:3, :3]), np.stack(columns, axis=-1), still[:3, 3]


def read_pose(rig: ArmatureObject) -> MotionClip:
    """The rig's pose as it is seen now (current frame, constraints and all): a clip of a frame."""
    space = pose_space(rig, smpl_bones(rig))
    posed = _evaluated(rig).pose.bones
    matrices = np.array([posed[name].matrix for name in space.bones], dtype=np.float64)
    rotations_J4 = space.to_local_rotations(orientation_quats(matrices[:, :3, :3]))
    return MotionClip(
        rotations_TJ4=rotations_J4[None],
        root_T3=space.to_model_points(matrices[:1, :3, 3]),
        fps=scene_fps(scene_of(rig)),
    )


def current_placement(rig: ArmatureObject) -> Placement:
    """Where the rig stands and which way it faces at the current frame, for ``place``.

    In the rig's own model space: the object's transform is not in it, since keys are not either.
    Raises MMMError where no clip could be keyed: better now than once it is made.
    """
    _check_inheritance(rig, smpl_bones(rig))
    pose = read_pose(rig)
    x, _, z = pose.root_T3[0]
    return Placement(x=float(x), z=float(z), yaw=float(headings(pose)[0]))


def _evaluated(rig: ArmatureObject) -> ArmatureObject:
    return rig.evaluated_get(bpy.context.evaluated_depsgraph_get())


def scene_of(rig: ArmatureObject) -> Scene:
    """The scene whose time the rig lives in: the active one if the rig is in it."""
    scene = bpy.context.scene
    if scene in rig.users_scene or not rig.users_scene:
        return scene
    return rig.users_scene[0]


def scene_fps(scene: Scene) -> float:
    """Frames per second, with the base of rates such as 29.97."""
    return float(scene.render.fps) / float(scene.render.fps_base)


def action_name(recipe: Recipe | None) -> str:
    """A name for the Action: the prompt, on one line, cut between words."""
    words = "" if recipe is None else " ".join(recipe.prompt.split())
    if len(words) > _NAME_LENGTH:
        words = words[:_NAME_LENGTH].rsplit(" ", 1)[0] + "…"
    return words or _DEFAULT_NAME
