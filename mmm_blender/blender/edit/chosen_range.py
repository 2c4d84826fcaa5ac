"""Which frames an edit is about: the selected keys, else the preview range, else the fields.

Keys that are selected count wherever the button stands. Outside of an editor of keys they are those
that an editor of this window shows, and one frame alone is not meant: a key that was just set is
selected too.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ...common.untrusted import LAST_FRAME
from ...geometry.resample import MOST_FRAMES
from ..addon.scene_settings import scene_settings
from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import Action, Area, ArmatureObject, Context, FCurve, Scene, bpy
from ..fcurves.frame_range import FrameRange
from ..fcurves.layered_actions import bone_path, rig_curves
from ..rig.bone_selection import is_selected
from ..widgets import in_language

KEY_EDITORS = ("DOPESHEET_EDITOR", "GRAPH_EDITOR")
"""Where keys can be seen and selected; Blender counts the timeline as a dope sheet."""

CONTEXT_SECONDS = 5.0
"""How much of the kept motion an edit looks at on either side: all that the model can use."""


class Source(Enum):
    """Where a range comes from; the value is what the panel says."""

    KEYS = "selected keys"
    PREVIEW = "preview range"
    FIELDS = "these fields"
    GIVEN = "as given"
    POSES = "first to last pose"


@dataclass(frozen=True)
class ChosenRange(FrameRange):
    """Scene frames to regenerate, and where they come from."""

    first: int
    last: int
    source: Source

    @property
    def poll_error(self) -> str:
        """What is wrong with it, in a sentence; else ""."""
        if max(abs(self.first), abs(self.last)) > LAST_FRAME:
            return f"Blender has no frame beyond {LAST_FRAME}: choose another range."
        if self.last - self.first >= MOST_FRAMES:
            return f"The range has more than {MOST_FRAMES} frames: choose a shorter one."
        if self.first <= self.last:
            return ""
        return (
            f"The range ends (frame {self.last}) before it starts (frame {self.first}): swap the "
            "two."
        )

    @property
    def text(self) -> str:
        """For the panel."""
        source = in_language(self.source.value)
        return in_language(
            "Frames {first} to {last}: {source}",
            first=self.first,
            last=self.last,
            source=source,
        )


def chosen_range(
    context: Context,
    rig: ArmatureObject | None,
    frame_start: int | None = None,
    frame_end: int | None = None,
) -> ChosenRange:
    """The range that counts; a frame that is given goes before everything."""
    found = _selected_range(context, rig) or _range_without_keys(context)
    if frame_start is None and frame_end is None:
        return found
    first = found.first if frame_start is None else frame_start
    last = found.last if frame_end is None else frame_end
    return ChosenRange(first, last, Source.GIVEN)


def shown_range(context: Context, rig: ArmatureObject | None) -> ChosenRange:
    """``chosen_range`` for a panel, which asks at every redraw: where it takes long to look at the
    keys, they are looked at for a tenth of the time only, and drawn once more when they may be.
    Outside of the editors of keys it is a fact of the scene, as old as these may be."""
    if context.area is None or context.area.type not in KEY_EDITORS:
        key = ("selected keys", scene_key(context), *_asked(context, rig))
        known = ui_state.fact(key, lambda: _selected_range(context, rig))
        return known or _range_without_keys(context)
    now, asked = time.perf_counter(), _asked(context, rig)
    glance = _glances.get(asked)
    if glance is not None and now < glance.until:
        if not bpy.app.timers.is_registered(_redraw_editors):
            bpy.app.timers.register(_redraw_editors, first_interval=glance.until - now)
        return glance.found or _range_without_keys(context)
    found = _selected_range(context, rig)
    took = time.perf_counter() - now
    if len(_glances) >= _MOST_GLANCES:
        _glances.clear()
    _glances[asked] = _Glance(found, now + (_REST * took if took > _LONG else 0.0))
    return found or _range_without_keys(context)


@dataclass(frozen=True)
class _Glance:
    """What was found at the selected keys. until: when they are looked at again, in seconds of
    ``time.perf_counter``."""

    found: ChosenRange | None
    until: float


_glances: dict[tuple[object, ...], _Glance] = {}
"""By what was asked for: the editor, the rig and the Action."""
_MOST_GLANCES = 16
_LONG = 0.0003
"""Seconds of looking at keys that every redraw may take."""
_REST = 10.0
"""How many times as long as it took the keys are not looked at again."""


def _asked(context: Context, rig: ArmatureObject | None) -> tuple[object, ...]:
    data = None if rig is None else rig.animation_data
    action = None if data is None else data.action
    area = context.area
    return (
        None if area is None else (str(area.type), int(area.x), int(area.y)),
        None if rig is None else (int(rig.session_uid), str(rig.mode)),
        None if action is None else int(action.session_uid),
    )


def _redraw_editors() -> None:
    """Have all editors of keys drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in KEY_EDITORS:
                area.tag_redraw()


