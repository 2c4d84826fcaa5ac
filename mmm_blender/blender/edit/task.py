"""Inpaint and In-between without buttons: a range of an Action is read, made anew and written back.

What lies outside the range and the body part stays as it is, and so does everything if the edit
fails, is cancelled, or comes too late because the Action was changed in the meantime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...common.array_text import pack
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.lock_mode import LockMode
from ...worker.client import JobResult
from ...worker.protocol import Edit, Generated
from ..actions.editability import (
    BODY_PARTS,
    action_poll_error,
    edited_armature,
    editing_poll_error,
    part_joints,
)
from ..actions.range_writer import check_curves, keyed_extent, write_range
from ..addon.availability import poll_error
from ..addon.bundle_choice import bundle_path, chosen_bundle, mask_fault
from ..addon.choices import choices
from ..addon.worker_python import worker_python
from ..bpy_types import ArmatureObject, Context
from ..fcurves.keyframe_arrays import reading_once
from ..history.action_guard import ActionGuard, rolled_back
from ..history.fingerprint import remember
from ..history.locked_keys import Held, held_frames, own_after
from ..history.recipe import EditStep, Origin, UserEdits, packed_kept, packed_tokens
from ..history.recipe_store import append_step
from ..history.user_edits import begin_step, replaced_keys
from ..jobs.scene_job import Preparation, Reading, SceneJob, SceneSnapshot
from ..jobs.session import session
from ..rig.motion_reader import read_in_chunks, unkeyed_pose_kept
from .chosen_range import ChosenRange
from .edit_window import EditWindow


@dataclass(frozen=True)
class EditParams:
    """What the user asks for. body_part: as the operators name it. sure: however many keys are to
    be locked, no question is asked. bundle: as in ``choose_bundle``."""

    prompt: str
    range: ChosenRange
    seed: int = 0
    body_part: str = "ALL"
    lock: LockMode = LockMode.AUTO
    sure: bool = False
    pin_feet: bool = True
    bundle: str = ""


def edit_poll_error(context: Context) -> str:
    """Why nothing at all can be edited just now, in a sentence; else ""."""
    if reason := poll_error(context, "Edit"):
        return reason
    try:
        return action_poll_error(edited_armature(context))
    except MMMError as error:
        return str(error)


def params_poll_error(context: Context, body_part: str, frames: ChosenRange) -> str:
    """Why a body part cannot be edited on these frames with the scene's weights, in a sentence;
    else ""."""
    if reason := edit_poll_error(context):
        return reason
    try:
        _check(context, edited_armature(context), frames, body_part, "")
    except MMMError as error:
        return str(error)
    return ""


def _check(
    context: Context, rig: ArmatureObject, frames: ChosenRange, body_part: str, bundle: str
) -> None:
    """MMMError where the edit cannot be."""
    card = chosen_bundle(context.scene, bundle)
    if reason := (
        frames.poll_error
        or editing_poll_error(rig, body_part, frames)
        or card.problem
        or mask_fault(card, BODY_PARTS[body_part])
    ):
        raise MMMError(reason)
    check_curves(rig, rig.animation_data.action, part_joints(body_part), frames.first, frames.last)


def held_by(rig: ArmatureObject, params: EditParams) -> Held:
    """What the params holds."""
    action = rig.animation_data.action
    return held_frames(rig, action, params.range, part_joints(params.body_part), params.lock)


def confirmation(context: Context, params: EditParams) -> str:
    """What the person should be asked first, in a sentence: whether all that differs from what we
    made is to be held; "" where there is no confirmation or the person is sure."""
    return "" if params.sure else held_by(edited_armature(context), params).confirmation


def start_edit(context: Context, params: EditParams) -> SceneJob:
    """Begin to read the motion. Raises MMMError, with nothing changed, if it cannot be edited or
    there is a ``confirmation``."""
    python, reason = worker_python()
    if python is None:
        raise MMMError(reason)
    rig = edited_armature(context)
    _check(context, rig, params.range, params.body_part, params.bundle)
    held = held_by(rig, params)
    if held.confirmation and not params.sure:
        raise MMMError(held.confirmation)
    path = bundle_path(chosen_bundle(context.scene, params.bundle))
    edit = _Edit(context, rig, params, held)
    return SceneJob(
        session,
        session.open(python),
        SceneSnapshot.now(context, rig),
        edit.finish,
        Preparation(edit.reading(rig), choices().load_bundle(path)),
    )


class _Edit:
    """One edit between the press of the button and its keys.

    read: the motion around, once it is read. by_steps: all of it comes from the steps of the
    Action's recipe.
    """

    def __init__(
        self, context: Context, rig: ArmatureObject, params: EditParams, held: Held
    ) -> None:
        action = rig.animation_data.action
        keyed = keyed_extent(rig, action)
        assert keyed is not None  # or it could not be edited
        self.params = params
        self.watch = ActionGuard(context, rig)
        self.stretch = EditWindow.around(
            params.range.first, params.range.last, keyed, self.watch.fps
        )
        self.held = held
        self.mask = self.stretch.mask(params.body_part, self.held.frames)
        self.by_steps = self.watch.by_steps(rig)
        self.read: MotionClip | None = None

    def reading(self, rig: ArmatureObject) -> Reading:
        """Read the motion around; then the request is known."""
        stretch = self.stretch
        wanted_T = ~self.mask.cells_TC.all(axis=1)
        clip = yield from read_in_chunks(rig, stretch.read_first, stretch.read_last, wanted_T)
        self.read = clip
        return self._request(clip)

    def _request(self, clip: MotionClip) -> Edit:
        return Edit(
            clip.rotations_TJ4,
            clip.root_T3,
            clip.fps,
            self.mask.rotations_TJ.astype(np.int64),
            self.mask.root_T.astype(np.int64),
            self.params.prompt,
            self.params.seed,
            pin_feet=self.params.pin_feet,
        )

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Key the answer on the frames of the range; says so."""
        assert target is not None and isinstance(result, Generated)
        with reading_once():
            self._key(context, target, result)
        context.scene.frame_end = max(context.scene.frame_end, self.stretch.last)
        said = (self._done(target), self.held.note, *result.notes)
        return " ".join(sentence for sentence in said if sentence)

    def _key(self, context: Context, target: ArmatureObject, result: Generated) -> None:
        action, raw = self.watch.unchanged(context, target)
        clip = MotionClip(result.rotations_TJ4, result.root_T3, result.fps, result.twist_estimated)
        stretch, joints = self.stretch, part_joints(self.params.body_part)
        own = own_after(target, action, self.stretch, joints, self.held)
        with unkeyed_pose_kept(context.scene, target), rolled_back(action, raw):
            begun = begin_step(target, action, self.held, joints, stretch.first)
            write_range(
                target,
                action,
                clip,
                stretch.read_first,
                stretch.first,
                stretch.last,
                joints,
                self.held.frames,
            )
            replaced = replaced_keys(target, action, begun)
            append_step(action, self._step(result, begun.hand, replaced), target)
            remember(target, action, own)

    def _done(self, target: ArmatureObject) -> str:
        poses = len({frame for frames in self.held.frames.values() for frame in frames})
        held = f", {poses} held" if poses else ""
        first, last = self.stretch.first, self.stretch.last
        return f"Made frames {first} to {last} of '{target.name}' anew{held}."

    def _step(self, result: Generated, hand: UserEdits, replaced: Mapping[str, Any]) -> EditStep:
        assert self.read is not None
        told = result.recipe
        return EditStep(
            prompt=told["prompt"],
            seed=told["seed"],
            part=BODY_PARTS[self.params.body_part],
            first=self.stretch.first,
            last=self.stretch.last,
            origin=Origin.from_worker(told),
            fps=self.watch.fps,
            input_start=self.stretch.read_first,
            mask=pack(self.mask.cells_TC),
            held=self.held.listed,
            hand=hand,
            input="" if self.by_steps else packed_kept(self.read, self.mask),
            replaced=replaced,
            pin_feet=told["pin_feet"],
            tokens=packed_tokens(told),
        )
