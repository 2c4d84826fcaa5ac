"""The steps of a recipe, done again to the same keys.

Tokens are stored, so nothing is sampled: the worker decodes each step from them, and its answer is
keyed as it was then. What a step saw is stored with it, or read from what the steps before make.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ...common.array_text import unpack
from ...common.arrays import AnyArray, BoolArray, FloatArray, IntArray
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.edit_mask import EditMask
from ...geometry.editing.loop import LoopPlan, plan_loop
from ...geometry.editing.path_correction import GroundMove
from ...geometry.placement import Placement, place
from ...geometry.resample import MOST_FRAMES
from ...geometry.simplify.simplify import Tolerance
from ...geometry.skeleton import ANIMATED_JOINTS
from ...worker.protocol import Edit, Generate, Generated, GenerateSequence, MotionMessage
from ..actions.cycles import set_cycles
from ..actions.editability import part_joints
from ..actions.object_way import base_of_way, read_with_way, way_to_bones, way_to_object
from ..actions.range_writer import keyed_extent, write_range
from ..bpy_types import Action, ArmatureObject, bpy
from ..fcurves.curve_snapshot import CurveId, RawCurve, raw_curves, restore
from ..fcurves.layered_actions import build_action, curves_of_bones, temporarily_assigned
from ..fcurves.rollback import all_or_nothing
from ..fcurves.slot_properties import WAY_PROPERTY, read_text, write_text
from ..history.new_action import action_name, make_action
from ..history.recipe import (
    EditStep,
    GenerateStep,
    LoopStep,
    Recipe,
    SegmentStep,
    SequenceStep,
    Step,
)
from ..history.recipe_store import store_recipe
from ..history.user_edits import put_back, repeat_user_edits
from ..rig.motion_reader import scene_left_as_it_is
from ..rig.rig_options import OBJECT, taking_root_motion
from ..rig.target import scene_of
from ..sequence.layout import SegmentPlan, plan_segment, sequence_segments, stretched
from ..sequence.segment_writer import brought_to_start, write_segment
from ..simplify.task import simplify_new

_ROOT = 4 * ANIMATED_JOINTS  # where the root's place begins in a packed motion
_AT_REST = {
    "location": (0.0, 0.0, 0.0),
    "rotation_quaternion": (1.0, 0.0, 0.0, 0.0),
    "rotation_euler": (0.0, 0.0, 0.0),
    "rotation_axis_angle": (0.0, 0.0, 1.0, 0.0),
    "scale": (1.0, 1.0, 1.0),
}
_DAMAGED = "The Action's recipe is damaged (its steps do not follow from each other)."


# --- what a step says ----------------------------------------------------------------------------


def request_of(step: Step, seen: MotionClip | None) -> MotionMessage:
    """The worker's message of a step. seen: the motion that an edit saw."""
    how: dict[str, Any] = {
        "sampler": step.origin.replay_sampler,
        "pin_feet": step.pin_feet,
        "tokens_LP": _tokens(step),
        "conditions": dict(step.conditions),
    }
    match step:
        case GenerateStep():
            asked = (step.prompt, step.seconds, step.seed)
            span = {"loop": bool(step.loop_span), "loop_span": step.loop_span}
            return Generate(*asked, fps=step.fps, **span, **how)
        case LoopStep():
            plan = loop_plan(step)
            motion = (plan.seam.rotations_TJ4, plan.seam.root_T3, step.fps)
            cells = (plan.mask.rotations_TJ.astype(np.int64), plan.mask.root_T.astype(np.int64))
            return Edit(*motion, *cells, step.prompt, step.seed, **how)
        case SequenceStep():
            each = (step.prompts, step.seconds, step.seeds)
            return GenerateSequence(*each, fps=step.fps, **how)
        case EditStep() | SegmentStep():
            assert seen is not None
            return _edit_request(step, seen, how)