def unregister() -> None:
    """Stop the timer, and forget what was found."""
    _glances.clear()
    if bpy.app.timers.is_registered(_redraw_editors):
        bpy.app.timers.unregister(_redraw_editors)


def _range_without_keys(context: Context) -> ChosenRange:
    settings = scene_settings(context.scene)
    fields = ChosenRange(int(settings.edit_start), int(settings.edit_end), Source.FIELDS)
    return _preview_range(context) or fields


def _preview_range(context: Context) -> ChosenRange | None:
    scene = context.scene
    if not scene.use_preview_range:
        return None
    first, last = int(scene.frame_preview_start), int(scene.frame_preview_end)
    return ChosenRange(first, last, Source.PREVIEW)


def _selected_range(context: Context, rig: ArmatureObject | None) -> ChosenRange | None:
    """From the first to the last selected key of the rig's Action, of those that are shown."""
    action = None if rig is None or rig.animation_data is None else rig.animation_data.action
    if rig is None or action is None:
        return None
    area = _key_editor(context)
    frames = [selected_frames(curve) for curve in _shown_curves(context.scene, area, rig, action)]
    times = np.concatenate([np.empty(0), *frames])
    times = times[np.isfinite(times)]
    if not len(times):
        return None
    found = ChosenRange(math.floor(times.min()), math.ceil(times.max()), Source.KEYS)
    elsewhere = area is None or area != context.area
    return None if elsewhere and found.first == found.last else found


def _key_editor(context: Context) -> Area | None:
    """The editor of keys that the context is in, else the largest of its window."""
    if context.area is not None and context.area.type in KEY_EDITORS:
        return context.area
    areas = () if context.screen is None else context.screen.areas
    found = [area for area in areas if area.type in KEY_EDITORS]
    return max(found, key=lambda area: area.width * area.height, default=None)


def selected_frames(curve: FCurve) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Frames of a curve's selected keys."""
    keys = curve.keyframe_points
    chosen = np.empty(len(keys), dtype=np.bool_)
    keys.foreach_get("select_control_point", chosen)
    if not chosen.any():
        return np.empty(0, dtype=np.float32)
    co = np.empty(2 * len(keys), dtype=np.float32)
    keys.foreach_get("co", co)
    return co[0::2][chosen]


def _shown_curves(
    scene: Scene, area: Area | None, rig: ArmatureObject, action: Action
) -> list[FCurve]:
    """Curves that the editor shows: in Pose Mode mostly those of the selected bones."""
    curves = rig_curves(rig, action)
    if area is None:
        return curves
    if area.type == "GRAPH_EDITOR":
        curves = [curve for curve in curves if not curve.hide]
    if rig.mode != "POSE" or not _only_selected(scene, area):
        return curves
    shown = tuple(bone_path(bone.name, "") for bone in rig.pose.bones if is_selected(bone))
    return [curve for curve in curves if str(curve.data_path).startswith(shown)]


def _only_selected(scene: Scene, area: Area) -> bool:
    """The editor's filter Only Show Selected is on."""
    space: Any = area.spaces.active
    if str(space.mode) == "TIMELINE":
        return bool(scene.show_keys_from_selected_only)
    return bool(space.dopesheet.show_only_selected)
