"""The path as the worker gets it: on the character's ground, with its time.

Shape suffixes: N points; 2 x and z, 3 xyz in metres of the model space.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.ground_path import Facing, GroundPath, check_pace
from ...geometry.placement import Placement
from ..bpy_types import ArmatureObject, Context
from ..rig.motion_reader import current_placement
from ..rig.target import scene_fps, target_armature
from ..rig.world_space import WorldSpace, space_of_new_character, world_space
from .properties import (
    ALONG,
    DEFAULT_SPEED,
    FREE,
    NATURAL,
    NONE,
    POSE,
    SECONDS,
    SPEED,
    TARGET,
    path_settings,
)
from .start_pose import has_pose
from .world_path import WAY_POINTS_NAME, WorldPath, named_path, scene_path, target_place

LONGEST_SECONDS = 120.0
"""Motions along a path end there: a longer one is made of several."""

_SAME_PLACE = 0.05
"""Metres: a character that stands this near to a path's start stands on it."""

_SAME_POINT = 1e-4
_OFF_FLOOR = 0.25
"""Metres: a path that lies farther than this over or under the floor is mentioned."""

_DIGITS = 4

FACINGS: Mapping[str, Facing] = {ALONG: "along", TARGET: "target", FREE: "free"}
"""Of the panel's choices, what paths say."""


@dataclass(frozen=True)
class PathParams:
    """What the person asks for.

    text: as ``named_path`` reads it, None for what the panel says. kind: instead of the panel's,
    "" for the panel's. pace, facing: as in the panel; speed: metres a second in the world; seconds:
    length of the motion for the pace SECONDS. target: name of the object that is faced.
    """

    text: str | None = None
    kind: str = ""
    pace: str = NATURAL
    speed: float = DEFAULT_SPEED
    seconds: float = 0.0
    facing: str = ALONG
    target: str = ""

    @classmethod
    def of_scene(cls, context: Context, seconds: float) -> PathParams:
        """As the panel says. seconds: the motion's."""
        settings = path_settings(context.scene)
        return cls(
            pace=str(settings.pace),
            speed=float(settings.speed),
            seconds=seconds,
            facing=str(settings.facing),
            target="" if settings.target is None else str(settings.target.name),
        )


@dataclass(frozen=True, eq=False)
class PlannedPath:
    """A path on the ground of a character.

    ground: in its model space. seconds: length of the motion, 0 for the pace of the motion itself.
    space: where the character's model space lies; origin_3: where a new one's object is put.
    """

    ground: GroundPath
    seconds: float
    space: WorldSpace
    origin_3: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = ()

    def shown_times(self) -> tuple[FloatArray, FloatArray]:
        """Seconds in order, and how far along the path the body is then in metres, as well as it is
        known before; from the start to the end."""
        seconds, lengths = map(list, self.ground.times())
        if not seconds or seconds[0] > 0.0:
            seconds, lengths = [0.0, *seconds], [0.0, *lengths]
        missing = self.ground.length - lengths[-1]
        if missing > _SAME_PLACE:
            guess = seconds[-1] + missing / DEFAULT_SPEED
            seconds.append(max(self.seconds or guess, seconds[-1]))
            lengths.append(self.ground.length)
        return np.array(seconds), np.array(lengths)


@dataclass(frozen=True)
class PathStart:
    """Where a motion sets out. frame: scene frame of its first pose; fps: of the scene. here: where
    the character stands and faces then, metres and radians in its model space; None for a new one.
    from_pose: the motion begins with that pose, so every path begins there."""

    frame: int
    fps: float
    here: Placement | None = None
    from_pose: bool = False


def plan_generation(
    context: Context, rig: ArmatureObject | None, params: PathParams, from_pose: bool = False
) -> PlannedPath | None:
    """The path that the person means, for a motion from the current frame on; None for none.

    rig: None for a character that is still to be added: it stands where the path begins. Raises
    MMMError where nobody could walk the path.
    """
    path = read_path(context, params)
    if path is None:
        return None
    start = PathStart(int(context.scene.frame_current), scene_fps(context.scene))
    if rig is not None:
        start = replace(start, here=current_placement(rig), from_pose=from_pose)
        return plan_path(path, params, world_space(rig), start)
    if len(path.points_N3) == 1 and path.from_character:
        raise MMMError(f"There is no character that could go to {path.name}: add one first.")
    x, y, z = map(float, path.points_N3[0])
    planned = plan_path(path, params, space_of_new_character((x, y, z)), start)
    return replace(planned, origin_3=(x, y, z))


def panel_path(context: Context) -> PlannedPath | None:
    """The path that Generate Motion would take now, as the panel says; None for none. Raises
    MMMError as ``plan_generation`` does."""
    settings = path_settings(context.scene)
    if str(settings.kind) == NONE:
        return None
    rig = target_armature(context)
    from_pose = str(settings.start_from) == POSE and rig is not None and has_pose(rig)
    params = PathParams.of_scene(context, float(context.scene.mmm.seconds))
    return plan_generation(context, rig, params, from_pose)


def read_path(context: Context, params: PathParams) -> WorldPath | None:
    """The path and what is faced on it, as they lie in the world now; None for no path."""
    if params.text is not None:
        path = named_path(params.text)
    else:
        path = scene_path(context.scene, params.kind)
    if path is None or params.facing != TARGET:
        return path
    return replace(path, target_3=target_place(params.target))


