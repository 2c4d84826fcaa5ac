"""Replay without buttons: the active Action's recipe, done again in a new Action beside it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ..geometry.errors import MMMError
from ..worker.client import JobResult
from ..worker.protocol import BAD_REQUEST, Generated
from .animation import scene_fps
from .bundles import BundleCard, config_hash
from .errands import Circumstances, Errand
from .fcurves import assign_action
from .fingerprint import Cells, remember, remembered
from .host import Action, ArmatureObject, Context, bpy
from .jobs import Job, desk
from .preferences import choices, worker_python
from .properties import bundle_cards, bundle_path, chosen_bundle
from .rebuilding import Rebuilding, request_of
from .recipe import Recipe, Step, load_recipe
from .targets import Remembered, target_armature

_SHORT_HASH = 12  # digits that tell bundles apart for a person
_SAME_RATE = 1e-3  # frames per second


def replay_obstacle(context: Context) -> str:
    """Why the active Action cannot be made again, in a sentence; else ""."""
    try:
        _recipe_of(_rig(context))
    except MMMError as error:
        return str(error)
    return ""


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
    recipe = None if action is None else load_recipe(action)
    if recipe is None:
        raise MMMError("The Action carries no recipe: only what MMM made can be made again.")
    return recipe


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
        action = self._rebuilding.finish(target, old)
        try:
            remember(target, action, own_of(old))
            assign_action(target, action)
        except BaseException:  # a Ctrl+C too leaves no Action behind; raised again
            bpy.data.actions.remove(action)
            raise
        count = len(self._recipe.steps)
        done = f"Made '{old.name}' again as '{action.name}' in {count} steps."
        return f"{done} {rate_note(self._recipe, scene_fps(context.scene))}".rstrip()


def own_of(action: Action) -> Cells:
    """What a person made of an Action, as we knew it when we last wrote it."""
    before = remembered(action) or {}
    return {bone: each.frames_N[each.own_N].tolist() for bone, each in before.items()}


def rate_note(recipe: Recipe, fps: float) -> str:
    """That the scene has another rate than the recipe, in a sentence; else ""."""
    rate = recipe.steps[-1].fps
    if abs(rate - fps) < _SAME_RATE:
        return ""
    return (
        f"It was made at {rate:g} frames per second and its keys are on the same frames: at this "
        "scene's rate it runs at another speed."
    )
