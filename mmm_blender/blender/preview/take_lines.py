"""The take that plays, all at once: three of its poses as stick figures, and where its feet stand.

It is read from the keys, and read again only when they, the rig or its place have changed. Where
that takes long, it is done for a part of the time only, and drawn once more when it may be.

Shape suffixes: T frames, J joints, K ends of lines, two in a row make one; 3 xyz.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.feet.contacts import CONTACT_JOINTS
from ...geometry.skeleton import SMPL_22
from ..actions.editability import editing_poll_error
from ..actions.range_writer import keyed_extent
from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import Action, ArmatureObject, Context, bpy
from ..fcurves.layered_actions import curves_by_channel, rig_curves
from ..path.shapes import footprints_of
from ..rig.binding import RigBinding, find_binding
from ..rig.keyed_joints import follows_keys, key_print, keyed_joints
from ..rig.target import scene_fps
from ..rig.world_space import world_space
from ..viewport_lines import Colour, Lines
from ..widgets import redraw

LEFT_COLOUR: Colour = (0.25, 0.55, 1.0, 0.9)
RIGHT_COLOUR: Colour = (1.0, 0.35, 0.3, 0.9)
GHOST_COLOURS: tuple[Colour, ...] = (
    (0.55, 0.85, 1.0, 0.55),
    (0.75, 0.75, 1.0, 0.55),
    (0.95, 0.65, 1.0, 0.55),
)
"""Of the first pose, the middle and the last."""
_MOST_FRAMES = 2000
"""Footprints of longer motions are not drawn."""
_REST = 5.0
"""How many times as long as it took the keys are not read again."""

_FEET = [SMPL_22.names[joint] for joint in CONTACT_JOINTS]


@dataclass
class _Built:
    """What was built last. key: of what; until: when it may be built again, in seconds of
    ``time.perf_counter``."""

    key: object = None
    lines: list[Lines] = field(default_factory=list[Lines])
    until: float = 0.0


_built = _Built()


def take_lines(context: Context, rig: ArmatureObject) -> list[Lines]:
    """Ghosts and footprints of the Action that the character plays; none where its keys alone do
    not say how it moves."""
    key = ("take lines", scene_key(context), rig.session_uid)
    ui_state.fact(key, lambda: _look(context, rig))
    return _built.lines


def forget() -> None:
    """Nothing is kept any more, and no timer waits."""
    _built.key, _built.lines, _built.until = None, [], 0.0
    if bpy.app.timers.is_registered(_again):
        bpy.app.timers.unregister(_again)


def _look(context: Context, rig: ArmatureObject) -> bool:
    """Build again where something has changed; True where there is something to draw."""
    now = time.perf_counter()
    action = None if rig.animation_data is None else rig.animation_data.action
    extent = None if action is None else keyed_extent(rig, action)
    if action is None or extent is None:
        _built.key, _built.lines = None, []
        return False
    if now < _built.until:
        if not bpy.app.timers.is_registered(_again):
            bpy.app.timers.register(_again, first_interval=_built.until - now)
        return bool(_built.lines)
    frames_T = _ghost_frames(extent)
    key = _key(rig, action, frames_T)
    if key != _built.key:
        _built.key, _built.lines = key, _lines(context, rig, action, extent)
        _built.until = time.perf_counter() + _REST * (time.perf_counter() - now)
    return bool(_built.lines)


def _again() -> None:
    """Timer: look once more."""
    ui_state.scene_changed()
    redraw(frozenset({"VIEW_3D"}))


def _key(rig: ArmatureObject, action: Action, frames_T: FloatArray) -> object:
    """Changes with whatever the lines hang on."""
    rest = np.empty((len(rig.data.bones), 3), dtype=np.float32)
    rig.data.bones.foreach_get("head_local", rest.ravel())
    return (
        int(rig.session_uid),
        int(action.session_uid),
        key_print(curves_by_channel(rig_curves(rig, action)), frames_T),
        rest.tobytes(),
        tuple(map(tuple, rig.matrix_world)),
    )


def _ghost_frames(extent: tuple[float, float]) -> FloatArray:
    """The first keyed frame, the middle and the last."""
    first, last = math.floor(extent[0]), math.ceil(extent[1])
    return np.array([first, (first + last) // 2, last], dtype=np.float64)


def _lines(
    context: Context, rig: ArmatureObject, action: Action, extent: tuple[float, float]
) -> list[Lines]:
    binding = find_binding(rig)
    if isinstance(binding, str) or editing_poll_error(rig, "ALL"):
        return []
    try:
        if not follows_keys(rig, binding, action, float(context.scene.frame_current)):
            return []
        frames_T = _ghost_frames(extent)
        joints_TJ3 = keyed_joints(rig, binding, action, SMPL_22.names, frames_T)
        if joints_TJ3 is None:
            return []
        space = world_space(rig)
        ghosts = [
            Lines(stick_figure(space.to_world(pose_J3)), colour, 1.5)
            for pose_J3, colour in zip(joints_TJ3, GHOST_COLOURS, strict=True)
        ]
        return ghosts + _prints(context, rig, binding, action, extent)
    except MMMError:  # the panels say it
        return []


def stick_figure(joints_J3: FloatArray) -> FloatArray:
    """A line from every joint to its parent. (K, 3)."""
    parents = list(SMPL_22.parents[1:])
    return np.stack([joints_J3[..., parents, :], joints_J3[..., 1:, :]], axis=-2).reshape(-1, 3)


def _prints(
    context: Context,
    rig: ArmatureObject,
    binding: RigBinding,
    action: Action,
    extent: tuple[float, float],
) -> list[Lines]:
    first, last = math.ceil(extent[0]), math.floor(extent[1])
    if not 1 < last - first + 1 <= _MOST_FRAMES:
        return []
    frames_T = np.arange(first, last + 1, dtype=np.float64)
    feet_TK3 = keyed_joints(rig, binding, action, _FEET, frames_T)
    if feet_TK3 is None:
        return []
    joints_TJ3 = np.zeros((len(frames_T), len(SMPL_22), 3))
    joints_TJ3[:, CONTACT_JOINTS] = feet_TK3
    prints = footprints_of(joints_TJ3, scene_fps(context.scene), world_space(rig))
    sides = ((prints.left_K3, LEFT_COLOUR), (prints.right_K3, RIGHT_COLOUR))
    return [Lines(ends_K3, colour) for ends_K3, colour in sides if len(ends_K3)]