def _edit_request(step: EditStep | SegmentStep, seen: MotionClip, how: dict[str, Any]) -> Edit:
    mask = mask_of(step)
    motion = (seen.rotations_TJ4, seen.root_T3, step.fps)
    cells = (mask.rotations_TJ.astype(np.int64), mask.root_T.astype(np.int64))
    moves_after = isinstance(step, SegmentStep) and not keeps_to_path(step)
    return Edit(*motion, *cells, step.prompt, step.seed, moves_after=moves_after, **how)


def keeps_to_path(step: SegmentStep) -> bool:
    """The segment arrives where what follows begins; else what follows is carried along."""
    return "path" in step.conditions


def _tokens(step: Step) -> IntArray:
    if not step.tokens:
        return np.zeros(
            (0, 0), dtype=np.int64
        )  # of version 1: they are sampled again (see task.sampled_note)
    return cast(IntArray, _unpacked(step.tokens, np.int64))


def _unpacked(text: str, kind: type[np.generic], columns: int = 0) -> Any:
    """A packed table of a step. columns: as many as it must have, 0 for any number."""
    table: AnyArray = unpack(text)
    fits = table.ndim == 2 and table.dtype == np.dtype(kind) and 0 < len(table) <= MOST_FRAMES
    if not fits or columns not in (0, table.shape[1]) or not np.isfinite(table).all():
        raise MMMError("The Action's recipe is damaged (a table of numbers in one of its steps).")
    return table


def mask_of(step: EditStep | SegmentStep) -> EditMask:
    """What an edit regenerated, of the frames that it read."""
    cells_TC: BoolArray = _unpacked(step.mask, np.bool_, ANIMATED_JOINTS + 1)
    return EditMask(cells_TC[:, :ANIMATED_JOINTS], cells_TC[:, ANIMATED_JOINTS])


def stored_input(step: EditStep | SegmentStep) -> MotionClip | None:
    """The motion that an edit saw, where it is stored; what was masked may stand at rest."""
    return _stored_motion(step.input, step.fps) if step.input else None


def loop_plan(step: LoopStep) -> LoopPlan:
    """How the stored motion is closed."""
    return plan_loop(_stored_motion(step.motion, step.fps))


def _stored_motion(text: str, fps: float) -> MotionClip:
    cells_TC: FloatArray = _unpacked(text, np.float64, _ROOT + 3)
    rotations = cells_TC[:, :_ROOT].reshape(len(cells_TC), ANIMATED_JOINTS, 4)
    return MotionClip(rotations, cells_TC[:, _ROOT:], fps)


def reads_rig(recipe: Recipe) -> bool:
    """What a step saw is not stored: it is read from the rig, as the steps before make it move."""
    edits = (step for step in recipe.steps if isinstance(step, EditStep | SegmentStep))
    return any(not step.input for step in edits)


def locked_by(step: EditStep | SegmentStep) -> dict[str, frozenset[float]]:
    """Frames that an edit locked, by SMPL joint."""
    return {joint: frozenset(map(float, frames)) for joint, frames in step.held.items()}


# --- the new Action ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Answered:
    """A step with the worker's answer. before: the steps before it. seen: what an edit saw."""

    before: tuple[Step, ...]
    step: Step
    seen: MotionClip | None
    answer: Generated


