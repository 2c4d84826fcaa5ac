"""Generate Motion without buttons: a request goes to the worker, its answer becomes keys."""

from __future__ import annotations

from dataclasses import dataclass

from ...common.errors import MMMError
from ...worker.protocol import Generate
from ..actions.editability import new_action_poll_error
from ..addon.bundle_choice import bundle_path, chosen_bundle
from ..addon.worker_python import addon_worker
from ..bpy_types import Context
from ..history.recipe import generate_step
from ..jobs.scene_job import SceneJob, SceneSnapshot
from ..jobs.worker_access import WorkerAccess
from ..rig.target import scene_fps, target_armature
from .result_writer import ResultWriter


@dataclass(frozen=True)
class GenerateParams:
    """What the user asks for. bundle: as in ``choose_bundle``."""

    prompt: str
    seconds: float
    seed: int
    bundle: str = ""
    pin_feet: bool = True


def start_generation(
    context: Context, params: GenerateParams, access: WorkerAccess | None = None
) -> SceneJob:
    """Send the params to the worker. access: the add-on's worker if not given.

    Raises MMMError, with nothing changed, if they cannot be sent.
    """
    if not params.prompt.strip():  # the worker says so too, seconds later
        raise MMMError("The prompt is empty: say in a few words what the body does.")
    access = access or addon_worker()
    python = access.python()
    rig = target_armature(context)
    if rig is not None and (fault := new_action_poll_error(rig)):
        raise MMMError(fault)
    path = bundle_path(chosen_bundle(context.scene, params.bundle))
    result_writer = ResultWriter.here(context, rig, generate_step)
    fps = scene_fps(context.scene)
    job = access.session.start(
        python,
        Generate(params.prompt, params.seconds, params.seed, fps=fps, pin_feet=params.pin_feet),
        access.load_bundle(path),
    )
    return SceneJob(access.session, job, SceneSnapshot.now(context, rig), result_writer.finish)
