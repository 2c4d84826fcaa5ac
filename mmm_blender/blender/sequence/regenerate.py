"""Regenerate Segment without buttons: one prompt of a sequence with its two seams.

What comes before stays bit for bit. What comes after keeps every rotation inside the body; its
pelvis keys are carried over the ground in one piece, to where the new motion arrives, and all its
keys move in time if the segment lasts longer or shorter than before.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import Conditions
from ...geometry.editing.lock_mode import LockMode
from ...geometry.editing.path_correction import GroundMove
from ...geometry.skeleton import SMPL_22
from ...worker.protocol import Generated
from ..actions.editability import edited_armature, editing_poll_error
from ..actions.object_way import with_way
from ..actions.range_writer import check_curves
from ..addon.availability import poll_error
from ..addon.bundle_cards import BundleCard
from ..addon.bundle_choice import chosen_bundle, mask_poll_error, shown_bundle
from ..addon.ui_state import scene_key, ui_state
from ..addon.worker_python import addon_worker
from ..bpy_types import Action, ArmatureObject, Context
from ..edit.edit_job import EditJob, EditScope
from ..edit.edit_window import EditWindow
from ..history.action_guard import ActionGuard
from ..history.fingerprint import store_fingerprint
from ..history.locked_keys import user_keys_after
from ..history.recipe import SegmentStep, UserEdits, packed_motion
from ..history.recipe_store import append_step, load_recipe
from ..history.user_edits import begin_step
from ..jobs.scene_job import SceneJob
from ..jobs.worker_access import WorkerAccess
from ..rig.motion_reader import read_in_chunks
from ..rig.scene_end import follow_motion
from ..rig.target import target_armature
from ..takes.take_list import of_one_press
from ..targets.edit_targets import EditTargets
from .layout import plan_segment, stretched
from .lists import list_of, own_list, sequence_list
from .markers import replace_markers
from .properties import (
    SegmentParams,
    chosen_line,
    is_in_order,
    params_of,
    set_line,
)
from .segment_path import segment_stretch, sequence_path
from .segment_writer import (
    brought_to_start,
    check_none_lost,
    check_several,
    segment_locked_keys,
    segments_extent,
    shifted_keys,
    write_segment,
)
from .task import action_segments, segment_params_poll_error, target_segments

OTHER_LIST = (
    "The list is not the one that the character's motion was made from: Generate Sequence makes "
    "all of it again, Prompts from Action brings the old list back."
)

OTHER_ORDER = (
    "The list has another order than the character's motion: move the prompts back, or press "
    "Generate Sequence, which makes all of it again."
)

_LEAVES_PATH = (
    " The sequence's path ends where the segment begins, for what follows goes where it leads: "
    "Generate Sequence keeps to all of it."
)


@dataclass(frozen=True)
class SegmentChange:
    """What the user asks for. index: of the segment, from 0."""

    index: int
    params: SegmentParams
    lock: LockMode = LockMode.AUTO
    pin_feet: bool = True
    bundle: str = ""
    takes: int = 1
    claim_tries: int = 0


def segment_poll_error(context: Context) -> str:
    """Why no segment can be regenerated now, in a sentence; else ""."""
    key = ("segment", scene_key(context))
    return poll_error(context, "Edit") or ui_state.fact(key, lambda: _segment_poll_error(context))


def _segment_poll_error(context: Context) -> str:
    try:
        _, segments = target_segments(context)
        check_several(segments)
        card = shown_bundle(context.scene)
        reason = card.poll_error or mask_poll_error(card, "all")
        return reason or editing_poll_error(edited_armature(context), "ALL", on_object=True)
    except MMMError as error:
        return str(error)


def list_poll_error(context: Context) -> str:
    """Why the list's lines are not the segments of the target's motion, in a sentence; else ""."""
    lines = sequence_list(context).lines
    key = ("list", scene_key(context), *(int(line.segment) for line in lines))
    return ui_state.fact(key, lambda: _list_poll_error(context))


def _list_poll_error(context: Context) -> str:
    try:
        action, segments = target_segments(context)
    except MMMError as error:
        return str(error)
    rig = target_armature(context)
    found = list_of(rig, context.scene)
    made = rig is not None and of_one_press(rig, found.action, action)
    fits = made and len(found.lines) == len(segments)
    if not fits:
        return OTHER_LIST
    return "" if is_in_order(found) else OTHER_ORDER


def wanted_segment(
    context: Context, index: int | None, given: Mapping[str, Any], options: Mapping[str, Any]
) -> SegmentChange:
    """A change of the segment that is chosen in the list, or of any by its number.

    given: fields of the line. What is not given comes from the list, or from the Action itself
    where the list is another one. options: the other fields of a SegmentChange.
    """
    _, segments = target_segments(context)
    found = list_of(target_armature(context), context.scene)
    other = _list_poll_error(context)
    if index is None:
        if other:
            raise MMMError(other)
        index = chosen_line(found)
    if not 0 <= index < len(segments):
        raise MMMError(
            f"There is no segment {index}: the first is 0, the last {len(segments) - 1}."
        )
    line = SegmentParams.of(segments[index] if other else found.lines[index])
    return SegmentChange(index, SegmentParams.of(replace(line, **given)), **options)


def start_segment(
    context: Context, change: SegmentChange, access: WorkerAccess | None = None
) -> SceneJob:
    """Begin to read the motion. access: the add-on's worker if not given.

    Raises MMMError, with nothing changed, if it cannot be edited.
    """
    access = access or addon_worker()
    access.python()
    rig = edited_armature(context)
    card = chosen_bundle(context.scene, change.bundle)
    if reason := _change_poll_error(card, change) or editing_poll_error(rig, "ALL", on_object=True):
        raise MMMError(reason)
    return _SegmentEdit(context, rig, change).start(context, rig, access, card)


def _change_poll_error(card: BundleCard, change: SegmentChange) -> str:
    """What the weights cannot do, or what is wrong with the line, in a sentence; else ""."""
    return (
        card.poll_error
        or mask_poll_error(card, "all")
        or segment_params_poll_error(card, change.index + 1, change.params)
    )


class _SegmentEdit(EditJob):
    """The edit of a segment and its two seams; what comes after follows.

    The scope's window and mask count frames after the shift, its locked keys frames before it. On
    the path that the sequence took, the segment keeps to its stretch of it, and arrives where what
    follows begins.
    """

    moves_after = True

    def __init__(self, context: Context, rig: ArmatureObject, change: SegmentChange) -> None:
        """MMMError where the change is impossible."""
        action, segments = target_segments(context)
        check_several(segments)
        keyed = segments_extent(rig, action, segments)
        guard = ActionGuard(context, rig)
        self._change = change
        frames = segments[change.index].frames_for(change.params.seconds, guard.fps)
        self._plan = plan = plan_segment(segments, change.index, frames, guard.fps)
        last_key = max(plan.last - plan.shift, math.ceil(keyed[1]))
        check_curves(rig, action, SMPL_22.names, plan.first, last_key)
        window = EditWindow.around(
            plan.first, plan.last, (keyed[0], keyed[1] + plan.shift), guard.fps
        )
        locked = segment_locked_keys(rig, action, plan.before_shift, change.lock)
        check_none_lost(locked, plan)
        mask = window.mask("ALL", shifted_keys(locked.frames, plan))
        scope = EditScope(guard, window, mask, locked)
        asked = (change.params.prompt, change.params.seed, change.pin_feet)
        targets = EditTargets.at_press(context, rig)
        super().__init__(rig, scope, asked, targets, change.takes, claim_tries=change.claim_tries)
        self._path = sequence_path(load_recipe(action, rig))
        found = list_of(rig, context.scene)
        self._is_listed = of_one_press(rig, found.action, action)
        self._listed = params_of(found.lines)
        self._segments = segments

    def read(self, rig: ArmatureObject) -> Generator[float, None, MotionClip]:
        """The motion around, with as many frames as it will have."""
        first, last = self.scope.window.read_first, self.scope.window.read_last - self._plan.shift
        kept = with_way(rig, (yield from read_in_chunks(rig, first, last)), first)
        return stretched(kept, first, self._plan)

    def conditions_for(self, clip: MotionClip, asked: Conditions) -> Conditions:
        """With the segment's stretch of the sequence's path, where it has one."""
        if self._path is None:
            return asked
        begun, plan = self._segments[0].first, self._plan
        frames = self._segments[-1].stop - begun
        shares = ((plan.first - begun) / frames, (plan.last - plan.shift + 1 - begun) / frames)
        stretch = segment_stretch(self._path, clip, self.scope.mask, shares)
        if stretch is None:
            return asked
        self.moves_after = False
        return replace(asked, path=stretch)

    def write(self, rig: ArmatureObject, action: Action, result: Generated) -> None:
        """Key the result, and carry along what comes after it."""
        assert self.input is not None
        plan, locked = self._plan, self.scope.locked
        placed = (result.clip, GroundMove(*result.ground_move))
        if self.moves_after:
            placed = brought_to_start(*placed, self.input, self.scope.mask)
        self._segments = action_segments(action, rig)
        own = user_keys_after(rig, action, plan.before_shift, SMPL_22.names, locked)
        begun = begin_step(rig, action, locked, SMPL_22.names, plan.first)
        append_step(action, self._step(result, begun.hand), rig)
        write_segment(rig, action, plan, self.scope.window.read_first, *placed, locked.frames)
        store_fingerprint(rig, action, shifted_keys(own, plan))

    def _step(self, result: Generated, hand: UserEdits) -> SegmentStep:
        assert self.input is not None
        return SegmentStep(
            index=self._change.index,
            seconds=self._change.params.seconds,
            behind=self._plan.old_stop,
            shift=self._plan.shift,
            hand=hand,
            input="" if self.from_steps else packed_motion(self.input),
            **self.step_fields(result),
        )

    def update_scene(self, context: Context, rig: ArmatureObject) -> None:
        """Markers, the end of the scene, and the list's line, if it is this Action's list."""
        action = rig.animation_data.action
        scene, after = context.scene, action_segments(action, rig)
        replace_markers(scene, self._segments, after, restore=False)
        follow_motion(scene, after[-1].stop - 1)
        found = own_list(rig, scene)
        if self._is_listed and params_of(found.lines) == self._listed:
            set_line(found.lines[self._change.index], self._change.params)
            found.action = action

    def done(self, rig: ArmatureObject) -> str:
        """Which frames were regenerated, and whether later ones moved in time."""
        plan = self._plan
        when = "later" if plan.shift > 0 else "earlier"
        shift = f"; what follows comes {abs(plan.shift)} frames {when}" if plan.shift else ""
        left = _LEAVES_PATH if _leaves_path(rig.animation_data.action, rig) else ""
        return f"Regenerated frames {plan.first} to {plan.last} of '{rig.name}'{shift}.{left}"


def _leaves_path(action: Action, rig: ArmatureObject) -> bool:
    """Whether a segment was made free to go where it will in a sequence that took a path."""
    recipe = load_recipe(action, rig)
    if recipe is None:
        return False
    first, last = recipe.steps[0], recipe.steps[-1]
    return "path" in first.conditions and "path" not in last.conditions