class Rebuilding:
    """A recipe on its way to an Action; between two calls nothing of it is in the file.

    Ask for ``next_step`` and what it has ``seen``, and ``take`` the worker's answer, until there
    is no next step; then ``finish``.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._answered: list[_Answered] = []
        self._seen: MotionClip | None = None
        self._raw: Mapping[CurveId, RawCurve] | None = None
        self._way = ""
        self._written = 0

    @property
    def next_step(self) -> Step | None:
        """The first step that waits for the worker's answer; None where all have theirs."""
        steps, done = self._recipe.steps, len(self._answered)
        return steps[done] if done < len(steps) else None

    def seen(self, rig: ArmatureObject, base: Action | None) -> MotionClip | None:
        """The motion that the next step saw; None where it began with nothing.

        base: the Action as it is, with which a recipe begins that made only parts of it.
        """
        step = self.next_step
        self._seen = None
        if isinstance(step, EditStep | SegmentStep):
            with taking_root_motion(self._recipe.root_motion):
                self._seen = stored_input(step) or self._read(rig, base, step)
        return self._seen

    def take(self, answer: Generated) -> None:
        """The worker's answer to the next step."""
        step = self.next_step
        assert step is not None
        before = self._recipe.steps[: len(self._answered)]
        self._answered.append(_Answered(before, step, self._seen, answer))

    def finish(self, rig: ArmatureObject, base: Action | None) -> Action:
        """The Action with all steps done and its recipe, nobody's yet. base: as in ``seen``. To be
        called inside ``taking_root_motion`` of the recipe."""
        action = self._made(rig, base)
        with all_or_nothing(lambda: bpy.data.actions.remove(action)):
            self._move_way(rig, base, action)
        store_recipe(action, self._recipe, rig)
        return action

    def _move_way(self, rig: ArmatureObject, base: Action | None, action: Action) -> None:
        """Have the object carry the way where it does in the Action that is; where that has no
        keys, where the recipe says so."""
        if base is not None and keyed_extent(rig, base) is not None:
            _carry_way(rig, action, base_of_way(rig, base))
        elif self._recipe.root_motion == OBJECT:
            _carry_way(rig, action, _stand(rig, base))

    def _read(
        self, rig: ArmatureObject, base: Action | None, step: EditStep | SegmentStep
    ) -> MotionClip:
        before = self._recipe.steps[: len(self._answered)]
        last = step.input_start + mask_of(step).frames - 1
        action = self._made(rig, base)
        try:
            _carry_way(rig, action, _stand(rig, base) if step.root == OBJECT else None)
            repeat_user_edits(rig, action, step.hand)
            self._raw, self._written = raw_curves(action), len(self._answered)
            self._way = str(read_text(action, WAY_PROPERTY, rig) or "")
            later = _paths(rig, rig.animation_data.action) - _paths(rig, action)
            scene = scene_of(rig)
            with temporarily_assigned(rig, action), scene_left_as_it_is(scene, rig):
                _put_at_rest(rig, later)
                if isinstance(step, EditStep):
                    return read_with_way(rig, step.input_start, last)
                kept = read_with_way(rig, step.input_start, last - step.shift)
                return stretched(kept, step.input_start, plan_of(before, step))
        finally:
            bpy.data.actions.remove(action)

    def _made(self, rig: ArmatureObject, base: Action | None) -> Action:
        """A new Action with all answered steps. If it cannot be whole, nothing of it is left."""
        actions: list[Action] = []
        with all_or_nothing(lambda: [bpy.data.actions.remove(each) for each in actions]):
            action = self._begun(rig, None if self._recipe.is_whole else base, actions)
            for made in self._answered[self._written :]:
                action = _done(rig, action, made, _stand(rig, base))
                actions[:] = [action]
            if action is None:
                raise MMMError(_DAMAGED)
        return action

    def _begun(
        self, rig: ArmatureObject, base: Action | None, actions: list[Action]
    ) -> Action | None:
        """What was there when a step was read last; None before the first step. actions: gets
        it, before anything can fail."""
        if base is None and self._raw is None:
            return None
        action: Action = (
            build_action(action_name(self._recipe), [], [], owner=rig.name)
            if base is None
            else base.copy()
        )
        actions.append(action)
        if self._raw is not None:
            restore(action, self._raw)
            write_text(action, WAY_PROPERTY, self._way, rig)
            if _goes_round(self._recipe.steps[0]):
                set_cycles(rig, action)  # Blender computes the handles of end keys by them
        else:
            for step in reversed(self._recipe.steps):
                if isinstance(step, EditStep):
                    put_back(rig, action, step)
        return action


def _paths(rig: ArmatureObject, action: Action) -> set[str]:
    return {str(curve.data_path) for curve in curves_of_bones(rig, action)}


