"""What a batch does inside Blender: edits and replays, by the same code as the buttons."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import mmm_blender
from mmm_blender.geometry.bvh import CENTIMETRES
from mmm_blender.geometry.rotations import quat_rotate
from mmm_blender.geometry.skeleton import SMPL_22
from mmm_blender.worker.client import WorkerClient
from mmm_blender.worker.protocol import Generated, WorkerError

from ..blender.actions.range_writer import keyed_extent
from ..blender.addon.preferences import PYTHON_VARIABLE
from ..blender.bpy_types import Action, ArmatureObject, FCurve, bpy
from ..blender.edit.frame_range import EditRange, Source
from ..blender.edit.task import EditWish, edit_obstacle, start_edit
from ..blender.fcurves.layered_actions import action_fcurves, assign_action, bone_path
from ..blender.generate.task import obstacle
from ..blender.history.recipe import (
    EditStep,
    Recipe,
    SegmentStep,
    load_recipe,
    parse_recipe,
    store_recipe,
)
from ..blender.jobs.job_operator import run_to_end
from ..blender.jobs.scene_job import Errand
from ..blender.jobs.session import State, desk
from ..blender.replay.task import start_replay
from ..blender.rig.armature import create_character
from ..blender.rig.motion_reader import read_motion
from ..blender.rig.pose_space import STANDING_PELVIS_HEIGHT, pose_space
from ..blender.rig.smpl_rig import find_smpl_bones, smpl_bones
from ..blender.sequence.layout import sequence_segments
from ..blender.sequence.markers import replace_markers
from ..common.errors import MMMError
from .delivery import START_FRAME
from .table import EditRow, ReplayRow
from .writers import Product


@contextmanager
def at_the_desk(client: WorkerClient) -> Generator[None]:
    """The add-on, registered if it is not, works with this client."""
    registered = hasattr(bpy.types.Scene, "mmm")
    python, connect = os.environ.get(PYTHON_VARIABLE), desk.connect
    os.environ[PYTHON_VARIABLE] = str(client.python)
    if not registered:
        mmm_blender.register()
    desk.shut_down()
    desk.connect = lambda _python: client
    try:
        yield
    finally:
        desk.shut_down()
        desk.connect = connect
        if not registered:
            mmm_blender.unregister()
        del os.environ[PYTHON_VARIABLE]
        if python is not None:
            os.environ[PYTHON_VARIABLE] = python


def edited(row: EditRow, path: Path, bundle: Path) -> Product:
    """Make a range of the motion in ``path`` anew, as the buttons Inpaint and In-between do."""
    desk.cancel()  # the job that a row before may have left when it failed
    rig = _open_motion(path)
    context = bpy.context
    if reason := edit_obstacle(context):
        raise MMMError(reason)
    wish = EditWish(
        prompt=row.prompt,
        range=EditRange(row.first, row.last, Source.GIVEN),
        seed=row.seed,
        body_part=row.body_part.upper(),
        hold=row.hold.upper(),
        sure=row.hold == "edited",  # the table says it, and here is nobody to be asked
        bundle=str(bundle.resolve()),
    )
    return _product(rig, _done(start_edit(context, wish)))


def replayed(row: ReplayRow, bundle: Path) -> Product:
    """Do a recipe again, as the button Replay does. bundle: weights that are known beside those in
    the usual folders."""
    desk.cancel()  # as above
    if row.source.path.suffix.lower() == ".json":
        return _replayed_text(read_recipe(row.source.path), bundle)
    rig = _open_motion(row.source.path)
    if reason := obstacle(bpy.context, "Replay"):
        raise MMMError(reason)
    return _product(rig, _replay(bundle))


def read_recipe(path: Path) -> Recipe:
    """A recipe's text; MMMError where it is none, or not enough to make the motion."""
    try:
        recipe = parse_recipe(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise MMMError(f"{path} could not be read ({error}).") from error
    for number, step in enumerate(recipe.steps, start=1):
        if not (math.isfinite(step.fps) and step.fps > 0):
            raise MMMError(
                f"Step {number} of the recipe in {path} has {step.fps:g} frames per second: put "
                "right what has changed it."
            )
        if isinstance(step, EditStep | SegmentStep) and (step.input or number == 1):
            raise MMMError(
                f"Step {number} of the recipe in {path} has seen keys that no step made and the "
                "recipe does not hold: name the Blender file with its Action instead."
            )
    return recipe


def new_character(fps: float) -> ArmatureObject:
    """A new file at a frame rate, with a character."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps
    scene.frame_start = scene.frame_end = scene.frame_current = START_FRAME
    return create_character(bpy.context)


def mark_segments(action: Action) -> None:
    """Markers where the segments of a sequence begin."""
    replace_markers(bpy.context.scene, (), sequence_segments(load_recipe(action)))


def _replayed_text(recipe: Recipe, bundle: Path) -> Product:
    """On a new character, whose Action without keys brings the recipe."""
    rig = new_character(recipe.steps[0].fps)
    bringer = bpy.data.actions.new(recipe.prompt[:_NAME_LENGTH])
    store_recipe(bringer, recipe)
    assign_action(rig, bringer)
    answer = _replay(bundle)
    bpy.data.actions.remove(bringer)
    action, scene = rig.animation_data.action, bpy.context.scene
    scene.frame_start = max(0, int(action.frame_range[0]))
    scene.frame_end = max(scene.frame_start, int(action.frame_range[1]))
    mark_segments(action)
    return _product(rig, answer)


_NAME_LENGTH = 20  # of an Action that soon goes


def _replay(bundle: Path) -> Generated:
    settings: Any = bpy.context.scene.mmm
    before, settings.bundle = settings.bundle, str(bundle.resolve())
    try:
        return _done(start_replay(bpy.context))
    finally:
        settings.bundle = before


def _done(errand: Errand) -> Generated:
    """The answer, once it is in the scene; WorkerError with its sentence where it is not."""
    run_to_end(bpy.context, errand)
    job = errand.job
    if job.state is not State.SUCCEEDED:
        raise WorkerError(job.sentence, job.kind)
    assert isinstance(job.result, Generated)
    return job.result


def _product(rig: ArmatureObject, answer: Generated) -> Product:
    """The motion as the open file has it now."""
    action = rig.animation_data.action
    keyed = keyed_extent(rig, action)
    assert keyed is not None  # the answer's keys are there
    clip = read_motion(rig, math.floor(keyed[0]), math.ceil(keyed[1]))
    return Product(clip, json.loads(action["mmm_recipe"]), answer.notes, is_open=True)


def _open_motion(path: Path) -> ArmatureObject:
    """Open a Blender file or import a BVH file; the armature with the motion."""
    is_bvh = path.suffix.lower() == ".bvh"
    if is_bvh:
        _import_bvh(path)
    else:
        _open_blend(path)
    rig = _chosen_armature(path)
    if is_bvh:
        _stand_on_floor(rig)
    return rig


def _chosen_armature(path: Path) -> ArmatureObject:
    """The open file's one SMPL armature, or the active one of several; active from here on."""
    layer = bpy.context.view_layer
    rigs = [each for each in layer.objects if each.type == "ARMATURE"]
    if not rigs:
        raise MMMError(f"{path} has no armature: choose a file with an SMPL armature.")
    faults = {rig: found for rig in rigs if isinstance(found := find_smpl_bones(rig), str)}
    fitting = [rig for rig in rigs if rig not in faults]
    if not fitting:
        raise MMMError(faults[rigs[0]])
    if layer.objects.active not in fitting and len(fitting) > 1:
        raise MMMError(
            f"{path} has {len(fitting)} SMPL armatures: make one of them the active object there, "
            "and save it."
        )
    if layer.objects.active not in fitting:
        layer.objects.active = fitting[0]
    return layer.objects.active


def _open_blend(path: Path) -> None:
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    except RuntimeError as error:  # how an operator says that it is damaged or too new
        reason = str(error).strip().removeprefix("Error: ")
        raise MMMError(f"{path} could not be opened ({reason}).") from error


def _import_bvh(path: Path) -> None:
    """Into a new file at the rate of the BVH, from frame 1 on; centimetres, as BVH mostly is."""
    if not hasattr(bpy.types, "IMPORT_ANIM_OT_bvh"):
        raise MMMError("This Blender comes without its BVH importer: give a .blend file instead.")
    _check_bvh(path)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    try:
        bpy.ops.import_anim.bvh(
            filepath=str(path),
            global_scale=1.0 / CENTIMETRES,
            rotate_mode="QUATERNION",
            update_scene_fps=True,
            update_scene_duration=True,
        )
    except RuntimeError as error:  # the importer is a script, so it says so with a traceback
        raise MMMError(f"{path} could not be imported ({_raised(error)}).") from error


def _check_bvh(path: Path) -> None:
    """MMMError where the importer would only say that an index is out of range."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MMMError(f"{path} could not be read ({error.strerror}).") from error
    if not text.lstrip().casefold().startswith("hierarchy"):
        raise MMMError(f"{path} is no BVH file: it does not begin with HIERARCHY.")
    motion = _BVH_MOTION.search(text)
    if motion is None:
        raise MMMError(f"{path} has no motion: MOTION and its number of Frames are missing.")
    if not int(motion["frames"]):
        raise MMMError(f"{path} has no motion: its number of Frames is 0.")


_BVH_MOTION = re.compile(
    r"^\s*MOTION\s+Frames:\s*(?P<frames>\d{1,9})\b", re.IGNORECASE | re.MULTILINE
)


def _raised(error: RuntimeError) -> str:
    """What a Python operator raised: the last line of its traceback. Below it stands a place."""
    lines = [line for line in str(error).splitlines() if line and not line.startswith(_PLACE)]
    return lines[-1] if lines else "without a reason"


_PLACE = "Location:"


def _stand_on_floor(rig: ArmatureObject) -> None:
    """Put the rest pose of an imported BVH on the floor, with the motion where it was.

    The floor of a rig is where its rest pose stands, but BVH files mostly have their root's rest
    at the origin, and the feet below the floor that the motion knows.
    """
    bones = smpl_bones(rig)
    space = pose_space(rig, bones)
    up_3 = quat_rotate(space.axes_4, np.array([0.0, 1.0, 0.0]))
    rise_3 = up_3 * (STANDING_PELVIS_HEIGHT * space.scale - float(space.pelvis_3 @ up_3))
    pelvis = rig.data.bones[bones[SMPL_22.names[0]]]
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


def _raise(curve: FCurve, amount: float) -> None:
    for key in curve.keyframe_points:
        for point in (key.co, key.handle_left, key.handle_right):
            point[1] += amount
