"""The panel's path as panels and the 3D view show it: planned again when something changed."""

from __future__ import annotations

from ...common.errors import MMMError
from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import Context
from .planned_path import PlannedPath, panel_path
from .properties import NONE, path_settings


def shown_path(context: Context) -> PlannedPath | str | None:
    """The path that Generate Motion would take now, or, in a sentence, what is wrong with it; None
    for none. While the scene plays it is that of a moment ago."""
    if str(path_settings(context.scene).kind) == NONE:
        return None
    plays = context.screen is not None and context.screen.is_animation_playing
    frame = None if plays else int(context.scene.frame_current)
    return ui_state.fact(("path", scene_key(context), frame), lambda: _plan(context))


def shown_path_poll_error(context: Context) -> str:
    """Why the panel's path cannot be walked, in a sentence; else ""."""
    found = shown_path(context)
    return found if isinstance(found, str) else ""


def _plan(context: Context) -> PlannedPath | str | None:
    try:
        return panel_path(context)
    except MMMError as error:
        return str(error)
