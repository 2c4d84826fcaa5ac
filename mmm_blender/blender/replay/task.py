"""Replay without buttons: the active Action's recipe, done again in a new Action beside it.

User edits since the last step are taken over: whole bones whose keys were changed, and all that no
step of ours makes (other curves, markers, the frame range, modifiers).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ...common.errors import MMMError
from ...worker.client import JobResult
from ...worker.protocol import FailureKind, Generated
from ..actions.editability import new_action_poll_error, pose_poll_error, time_poll_error
from ..addon.bundle_cards import BundleCard, config_hash
from ..addon.bundle_choice import bundle_path, chosen_bundle
from ..addon.disk_facts import bundle_cards
from ..addon.ui_state import scene_key, ui_state
from ..addon.worker_python import addon_worker
from ..bpy_types import Action, ArmatureObject, Context, bpy
from ..fcurves.layered_actions import assign_action, curve_store
from ..fcurves.rollback import all_or_nothing
from ..history.fingerprint import load_fingerprint
from ..history.recipe import Recipe, Step
from ..history.recipe_store import load_recipe
from ..history.user_edits import user_edits
from ..jobs.scene_job import SceneJob, SceneSnapshot, undelivered
from ..jobs.session import Job
from ..jobs.worker_access import WorkerAccess
from ..rig.binding import binding_of
from ..rig.rig_maps import SMPL_NAME
from ..rig.rig_options import taking_root_motion
from ..rig.target import DataBlockRef, scene_fps, target_armature
from .steps import Rebuilding, reads_rig, request_of
from .take_over import taken_over

_SHORT_HASH = 12  # digits that tell bundles apart for the user
_SAME_RATE = 1e-3  # frames per second


def replay_poll_error(context: Context) -> str:
    """Why the active Action cannot be made again, in a sentence; else ""."""
    return ui_state.fact(("replay", scene_key(context)), lambda: _replay_poll_error(context))


def _replay_poll_error(context: Context) -> str:
    try:
        rig = _rig(context)
        return _rig_poll_error(rig, _recipe_of(rig))
    except MMMError as error:
        return str(error)


def start_replay(
    context: Context, bundle: str = "", access: WorkerAccess | None = None
) -> SceneJob:
    """Send the first step. bundle: weights that are known beside those in the usual folders, the
    scene's if not given. access: the add-on's worker if not given.

    Raises MMMError, with nothing changed, if it cannot be replayed.
    """
    rig = _rig(context)
    recipe = _recipe_of(rig)
    cards = known_bundles(context, bundle)
    for step in recipe.steps:
        bundle_of(step, cards)
    return _ReplayJob(context, rig, recipe, bundle, access or addon_worker())


def _rig(context: Context) -> ArmatureObject:
    rig = target_armature(context)
    if rig is None:
        raise MMMError("Select the character whose Action is to be made again.")
    return rig


def _recipe_of(rig: ArmatureObject) -> Recipe:
    action = None if rig.animation_data is None else rig.animation_data.action
    recipe = None if action is None else load_recipe(action, rig)
    if recipe is None:
        raise MMMError("The Action carries no recipe: only what MMM made can be made again.")
    return recipe


def _rig_poll_error(rig: ArmatureObject, recipe: Recipe) -> str:
    """Why the Action would not be what is seen, or what a step saw cannot be read from the rig,
    where it must be, in a sentence; else ""."""
    if reason := _map_poll_error(rig, recipe):
        return reason
    if not reads_rig(recipe):
        return new_action_poll_error(rig)
    return time_poll_error(rig) or pose_poll_error(rig, binding_of(rig), "ALL")


def _map_poll_error(rig: ArmatureObject, recipe: Recipe) -> str:
    """That the Action was keyed by another map than the rig's, in a sentence; else ""."""
    here = binding_of(rig).recipe_name
    other = next((step.rig for step in recipe.steps if step.rig != here), None)
    if other is None:
        return ""
    return (
        f"The Action was made by the map '{other or SMPL_NAME}', and '{rig.name}' has "
        f"'{here or SMPL_NAME}': choose that map in the Rig panel."
    )


def known_bundles(context: Context, bundle: str = "") -> list[BundleCard]:
    """Bundles in the usual folders, and the one that is named, by the scene if not here."""
    cards = bundle_cards()
    with suppress(MMMError):
        cards.append(chosen_bundle(context.scene, bundle))
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


class _ReplayJob(SceneJob):
    """One job of the worker after another; the Action comes when all are done."""

    def __init__(
        self,
        context: Context,
        rig: ArmatureObject,
        recipe: Recipe,
        bundle: str,
        access: WorkerAccess,
    ) -> None:
        self._recipe = recipe
        self._bundle = bundle
        self._access = access
        self._rebuilding = Rebuilding(recipe)
        self._old = DataBlockRef.of(rig.animation_data.action)
        job = self._next_job(context, rig)
        super().__init__(access.session, job, SceneSnapshot.now(context, rig), self._finish_all)

    def tick(self, context: Context) -> bool:
        """As any scene_job; but after a step comes the next."""
        return super().tick(context) and not self.job.running

    def _next_job(self, context: Context, rig: ArmatureObject) -> Job:
        step = self._rebuilding.next_step
        assert step is not None
        python = self._access.python()
        if reason := _rig_poll_error(rig, self._recipe):
            raise MMMError(reason)
        path = bundle_path(bundle_of(step, known_bundles(context, self._bundle)))
        request = request_of(step, self._rebuilding.seen(rig, self._find_old()))
        return self._access.session.start(python, request, self._access.load_bundle(path))

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
        target = self._snapshot.find_target(context)
        assert target is not None
        try:
            self.job = self._next_job(context, target)
        except MMMError as error:
            self.job.fail(FailureKind.BAD_REQUEST, str(error))
        except Exception as error:  # noqa: BLE001  # a process boundary: whatever Blender says
            self.job.fail(FailureKind.BAD_REQUEST, undelivered(error))

    def _finish_all(
        self, context: Context, target: ArmatureObject | None, _result: JobResult
    ) -> str:
        assert target is not None
        old = self._find_old()
        with taking_root_motion(self._recipe.root_motion):
            action = taken_over(target, old, self._rebuilding.finish(target, old))
        with all_or_nothing(lambda: bpy.data.actions.remove(action)):
            assign_action(target, action)
        count = len(self._recipe.steps)
        done = f"Made '{old.name}' again as '{action.name}' in {count} steps."
        notes = (
            sampled_note(self._recipe),
            own_note(target, old),
            rate_note(self._recipe, scene_fps(context.scene)),
        )
        return " ".join((done, *filter(None, notes)))


# --- user edits since the last step --------------------------------------------------------------


def sampled_note(recipe: Recipe) -> str:
    """That a step kept no tokens and is a new motion, in a sentence; else ""."""
    if all(step.tokens for step in recipe.steps):
        return ""
    return (
        "Its recipe is of version 0.1.0, which did not keep what was drawn, and its seed draws "
        "another motion now: this is a new one of the same prompt."
    )


def own_note(rig: ArmatureObject, old: Action) -> str:
    """What became of user edits since the last step, in a sentence; else ""."""
    if curve_store(rig, old) is None:
        return ""
    if load_fingerprint(old, rig) is None:
        return "Your own keys are not known in it, so all bones are as the steps make them."
    bones = user_edits(rig, old).bones
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
