"""Make Loop and In Place without buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.editing.loop import LoopPlan, plan_loop, seam_ratio
from ...geometry.kinematics import clip_joints
from ...worker.client import JobResult
from ...worker.protocol import Edit, Generated
from ..actions.cycles import set_cycles
from ..actions.editability import edited_armature, editing_poll_error
from ..actions.object_way import keep_object_still, way_is_on_object
from ..addon.bundle_choice import bundle_path, chosen_bundle
from ..addon.worker_python import addon_worker
from ..bpy_types import Action, ArmatureObject, Context, FCurve
from ..edit.chosen_range import ChosenRange, Source, chosen_range
from ..fcurves.layered_actions import assigned_action, bone_path, rig_curves
from ..fcurves.slot_properties import read_text, write_text
from ..history.action_guard import ActionGuard
from ..history.fingerprint import store_fingerprint
from ..history.recipe import LoopStep, Origin, Recipe, packed_motion, packed_tokens
from ..jobs.scene_job import Preparation, Reading, SceneJob, SceneSnapshot
from ..jobs.worker_access import WorkerAccess
from ..rig.binding import binding_of, recorded_root_motion
from ..rig.motion_reader import read_in_chunks
from ..rig.travel import ground_ways, travelling_bones
from ..takes.derived import whole_poll_error, whole_range, write_derived

IN_PLACE_PROPERTY = "mmm_in_place"
"""Custom property of an Action whose way was taken out: first frame, frames, and the way itself, in
the channels of each bone that carries the body."""


@dataclass(frozen=True)
class LoopParams:
    """range: None for the whole motion. prompt: "" for what fits in. bundle: as in
    ``choose_bundle``."""

    range: ChosenRange | None = None
    prompt: str = ""
    seed: int = 0
    pin_feet: bool = True
    bundle: str = ""


def loop_range(context: Context, rig: ArmatureObject) -> ChosenRange | None:
    """The selected keys or the preview range; None for the whole motion."""
    found = chosen_range(context, rig)
    return found if found.source in (Source.KEYS, Source.PREVIEW) else None


def loop_poll_error(context: Context) -> str:
    """Why nothing can be made a loop now, in a sentence; else ""."""
    return whole_poll_error(context)


def start_loop(
    context: Context, params: LoopParams, access: WorkerAccess | None = None
) -> SceneJob:
    """Begin to read the motion. access: the add-on's worker if not given.

    Raises MMMError, with nothing changed, where it cannot go round.
    """
    access = access or addon_worker()
    python = access.python()
    rig = edited_armature(context)
    if reason := editing_poll_error(rig, "ALL"):
        raise MMMError(reason)
    if params.range is not None and params.range.poll_error:
        raise MMMError(params.range.poll_error)
    card = chosen_bundle(context.scene, params.bundle)
    if card.poll_error:
        raise MMMError(card.poll_error)
    making = _Making(context, rig, params)
    return SceneJob(
        access.session,
        access.session.open(python),
        SceneSnapshot.now(context, rig),
        making.finish,
        Preparation(making.reading(rig), access.load_bundle(bundle_path(card))),
    )


class _Making:
    """One loop between the press of the button and its keys."""

    def __init__(self, context: Context, rig: ArmatureObject, params: LoopParams) -> None:
        found = params.range
        self._first, self._last = whole_range(rig) if found is None else (found.first, found.last)
        self._params, self._guard = params, ActionGuard(context, rig)
        self._plan: LoopPlan | None = None

    def reading(self, rig: ArmatureObject) -> Reading:
        """Read the motion; what has to be made follows from it."""
        motion = yield from read_in_chunks(rig, self._first, self._last)
        self._plan = plan_loop(motion)
        seam, mask, params = self._plan.seam, self._plan.mask, self._params
        return Edit(
            seam.rotations_TJ4,
            seam.root_T3,
            seam.fps,
            mask.rotations_TJ.astype(np.int64),
            mask.root_T.astype(np.int64),
            params.prompt,
            params.seed,
            pin_feet=params.pin_feet,
        )

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Key the loop in an Action of its own; says how well it closes."""
        assert target is not None and isinstance(result, Generated) and self._plan is not None
        self._guard.unchanged(context, target)
        closed = self._plan.closed(result.clip)
        recipe = Recipe((self._step(target, result),))
        action = write_derived(context, target, closed, self._first, "loop", recipe)
        set_cycles(target, action)
        ratio = seam_ratio(closed, clip_joints(closed), self._plan.shift_3)
        quality = "smooth" if ratio <= _SMOOTH else "not quite smooth: try another seed"
        frames = closed.frames - 1
        sentence = f"'{target.name}' goes round in {frames} frames; its seam is {quality}."
        return " ".join((sentence, *result.notes))

    def _step(self, rig: ArmatureObject, result: Generated) -> LoopStep:
        """What it takes to make the loop again."""
        assert self._plan is not None
        motion, recipe = self._plan.motion, result.recipe
        return LoopStep(
            recipe["prompt"],
            recipe["seed"],
            Origin.from_worker(recipe),
            self._first,
            motion.fps,
            packed_motion(motion),
            recipe["pin_feet"],
            packed_tokens(recipe),
            recipe["conditions"],
            binding_of(rig).recipe_name,
            recorded_root_motion(rig, binding_of(rig)),
        )


