"""Regenerate Segment without buttons: one prompt of a sequence made anew, with its two seams.

What comes before stays bit for bit. What comes after keeps every rotation inside the body; its
pelvis keys are carried over the ground in one piece, to where the new motion arrives, and all its
keys move in time if the segment lasts longer or shorter than before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...common.array_text import pack
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.lock_mode import LockMode
from ...geometry.editing.path_correction import GroundMove
from ...geometry.skeleton import SMPL_22
from ...worker.client import JobResult
from ...worker.protocol import Edit, Generated
from ..actions.editability import edited_armature, editing_poll_error
from ..actions.range_writer import check_curves
from ..addon.availability import poll_error
from ..addon.bundle_cards import BundleCard
from ..addon.bundle_choice import bundle_path, chosen_bundle, mask_fault
from ..addon.choices import choices
from ..addon.worker_python import worker_python
from ..bpy_types import ArmatureObject, Context
from ..edit.edit_window import EditWindow
from ..fcurves.frame_range import FrameRange
from ..fcurves.keyframe_arrays import reading_once
from ..history.action_guard import ActionGuard, rolled_back
from ..history.fingerprint import remember
from ..history.locked_keys import own_after
from ..history.recipe import Origin, SegmentStep, UserEdits, packed_motion, packed_tokens
from ..history.recipe_store import append_step
from ..history.user_edits import begin_step
from ..jobs.scene_job import Preparation, Reading, SceneJob, SceneSnapshot
from ..jobs.session import session
from ..rig.motion_reader import read_in_chunks, unkeyed_pose_kept
from .layout import Segment, plan_segment, stretched
from .markers import replace_markers
from .properties import SegmentParams, chosen_line, params_of, sequence_list, set_line
from .segment_writer import (
    brought_to_start,
    check_none_lost,
    check_several,
    held,
    held_after,
    keyed,
    write_segment,
)
from .task import action_segments, segment_fault, target_segments

OTHER_LIST = (
    "The list is not the one that the character's motion was made from: Generate Sequence makes it "
    "all anew, Prompts from Action brings the old list back."
)


@dataclass(frozen=True)
class SegmentChange:
    """What the person asks for. index: of the segment, from 0."""

    index: int
    params: SegmentParams
    lock: LockMode = LockMode.AUTO
    pin_feet: bool = True
    bundle: str = ""


def segment_poll_error(context: Context) -> str:
    """Why no segment can be made anew just now, in a sentence; else ""."""
    if reason := poll_error(context, "Edit"):
        return reason
    try:
        _, segments = target_segments(context)
        check_several(segments)
        card = chosen_bundle(context.scene)
        fault = card.problem or mask_fault(card, "all")
        return fault or editing_poll_error(edited_armature(context), "ALL")
    except MMMError as error:
        return str(error)


def list_poll_error(context: Context) -> str:
    """Why the list's lines are not the segments of the target's motion, in a sentence; else ""."""
    try:
        action, segments = target_segments(context)
    except MMMError as error:
        return str(error)
    found = sequence_list(context.scene)
    fits = found.action == action and len(found.lines) == len(segments)
    return "" if fits else OTHER_LIST


def wanted_segment(
    context: Context, index: int | None, given: Mapping[str, Any], options: Mapping[str, Any]
) -> SegmentChange:
    """A change of the segment that is chosen in the list, or of any by its number.

    given: fields of the line. What is not given comes from the list, or from the Action itself
    where the list is another one. options: the other fields of a SegmentChange.
    """
    _, segments = target_segments(context)
    found = sequence_list(context.scene)
    other = list_poll_error(context)
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


def start_segment(context: Context, change: SegmentChange) -> SceneJob:
    """Begin to read the motion. Raises MMMError, with nothing changed, if it cannot be edited."""
    python, reason = worker_python()
    if python is None:
        raise MMMError(reason)
    rig = edited_armature(context)
    card = chosen_bundle(context.scene, change.bundle)
    if reason := _change_fault(card, change) or editing_poll_error(rig, "ALL"):
        raise MMMError(reason)
    edit = _SegmentEdit(context, rig, change)
    return SceneJob(
        session,
        session.open(python),
        SceneSnapshot.now(context, rig),
        edit.finish,
        Preparation(edit.reading(rig), choices().load_bundle(bundle_path(card))),
    )


def _change_fault(card: BundleCard, change: SegmentChange) -> str:
    """What the weights cannot do, or what is wrong with the line, in a sentence; else ""."""
    return (
        card.problem
        or mask_fault(card, "all")
        or segment_fault(card, change.index + 1, change.params)
    )


class _SegmentEdit:
    """One change between the press of the button and its keys.

    stretch: frames that the model sees and makes, after the shift. held: as the keys lie now.
    seen: what the model saw, once it is read. listed: the list's lines at the start.
    """

    def __init__(self, context: Context, rig: ArmatureObject, change: SegmentChange) -> None:
        """MMMError where the change cannot be."""
        action, segments = target_segments(context)
        check_several(segments)
        first_key, last_key = keyed(rig, action, segments)
        self.watch = ActionGuard(context, rig)
        self.change = change
        frames = segments[change.index].frames_for(change.params.seconds, self.watch.fps)
        self.plan = plan_segment(segments, change.index, frames, self.watch.fps)
        first, last, shift = self.plan.first, self.plan.last, self.plan.shift
        check_curves(rig, action, SMPL_22.names, first, max(last - shift, math.ceil(last_key)))
        self.stretch = EditWindow.around(first, last, (first_key, last_key + shift), self.watch.fps)
        self.held = held(rig, action, FrameRange(first, last - shift), change.lock)
        check_none_lost(self.held, self.plan)
        self.mask = self.stretch.mask("ALL", held_after(self.held.frames, self.plan))
        self.by_steps = self.watch.by_steps(rig)
        self.listed = params_of(sequence_list(context.scene).lines)
        self.seen: MotionClip | None = None

    def reading(self, rig: ArmatureObject) -> Reading:
        """Read the motion around; then the request is known."""
        first, last = self.stretch.read_first, self.stretch.read_last - self.plan.shift
        kept = yield from read_in_chunks(rig, first, last)
        self.seen = stretched(kept, first, self.plan)
        return self._request(self.seen)

    def _request(self, clip: MotionClip) -> Edit:
        return Edit(
            clip.rotations_TJ4,
            clip.root_T3,
            clip.fps,
            self.mask.rotations_TJ.astype(np.int64),
            self.mask.root_T.astype(np.int64),
            self.change.params.prompt,
            self.change.params.seed,
            pin_feet=self.change.pin_feet,
            moves_after=True,
        )

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Key the answer, and bring along what lies behind it."""
        assert target is not None and isinstance(result, Generated)
        with reading_once():
            before = self._key(context, target, result)
        self._tell_scene(context, target, before)
        said = (self._done(target), self.held.note, *result.notes)
        return " ".join(sentence for sentence in said if sentence)

    def _key(
        self, context: Context, target: ArmatureObject, result: Generated
    ) -> tuple[Segment, ...]:
        """Returns the segments that there were."""
        assert self.seen is not None
        action, raw = self.watch.unchanged(context, target)
        clip = MotionClip(result.rotations_TJ4, result.root_T3, result.fps, result.twist_estimated)
        carried = brought_to_start(clip, GroundMove(*result.ground_move), self.seen, self.mask)
        before = action_segments(action, target)
        span = FrameRange(self.plan.first, self.plan.last - self.plan.shift)
        own = own_after(target, action, span, SMPL_22.names, self.held)
        with unkeyed_pose_kept(context.scene, target), rolled_back(action, raw):
            begun = begin_step(target, action, self.held, SMPL_22.names, self.plan.first)
            append_step(action, self._step(result, begun.hand), target)
            write_segment(
                target, action, self.plan, self.stretch.read_first, *carried, self.held.frames
            )
            remember(target, action, held_after(own, self.plan))
        return before

    def _tell_scene(
        self, context: Context, target: ArmatureObject, before: tuple[Segment, ...]
    ) -> None:
        """Markers, the end of the scene, and the list's line, if it is this Action's list."""
        action = target.animation_data.action
        scene, after = context.scene, action_segments(action, target)
        replace_markers(scene, before, after, restore=False)
        scene.frame_end = max(scene.frame_end, after[-1].behind - 1)
        found = sequence_list(scene)
        if found.action == action and params_of(found.lines) == self.listed:
            set_line(found.lines[self.change.index], self.change.params)

    def _done(self, target: ArmatureObject) -> str:
        plan = self.plan
        way = "later" if plan.shift > 0 else "earlier"
        shift = f"; what follows comes {abs(plan.shift)} frames {way}" if plan.shift else ""
        return f"Made frames {plan.first} to {plan.last} of '{target.name}' anew{shift}."

    def _step(self, result: Generated, hand: UserEdits) -> SegmentStep:
        assert self.seen is not None
        told, plan = result.recipe, self.plan
        return SegmentStep(
            index=self.change.index,
            prompt=told["prompt"],
            seconds=self.change.params.seconds,
            seed=told["seed"],
            first=plan.first,
            last=plan.last,
            behind=plan.old_behind,
            shift=plan.shift,
            origin=Origin.from_worker(told),
            fps=self.watch.fps,
            input_start=self.stretch.read_first,
            mask=pack(self.mask.cells_TC),
            held=self.held.listed,
            hand=hand,
            input="" if self.by_steps else packed_motion(self.seen),
            pin_feet=told["pin_feet"],
            tokens=packed_tokens(told),
        )