def plan_path(
    path: WorldPath, params: PathParams, space: WorldSpace, start: PathStart
) -> PlannedPath:
    """The path on the ground of a character, with its time. Raises MMMError where nobody could walk
    it."""
    path = _with_start(path, space, start)
    model_N3 = space.to_model(path.points_N3)
    yaws_N = space.to_model_yaw(path.directions_N3)
    times_N = _times(path, start)
    kept = _kept(model_N3[:, [0, 2]], path)
    if len(kept) == 1 and path.is_goal:
        raise MMMError(f"The character stands at {path.name} already: move it, or choose No Path.")
    ground = GroundPath.of(
        np.round(model_N3[kept][:, [0, 2]], _DIGITS),
        np.round(yaws_N[kept], _DIGITS) if np.isfinite(yaws_N).any() else (),
        np.round(times_N[kept], _DIGITS) if np.isfinite(times_N).any() else (),
        FACINGS[params.facing],
        _on_ground(path.target_3, space),
    )
    seconds = _seconds(ground, space, params)
    _check_seconds(ground, seconds, path)
    return PlannedPath(ground, seconds, space, notes=(*path.notes, *_height_note(model_N3, path)))


def _with_start(path: WorldPath, space: WorldSpace, start: PathStart) -> WorldPath:
    """The path from where the character stands, where it is to begin there."""
    here = start.here
    if here is None or not (path.from_character or start.from_pose):
        return path
    first = space.to_model(path.points_N3[0])
    missing = float(np.hypot(first[0] - here.x, first[2] - here.z))
    if missing <= _SAME_PLACE and len(path.points_N3) > 1:
        return path
    notes = path.notes
    if not path.from_character:
        notes = (*notes, f"It goes {missing:.1f} m to the start of the path first.")
    facing_3 = np.array([np.sin(here.yaw), 0.0, np.cos(here.yaw)])
    here_3 = np.array([here.x, first[1], here.z])
    return replace(
        path,
        points_N3=np.concatenate([space.to_world(here_3)[None], path.points_N3]),
        directions_N3=np.concatenate(
            [(space.to_world(here_3 + facing_3) - space.to_world(here_3))[None], path.directions_N3]
        ),
        frames=(start.frame, *path.frames),
        notes=notes,
    )


def _kept(points_N2: FloatArray, path: WorldPath) -> list[int]:
    """Points but for those that repeat the place before and say nothing more."""
    kept = [0]
    for n in range(1, len(points_N2)):
        moved = np.linalg.norm(points_N2[n] - points_N2[kept[-1]]) > _SAME_POINT
        if moved or path.frames[n] or not np.isnan(path.directions_N3[n, 0]):
            kept.append(n)
    return kept


def _times(path: WorldPath, start: PathStart) -> FloatArray:
    """Seconds from the motion's start to each point's frame; nan where it has none. (N,)."""
    for n, frame in enumerate(path.frames):
        if frame and frame < start.frame + (n > 0):
            raise MMMError(
                f"A way-point is on frame {frame}, and the motion begins on frame {start.frame}: "
                "give it a later frame, or begin earlier."
            )
    frames_N = np.array(path.frames, dtype=np.float64)
    return np.where(frames_N != 0, (frames_N - start.frame) / start.fps, np.nan)


def _seconds(ground: GroundPath, space: WorldSpace, params: PathParams) -> float:
    """How long the motion lasts, 0 for its own pace."""
    if (end := ground.end_seconds) is not None:
        return end
    if params.pace == SECONDS:
        return params.seconds
    if params.pace == SPEED:
        return round(ground.length * space.metre / max(params.speed, 1e-6), _DIGITS)
    return 0.0


def _check_seconds(ground: GroundPath, seconds: float, path: WorldPath) -> None:
    """Raises MMMError where nobody could walk so fast, or the motion would last too long."""
    if not 0.0 <= seconds < math.inf:
        raise MMMError(f"A motion cannot last {seconds:g} seconds: set its seconds again.")
    if seconds > LONGEST_SECONDS:
        raise MMMError(
            f"{_start(path, 'takes')} {max(seconds, LONGEST_SECONDS + 1.0):.0f} seconds, and a "
            f"motion has at most {LONGEST_SECONDS:.0f}: go faster, or make it of several paths."
        )
    if seconds:
        check_pace(ground, seconds)


def _on_ground(place_3: FloatArray | None, space: WorldSpace) -> tuple[float, float] | None:
    if place_3 is None:
        return None
    x, _, z = space.to_model(place_3)
    return round(float(x), _DIGITS), round(float(z), _DIGITS)


def _height_note(model_N3: FloatArray, path: WorldPath) -> tuple[str, ...]:
    """That a path does not lie on the character's floor."""
    lowest, highest = float(model_N3[:, 1].min()), float(model_N3[:, 1].max())
    if max(-lowest, highest) <= _OFF_FLOOR:
        return ()
    far, where = (-lowest, "under") if -lowest > highest else (highest, "over")
    return (
        f"{_start(path, 'lies')} up to {far:.1f} m {where} the floor: the body stays on its floor.",
    )


def _start(path: WorldPath, does: str) -> str:
    """What a path does, at the start of a sentence. does: as one thing does it."""
    if path.name == WAY_POINTS_NAME:
        return f"The way-points {does.removesuffix('s')}"
    return f"The way to {path.name} {does}" if path.is_goal else f"The path '{path.name}' {does}"


def has_path(context: Context, params: PathParams | None) -> bool:
    """The motion is to walk on something, whether an argument says so or the panel."""
    if params is None:
        return False
    if params.text is not None:
        return bool(params.text)
    return (params.kind or str(path_settings(context.scene).kind)) != NONE
