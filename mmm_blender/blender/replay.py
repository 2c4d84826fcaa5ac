"""Replay: the steps of an Action's recipe, done again to the same keys.

Tokens are stored, so nothing is sampled: each step is decoded from them and keyed as it was then.
What was made goes into a new Action, and nothing of it is seen before all steps are done. Keys
that a person made are taken over from the Action as it is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ..geometry.arrival import GroundMove
from ..geometry.clip import MotionClip
from ..geometry.conventions import BoolArray, FloatArray, IntArray
from ..geometry.edit_mask import PART_JOINTS, PELVIS, BodyPart, EditMask
from ..geometry.errors import MMMError
from ..geometry.packing import unpack
from ..geometry.placement import Placement, place
from ..geometry.skeleton import ANIMATED_JOINTS, SMPL_22
from ..worker.client import JobResult
from ..worker.protocol import BAD_REQUEST, Edit, Generate, Generated, GenerateSequence
from .animation import make_action, scene_fps
from .bundles import BundleCard, config_hash
from .curve_keys import key_frames, read_keys, sorted_by_frame, write_keys
from .curve_ranges import write_range
from .editable import Span, part_joints
from .errands import Circumstances, Errand
from .fcurves import assign_action, curve_store, curves_by_channel
from .fingerprint import FINGERPRINT_PROPERTY, remember
from .holds import EDITED, KEYFRAME, curves_of_joints, held_frames
from .host import Action, ArmatureObject, Context, bpy
from .jobs import Request, desk
from .preferences import choices, worker_python
from .properties import bundle_cards, bundle_path, chosen_bundle
from .reading import read_motion
from .recipe import (
    EditStep,
    GenerateStep,
    Recipe,
    SegmentStep,
    SequenceStep,
    Step,
    load_recipe,
    store_recipe,
)
from .sequence_layout import SegmentPlan, plan_segment, sequence_segments, stretched
from .sequence_segment import brought_to_start, write_segment
from .targets import Remembered, target_armature

_SHORT_HASH = 12  # digits that tell bundles apart for a person
_ROOT = 4 * ANIMATED_JOINTS  # where the root's place begins in a packed motion


def replay_obstacle(context: Context) -> str:
    """Why the active Action cannot be made again, in a sentence; else ""."""
    try:
        _recipe_of(_rig(context))
    except MMMError as error:
        return str(error)
    return ""


def start_replay(context: Context) -> Errand:
    """Send the first step. Raises MMMError, with nothing changed, if it cannot be replayed."""
    rig = _rig(context)
    recipe = _recipe_of(rig)
    for step in recipe.steps:
        bundle_of(step, known_bundles(context))
        if abs(step.fps - scene_fps(context.scene)) > 1e-3:
            raise MMMError(
                f"The Action was made at {step.fps:g} frames per second: set the scene to that "
                "rate and press again."
            )
    return _ReplayErrand(context, rig, recipe)


def _rig(context: Context) -> ArmatureObject:
    rig = target_armature(context)
    if rig is None:
        raise MMMError("Select the SMPL armature whose Action is to be made again.")
    return rig


def _recipe_of(rig: ArmatureObject) -> Recipe:
    action = None if rig.animation_data is None else rig.animation_data.action
    recipe = None if action is None else load_recipe(action)
    if recipe is None:
        raise MMMError("The Action carries no recipe: only what MMM made can be made again.")
    return recipe


def known_bundles(context: Context) -> list[BundleCard]:
    """Bundles in the usual folders, and the one that the scene names wherever it is."""
    cards = bundle_cards()
    with suppress(MMMError):
        cards.append(chosen_bundle(context.scene))
    return cards


def bundle_of(step: Step, cards: Sequence[BundleCard]) -> BundleCard:
    """The weights that made a step, wherever they lie now; MMMError names what is missing."""
    origin = step.origin
    for card in cards:
        if config_hash(card) == origin.bundle_hash:
            return card
    raise MMMError(
        f"The weights '{origin.bundle}' ({origin.bundle_hash[:_SHORT_HASH]}) that made this Action "
        "are not there: put their folder back among the weights."
    )


# --- from a step to the worker's message and back to keys ----------------------------------------


def request_of(step: Step, seen: MotionClip | None) -> Request:
    """The worker's message of a step. seen: the motion that an edit saw."""
    tokens = _tokens(step)
    sampler = dict(step.origin.sampler)
    match step:
        case GenerateStep():
            return lambda number: Generate(
                number,
                step.prompt,
                step.seconds,
                step.seed,
                sampler=sampler,
                fps=step.fps,
                pin_feet=step.pin_feet,
                tokens_LP=tokens,
            )
        case SequenceStep():
            return lambda number: GenerateSequence(
                number,
                step.prompts,
                step.seconds,
                step.seeds,
                fps=step.fps,
                sampler=sampler,
                pin_feet=step.pin_feet,
                tokens_LP=tokens,
            )
        case EditStep() | SegmentStep():
            assert seen is not None
            mask = mask_of(step)
            return lambda number: Edit(
                number,
                seen.rotations_TJ4,
                seen.root_T3,
                step.fps,
                mask.rotations_TJ.astype(np.int64),
                mask.root_T.astype(np.int64),
                step.prompt,
                step.seed,
                sampler=sampler,
                pin_feet=step.pin_feet,
                moves_after=isinstance(step, SegmentStep),
                tokens_LP=tokens,
            )


