"""A generated motion becomes an Action of a character, or nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import Conditions
from ...geometry.placement import Placement, place, placement_of
from ...geometry.simplify.simplify import Tolerance
from ...worker.client import JobResult
from ...worker.protocol import Generated
from ..actions.cycles import set_cycles
from ..actions.object_way import way_to_object
from ..bpy_types import Action, ArmatureObject, Context
from ..fcurves.carry_over import carry_over
from ..fcurves.layered_actions import assigned_action
from ..hands.task import relax_at_start
from ..history.fingerprint import store_fingerprint
from ..history.new_action import make_action, write_clip
from ..history.recipe import GenerateStep, Recipe, SequenceStep, Step
from ..jobs.preview_stage import PreviewStage
from ..rig.armature import create_character
from ..rig.binding import binding_of, moved_bones, recorded_root_motion
from ..rig.motion_reader import current_placement
from ..rig.rig_options import OBJECT, root_motion, taking_root_motion
from ..rig.target import scene_fps
from ..simplify.task import simplify_new
from ..takes.facts import generated_facts
from ..takes.take_list import record, remember_played, takes_said
from ..targets.target_params import stands

_CARRIED = "{} other channels of the Action before play on."

StepMaker: TypeAlias = Callable[[Mapping[str, Any], int, float, Placement], Step]
"""Makes the recipe's step of the worker's part of it, the first frame, the rate and the place."""


@dataclass(frozen=True)
class Keyed:
    """An answer in the scene, the character that plays it, and the sentence that says so."""

    rig: ArmatureObject
    action: Action
    sentence: str


@dataclass(frozen=True, eq=False)
class _Placed:
    clip: MotionClip
    recipe: Recipe


@dataclass(frozen=True)
class ResultWriter:
    """How the answer comes into the scene, as it stood when the button was pressed.

    placement: where the character stood, None when one has to be added. conditions: of the
    motion. origin_3: where a new character's object is put, None for the 3D cursor. notes: of the
    path and the pins, in sentences. tolerance: within which the keys are simplified, None for all
    of them.
    """

    start_frame: int
    placement: Placement | None
    make_step: StepMaker
    conditions: Conditions = field(default_factory=Conditions)
    origin_3: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = ()
    tolerance: Tolerance | None = None

    @classmethod
    def here(
        cls, context: Context, rig: ArmatureObject | None, make_step: StepMaker
    ) -> ResultWriter:
        """From the current frame on, where ``rig`` stands."""
        placement = None if rig is None else current_placement(rig)
        return cls(int(context.scene.frame_current), placement, make_step)

    def stage(self, context: Context, rig: ArmatureObject | None) -> PreviewStage | None:
        """Where the motion is shown while it is made; on a path it is not yet bent to, nowhere."""
        if self.conditions.path is not None:
            return None
        placement = None if stands(self.conditions) else self.placement or Placement()
        return PreviewStage.of(context, rig, self.start_frame, placement, self.origin_3)

    def key(self, context: Context, target: ArmatureObject | None, result: JobResult) -> Keyed:
        """Key the motion, on a new character if there was none."""
        assert isinstance(result, Generated)
        rig = self._new_character(context) if target is None else target
        with taking_root_motion(root_motion(rig)):
            return self._key(context, rig, result)

    def _key(self, context: Context, rig: ArmatureObject, result: Generated) -> Keyed:
        remember_played(rig)
        carried = 0
        before = assigned_action(rig)
        fps = scene_fps(context.scene)
        placed = [self._placed(rig, take, fps) for take in result.takes]
        action = write_clip(rig, placed[0].clip, self.start_frame, placed[0].recipe)
        others = [make_action(rig, each.clip, self.start_frame, each.recipe) for each in placed[1:]]
        simplified: list[str] = []
        for each in (action, *others):
            simplified += self._as_wanted(context, rig, each, placed[0].recipe)
            if before is not None:
                carried = carry_over(rig, before, each, moved_bones(rig, before))
            relax_at_start(rig, each, self.start_frame)
            if root_motion(rig) == OBJECT:
                way_to_object(rig, each)
            store_fingerprint(rig, each)
        notes = (*self.notes, *simplified[:1])
        notes = notes if not carried else (*notes, _CARRIED.format(carried))
        facts = map(generated_facts, result.takes)
        record(rig, context.scene, list(zip((action, *others), facts, strict=True)))
        first, last = (int(frame) for frame in action.frame_range)
        done = f"Keyed '{rig.name}' from frame {first} to {last}{takes_said(len(placed))}."
        return Keyed(rig, action, " ".join((done, *notes, *result.notes)))

    def _placed(self, rig: ArmatureObject, take: Generated, fps: float) -> _Placed:
        """A take where the character stands, and its recipe."""
        placement = placement_of(take.clip) if stands(self.conditions) else self._placement(rig)
        step = self.make_step(take.recipe, self.start_frame, fps, placement)
        binding = binding_of(rig)
        root = recorded_root_motion(rig, binding)
        step = replace(step, rig=binding.recipe_name, root=root)
        if self.tolerance is not None and isinstance(step, GenerateStep | SequenceStep):
            step = replace(step, tolerance=(self.tolerance.distance, self.tolerance.angle))
        return _Placed(place(take.clip, placement), Recipe((step,)))

    def _as_wanted(
        self, context: Context, rig: ArmatureObject, action: Action, recipe: Recipe
    ) -> tuple[str, ...]:
        """Have the new keys go round, and be as few, as was asked for; what became of them."""
        step = recipe.steps[0]
        if isinstance(step, GenerateStep) and step.loop_span:
            set_cycles(rig, action)
        if self.tolerance is None:
            return ()
        return (simplify_new(context.scene, rig, action, self.tolerance).sentence,)

    def _new_character(self, context: Context) -> ArmatureObject:
        rig = create_character(context)
        if self.origin_3 is not None:
            rig.location = self.origin_3
        return rig

    def _placement(self, rig: ArmatureObject) -> Placement:
        return self.placement or current_placement(rig)

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """``key``, where nothing else is to be done."""
        return self.key(context, target, result).sentence
