"""A generated motion becomes an Action of a character, or nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...geometry.placement import Placement, place
from ...worker.client import JobResult
from ...worker.protocol import Generated
from ..bpy_types import Action, ArmatureObject, Context
from ..history.fingerprint import store_fingerprint
from ..history.new_action import write_clip
from ..history.recipe import Recipe, Step
from ..rig.armature import create_character
from ..rig.motion_reader import current_placement
from ..rig.target import scene_fps

StepMaker: TypeAlias = Callable[[Mapping[str, Any], int, float, Placement], Step]
"""Makes the recipe's step of the worker's part of it, the first frame, the rate and the place."""


@dataclass(frozen=True)
class Keyed:
    """An answer in the scene, and the sentence that says so."""

    action: Action
    sentence: str


@dataclass(frozen=True)
class ResultWriter:
    """How the answer comes into the scene, as it stood when the button was pressed.

    placement: where the character stood, None when one has to be added.
    """

    start_frame: int
    placement: Placement | None
    make_step: StepMaker

    @classmethod
    def here(
        cls, context: Context, rig: ArmatureObject | None, make_step: StepMaker
    ) -> ResultWriter:
        """From the current frame on, where ``rig`` stands."""
        placement = None if rig is None else current_placement(rig)
        return cls(int(context.scene.frame_current), placement, make_step)

    def key(self, context: Context, target: ArmatureObject | None, result: JobResult) -> Keyed:
        """Key the motion, on a new character if there was none."""
        assert isinstance(result, Generated)
        rig = create_character(context) if target is None else target
        placement = self.placement or current_placement(rig)
        fps = scene_fps(context.scene)
        recipe = Recipe((self.make_step(result.recipe, self.start_frame, fps, placement),))
        action = write_clip(rig, place(result.clip, placement), self.start_frame, recipe)
        store_fingerprint(rig, action)
        first, last = (int(frame) for frame in action.frame_range)
        done = f"Keyed '{rig.name}' from frame {first} to {last}."
        return Keyed(action, " ".join((done, *result.notes)))

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """``key``, where nothing else is to be done."""
        return self.key(context, target, result).sentence
