"""Replay without buttons: the active Action's recipe, done again in a new Action beside it.

What a person did to the Action since the last step is taken over: whole bones whose keys she
changed, and all that no step of ours makes (other curves, markers, the frame range, modifiers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from ...common.errors import MMMError
from ...worker.client import JobResult
from ...worker.protocol import BAD_REQUEST, Generated
from ..actions.editability import Span, pose_obstacle, time_obstacle
from ..actions.validation import LOCATION
from ..addon.bundle_cards import BundleCard, config_hash
from ..addon.preferences import choices, worker_python
from ..addon.scene_settings import bundle_cards, bundle_path, chosen_bundle
from ..bpy_types import Action, ArmatureObject, Context, bpy
from ..fcurves.keyframe_arrays import KEY_DTYPE, CurveId, RawCurve, raw_curves, restore
from ..fcurves.layered_actions import assign_action, assigned_slot, curve_store
from ..fcurves.slot_properties import read_text, write_text
from ..history.fingerprint import BONE_PATH, FINGERPRINT_PROPERTY, remember, remembered
from ..history.locked_keys import Held, own_after
from ..history.new_action import scene_fps
from ..history.recipe import RECIPE_PROPERTY, Recipe, Step, load_recipe
from ..history.user_edits import hand_edits
from ..jobs.scene_job import Circumstances, Errand
from ..jobs.session import Job, desk
from ..rig.pose_space import pose_space
from ..rig.smpl_rig import smpl_bones
from ..rig.target import Remembered, target_armature
from .steps import Rebuilding, reads_rig, request_of

_SHORT_HASH = 12  # digits that tell bundles apart for a person
_SAME_RATE = 1e-3  # frames per second

_Curves: TypeAlias = Mapping[tuple[str, int], RawCurve]
"""Curves of the rig, by data path and index."""

_ALIKE = 0.05
"""How far keys may come from those that the steps once made: metres, radians, or parts of a
quaternion. Other machines and versions of PyTorch stay far below, other armatures do not."""


def replay_obstacle(context: Context) -> str:
    """Why the active Action cannot be made again, in a sentence; else ""."""
    try:
        rig = _rig(context)
        return _rig_obstacle(rig, _recipe_of(rig))
    except MMMError as error:
        return str(error)


def start_replay(context: Context) -> Errand:
    """Send the first step. Raises MMMError, with nothing changed, if it cannot be replayed."""
    rig = _rig(context)
    recipe = _recipe_of(rig)
    cards = known_bundles(context)
    for step in recipe.steps:
        bundle_of(step, cards)
    return _ReplayErrand(context, rig, recipe)


def _rig(context: Context) -> ArmatureObject:
    rig = target_armature(context)
    if rig is None:
        raise MMMError("Select the SMPL armature whose Action is to be made again.")
    return rig


def _recipe_of(rig: ArmatureObject) -> Recipe:
    action = None if rig.animation_data is None else rig.animation_data.action
    recipe = None if action is None else load_recipe(action, rig)
    if recipe is None:
        raise MMMError("The Action carries no recipe: only what MMM made can be made again.")
    return recipe


def _rig_obstacle(rig: ArmatureObject, recipe: Recipe) -> str:
    """Why what a step saw cannot be read from the rig, where it must be, in a sentence; else ""."""
    if not reads_rig(recipe):
        return ""
    return time_obstacle(rig) or pose_obstacle(rig, smpl_bones(rig), "ALL")


def known_bundles(context: Context) -> list[BundleCard]:
    """Bundles in the usual folders, and the one that the scene names wherever it is."""
    cards = bundle_cards()
    with suppress(MMMError):
        cards.append(chosen_bundle(context.scene))
    return cards


def bundle_of(step: Step, cards: Sequence[BundleCard]) -> BundleCard:
    """The weights that made a step, wherever they lie now; MMMError names what is missing."""
    origin = step.origin
    for card in cards:
        if config_hash(card) == origin.bundle_hash:
            return card
    raise MMMError(
        f"The weights '{origin.bundle}' ({origin.bundle_hash[:_SHORT_HASH]}) that made this Action "
        "are not there: put their folder back among the weights."
    )


class _ReplayErrand(Errand):
    """One job of the worker after another; the Action comes when all are done."""

    def __init__(self, context: Context, rig: ArmatureObject, recipe: Recipe) -> None:
        self._recipe = recipe
        self._rebuilding = Rebuilding(recipe)
        self._old = Remembered.of(rig.animation_data.action)
        job = self._next_job(context, rig)
        super().__init__(desk, job, Circumstances.now(context, rig), self._finish_all)

    def tick(self, context: Context) -> bool:
        """As any errand; but after a step comes the next."""
        return super().tick(context) and not self.job.running

    def _next_job(self, context: Context, rig: ArmatureObject) -> Job:
        step = self._rebuilding.next_step
        assert step is not None
        python, reason = worker_python()
        if python is None:
            raise MMMError(reason)
        if fault := _rig_obstacle(rig, self._recipe):
            raise MMMError(fault)
        path = bundle_path(bundle_of(step, known_bundles(context)))
        request = request_of(step, self._rebuilding.seen(rig, self._find_old()))
        return desk.start(python, request, choices().load_bundle(path))

    def _find_old(self) -> Action:
        old = self._old.find(bpy.data.actions)
        if old is None:
            raise MMMError("The Action was deleted meanwhile, so it is not made again.")
        return old

    def _deliver(self, context: Context) -> None:
        """Keep the answer; ask for the next, or build the Action."""
        assert isinstance(self.job.result, Generated)
        self._rebuilding.take(self.job.result)
        if self._rebuilding.next_step is None:
            super()._deliver(context)
            return
        target = self._circumstances.find_target(context)
        assert target is not None
        try:
            self.job = self._next_job(context, target)
        except MMMError as error:
            self.job.fail(BAD_REQUEST, str(error))

    def _finish_all(
        self, context: Context, target: ArmatureObject | None, _result: JobResult
    ) -> str:
        assert target is not None
        old = self._find_old()
        action = taken_over(target, old, self._rebuilding.finish(target, old))
        try:
            assign_action(target, action)
        except BaseException:  # a Ctrl+C too leaves no Action behind; raised again
            bpy.data.actions.remove(action)
            raise
        count = len(self._recipe.steps)
        done = f"Made '{old.name}' again as '{action.name}' in {count} steps."
        notes = own_note(target, old), rate_note(self._recipe, scene_fps(context.scene))
        return " ".join((done, *filter(None, notes)))


# --- what a person did since the last step -------------------------------------------------------


def taken_over(rig: ArmatureObject, old: Action, made: Action) -> Action:
    """The Action that takes the place of ``made``, which goes: all of ``old``, but the bones that
    nobody changed since the last step as they were made. If it cannot be, both go.

    Its fingerprint is of what the steps made, as the old one's, so that what a person did stays
    known as hers.
    """
    action = None
    try:
        again = _made_again(rig, old, made)
        _check_alike(rig, old, again)
        remember(rig, made, own_after(rig, old, Span(), (), Held({})))
        if curve_store(rig, old) is None:  # nothing but a recipe
            return made
        action = old.copy()
        restore(action, _merged(rig, old, again))
        for name in (RECIPE_PROPERTY, FINGERPRINT_PROPERTY):
            write_text(action, name, read_text(made, name, rig), rig)
    except BaseException:  # a Ctrl+C too leaves no Action behind; raised again
        for each in filter(None, (made, action)):
            bpy.data.actions.remove(each)
        raise
    name = str(made.name)
    bpy.data.actions.remove(made)
    action.name = name
    return action


def _check_alike(rig: ArmatureObject, old: Action, again: _Curves) -> None:
    """MMMError where the steps do not come to the same keys on this rig, if that can be known."""
    recipe = load_recipe(old, rig)
    sampled = recipe is None or not all(step.tokens for step in recipe.steps)
    if sampled or remembered(old, rig) is None:
        return
    once, scale = raw_curves(old), pose_space(rig, smpl_bones(rig)).scale
    for (path, index), each in again.items():
        before = once.get((_slot_name(rig, old), path, index))
        unit = scale if path.endswith(LOCATION) else 1.0
        if before is not None and _distance(before, each) > _ALIKE * unit:
            raise MMMError(
                f"On '{rig.name}' the keys would not be those that the steps once made: its rest "
                "pose, or the pose of a bone above the pelvis, is another one now."
            )


def _distance(first: RawCurve, second: RawCurve) -> float:
    """How far two curves' keys are from each other, in time or value."""
    points = [np.frombuffer(each.keys, KEY_DTYPE)["co"] for each in (first, second)]
    if points[0].shape != points[1].shape:
        return np.inf
    return float(np.abs(points[0] - points[1]).max(initial=0.0))


