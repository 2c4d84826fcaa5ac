"""Copy Motion, Import Motion and Export Motion without buttons."""

from __future__ import annotations

import io
import math
import re
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...common.atomic_files import write_files, writing
from ...common.errors import MMMError
from ...common.untrusted import clean_text, is_file, is_folder
from ...geometry.bvh import bvh_text, read_bvh
from ...geometry.clip import MotionClip
from ...geometry.conventions import to_blender_vectors
from ...geometry.rotations import (
    axis_angle_quat,
    quat_multiply,
    quat_to_rotation_vector,
)
from ..actions.editability import new_action_poll_error
from ..actions.object_way import read_with_way
from ..actions.range_writer import keyed_extent
from ..bpy_types import Action, ArmatureObject, Context, bpy
from ..fcurves.layered_actions import assigned_action, curves_of_bones, temporarily_assigned
from ..rig.binding import find_binding
from ..rig.bvh_armature import add_bvh, stand_on_floor
from ..rig.motion_reader import scene_left_as_it_is
from ..takes.derived import write_derived
from .export_options import ExportOptions, played_for_export
from .scene_parts import Brought, alone_selected, time_kept

IMPORTS = (".bvh", ".fbx", ".glb", ".gltf", ".usd", ".usda", ".usdc")
EXPORTS = (".fbx", ".glb", ".usd", ".usda", ".usdc", ".bvh", ".npz")
_AS_IT_IS = ExportOptions()
_WELL_BEFORE = 1000
"""Frames before the first at which a rig rests while it is exported."""

_OF_PYTHON = re.compile(
    r"^(?:Python: )?(?:\w+(?:Error|Exception): )?(?:\[(?:Errno|WinError) \d+\] )?"
)
"""Words before the message in the last line of a traceback."""

_AMASS_POSES = 156
"""Numbers of an SMPL-H pose in AMASS: 52 joints, three of each."""


# --- from a character to another -----------------------------------------------------------------


def copy_motion(context: Context, source: ArmatureObject, target: ArmatureObject) -> str:
    """Key a character's motion on another; the sentence that says so. MMMError, with nothing
    changed, where it cannot be read or keyed."""
    if source == target:
        raise MMMError("Source and target are the same character: choose another one.")
    if fault := new_action_poll_error(target):
        raise MMMError(fault)
    clip, first = _motion_of(source)
    write_derived(context, target, clip, first, f"of {source.name}")
    return f"Keyed the motion of '{source.name}' on '{target.name}' from frame {first}."


def _motion_of(rig: ArmatureObject) -> tuple[MotionClip, int]:
    """All that a character's Action moves, and its first frame."""
    first, last = _keyed_frames(rig)
    return read_with_way(rig, first, last), first


def _keyed_frames(rig: ArmatureObject) -> tuple[int, int]:
    action = assigned_action(rig)
    keyed = None if action is None else keyed_extent(rig, action)
    if keyed is None:
        raise MMMError(f"'{rig.name}' has no keys to copy: choose a character with an Action.")
    return math.floor(keyed[0]), math.ceil(keyed[1])


# --- in ------------------------------------------------------------------------------------------


def import_motion(context: Context, target: ArmatureObject | None, path: Path) -> str:
    """Bring a file's motion onto a character, from the current frame on; without one, as a new
    character. MMMError, with nothing left behind, where there is none in the file."""
    if target is not None and (fault := new_action_poll_error(target)):
        raise MMMError(fault)
    scene, brought = context.scene, Brought()
    start = int(scene.frame_current)
    active = context.view_layer.objects.active
    try:
        if target is None:
            rig = _imported(context, path, brought)
            context.view_layer.objects.active = rig
            return f"Imported '{path.name}' as '{rig.name}'."
        with time_kept(scene):
            clip, _ = _motion_of(_imported(context, path, brought))
    except MMMError:
        brought.remove()
        context.view_layer.objects.active = active
        raise
    brought.remove()
    context.view_layer.objects.active = active
    write_derived(context, target, clip, start, clean_text(path.stem))
    return f"Keyed '{path.name}' on '{target.name}' from frame {start}."


def _imported(context: Context, path: Path, brought: Brought) -> ArmatureObject:
    """The character that a file has."""
    kind = path.suffix.lower()
    if kind not in IMPORTS:
        raise MMMError(f"{path.name} is no BVH, FBX, GLB or USD file: choose one of those.")
    if not is_file(path):
        raise MMMError(f"{path} is not there (any more): choose a file.")
    if kind == ".bvh":
        add_bvh(context, clean_text(path.stem), read_bvh(path))
    elif kind == ".fbx":
        _run(path, lambda: bpy.ops.import_scene.fbx(filepath=str(path)))
    elif kind in {".glb", ".gltf"}:
        _run(path, lambda: bpy.ops.import_scene.gltf(filepath=str(path)))
    else:
        _run(path, lambda: bpy.ops.wm.usd_import(filepath=str(path)))
    rigs = brought.armatures()
    if not rigs:
        raise MMMError(f"{path.name} holds no armature: choose a file with a character's motion.")
    found = {rig.name: find_binding(rig) for rig in rigs}
    fitting = [rig for rig in rigs if not isinstance(found[rig.name], str)]
    if not fitting:
        raise MMMError(f"{path.name}: {found[rigs[0].name]}")
    if kind == ".bvh":
        stand_on_floor(fitting[0])
    return fitting[0]


