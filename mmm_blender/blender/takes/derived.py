"""Actions that are made of another one: mirrored, retimed, looped. The one before stays a take."""

from __future__ import annotations

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.feet.take_figures import foot_slide
from ..actions.cycles import goes_round, set_cycles
from ..actions.editability import edited_armature, editing_poll_error
from ..actions.object_way import way_to_object
from ..actions.range_writer import keyed_extent
from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import Action, ArmatureObject, Context
from ..fcurves.carry_over import carry_over
from ..fcurves.layered_actions import assigned_action
from ..history.fingerprint import store_fingerprint
from ..history.new_action import write_clip
from ..history.recipe import Recipe
from ..rig.binding import moved_bones
from ..rig.rig_options import OBJECT, root_motion
from .take_list import DERIVED_PROPERTY, TakeFacts, record, remember_played


def write_derived(  # noqa: PLR0917  # a motion, where it lies, and what it is
    context: Context,
    rig: ArmatureObject,
    clip: MotionClip,
    first: int,
    what: str,
    recipe: Recipe | None = None,
) -> Action:
    """Key a clip in a new Action from a frame on, beside the one that the rig has.

    what: was done, in a word or two, for the list and the Action's name. recipe: by which it is
    made again. Raises MMMError, with nothing changed, where the rig cannot take it.
    """
    before = assigned_action(rig)
    name = what if before is None else f"{before.name} {what}"
    remember_played(rig)
    action = write_clip(rig, clip, first, recipe)
    action.name = name
    action[DERIVED_PROPERTY] = what
    if before is not None:
        carry_over(rig, before, action, moved_bones(rig, before))
    if root_motion(rig) == OBJECT:
        way_to_object(rig, action)
    store_fingerprint(rig, action)
    record(rig, context.scene, [(action, TakeFacts(name, 0, foot_slide(clip)))])
    return action


def keep_going_round(rig: ArmatureObject, before: Action | None, after: Action) -> None:
    """Have an Action go round if the one that it was made of does."""
    if before is not None and goes_round(rig, before):
        set_cycles(rig, after)


def whole_poll_error(context: Context) -> str:
    """Why nothing can be made of the character's motion as a whole, in a sentence; else ""."""
    return ui_state.fact(("whole", scene_key(context)), lambda: _whole_poll_error(context))


def _whole_poll_error(context: Context) -> str:
    try:
        return editing_poll_error(edited_armature(context), "ALL")
    except MMMError as error:
        return str(error)


def whole_range(rig: ArmatureObject) -> tuple[int, int]:
    """First and last frame that a character's Action keys, which must be there."""
    action = assigned_action(rig)
    assert action is not None
    keyed = keyed_extent(rig, action)
    assert keyed is not None
    return int(keyed[0]), int(-(-keyed[1] // 1))
