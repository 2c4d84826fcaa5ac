"""Inpaint and In-between without buttons: a range of an Action is read, made anew and written back.

What lies outside the range and the body part stays as it is, and so does everything if the edit
fails, is cancelled, or comes too late because the Action was changed in the meantime.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..geometry.clip import MotionClip
from ..geometry.conventions import BoolArray
from ..geometry.edit_mask import EditMask, span_mask
from ..geometry.errors import MMMError
from ..geometry.skeleton import SMPL_22
from ..worker.client import JobResult
from ..worker.protocol import Edit, Generated
from .animation import scene_fps
from .curve_checks import bone_properties
from .curve_keys import KEY_DTYPE, CurveId, key_frames, read_keys
from .curve_ranges import check_curves, keyed_extent, raw_curves, write_range
from .edit_range import CONTEXT_SECONDS, EditRange, edit_range
from .editable import BODY_PARTS, Span, action_obstacle, editing_obstacle, part_joints
from .errands import Circumstances, Errand, Preparation, Reading
from .fcurves import enum_value
from .generation import obstacle
from .host import Action, ArmatureObject, Context, bpy
from .jobs import Request, desk
from .preferences import choices, worker_python
from .properties import bundle_path, chosen_bundle, mask_fault
from .reading import read_in_chunks
from .targets import Remembered, target_armature

HeldFrames: TypeAlias = Mapping[str, frozenset[float]]
"""Frames at which the poses of an SMPL joint are held."""

_COMPARED = [name for name in KEY_DTYPE.names or () if not name.startswith("select")]
"""What of a key makes the motion."""


@dataclass(frozen=True)
class EditWish:
    """What the person asks for. body_part, hold: as the operators name them. bundle: as in
    ``choose_bundle``."""

    prompt: str
    range: EditRange
    seed: int = 0
    body_part: str = "ALL"
    hold: str = "NONE"
    pin_feet: bool = True
    bundle: str = ""


def edit_obstacle(context: Context) -> str:
    """Why nothing at all can be edited just now, in a sentence; else ""."""
    if reason := obstacle(context, "Edit"):
        return reason
    try:
        return action_obstacle(edited_armature(context))
    except MMMError as error:
        return str(error)


def wish_obstacle(context: Context, body_part: str, bundle: str = "") -> str:
    """Why this cannot be edited on the frames that count here, in a sentence; else ""."""
    if reason := edit_obstacle(context):
        return reason
    try:
        rig = edited_armature(context)
        _check(context, rig, edit_range(context, rig), body_part, bundle)
    except MMMError as error:
        return str(error)
    return ""


def edited_armature(context: Context) -> ArmatureObject:
    """The SMPL armature whose motion is edited; MMMError where there is none."""
    rig = target_armature(context)
    if rig is None:
        raise MMMError("Select the SMPL armature whose motion is to be edited.")
    return rig


def _check(
    context: Context, rig: ArmatureObject, frames: EditRange, body_part: str, bundle: str
) -> None:
    """MMMError where the edit cannot be."""
    span = Span(frames.first, frames.last)
    card = chosen_bundle(context.scene, bundle)
    if reason := (
        frames.fault
        or editing_obstacle(rig, body_part, span)
        or card.problem
        or mask_fault(card, BODY_PARTS[body_part])
    ):
        raise MMMError(reason)
    check_curves(rig, rig.animation_data.action, part_joints(body_part), frames.first, frames.last)


def start_edit(context: Context, wish: EditWish) -> Errand:
    """Begin to read the motion. Raises MMMError, with nothing changed, if it cannot be edited."""
    python, reason = worker_python()
    if python is None:
        raise MMMError(reason)
    rig = edited_armature(context)
    _check(context, rig, wish.range, wish.body_part, wish.bundle)
    path = bundle_path(chosen_bundle(context.scene, wish.bundle))
    edit = _Edit(context, rig, wish)
    return Errand(
        desk,
        desk.open(python),
        Circumstances.now(context, rig),
        edit.finish,
        Preparation(edit.reading(rig), choices().load_bundle(path)),
    )


@dataclass(frozen=True)
class Stretch:
    """Scene frames that an edit reads, and among them those that it makes anew; ends included."""

    read_first: int
    read_last: int
    first: int
    last: int

    @classmethod
    def around(cls, frames: EditRange, keyed: tuple[float, float], fps: float) -> Stretch:
        """The range and what is kept on both sides, as far as there are keys and it matters.

        Between the range and keys that it does not touch, the motion stands still and is kept.
        """
        reach = math.ceil(CONTEXT_SECONDS * fps)
        before = min(math.floor(keyed[0]), frames.first)
        behind = max(math.ceil(keyed[1]), frames.last)
        return cls(
            max(frames.first - reach, before),
            min(frames.last + reach, behind),
            frames.first,
            frames.last,
        )

    def mask(self, body_part: str, held: HeldFrames) -> EditMask:
        """What is made anew of the frames that are read. held: by SMPL joint."""
        count = self.read_last - self.read_first + 1
        held_TJ: BoolArray = np.zeros((count, len(SMPL_22)), dtype=np.bool_)
        for joint, name in enumerate(SMPL_22.names):
            inside = [f for f in held.get(name, ()) if self.first <= f <= self.last]
            held_TJ[[math.floor(f) - self.read_first for f in inside], joint] = True
            held_TJ[[math.ceil(f) - self.read_first for f in inside], joint] = True
        start, stop = self.first - self.read_first, self.last + 1 - self.read_first
        return span_mask(count, start, stop, BODY_PARTS[body_part], held_TJ)


class _Edit:
    """One edit between the press of the button and its keys.

    before: what makes the motion in the Action, as it was at the press.
    """

    def __init__(self, context: Context, rig: ArmatureObject, wish: EditWish) -> None:
        self.wish = wish
        self.action_at_press = Remembered.of(rig.animation_data.action)
        action = rig.animation_data.action
        keyed = keyed_extent(rig, action)
        assert keyed is not None  # or it could not be edited
        self.fps = scene_fps(context.scene)
        self.stretch = Stretch.around(wish.range, keyed, self.fps)
        self.held = held_frames(rig, action, wish)
        self.mask = self.stretch.mask(wish.body_part, self.held)
        self.before = _moving_numbers(action)

    def reading(self, rig: ArmatureObject) -> Reading:
        """Read the motion around; then the request is known."""
        stretch = self.stretch
        clip = yield from read_in_chunks(rig, stretch.read_first, stretch.read_last)
        return self._request(clip)

    def _request(self, clip: MotionClip) -> Request:
        return lambda number: Edit(
            number,
            clip.rotations_TJ4,
            clip.root_T3,
            clip.fps,
            self.mask.rotations_TJ.astype(np.int64),
            self.mask.root_T.astype(np.int64),
            self.wish.prompt,
            self.wish.seed,
            pin_feet=self.wish.pin_feet,
        )

    def finish(self, context: Context, target: ArmatureObject | None, result: JobResult) -> str:
        """Key the answer on the frames of the range; says so."""
        assert target is not None and isinstance(result, Generated)
        action = self._action(context, target)
        clip = MotionClip(result.rotations_TJ4, result.root_T3, result.fps, result.twist_estimated)
        stretch, joints = self.stretch, part_joints(self.wish.body_part)
        write_range(
            target, action, clip, stretch.read_first, stretch.first, stretch.last, joints, self.held
        )
        context.scene.frame_end = max(context.scene.frame_end, stretch.last)
        done = f"Made frames {stretch.first} to {stretch.last} of '{target.name}' anew."
        return " ".join((done, *result.notes))

    def _action(self, context: Context, target: ArmatureObject) -> Action:
        """The Action that was read; MMMError if it is not what it was."""
        data = target.animation_data
        action = None if data is None else data.action
        if action is None or self.action_at_press.find(bpy.data.actions) != action:
            raise MMMError(f"'{target.name}' has another Action by now: press again.")
        if _moving_numbers(action) != self.before:
            raise MMMError(
                f"The Action '{action.name}' was changed meanwhile, and stays as it is now: press "
                "again."
            )
        if scene_fps(context.scene) != self.fps:
            raise MMMError("The scene's frame rate was changed meanwhile: press again.")
        return action


def _moving_numbers(action: Action) -> dict[CurveId, bytes]:
    """All that an Action's curves say of the motion; which keys are selected is not in it."""
    return {
        name: np.frombuffer(raw.keys, KEY_DTYPE)[_COMPARED].tobytes()
        for name, raw in raw_curves(action).items()
    }


def held_frames(rig: ArmatureObject, action: Action, wish: EditWish) -> HeldFrames:
    """Frames of keys of the type KEYFRAME, where these are to be held."""
    if wish.hold != "KEYFRAME":
        return {}
    joints = part_joints(wish.body_part)
    held: dict[str, frozenset[float]] = {}
    for each in bone_properties(rig, action, joints):
        for curve in each.curves:
            if curve is not None:
                keys = read_keys(curve)
                frames = key_frames(keys)[keys["type"] == enum_value("type", "KEYFRAME")]
                name = SMPL_22.names[each.joint]
                inside = frames[(frames >= wish.range.first) & (frames <= wish.range.last)]
                held[name] = held.get(name, frozenset()) | frozenset(inside.tolist())
    return held