def _put_at_rest(rig: ArmatureObject, paths: set[str]) -> None:
    """What was keyed only after a step did not move the bones that the step saw: a bone that was
    scaled since turns by other roundings."""
    for path in paths:
        bone, _, name = path.rpartition(".")
        if name in _AT_REST:
            setattr(rig.path_resolve(bone), name, _AT_REST[name])


def _goes_round(step: Step) -> bool:
    return isinstance(step, LoopStep) or (isinstance(step, GenerateStep) and bool(step.loop_span))


def _stand(rig: ArmatureObject, base: Action | None) -> FloatArray:
    """Where the object stands before it carries the way: as in the Action that is, else as it does
    now. (3,)"""
    known = None if base is None else base_of_way(rig, base)
    return np.array(rig.location, dtype=np.float64) if known is None else known


def _carry_way(rig: ArmatureObject, action: Action, base_3: FloatArray | None) -> None:
    """Have the object carry an Action's way from a place on; None: the bones."""
    known = base_of_way(rig, action)
    if base_3 is None and known is not None:
        place = tuple(rig.location)
        way_to_bones(rig, action)
        rig.location = place
    elif base_3 is not None and known is None:
        way_to_object(rig, action, base_3)


def _done(
    rig: ArmatureObject, action: Action | None, made: _Answered, base_3: FloatArray
) -> Action:
    """The Action with one step more. base_3: where the object stands before it carries the way."""
    step = made.step
    if isinstance(step, GenerateStep | LoopStep | SequenceStep):
        if action is not None:
            raise MMMError(_DAMAGED)
        clip = made.answer.clip
        if isinstance(step, LoopStep):
            clip = loop_plan(step).closed(clip)
        else:
            clip = place(clip, Placement(**step.placement))
        new = make_action(rig, clip, step.start_frame, Recipe((step,)), step.fps)
        new = _as_keyed(rig, new, step)
        if step.root == OBJECT:
            with all_or_nothing(lambda: bpy.data.actions.remove(new)):
                way_to_object(rig, new, base_3)
        return new
    if action is None:
        raise MMMError(_DAMAGED)
    _carry_way(rig, action, base_3 if step.root == OBJECT else None)
    repeat_user_edits(rig, action, step.hand)
    if isinstance(step, EditStep):
        _write_edit(rig, action, step, made.answer.clip)
    else:
        _write_segment(rig, action, step, made)
    return action


def _as_keyed(
    rig: ArmatureObject, action: Action, step: GenerateStep | LoopStep | SequenceStep
) -> Action:
    """The new Action with its modifiers, and its keys simplified if they were."""
    if _goes_round(step):
        set_cycles(rig, action)
    if not isinstance(step, LoopStep) and step.tolerance:
        with all_or_nothing(lambda: bpy.data.actions.remove(action)):
            simplify_new(scene_of(rig), rig, action, Tolerance(*step.tolerance))
    return action


def _write_edit(rig: ArmatureObject, action: Action, step: EditStep, clip: MotionClip) -> None:
    joints = part_joints(step.part.upper())
    write_range(rig, action, clip, step.input_start, step.first, step.last, joints, locked_by(step))


def _write_segment(rig: ArmatureObject, action: Action, step: SegmentStep, made: _Answered) -> None:
    assert made.seen is not None
    move = GroundMove(*made.answer.ground_move)
    carried = (made.answer.clip, move)
    if not keeps_to_path(step):
        carried = brought_to_start(*carried, made.seen, mask_of(step))
    plan = plan_of(made.before, step)
    write_segment(rig, action, plan, step.input_start, *carried, locked_by(step))


def plan_of(before: tuple[Step, ...], step: SegmentStep) -> SegmentPlan:
    """Which frames changed when a segment was regenerated. before: the steps before it."""
    segments = sequence_segments(Recipe(before))
    if not 0 <= step.index < len(segments):
        raise MMMError(_DAMAGED)
    frames = segments[step.index].frames + step.shift
    return plan_segment(segments, step.index, frames, step.fps)
