"""Regenerate Range and In-between without buttons: a range of an Action is read and regenerated."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator
from dataclasses import dataclass

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.editing.lock_mode import LockMode
from ...worker.protocol import Generated
from ..actions.editability import (
    BODY_PARTS,
    action_poll_error,
    edited_armature,
    editing_poll_error,
    part_joints,
)
from ..actions.object_way import with_way
from ..actions.range_writer import check_curves, keyed_extent, write_range
from ..addon.availability import poll_error
from ..addon.bundle_cards import BundleCard
from ..addon.bundle_choice import chosen_bundle, mask_poll_error, shown_bundle
from ..addon.ui_state import scene_key, ui_state
from ..addon.worker_python import addon_worker
from ..bpy_types import Action, ArmatureObject, Context
from ..history.action_guard import ActionGuard
from ..history.fingerprint import store_fingerprint
from ..history.locked_keys import LockedKeys, locked_keys, pose_frames, user_keys_after
from ..history.recipe import EditStep, packed_kept
from ..history.recipe_store import append_step
from ..history.user_edits import begin_step, replaced_keys
from ..jobs.scene_job import SceneJob
from ..jobs.worker_access import WorkerAccess
from ..path.planned_path import PathParams
from ..rig.motion_reader import read_in_chunks
from ..rig.scene_end import follow_motion
from ..targets.edit_targets import EditTargets
from .chosen_range import ChosenRange, Source
from .edit_job import EditJob, EditScope
from .edit_window import EditWindow


@dataclass(frozen=True)
class EditParams:
    """What the user asks for. body_part: as the operators name it. sure: however many keys are to
    be locked, no question is asked. between_poses: it makes no sense without two of them. bundle:
    as in ``choose_bundle``. path: None for no path. claim_tries: as in GenerateParams."""

    prompt: str
    range: ChosenRange
    seed: int = 0
    body_part: str = "ALL"
    lock: LockMode = LockMode.AUTO
    sure: bool = False
    between_poses: bool = False
    pin_feet: bool = True
    bundle: str = ""
    path: PathParams | None = None
    takes: int = 1
    claim_tries: int = 0


def edit_poll_error(context: Context) -> str:
    """Why nothing at all can be edited now, in a sentence; else ""."""
    return poll_error(context, "Edit") or action_error(context)


def action_error(context: Context) -> str:
    """What of ``edit_poll_error`` is about the character and its Action."""
    return ui_state.fact(("edit", scene_key(context)), lambda: _action_poll_error(context))


def _action_poll_error(context: Context) -> str:
    try:
        return action_poll_error(edited_armature(context), on_object=True)
    except MMMError as error:
        return str(error)


def params_poll_error(context: Context, body_part: str, frames: ChosenRange) -> str:
    """Why a body part cannot be edited on these frames with the scene's weights, in a sentence;
    else ""."""
    key = ("edit params", scene_key(context), body_part, frames)
    return edit_poll_error(context) or ui_state.fact(
        key, lambda: _params_poll_error(context, body_part, frames)
    )


def _params_poll_error(context: Context, body_part: str, frames: ChosenRange) -> str:
    try:
        check_edit(edited_armature(context), frames, body_part, shown_bundle(context.scene))
    except MMMError as error:
        return str(error)
    return ""


def check_edit(rig: ArmatureObject, frames: ChosenRange, body_part: str, card: BundleCard) -> None:
    """Raise MMMError where the edit is impossible."""
    if reason := (
        frames.poll_error
        or editing_poll_error(rig, body_part, frames, on_object=True)
        or card.poll_error
        or mask_poll_error(card, BODY_PARTS[body_part])
    ):
        raise MMMError(reason)
    check_curves(rig, rig.animation_data.action, part_joints(body_part), frames.first, frames.last)


def keys_to_lock(rig: ArmatureObject, params: EditParams) -> LockedKeys:
    """Keys in the range that the params leave as they are."""
    action = rig.animation_data.action
    return locked_keys(rig, action, params.range, part_joints(params.body_part), params.lock)


def confirmation(context: Context, params: EditParams) -> str:
    """What to ask the user first, in a sentence: whether all keys that differ from what MMM wrote
    are to be locked; "" where there is nothing to ask, or the user is sure."""
    return "" if params.sure else keys_to_lock(edited_armature(context), params).confirmation


def start_edit(
    context: Context, params: EditParams, access: WorkerAccess | None = None
) -> SceneJob:
    """Begin to read the motion. access: the add-on's worker if not given.

    Raises MMMError, with nothing changed, if it cannot be edited or there is a ``confirmation``.
    """
    access = access or addon_worker()
    access.python()
    rig = edited_armature(context)
    card = chosen_bundle(context.scene, params.bundle)
    check_edit(rig, params.range, params.body_part, card)
    locked = keys_to_lock(rig, params)
    if locked.confirmation and not params.sure:
        raise MMMError(locked.confirmation)
    if params.between_poses:
        _check_poses(rig, params, locked)
    return _RangeEdit(context, rig, params, locked).start(context, rig, access, card)


def _check_poses(rig: ArmatureObject, params: EditParams, locked: LockedKeys) -> None:
    """Raise MMMError unless there are two poses to go between, in the range or right beside it."""
    found = len({frame for frames in locked.frames.values() for frame in frames})
    beside = (params.range.first - 1, params.range.last + 1)
    poses = pose_frames(rig, rig.animation_data.action, part_joints(params.body_part))
    if found + sum(frame in poses for frame in beside) < _LEAST_POSES:
        raise MMMError(
            f"In-between goes between poses that you set, and the range has {found or 'none'}: key "
            "two or more, and choose the frames from the first to the last of them."
        )


def poses_range(
    rig: ArmatureObject, joints: Collection[str], otherwise: ChosenRange
) -> ChosenRange:
    """From the first to the last pose that the user has set; another range where there are less
    than two."""
    data = rig.animation_data
    action = None if data is None else data.action
    frames = [] if action is None else pose_frames(rig, action, joints)
    if len(frames) < _LEAST_POSES:
        return otherwise
    return ChosenRange(math.floor(frames[0]), math.ceil(frames[-1]), Source.POSES)


_LEAST_POSES = 2


class _RangeEdit(EditJob):
    """The edit of a range that stays as long as it is."""

    def __init__(
        self, context: Context, rig: ArmatureObject, params: EditParams, locked: LockedKeys
    ) -> None:
        keyed = keyed_extent(rig, rig.animation_data.action)
        assert keyed is not None  # or it could not be edited
        guard = ActionGuard(context, rig)
        window = EditWindow.around(params.range.first, params.range.last, keyed, guard.fps)
        mask = window.mask(params.body_part, locked.frames)
        scope = EditScope(guard, window, mask, locked)
        asked = (params.prompt, params.seed, params.pin_feet)
        targets = EditTargets.at_press(context, rig, params.path)
        super().__init__(rig, scope, asked, targets, params.takes, claim_tries=params.claim_tries)
        self._body_part = params.body_part

    def read(self, rig: ArmatureObject) -> Generator[float, None, MotionClip]:
        """The motion around; frames that are regenerated as a whole need not be read."""
        window = self.scope.window
        wanted_T = ~self.scope.mask.cells_TC.all(axis=1)
        read = yield from read_in_chunks(rig, window.read_first, window.read_last, wanted_T)
        return with_way(rig, read, window.read_first)

    def write(self, rig: ArmatureObject, action: Action, result: Generated) -> None:
        """Key the result on the frames of the range."""
        window, locked = self.scope.window, self.scope.locked
        joints = part_joints(self._body_part)
        own = user_keys_after(rig, action, window, joints, locked)
        begun = begin_step(rig, action, locked, joints, window.first)
        write_range(
            rig,
            action,
            result.clip,
            window.read_first,
            window.first,
            window.last,
            joints,
            locked.frames,
        )
        assert self.input is not None
        step = EditStep(
            part=BODY_PARTS[self._body_part],
            hand=begun.hand,
            input="" if self.from_steps else packed_kept(self.input, self.scope.mask),
            replaced=replaced_keys(rig, action, begun),
            **self.step_fields(result),
        )
        append_step(action, step, rig)
        store_fingerprint(rig, action, own)

    def update_scene(self, context: Context, rig: ArmatureObject) -> None:
        """The scene's end follows the keys."""
        last = int(rig.animation_data.action.frame_range[1])
        follow_motion(context.scene, self.scope.window.last, last)

    def done(self, rig: ArmatureObject) -> str:
        """Which frames were regenerated."""
        poses = len({frame for each in self.scope.locked.frames.values() for frame in each})
        locked = f", {poses} locked" if poses else ""
        window = self.scope.window
        return f"Regenerated frames {window.first} to {window.last} of '{rig.name}'{locked}."
