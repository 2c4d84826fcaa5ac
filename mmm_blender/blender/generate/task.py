"""Generate Motion without buttons: a request goes to the worker, its answer becomes keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...common.errors import MMMError
from ...geometry.editing.loop import LEAST_SECONDS
from ...geometry.simplify.simplify import Tolerance
from ...worker.client import JobResult
from ...worker.protocol import Generate
from ..actions.editability import new_action_poll_error
from ..addon.bundle_choice import bundle_path, chosen_bundle
from ..addon.scene_settings import changed_sampler
from ..addon.worker_python import addon_worker
from ..bpy_types import ArmatureObject, Context
from ..history.recipe import generate_step
from ..jobs.preview_stage import PreviewStage
from ..jobs.scene_job import Preparation, Reading, SceneJob, SceneSnapshot
from ..jobs.worker_access import WorkerAccess
from ..path.planned_path import has_path
from ..path.properties import FREE
from ..pins.pin_reader import pins_of
from ..rig.target import scene_fps, target_armature
from ..targets.target_params import NO_TARGET_PARAMS, TargetParams, plan_targets
from .result_writer import ResultWriter


@dataclass(frozen=True)
class GenerateParams:
    """What the user asks for. bundle: as in ``choose_bundle``. loop: the motion goes round,
    whatever ``targets`` say of its start. tolerance: within which its keys are simplified, None for
    all of them. claim_tries: for what the prompt claims, 0 for as many as the weights say."""

    prompt: str
    seconds: float
    seed: int
    bundle: str = ""
    pin_feet: bool = True
    targets: TargetParams = NO_TARGET_PARAMS
    takes: int = 1
    loop: bool = False
    tolerance: Tolerance | None = None
    claim_tries: int = 0


def start_generation(
    context: Context, params: GenerateParams, access: WorkerAccess | None = None
) -> SceneJob:
    """Begin to read what the motion keeps to; then the params are sent. access: the add-on's worker
    if not given.

    Raises MMMError, with nothing changed, if they cannot be sent.
    """
    if not params.prompt.strip():  # the worker says so too, seconds later
        raise MMMError("The prompt is empty: say in a few words what the body does.")
    access = access or addon_worker()
    python = access.python()
    rig = target_armature(context)
    if rig is not None and (fault := new_action_poll_error(rig)):
        raise MMMError(fault)
    if params.tolerance is not None:
        params.tolerance.check()
    if params.loop:
        params = round_params(context, rig, params)
    path = bundle_path(chosen_bundle(context.scene, params.bundle))
    generation = _Generation(context, rig, params)
    return SceneJob(
        access.session,
        access.session.open(python),
        SceneSnapshot.now(context, rig),
        generation.finish,
        Preparation(generation.reading(rig), access.load_bundle(path), generation.stage),
    )


def round_params(
    context: Context, rig: ArmatureObject | None, params: GenerateParams
) -> GenerateParams:
    """The same, free at both ends; MMMError for what no loop can keep to."""
    if params.seconds < LEAST_SECONDS:
        raise MMMError(f"A loop needs at least {LEAST_SECONDS:g} seconds: ask for more.")
    if has_path(context, params.targets.path):
        raise MMMError("A loop goes on by itself, on no path: turn Loop off, or set Path to None.")
    if rig is not None and pins_of(rig):
        raise MMMError("A loop comes round again, and pins stay: turn Loop or the pins off.")
    if params.targets.end != FREE:
        raise MMMError("A loop has no end: turn Loop off, or let the motion end freely.")
    return replace(params, targets=NO_TARGET_PARAMS)


class _Generation:
    """One motion between the press of the button and its keys."""

    def __init__(
        self, context: Context, rig: ArmatureObject | None, params: GenerateParams
    ) -> None:
        """MMMError where the motion cannot keep to what is asked for."""
        self._params = params
        self._fps = scene_fps(context.scene)
        self._planned = plan_targets(context, rig, params.targets, params.seconds)
        self._writer = replace(
            ResultWriter.here(context, rig, generate_step),
            origin_3=self._planned.origin_3,
            notes=self._planned.notes,
            tolerance=params.tolerance,
        )

    def reading(self, rig: ArmatureObject | None) -> Reading:
        """Read what the motion keeps to; then the message is known."""
        conditions = yield from self._planned.read(rig)
        self._writer = replace(self._writer, conditions=conditions)
        params, seconds = self._params, self._planned.seconds
        return Generate(
            params.prompt,
            params.seconds if seconds is None else seconds,
            params.seed,
            changed_sampler(params.claim_tries),
            fps=self._fps,
            pin_feet=params.pin_feet,
            conditions=conditions.to_json(),
            takes=params.takes,
            loop=params.loop,
        )

    def stage(self, context: Context, rig: ArmatureObject | None) -> PreviewStage | None:
        """Where the motion is shown while it is made; a loop is turned round only at its end."""
        return None if self._params.loop else self._writer.stage(context, rig)

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Key the motion; says so."""
        return self._writer.finish(context, target, result)
