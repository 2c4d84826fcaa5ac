"""One edit between the press of its button and its keys, whatever it edits.

What lies outside the range and the body part stays as it is, and so does everything if the edit
fails, is cancelled, or comes too late because the Action was changed meanwhile.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...common.array_text import pack
from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import Conditions
from ...geometry.editing.edit_mask import EditMask
from ...worker.client import JobResult
from ...worker.protocol import Edit, Generated
from ..addon.bundle_cards import BundleCard
from ..addon.bundle_choice import bundle_path
from ..addon.scene_settings import changed_sampler
from ..bpy_types import Action, ArmatureObject, Context
from ..fcurves.keyframe_arrays import reading_once
from ..fcurves.layered_actions import play_copy, slot_handle
from ..fcurves.slot_properties import way_base
from ..history.action_guard import ActionGuard, rolled_back
from ..history.locked_keys import LockedKeys
from ..history.recipe import Origin, packed_tokens
from ..jobs.preview_stage import PreviewStage
from ..jobs.scene_job import Preparation, Reading, SceneJob, SceneSnapshot
from ..jobs.worker_access import WorkerAccess
from ..pins.pin_reader import PinnedFrames
from ..rig.binding import binding_of
from ..rig.motion_reader import unkeyed_pose_kept
from ..rig.rig_options import OBJECT
from ..rig.world_space import motion_space
from ..takes.facts import edited_facts
from ..takes.take_list import TakeFacts, record, remember_played, takes_said
from ..targets.edit_targets import EditTargets
from .edit_window import EditWindow


@dataclass(frozen=True)
class EditScope:
    """What an edit is about.

    guard: the Action as it was at the press. window: frames that are regenerated and read. mask:
    cells of the frames that are read which are regenerated. locked: keys of the range that stay.
    """

    guard: ActionGuard
    window: EditWindow
    mask: EditMask
    locked: LockedKeys

    @property
    def frames(self) -> PinnedFrames:
        """Those of the range, in what is read."""
        window = self.window
        return PinnedFrames(window.read_first, window.first, window.last, self.guard.fps)


class EditJob(ABC):
    """Reads the motion around a range, has the worker regenerate the range, and keys it.

    input: what the model reads, once it is read. from_steps: all of that follows from the steps of
    the Action's recipe.
    """

    moves_after: bool = False
    """Whether the motion may end elsewhere, and what comes after is carried along."""

    def __init__(
        self,
        rig: ArmatureObject,
        scope: EditScope,
        asked: tuple[str, int, bool],
        targets: EditTargets,
        takes: int = 1,
        *,
        claim_tries: int = 0,
    ) -> None:
        """Of a rig whose Action can be edited. asked: prompt, seed, and whether feet are pinned."""
        self._takes, self._sampler = takes, changed_sampler(claim_tries)
        self.scope = scope
        self._targets, self._conditions = targets, Conditions()
        self._notes: tuple[str, ...] = ()
        self.input: MotionClip | None = None
        self.from_steps = scope.guard.follows_from_steps(rig)
        self._asked = asked
        self._binding = binding_of(rig)
        on_object = way_base(rig.animation_data.action, rig) is not None
        self._root = OBJECT if on_object else self._binding.recipe_root

    @abstractmethod
    def read(self, rig: ArmatureObject) -> Generator[float, None, MotionClip]:
        """Read what the model is to see; yields how far it is, 0 to 1."""

    def conditions_for(self, clip: MotionClip, asked: Conditions) -> Conditions:
        """What the edit keeps to besides what was asked. clip: what the model reads."""
        del clip
        return asked

    @abstractmethod
    def write(self, rig: ArmatureObject, action: Action, result: Generated) -> None:
        """Write the keys, the recipe's step and the fingerprint; a failure is rolled back."""

    @abstractmethod
    def update_scene(self, context: Context, rig: ArmatureObject) -> None:
        """Adapt the scene to the keys that were written."""

    @abstractmethod
    def done(self, rig: ArmatureObject) -> str:
        """What was done, in a sentence."""

    def start(
        self, context: Context, rig: ArmatureObject, access: WorkerAccess, card: BundleCard
    ) -> SceneJob:
        """Begin to read."""
        return SceneJob(
            access.session,
            access.session.open(access.python()),
            SceneSnapshot.now(context, rig),
            self.finish,
            Preparation(self._reading(rig), access.load_bundle(bundle_path(card)), self.stage),
        )

    def stage(self, context: Context, rig: ArmatureObject | None) -> PreviewStage | None:
        """Where the motion is shown while it is made: what was read starts there."""
        stage = PreviewStage.of(context, rig, self.scope.window.read_first, None)
        return stage if rig is None else replace(stage, space=motion_space(rig))

    def _reading(self, rig: ArmatureObject) -> Reading:
        self.input = yield from self.read(rig)
        reading = self._targets.read(rig, self.input, self.scope.frames)
        conditions, self._notes = yield from reading
        self._conditions = self.conditions_for(self.input, conditions)
        return self._message(self.input)

    def _message(self, clip: MotionClip) -> Edit:
        prompt, seed, pin_feet = self._asked
        mask = self.scope.mask
        return Edit(
            clip.rotations_TJ4,
            clip.root_T3,
            clip.fps,
            mask.rotations_TJ.astype(np.int64),
            mask.root_T.astype(np.int64),
            prompt,
            seed,
            self._sampler,
            pin_feet=pin_feet,
            moves_after=self.moves_after,
            conditions=self._conditions.to_json(),
            takes=self._takes,
        )

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Key the worker's motion; the sentence that says so."""
        assert target is not None and isinstance(result, Generated)
        with reading_once():
            action, raw = self.scope.guard.unchanged(context, target)
            with unkeyed_pose_kept(context.scene, target), rolled_back(action, raw):
                written = self._write_takes(target, action, result.takes)
        facts = [self._facts(take) for take in result.takes]
        record(target, context.scene, list(zip(written, facts, strict=True)))
        self.update_scene(context, target)
        notes = (self.scope.locked.note, *self._notes, *result.notes)
        said = takes_said(len(written)).removeprefix(", ")
        return " ".join(filter(None, (self.done(target), f"{said}." if said else "", *notes)))

    def _write_takes(
        self, rig: ArmatureObject, action: Action, takes: Sequence[Generated]
    ) -> list[Action]:
        """The Actions that hold the takes, the first of which plays. One take is written into the
        Action itself; several into copies, and it stays as it was."""
        if len(takes) == 1:
            self.write(rig, action, takes[0])
            return [action]
        remember_played(rig)
        handle = slot_handle(rig, action)
        copies = [action.copy() for _ in takes]
        for copy, take in zip(reversed(copies), reversed(takes), strict=True):
            copy.use_fake_user = False
            play_copy(rig, copy, handle)
            self.write(rig, copy, take)
        return copies

    def _facts(self, take: Generated) -> TakeFacts:
        window = self.scope.window
        leads = not self.moves_after and self.scope.mask.touches_lower
        first, last = window.first - window.read_first, window.last - window.read_first
        return edited_facts(take, first, last, leads)

    def step_fields(self, result: Generated) -> dict[str, Any]:
        """Fields that the recipe's steps of all edits have, by name."""
        scope, recipe = self.scope, result.recipe
        return {
            "prompt": recipe["prompt"],
            "seed": recipe["seed"],
            "first": scope.window.first,
            "last": scope.window.last,
            "origin": Origin.from_worker(recipe),
            "fps": scope.guard.fps,
            "input_start": scope.window.read_first,
            "mask": pack(scope.mask.cells_TC),
            "held": scope.locked.listed,
            "pin_feet": recipe["pin_feet"],
            "tokens": packed_tokens(recipe),
            "conditions": recipe["conditions"],
            "rig": self._binding.recipe_name,
            "root": self._root,
        }
