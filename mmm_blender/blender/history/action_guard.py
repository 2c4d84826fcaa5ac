"""An Action between the press of a button and the answer: it must not have changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from ...common.errors import MMMError
from ...geometry.skeleton import SMPL_22
from ..actions.editability import editing_poll_error
from ..actions.range_writer import raw_curves, restore
from ..actions.validation import bone_properties
from ..bpy_types import Action, ArmatureObject, Context, bpy
from ..fcurves.curve_snapshot import CurveId, RawCurve, all_curves
from ..fcurves.keyframe_arrays import moving_check
from ..fcurves.layered_actions import slot_handle
from ..fcurves.rollback import all_or_nothing
from ..fcurves.slot_properties import body_curves, own_properties, read_text, restore_properties
from ..rig.target import DataBlockRef, scene_fps
from .fingerprint import checksums, load_fingerprint
from .recipe_store import load_recipe

SIMPLIFIED_PROPERTY = "mmm_simplified"
"""Custom property of an Action whose keys say what its recipe makes within a tolerance only."""

RawCurves: TypeAlias = Mapping[CurveId, RawCurve]


class ActionGuard:
    """What makes the motion in a rig's Action, as it is now; the scene's rate with it."""

    def __init__(self, context: Context, rig: ArmatureObject) -> None:
        action = rig.animation_data.action
        self.fps = scene_fps(context.scene)
        self._action = DataBlockRef.of(action)
        self._slot = slot_handle(rig, action)
        self._numbers = _Numbers.of(rig, action)

    def follows_from_steps(self, rig: ArmatureObject) -> bool:
        """The evaluated motion follows from the recipe of the Action, as it was at the start, and
        from the keys that the user changed since, which the next step stores: nothing else moves
        it, and no channel without keys stands where a pose was left."""
        action = rig.animation_data.action
        recipe = load_recipe(action, rig)
        known = recipe is not None and recipe.is_whole
        known = known and not read_text(action, SIMPLIFIED_PROPERTY, rig)
        known = known and load_fingerprint(action, rig) is not None
        return (
            known and _all_keyed(rig, action) and not editing_poll_error(rig, "ALL", on_object=True)
        )

    def unchanged(self, context: Context, rig: ArmatureObject) -> tuple[Action, RawCurves]:
        """The rig's Action and its curves; MMMError if it is not what it was.

        To be asked inside ``reading_once``.
        """
        data = rig.animation_data
        action = None if data is None else data.action
        if action is None or self._action.find(bpy.data.actions) != action:
            raise MMMError(f"'{rig.name}' has another Action by now: press again.")
        if slot_handle(rig, action) != self._slot:
            raise MMMError(f"'{rig.name}' uses another slot of its Action by now: press again.")
        raw = raw_curves(action)
        if _Numbers.of(rig, action) != self._numbers:
            raise MMMError(
                f"The Action '{action.name}' was changed meanwhile, and stays as it is now: press "
                "again."
            )
        if scene_fps(context.scene) != self.fps:
            raise MMMError("The scene's frame rate was changed meanwhile: press again.")
        return action, raw


def _all_keyed(rig: ArmatureObject, action: Action) -> bool:
    """Every component of the body's pose has keys."""
    curves = [c for each in bone_properties(rig, action, SMPL_22.names) for c in each.curves]
    return all(curve is not None and not curve.is_empty for curve in curves)


@dataclass(frozen=True)
class _Numbers:
    """All that an Action's curves say of the motion; which keys are selected is not in it.

    bones: ``checksums`` of the rig's bones. others: checksum of the keys of each other curve.
    """

    bones: Mapping[str, int]
    others: Mapping[CurveId, int]

    @classmethod
    def of(cls, rig: ArmatureObject, action: Action) -> _Numbers:
        """As they are."""
        known = {
            each.as_pointer() for curves in body_curves(rig, action).values() for each in curves
        }
        others = {
            name: moving_check(curve)
            for name, curve in all_curves(action).items()
            if curve.as_pointer() not in known
        }
        return cls(checksums(rig, action), others)


def rolled_back(action: Action, raw: RawCurves) -> AbstractContextManager[object]:
    """If the block fails, the Action's keys and its own properties are put back.

    raw: what ``raw_curves`` has read from it.
    """
    properties = own_properties(action)
    return all_or_nothing(
        lambda: restore_properties(action, properties), lambda: restore(action, raw)
    )