_SMOOTH = 1.2
"""Jerk at the seam, relative to the strongest of twenty frames inside."""


def toggle_in_place(rig: ArmatureObject) -> bool:
    """Take the way that a motion makes out of it, evenly over its frames, or put it back; True
    where it is in place now. Ups, downs and the sway stay. Raises MMMError where there is none."""
    if (played := assigned_action(rig)) is not None and way_is_on_object(rig, played):
        return keep_object_still(rig, played)
    if reason := editing_poll_error(rig, "ALL"):
        raise MMMError(reason)
    action: Action = rig.animation_data.action
    bones = travelling_bones(rig, binding_of(rig))
    curves = _place_curves(rig, action, bones)
    known = read_text(action, IN_PLACE_PROPERTY, rig)
    if known:
        first, frames, *way = (float(each) for each in str(known).split())
        _add_way(curves, first, frames, np.array(way).reshape(-1, 3))
        write_text(action, IN_PLACE_PROPERTY, "", rig)
        store_fingerprint(rig, action)
        return False
    first, last = whole_range(rig)
    ways_B3 = ground_ways(rig, bones, first, last) if last > first else None
    frames = float(last - first)
    if ways_B3 is None:
        raise MMMError("This motion stays where it is: there is no way to take out of it.")
    _add_way(curves, first, frames, -ways_B3)
    text = " ".join(repr(float(each)) for each in (first, frames, *ways_B3.ravel()))
    write_text(action, IN_PLACE_PROPERTY, text, rig)
    store_fingerprint(rig, action)
    return True


def _place_curves(rig: ArmatureObject, action: Action, bones: Sequence[str]) -> list[list[FCurve]]:
    """The three curves of the place of each bone that carries the body over the ground."""
    found = {
        (str(curve.data_path), int(curve.array_index)): curve for curve in rig_curves(rig, action)
    }
    keys = [[(bone_path(bone, "location"), index) for index in range(3)] for bone in bones]
    if not bones or not all(key in found for row in keys for key in row):
        raise MMMError(f"'{action.name}' does not key the place of the pelvis: generate a motion.")
    return [[found[key] for key in row] for row in keys]


def _add_way(curves: list[list[FCurve]], first: float, frames: float, ways_B3: FloatArray) -> None:
    """Add a way of each bone, evenly over the frames, to keys and their handles."""
    for row, way_3 in zip(curves, ways_B3, strict=True):
        for curve, way in zip(row, way_3, strict=True):
            _add_to_curve(curve, first, frames, float(way))


def _add_to_curve(curve: FCurve, first: float, frames: float, way: float) -> None:
    keys = curve.keyframe_points
    for name in ("co", "handle_left", "handle_right"):
        points = np.empty(2 * len(keys), dtype=np.float32)
        keys.foreach_get(name, points)
        points[1::2] += ((points[0::2].astype(np.float64) - first) / frames * way).astype("f4")
        keys.foreach_set(name, points)
    curve.update()