def _run(path: Path, call: Callable[[], Any]) -> None:
    """An importer or exporter of Blender's; what it says against a file as MMMError."""
    try:
        answer = call()
    except (RuntimeError, AttributeError) as error:  # AttributeError: the add-on is off
        raise MMMError(
            f"Blender could not read or write {path.name} ({_reason(error)})."
        ) from error
    if answer != {"FINISHED"}:
        raise MMMError(f"Blender could not read or write {path.name}: see its system console.")


def _reason(error: Exception) -> str:
    """What an error of an importer or exporter says, in a line: the last one of a traceback."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith("Location:")]
    last = said[-1] if "Traceback" in str(error) else said[0] if said else type(error).__name__
    return _OF_PYTHON.sub("", last.removeprefix("Error: ")).rstrip(".")


# --- out -----------------------------------------------------------------------------------------


def export_motion(
    context: Context, rig: ArmatureObject, path: Path, options: ExportOptions = _AS_IT_IS
) -> str:
    """Write a character with its motion to a file, by Blender's exporters where the format is
    theirs. MMMError where no file came of it."""
    kind = path.suffix.lower()
    if kind not in EXPORTS:
        raise MMMError("Choose a name that ends in .fbx, .glb, .usd, .bvh or .npz.")
    first, last = options.range_of(*_keyed_frames(rig))
    clip = options.finished(read_with_way(rig, first, last))
    if kind == ".bvh":
        write_files({path: bvh_text(clip).encode()})
    elif kind == ".npz":
        write_files({path: amass_file(clip)})
    else:
        with _written_beside(path) as part:
            _by_blender(context, rig, part, (first, last), options)
    return f"Exported {clip.frames} frames of '{rig.name}' to {path.name}."


@contextmanager
def _written_beside(path: Path) -> Generator[Path]:
    """Gives a name with the same ending, from which exporters tell the format; what lies there at
    the end takes the place of ``path``, which stays as it was where there is nothing whole."""
    if not is_folder(path.parent):  # glTF's exporter makes folders, the others end in tracebacks
        raise MMMError(f"There is no folder {path.parent} (any more): choose another one.")
    with writing(path):
        folder = Path(tempfile.mkdtemp(prefix=".exporting-", dir=path.parent))
    try:
        part = folder / path.name
        yield part
        if not part.is_file():
            raise MMMError(f"Blender's exporter wrote no {path.name}: see its system console.")
        with writing(path):
            part.replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _by_blender(
    context: Context,
    rig: ArmatureObject,
    path: Path,
    frames: tuple[int, int],
    options: ExportOptions,
) -> None:
    scene = context.scene
    with (
        time_kept(scene),
        scene_left_as_it_is(scene, rig),
        alone_selected(context, rig),
        played_for_export(rig, scene, options, *frames) as (first, last),
    ):
        scene.frame_start, scene.frame_end = first, last
        kind = path.suffix.lower()
        if kind != ".fbx":
            _run(path, lambda: (_glb if kind == ".glb" else _usd)(str(path)))
            return
        with _resting_before(rig, first - _WELL_BEFORE):
            scene.frame_set(first - _WELL_BEFORE)
            _run(path, lambda: _fbx(str(path)))


@contextmanager
def _resting_before(rig: ArmatureObject, frame: int) -> Generator[None]:
    """The rig plays a copy of its Action that rests on a frame well before: FBX takes the pose of
    the current frame for the rest pose of a rig without a mesh."""
    action: Action = rig.animation_data.action
    copy = action.copy()
    try:
        with temporarily_assigned(rig, copy):
            for curve in curves_of_bones(rig, copy):
                path = str(curve.data_path)
                is_one = path.endswith("scale") or (
                    path.endswith("rotation_quaternion") and curve.array_index == 0
                )
                curve.keyframe_points.insert(frame, float(is_one), options={"FAST"})
                curve.update()
            yield
    finally:
        bpy.data.actions.remove(copy)


def _fbx(path: str) -> Any:
    return bpy.ops.export_scene.fbx(
        filepath=path,
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        add_leaf_bones=False,
        bake_anim=True,
        bake_anim_use_all_actions=False,
        bake_anim_use_nla_strips=False,
        bake_anim_simplify_factor=0.0,
    )


def _glb(path: str) -> Any:
    return bpy.ops.export_scene.gltf(
        filepath=path,
        export_format="GLB",
        use_selection=True,
        export_animation_mode="ACTIVE_ACTIONS",
        export_frame_range=True,
        export_anim_single_armature=False,  # else all Actions of the file go along
        export_force_sampling=True,
        export_optimize_animation_size=False,
    )


def _usd(path: str) -> Any:
    return bpy.ops.wm.usd_export(filepath=path, selected_objects_only=True, export_animation=True)


def amass_file(clip: MotionClip) -> bytes:
    """A clip under AMASS's keys: poses (T, 156) as rotation vectors, trans (T, 3), Z up."""
    upright = axis_angle_quat(np.array([1.0, 0.0, 0.0]), np.array(np.pi / 2.0))
    rotations = clip.rotations_TJ4.copy()
    rotations[:, 0] = quat_multiply(upright, rotations[:, 0])
    vectors = quat_to_rotation_vector(rotations).reshape(clip.frames, -1)
    poses = np.zeros((clip.frames, _AMASS_POSES))
    poses[:, : vectors.shape[1]] = vectors
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        poses=poses,
        trans=to_blender_vectors(clip.root_T3),
        betas=np.zeros(16),
        gender=np.array("neutral"),
        mocap_framerate=np.array(clip.fps),
    )
    return packed.getvalue()
