"""The path and the last motion's footprints, drawn in the 3D view. Nothing without a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..addon.shown_target import shown_character
from ..bpy_types import Action, Context, bpy
from ..rig.target import DataBlockRef
from .planned_path import PlannedPath
from .properties import path_settings
from .shapes import Footprints, path_shapes
from .shown_path import shown_path

_LINE_COLOUR = (1.0, 0.7, 0.2, 1.0)
_MARK_COLOUR = (1.0, 1.0, 1.0, 0.9)
_ARROW_COLOUR = (0.3, 0.8, 1.0, 1.0)
_LEFT_COLOUR, _RIGHT_COLOUR = (0.25, 0.55, 1.0, 0.9), (1.0, 0.35, 0.3, 0.9)
_WIDTH = 2.0
"""Pixels at a scale of 1."""

Drawing = list[tuple[Any, tuple[float, float, float, float]]]
"""Ends of lines (K, 3) in the world and their colours."""


@dataclass(frozen=True, eq=False)
class _Shown:
    """Footprints of the motion that an Action holds."""

    action: DataBlockRef
    prints: Footprints


@dataclass
class _Overlay:
    """What is drawn besides the path, and Blender's handle of the drawing."""

    shown: _Shown | None = None
    handle: Any = None


_overlay = _Overlay()


def show_footprints(action: Action, prints: Footprints) -> None:
    """Draw these as long as the Action is the character's."""
    _overlay.shown = _Shown(DataBlockRef.of(action), prints)


def drawing(context: Context) -> Drawing:
    """All lines that are to be drawn now."""
    if not path_settings(context.scene).show:
        return []
    lines: Drawing = []
    planned = shown_path(context)
    if isinstance(planned, PlannedPath):  # the panel says what is wrong with another one
        shapes = path_shapes(planned)
        lines += [
            (shapes.line_K3, _LINE_COLOUR),
            (shapes.marks_K3, _MARK_COLOUR),
            (shapes.arrows_K3, _ARROW_COLOUR),
        ]
    if (prints := _current_footprints(context)) is not None:
        lines += [(prints.left_K3, _LEFT_COLOUR), (prints.right_K3, _RIGHT_COLOUR)]
    return [(ends_K3, colour) for ends_K3, colour in lines if len(ends_K3)]


def _current_footprints(context: Context) -> Footprints | None:
    """Those of the character's Action, if they are known."""
    shown = _overlay.shown
    action = None if shown is None else shown.action.find(bpy.data.actions)
    if shown is None or action is None or action != _action(context):
        return None
    return shown.prints


def _action(context: Context) -> Action | None:
    rig = shown_character(context)
    data = None if rig is None else rig.animation_data
    return None if data is None else data.action


def _draw() -> None:
    """Blender calls it after the 3D view's scene was drawn."""
    context = bpy.context
    space = context.space_data
    if space is None or not space.overlay.show_overlays:
        return
    lines = drawing(context)
    if lines:
        _draw_lines(context, lines)


def _draw_lines(context: Context, lines: Drawing) -> None:
    import gpu  # noqa: PLC0415  # pyright: ignore[reportMissingImports]  # none in the background
    from gpu_extras.batch import batch_for_shader  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    shader: Any = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    region, scale = context.region, context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("LESS_EQUAL")
    try:
        shader.bind()
        shader.uniform_float("viewportSize", (region.width, region.height))
        shader.uniform_float("lineWidth", _WIDTH * scale)
        for ends_K3, colour in lines:
            shader.uniform_float("color", colour)
            batch_for_shader(shader, "LINES", {"pos": ends_K3.astype("f4")}).draw(shader)
    finally:
        gpu.state.depth_test_set("NONE")
        gpu.state.blend_set("NONE")


def register() -> None:
    """Begin to draw, where there is a window."""
    if not bpy.app.background:
        start_drawing()


def unregister() -> None:
    """Draw no more, and forget the footprints."""
    stop_drawing()
    _overlay.shown = None


def start_drawing() -> None:
    """Have Blender call the drawing."""
    stop_drawing()
    view: Any = bpy.types.SpaceView3D
    _overlay.handle = view.draw_handler_add(_draw, (), "WINDOW", "POST_VIEW")


def stop_drawing() -> None:
    """Have Blender call it no more."""
    if _overlay.handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_overlay.handle, "WINDOW")
    _overlay.handle = None


def is_drawing() -> bool:
    """Blender calls the drawing."""
    return _overlay.handle is not None
