"""What is drawn over the 3D view and the editors of keys. Nothing without a window."""

from __future__ import annotations

from typing import Any

from ..addon.scene_settings import scene_settings
from ..addon.shown_target import shown_character
from ..bpy_types import Context, bpy
from ..edit import open_panels
from ..edit.open_panels import tab_is_open
from ..viewport_lines import Colour, DrawHandler, Lines, draw_lines, draw_rectangle, draw_text
from . import take_lines
from .shown_range import meant_range, part_lines
from .step_lines import step_lines

_BLOCK_COLOUR: Colour = (0.25, 0.65, 1.0, 0.14)
_EDGE_COLOUR: Colour = (0.25, 0.65, 1.0, 0.7)
_TEXT_COLOUR: Colour = (0.75, 0.9, 1.0, 1.0)
_BONE_COLOUR: Colour = (0.25, 0.65, 1.0, 0.8)
_FAINT_BONE_COLOUR: Colour = (0.25, 0.65, 1.0, 0.3)
"""While the current frame lies outside of the range."""
_BONE_WIDTH = 4.0
_EDGE = 1.0
_TEXT_INDENT, _TEXT_BELOW = 6.0, 44.0
"""Pixels at a scale of 1, from the block's left edge, and below the editor's scrubbing bar."""


def view_lines(context: Context) -> list[Lines]:
    """All that the 3D view shows now."""
    lines = step_lines(context)
    if (meant := meant_range(context)) is not None:
        inside = meant.first <= context.scene.frame_current <= meant.last
        colour = _BONE_COLOUR if inside else _FAINT_BONE_COLOUR
        lines.append(Lines(part_lines(context, meant), colour, _BONE_WIDTH, on_top=True))
    rig = shown_character(context)
    if rig is not None and scene_settings(context.scene).show_ghosts and tab_is_open(context):
        lines += take_lines.take_lines(context, rig)
    return [each for each in lines if len(each.ends_K3)]


def _draw_view() -> None:
    context = bpy.context
    space = context.space_data
    if space is not None and space.overlay.show_overlays:
        draw_lines(context, view_lines(context))


def _draw_keys() -> None:
    """A block over the frames of the range, with the body part."""
    context = bpy.context
    meant = meant_range(context)
    if meant is None:
        return
    region: Any = context.region
    left, right = (
        float(region.view2d.view_to_region(frame, 0.0, clip=False)[0])
        for frame in (meant.first, meant.last)
    )
    if right < 0.0 or left > region.width:
        return
    scale = float(context.preferences.system.ui_scale)
    left, right = max(left, 0.0), min(right, float(region.width))
    draw_rectangle(left, 0.0, right, region.height, _BLOCK_COLOUR)
    for edge in (left, right):
        draw_rectangle(edge - _EDGE, 0.0, edge + _EDGE, region.height, _EDGE_COLOUR)
    below = region.height - _TEXT_BELOW * scale
    if below > _TEXT_INDENT:  # else there is no room
        draw_text(context, meant.text, left + _TEXT_INDENT * scale, below, _TEXT_COLOUR)


_view = DrawHandler(_draw_view, ("SpaceView3D",), "POST_VIEW")
_keys = DrawHandler(_draw_keys, ("SpaceDopeSheetEditor", "SpaceGraphEditor"), "POST_PIXEL")


def register() -> None:
    """Begin to draw, where there is a window."""
    if not bpy.app.background:
        start_drawing()


def unregister() -> None:
    """Draw no more, and forget what was drawn."""
    _view.stop()
    _keys.stop()
    take_lines.forget()
    open_panels.forget()


def start_drawing() -> None:
    """Have Blender call the drawing."""
    _view.start()
    _keys.start()


def is_drawing() -> bool:
    """Blender calls the drawing, and it has not failed."""
    return all(each.active and not each.failed for each in (_view, _keys))