def _tokens(step: Step) -> IntArray:
    if not step.tokens:
        return np.zeros((0, 0), dtype=np.int64)  # of version 1: the same seed samples them again
    return cast(IntArray, unpack(step.tokens))


def mask_of(step: EditStep | SegmentStep) -> EditMask:
    """What an edit made anew, of the frames that it saw."""
    cells_TC: BoolArray = unpack(step.mask)
    return EditMask(cells_TC[:, :ANIMATED_JOINTS], cells_TC[:, ANIMATED_JOINTS])


def stored_input(step: EditStep | SegmentStep) -> MotionClip | None:
    """The motion that an edit saw, where it is stored; what was masked stands at rest."""
    if not step.input:
        return None
    cells_TC: FloatArray = unpack(step.input)
    rotations = cells_TC[:, :_ROOT].reshape(len(cells_TC), ANIMATED_JOINTS, 4)
    return MotionClip(rotations, cells_TC[:, _ROOT:], step.fps)


def held_by(step: EditStep | SegmentStep, joints: Iterable[int]) -> dict[str, frozenset[int]]:
    """Frames of the range at which poses of SMPL joints were held."""
    mask = mask_of(step)
    start, stop = step.first - step.input_start, step.last + 1 - step.input_start
    held: dict[str, frozenset[int]] = {}
    for joint in joints:
        made_T = mask.rotations_TJ[start:stop, joint] | (joint == PELVIS) & mask.root_T[start:stop]
        kept = np.flatnonzero(~made_T)
        if len(kept):
            held[SMPL_22.names[joint]] = frozenset((step.first + kept).tolist())
    return held


# --- the new Action ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Draft:
    """An Action that is being made again from ``old``."""

    rig: ArmatureObject
    old: Action
    recipe: Recipe

    def build(self, answers: Sequence[Generated]) -> Action:
        """A new Action with the first steps done, one for each answer; nobody's yet.

        If it cannot be built whole, nothing of it is left.
        """
        action: Action | None = None
        try:
            for number, answer in enumerate(answers):
                action = self._done(action, number, answer)
            assert action is not None
            if not isinstance(self.recipe.steps[0], EditStep):
                take_over(self.rig, self.old, action)
            store_recipe(action, self.recipe)
        except BaseException:  # a Ctrl+C too leaves no Action behind; raised again
            if action is not None:
                bpy.data.actions.remove(action)
            raise
        return action

    def _done(self, action: Action | None, number: int, answer: Generated) -> Action:
        """The Action with one more step; a failed step leaves it half-written."""
        clip = MotionClip(answer.rotations_TJ4, answer.root_T3, answer.fps, answer.twist_estimated)
        step = self.recipe.steps[number]
        if isinstance(step, GenerateStep | SequenceStep):
            placed = place(clip, Placement(**step.placement))
            return make_action(self.rig, placed, step.start_frame, Recipe((step,)))
        action = action or self._copy()
        if isinstance(step, EditStep):
            self._write_edit(action, number, step, clip)
        else:
            self._write_segment(action, number, step, clip, answer)
        return action

    def _write_edit(self, action: Action, number: int, step: EditStep, clip: MotionClip) -> None:
        shifted_later = any(isinstance(each, SegmentStep) for each in self.recipe.steps[number:])
        if not shifted_later:  # else the person's keys have other frames by now than they had then
            take_over(self.rig, self.old, action)
        write_range(
            self.rig,
            action,
            clip,
            step.input_start,
            step.first,
            step.last,
            part_joints(step.part.upper()),
            held_by(step, PART_JOINTS[cast(BodyPart, step.part)]),
        )

    def _write_segment(
        self, action: Action, number: int, step: SegmentStep, clip: MotionClip, answer: Generated
    ) -> None:
        plan = self.plan_of(number)
        seen = stored_input(step) or self.read(action, number)
        move = GroundMove(*answer.ground_move)
        carried = brought_to_start(clip, move, seen, mask_of(step))
        held = {
            joint: frozenset(f - plan.shift if f >= plan.new_behind else f for f in frames)
            for joint, frames in held_by(step, range(ANIMATED_JOINTS)).items()
        }
        write_segment(self.rig, action, plan, step.input_start, *carried, held)

    def plan_of(self, number: int) -> SegmentPlan:
        """Which frames a regenerated segment changed."""
        step = self.recipe.steps[number]
        assert isinstance(step, SegmentStep)
        segments = sequence_segments(Recipe(self.recipe.steps[:number]))
        frames = segments[step.index].frames_for(step.seconds, step.fps)
        return plan_segment(segments, step.index, frames, step.fps)

    def read(self, action: Action, number: int) -> MotionClip:
        """The motion that a step saw, from an Action with all steps before it done."""
        step = self.recipe.steps[number]
        assert isinstance(step, EditStep | SegmentStep)
        first, frames = step.input_start, len(unpack(step.mask))
        shift = step.shift if isinstance(step, SegmentStep) else 0
        with shown(self.rig, action):
            kept = read_motion(self.rig, first, first + frames - 1 - shift)
        return kept if isinstance(step, EditStep) else stretched(kept, first, self.plan_of(number))

    def _copy(self) -> Action:
        """What an edit of a person's own Action began with: its keys, whatever they are."""
        return self.old.copy()


