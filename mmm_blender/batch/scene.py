"""What a batch does inside Blender: edits and replays, by the same code as the buttons."""

from __future__ import annotations

import json
import math
from pathlib import Path

from ..blender.actions.editability import action_poll_error, edited_armature
from ..blender.actions.object_way import read_with_way
from ..blender.actions.range_writer import keyed_extent
from ..blender.addon.availability import mode_poll_error
from ..blender.bpy_types import ArmatureObject, bpy
from ..blender.edit.chosen_range import ChosenRange, Source
from ..blender.edit.task import EditParams, start_edit
from ..blender.fcurves.layered_actions import assign_action
from ..blender.history.recipe import EditStep, Recipe, SegmentStep, parse_recipe
from ..blender.history.recipe_store import store_recipe
from ..blender.jobs.job_operator import run_to_end
from ..blender.jobs.scene_job import SceneJob
from ..blender.jobs.session import State
from ..blender.jobs.worker_access import WorkerAccess
from ..blender.path.planned_path import PathParams, PathStart, plan_path, read_path
from ..blender.replay.task import start_replay
from ..blender.rig.world_space import space_of_new_character
from ..common.errors import MMMError
from ..geometry.editing.lock_mode import LockMode
from ..geometry.ground_path import GroundPath
from ..geometry.placement import Placement
from ..worker.protocol import FailureKind, Generated, WorkerError
from .delivery import START_FRAME
from .new_character import NAME_LENGTH, mark_segments, new_character
from .open_motion import open_blend, open_motion
from .product import Product
from .table import EditRow, ReplayRow


def edited(
    row: EditRow, path: Path, bundle: Path, access: WorkerAccess, claim_tries: int = 0
) -> Product:
    """Regenerate a range of the motion in ``path``, as the buttons of the panel Edit do."""
    access.session.cancel()  # the job that a row before may have left when it failed
    rig = open_motion(path)
    context = bpy.context
    reason = mode_poll_error(context, "Edit") or action_poll_error(
        edited_armature(context), on_object=True
    )
    if reason:
        raise MMMError(reason)
    params = EditParams(
        prompt=row.prompt,
        range=ChosenRange(row.first, row.last, Source.GIVEN),
        seed=row.seed,
        body_part=row.body_part.upper(),
        lock=row.lock,
        sure=row.lock is LockMode.EDITED,  # the table says it, and here is nobody to be asked
        bundle=str(bundle.resolve()),
        path=None if row.path is None else PathParams(text=row.path.text or row.path.name),
        claim_tries=claim_tries,
    )
    return _product(rig, _done(start_edit(context, params, access)))


def path_in_file(file: Path, name: str, fps: float) -> GroundPath:
    """The path that an object or a collection of a Blender file is, for a character that stands at
    the world's origin. fps: of the motion. MMMError where it is none."""
    open_blend(file)
    path = read_path(bpy.context, PathParams(text=name))
    if path is None:
        raise MMMError(f"{file} has no path '{name}': name one of its objects.")
    origin = space_of_new_character((0.0, 0.0, 0.0))
    start = PathStart(START_FRAME, fps, Placement())
    return plan_path(path, PathParams(), origin, start).ground


def replayed(row: ReplayRow, bundle: Path, access: WorkerAccess) -> Product:
    """Do a recipe again, as the button Replay does. bundle: weights that are known beside those in
    the usual folders."""
    access.session.cancel()  # as above
    if row.source.path.suffix.lower() == ".json":
        return _replayed_text(read_recipe(row.source.path), bundle, access)
    rig = open_motion(row.source.path)
    if reason := mode_poll_error(bpy.context, "Replay"):
        raise MMMError(reason)
    return _product(rig, _replay(bundle, access))


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


def _replayed_text(recipe: Recipe, bundle: Path, access: WorkerAccess) -> Product:
    """On a new character, whose Action without keys brings the recipe."""
    rig = new_character(recipe.steps[0].fps)
    bringer = bpy.data.actions.new(recipe.prompt[:NAME_LENGTH])
    store_recipe(bringer, recipe)
    assign_action(rig, bringer)
    answer = _replay(bundle, access)
    bpy.data.actions.remove(bringer)
    action, scene = rig.animation_data.action, bpy.context.scene
    scene.frame_start = max(0, int(action.frame_range[0]))
    scene.frame_end = max(scene.frame_start, int(action.frame_range[1]))
    mark_segments(action)
    return _product(rig, answer)


def _replay(bundle: Path, access: WorkerAccess) -> Generated:
    return _done(start_replay(bpy.context, str(bundle.resolve()), access))


def _done(scene_job: SceneJob) -> Generated:
    """The answer, once it is in the scene; WorkerError with its sentence where it is not."""
    run_to_end(bpy.context, scene_job)
    job = scene_job.job
    if job.state is not State.SUCCEEDED:
        raise WorkerError(job.sentence, job.kind or FailureKind.INTERNAL)
    assert isinstance(job.result, Generated)
    return job.result


def _product(rig: ArmatureObject, answer: Generated) -> Product:
    """The motion as the open file has it now."""
    action = rig.animation_data.action
    keyed = keyed_extent(rig, action)
    assert keyed is not None  # the answer's keys are there
    clip = read_with_way(rig, math.floor(keyed[0]), math.ceil(keyed[1]))
    return Product(clip, json.loads(action["mmm_recipe"]), answer.notes, is_open=True, rig=rig.name)
