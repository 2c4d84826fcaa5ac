"""Generate Motion without buttons: a request goes to the worker, its answer becomes keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.placement import Placement, place
from ...worker.client import JobResult
from ...worker.protocol import Generate, Generated
from ..addon.preferences import choices, worker_python
from ..addon.scene_settings import bundle_path, chosen_bundle
from ..bpy_types import Action, ArmatureObject, Context
from ..history.fingerprint import remember
from ..history.new_action import current_placement, scene_fps, write_clip
from ..history.recipe import Recipe, Step, generate_step
from ..jobs.scene_job import Circumstances, Errand
from ..jobs.session import desk
from ..rig.armature import create_character
from ..rig.target import target_armature

MODES = ("OBJECT", "POSE")
"""Where an Action can be assigned and an armature be added without surprises."""


@dataclass(frozen=True)
class Wish:
    """What the person asks for. bundle: as in ``choose_bundle``."""

    prompt: str
    seconds: float
    seed: int
    bundle: str = ""
    pin_feet: bool = True


def obstacle(context: Context, task: str = "Generate") -> str:
    """Why nothing can be generated just now, in a sentence; else "". task: what one would do."""
    if desk.busy:
        return "MMM is at work: wait until it is done, or cancel it."
    if context.mode not in MODES:
        return f"{task} in Object Mode or Pose Mode: leave the mode that you are in."
    return worker_python()[1]


def start_generation(context: Context, wish: Wish) -> Errand:
    """Send the wish to the worker. Raises MMMError, with nothing changed, if it cannot be."""
    if not wish.prompt.strip():  # the worker says so too, seconds later
        raise MMMError("The prompt is empty: say in a few words what the body does.")
    python, reason = worker_python()
    if python is None:
        raise MMMError(reason)
    rig = target_armature(context)
    path = bundle_path(chosen_bundle(context.scene, wish.bundle))
    delivery = Delivery.here(context, rig, generate_step)
    fps = scene_fps(context.scene)
    job = desk.start(
        python,
        lambda number: Generate(
            number, wish.prompt, wish.seconds, wish.seed, fps=fps, pin_feet=wish.pin_feet
        ),
        choices().load_bundle(path),
    )
    return Errand(desk, job, Circumstances.now(context, rig), delivery.finish)


StepMaker: TypeAlias = Callable[[Mapping[str, Any], int, float, Placement], Step]
"""Makes the recipe's step of the worker's part of it, the first frame, the rate and the place."""


@dataclass(frozen=True)
class Keyed:
    """An answer in the scene, and the sentence that says so."""

    action: Action
    sentence: str


@dataclass(frozen=True)
class Delivery:
    """How the answer comes into the scene, as it stood when the button was pressed.

    placement: where the character stood, None when one has to be added.
    """

    start_frame: int
    placement: Placement | None
    make_step: StepMaker

    @classmethod
    def here(cls, context: Context, rig: ArmatureObject | None, make_step: StepMaker) -> Delivery:
        """From the current frame on, where ``rig`` stands."""
        placement = None if rig is None else current_placement(rig)
        return cls(int(context.scene.frame_current), placement, make_step)

    def key(self, context: Context, target: ArmatureObject | None, result: JobResult) -> Keyed:
        """Key the motion, on a new character if there was none."""
        assert isinstance(result, Generated)
        clip = MotionClip(result.rotations_TJ4, result.root_T3, result.fps, result.twist_estimated)
        rig = create_character(context) if target is None else target
        placement = self.placement or current_placement(rig)
        fps = scene_fps(context.scene)
        recipe = Recipe((self.make_step(result.recipe, self.start_frame, fps, placement),))
        action = write_clip(rig, place(clip, placement), self.start_frame, recipe)
        remember(rig, action)
        first, last = (int(frame) for frame in action.frame_range)
        done = f"Keyed '{rig.name}' from frame {first} to {last}."
        return Keyed(action, " ".join((done, *result.notes)))

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """``key``, where nothing else is to be done."""
        return self.key(context, target, result).sentence