def take_over(rig: ArmatureObject, old: Action, new: Action) -> None:
    """Give ``new`` the keys of ``old`` that a person made, bit for bit."""
    own: dict[str, set[float]] = {}
    modes = [KEYFRAME, *([EDITED] if FINGERPRINT_PROPERTY in old else [])]
    for mode in modes:
        for joint, frames in held_frames(rig, old, Span(), SMPL_22.names, mode).frames.items():
            own.setdefault(joint, set()).update(frames)
    theirs = curves_by_channel(curve_store(rig, old))
    for joint, curves in curves_of_joints(rig, new, own).items():
        for curve in curves:
            source = theirs.get((str(curve.data_path), int(curve.array_index)))
            if source is not None:
                _copy_keys(source, curve, own[joint])


def _copy_keys(source: Any, target: Any, frames: set[float]) -> None:
    wanted = read_keys(source)
    wanted = wanted[np.isin(key_frames(wanted), list(frames))]
    present = read_keys(target)
    present = present[~np.isin(key_frames(present), key_frames(wanted))]
    write_keys(target, sorted_by_frame(np.concatenate([present, wanted])))


@contextmanager
def shown(rig: ArmatureObject, action: Action) -> Generator[None]:
    """For a moment the rig has another Action."""
    data = rig.animation_data
    before, slot = data.action, getattr(data, "action_slot", None)
    kept = before.use_fake_user
    assign_action(rig, action)
    try:
        yield
    finally:
        data.action = before
        before.use_fake_user = kept
        if slot is not None:
            data.action_slot = slot


class _ReplayErrand(Errand):
    """One job of the worker after another; the Action comes when all are done."""

    def __init__(self, context: Context, rig: ArmatureObject, recipe: Recipe) -> None:
        self._recipe = recipe
        self._answers: list[Generated] = []
        self._old = Remembered.of(rig.animation_data.action)
        job = self._next_job(rig)
        super().__init__(desk, job, Circumstances.now(context, rig), self._finish_all)

    def tick(self, context: Context) -> bool:
        """As any errand; but after a step comes the next."""
        return super().tick(context) and not self.job.running

    def _next_job(self, rig: ArmatureObject) -> Any:
        step = self._recipe.steps[len(self._answers)]
        python, reason = worker_python()
        if python is None:
            raise MMMError(reason)
        path = bundle_path(bundle_of(step, known_bundles(bpy.context)))
        request = request_of(step, self._seen(rig, step))
        return desk.start(python, request, choices().load_bundle(path))

    def _seen(self, rig: ArmatureObject, step: Step) -> MotionClip | None:
        """The motion that a step saw: stored, or as the steps before it make it again."""
        if not isinstance(step, EditStep | SegmentStep):
            return None
        stored = stored_input(step)
        return stored if stored is not None else self._made_so_far(rig)

    def _made_so_far(self, rig: ArmatureObject) -> MotionClip:
        draft = Draft(rig, self._find_old(), self._recipe)
        action = draft.build(self._answers)
        try:
            return draft.read(action, len(self._answers))
        finally:
            bpy.data.actions.remove(action)

    def _find_old(self) -> Action:
        old = self._old.find(bpy.data.actions)
        if old is None:
            raise MMMError("The Action was deleted meanwhile, so it is not made again.")
        return old

    def _deliver(self, context: Context) -> None:
        """Keep the answer; ask for the next, or build the Action."""
        answer = self.job.result
        assert isinstance(answer, Generated)
        self._answers.append(answer)
        if len(self._answers) == len(self._recipe.steps):
            super()._deliver(context)
            return
        target = self._circumstances.find_target(context)
        assert target is not None
        try:
            self.job = self._next_job(target)
        except MMMError as error:
            self.job.fail(BAD_REQUEST, str(error))

    def _finish_all(
        self, _context: Context, target: ArmatureObject | None, _result: JobResult
    ) -> str:
        assert target is not None
        old = self._find_old()
        action = Draft(target, old, self._recipe).build(self._answers)
        remember(target, action)
        assign_action(target, action)
        return f"Made '{old.name}' again as '{action.name}' in {len(self._answers)} steps."