def _merged(rig: ArmatureObject, old: Action, again: _Curves) -> dict[CurveId, RawCurve]:
    """The curves of ``old``, those of the rig's unchanged bones as they were made again."""
    raw, slot = raw_curves(old), _slot_name(rig, old)
    replaced = {_bone(path) for path, _ in again}
    kept = {
        name: each
        for name, each in raw.items()
        if name[0] != slot or _bone(name[1]) not in replaced
    }
    for channel, each in again.items():
        before = raw.get((slot, *channel), each)
        kept[slot, *channel] = replace(each, settings=before.settings, group=before.group)
    return kept


def _made_again(rig: ArmatureObject, old: Action, made: Action) -> _Curves:
    """What ``made`` has of bones that nobody changed in ``old`` since the last step."""
    slot, hers = _slot_name(rig, made), {*hand_edits(rig, old).bones, ""}
    return {
        name[1:]: each
        for name, each in raw_curves(made).items()
        if name[0] == slot and _bone(name[1]) not in hers
    }


def _bone(data_path: str) -> str:
    """The bone of a curve as its data path spells it; "" for other curves."""
    found = BONE_PATH.match(data_path)
    return found[1] if found else ""


def _slot_name(rig: ArmatureObject, action: Action) -> str:
    """As ``raw_curves`` names the slot of the rig."""
    slot = assigned_slot(rig, action)
    return "" if slot is None else str(slot.identifier)


def own_note(rig: ArmatureObject, old: Action) -> str:
    """What became of the changes that a person made since the last step, in a sentence; else ""."""
    if curve_store(rig, old) is None:
        return ""
    if remembered(old, rig) is None:
        return "Your own keys are not known in it, so all bones are as the steps make them."
    bones = hand_edits(rig, old).bones
    if not bones:
        return ""
    return f"What you changed since on {len(bones)} bone{'s' * (len(bones) > 1)} is taken over."


def rate_note(recipe: Recipe, fps: float) -> str:
    """That the scene has another rate than the recipe, in a sentence; else ""."""
    rate = recipe.steps[-1].fps
    if abs(rate - fps) < _SAME_RATE:
        return ""
    return (
        f"It was made at {rate:g} frames per second and its keys are on the same frames: at this "
        "scene's rate it runs at another speed."
    )
