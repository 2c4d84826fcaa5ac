"""The path, drawn in the 3D view. Nothing without a window."""

from __future__ import annotations

from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import Context, bpy
from ..viewport_lines import Colour, DrawHandler, Lines, draw_lines
from .planned_path import PlannedPath
from .properties import path_settings
from .shapes import path_shapes
from .shown_path import shown_path

_LINE_COLOUR: Colour = (1.0, 0.7, 0.2, 1.0)
_MARK_COLOUR: Colour = (1.0, 1.0, 1.0, 0.9)
_ARROW_COLOUR: Colour = (0.3, 0.8, 1.0, 1.0)


def drawing(context: Context) -> list[Lines]:
    """All lines that are to be drawn now."""
    if not path_settings(context.scene).show:
        return []
    planned = shown_path(context)
    if not isinstance(planned, PlannedPath):  # the panel says what is wrong with another one
        return []
    key = ("path lines", scene_key(context), id(planned))
    return ui_state.fact(key, lambda: _lines(planned))


def _lines(planned: PlannedPath) -> list[Lines]:
    shapes = path_shapes(planned)
    lines = (
        (shapes.line_K3, _LINE_COLOUR),
        (shapes.marks_K3, _MARK_COLOUR),
        (shapes.arrows_K3, _ARROW_COLOUR),
    )
    return [Lines(ends_K3, colour) for ends_K3, colour in lines if len(ends_K3)]


def _draw() -> None:
    """Blender calls it after the 3D view's scene was drawn."""
    space = bpy.context.space_data
    if space is not None and space.overlay.show_overlays:
        draw_lines(bpy.context, drawing(bpy.context))


_handler = DrawHandler(_draw, ("SpaceView3D",), "POST_VIEW")


def register() -> None:
    """Begin to draw, where there is a window."""
    if not bpy.app.background:
        start_drawing()


def unregister() -> None:
    """Draw no more."""
    _handler.stop()


def start_drawing() -> None:
    """Have Blender call the drawing."""
    _handler.start()


def is_drawing() -> bool:
    """Blender calls the drawing."""
    return _handler.active
