"""What the regenerated part of a motion keeps to: a path over its range, and pins on its frames."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import Conditions
from ...geometry.placement import placement_of
from ..bpy_types import ArmatureObject, Context
from ..path.planned_path import PathParams, PathStart, PlannedPath, plan_path, read_path
from ..path.properties import SECONDS
from ..path.world_path import WorldPath
from ..pins.pin_reader import PinnedFrames, PinParams, left_out_note, pins_of, read_pins
from ..rig.world_space import WorldSpace, motion_space


@dataclass(frozen=True, eq=False)
class EditTargets:
    """As they stood at the press. path: in the world; params: how it is walked. space: of the
    character."""

    space: WorldSpace
    path: WorldPath | None = None
    params: PathParams | None = None
    pins: tuple[PinParams, ...] = ()

    @classmethod
    def at_press(
        cls, context: Context, rig: ArmatureObject, params: PathParams | None = None
    ) -> EditTargets:
        """Of a character. params: None for no path. Raises MMMError where nobody could keep to
        it."""
        path = None if params is None else read_path(context, params)
        return cls(motion_space(rig), path, params, pins_of(rig))

    def read(
        self, rig: ArmatureObject, clip: MotionClip, frames: PinnedFrames
    ) -> Generator[float, None, tuple[Conditions, tuple[str, ...]]]:
        """What the worker gets, and notes for the user. clip: what the model reads."""
        planned = self._planned(clip, frames)
        pins = yield from read_pins(self.pins, self.space, frames, rig)
        path = None if planned is None else planned.ground
        notes = () if planned is None else planned.notes
        note = left_out_note(self.pins, frames)
        return Conditions(path, pins), (*notes, note) if note else notes

    def _planned(self, clip: MotionClip, frames: PinnedFrames) -> PlannedPath | None:
        """The path from where the body stands before the range, in the time of the range."""
        if self.path is None or self.params is None:
            return None
        before = frames.first - frames.start - 1
        seconds = (frames.last - frames.first + 1) / frames.fps
        start = PathStart(
            frames.first,
            frames.fps,
            placement_of(clip.slice(max(before, 0), max(before, 0) + 1)),
            from_pose=before >= 0,
        )
        params = replace(self.params, pace=SECONDS, seconds=seconds)
        return plan_path(self.path, params, self.space, start)
