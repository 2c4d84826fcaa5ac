"""What the person asks a motion to keep to, and how it is read from the scene for a new motion."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from ...geometry.clip import MotionClip
from ...geometry.editing.conditions import Conditions, End, Ends, Start
from ..bpy_types import ArmatureObject, Context
from ..path.planned_path import LONGEST_SECONDS, PathParams, PlannedPath, plan_generation
from ..path.properties import FREE as FREE_CHOICE
from ..path.properties import POSE as POSE_CHOICE
from ..path.properties import SECONDS
from ..path.properties import STANDING as STANDING_CHOICE
from ..path.start_pose import has_pose, read_lead
from ..pins.pin_reader import PinnedFrames, PinParams, left_out_note, pins_of, read_pins
from ..rig.target import scene_fps
from ..rig.world_space import world_space

_MOST_FRAMES = 1_000_000

_ENDS: Mapping[str, End] = {FREE_CHOICE: "free", STANDING_CHOICE: "standing"}
"""Of the panel's choices, what messages say."""


@dataclass(frozen=True)
class TargetParams:
    """path: None for no path whatever the panel says. start, end: as in the panel Path."""

    path: PathParams | None = None
    start: str = FREE_CHOICE
    end: str = FREE_CHOICE


NO_TARGET_PARAMS = TargetParams()


@dataclass(frozen=True, eq=False)
class PlannedTargets:
    """What a new motion keeps to, as it stood at the press. frames: those that it will have, as far
    as that is known."""

    path: PlannedPath | None
    pins: tuple[PinParams, ...]
    start: Start
    end: End
    frames: PinnedFrames

    @property
    def seconds(self) -> float | None:
        """How long the path takes, 0 for its own pace; None without a path."""
        return None if self.path is None else self.path.seconds

    @property
    def origin_3(self) -> tuple[float, float, float] | None:
        """Where a new character's object is put; None for the 3D cursor."""
        return None if self.path is None else self.path.origin_3

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know, in sentences."""
        path = () if self.path is None else self.path.notes
        return tuple(note for note in (*path, left_out_note(self.pins, self.frames)) if note)

    def read(self, rig: ArmatureObject | None) -> Generator[float, None, Conditions]:
        """Read what takes longer: the motion before the pose, and where the pins go."""
        path = None if self.path is None else self.path.ground
        if rig is None:
            return Conditions(path, ends=Ends(self.start, self.end))
        pose: MotionClip | None = None
        if self.start == "pose":
            pose = yield from read_lead(rig)
        pins = yield from read_pins(self.pins, world_space(rig), self.frames, rig)
        return Conditions(path, pins, Ends(self.start, self.end, pose))


def stands(conditions: Conditions) -> bool:
    """The answer lies where it belongs: it is not to be placed."""
    return conditions.path is not None or conditions.ends.start == "pose"


def plan_targets(
    context: Context, rig: ArmatureObject | None, params: TargetParams, seconds: float
) -> PlannedTargets:
    """What a motion from the current frame on keeps to. seconds: its length without a path.

    Raises MMMError where nobody could keep to it.
    """
    from_pose = params.start == POSE_CHOICE and rig is not None and has_pose(rig)
    path = None
    if params.path is not None:
        path = plan_generation(context, rig, params.path, from_pose)
    start: Start = "pose" if from_pose else _ENDS.get(params.start, "free")
    return PlannedTargets(
        path,
        () if rig is None else pins_of(rig),
        start,
        _ENDS[params.end],
        _frames(context, seconds if path is None else path.seconds),
    )


def _frames(context: Context, seconds: float) -> PinnedFrames:
    first, fps = int(context.scene.frame_current), scene_fps(context.scene)
    # nobody knows before how long a path takes at its own pace; the worker says it of odd numbers
    is_known = 0.0 < seconds * fps < _MOST_FRAMES
    count = max(1, round((seconds if is_known else LONGEST_SECONDS) * fps))
    return PinnedFrames(first, first, first + count - 1, fps)


def in_seconds(params: TargetParams, seconds: float) -> TargetParams:
    """The same, with a path that is walked in so many seconds."""
    if params.path is None:
        return params
    return replace(params, path=replace(params.path, pace=SECONDS, seconds=seconds))
