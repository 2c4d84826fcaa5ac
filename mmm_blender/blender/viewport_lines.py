"""Lines and rectangles drawn over Blender's editors. Nothing in the background.

What is drawn is kept on the graphics card with the ``Lines`` that it belongs to: whoever draws the
same lines again keeps them, and makes new ones where something changed.

Shape suffixes: K ends of lines, two in a row make one; 3 xyz in the world.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from ..common.arrays import FloatArray
from .bpy_types import Context, bpy

Colour: TypeAlias = tuple[float, float, float, float]

_POLYLINE, _FILL = "POLYLINE_UNIFORM_COLOR", "UNIFORM_COLOR"
_TEXT_SIZE = 11.0
"""Points at a scale of 1."""


@dataclass(frozen=True, eq=False)
class Lines:
    """ends_K3: in the world. width: pixels at a scale of 1. on_top: nothing of the scene hides
    them."""

    ends_K3: FloatArray
    colour: Colour
    width: float = 2.0
    on_top: bool = False

    @cached_property
    def batch(self) -> Any:
        """On the graphics card."""
        return _batch(_POLYLINE, "LINES", self.ends_K3.astype("f4"))


def draw_lines(context: Context, lines: Sequence[Lines]) -> None:
    """Draw them in the region of a handler of the kind POST_VIEW."""
    if not lines:
        return
    import gpu  # noqa: PLC0415  # pyright: ignore[reportMissingImports]  # none in the background

    shader: Any = gpu.shader.from_builtin(_POLYLINE)
    region, scale = context.region, context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    try:
        shader.bind()
        shader.uniform_float("viewportSize", (region.width, region.height))
        for each in lines:
            gpu.state.depth_test_set("NONE" if each.on_top else "LESS_EQUAL")
            shader.uniform_float("lineWidth", each.width * scale)
            shader.uniform_float("color", each.colour)
            each.batch.draw(shader)
    finally:
        gpu.state.depth_test_set("NONE")
        gpu.state.blend_set("NONE")


def draw_rectangle(left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
    """Fill a rectangle of a region, in its pixels, in a handler of the kind POST_PIXEL."""
    import gpu  # noqa: PLC0415  # pyright: ignore[reportMissingImports]  # none in the background

    shader: Any = gpu.shader.from_builtin(_FILL)
    corners = [(left, bottom), (right, bottom), (left, top), (right, top)]
    gpu.state.blend_set("ALPHA")
    try:
        shader.bind()
        shader.uniform_float("color", colour)
        _batch(_FILL, "TRI_STRIP", corners).draw(shader)
    finally:
        gpu.state.blend_set("NONE")


def draw_text(context: Context, text: str, left: float, bottom: float, colour: Colour) -> None:
    """Write a line into a region, in its pixels, in a handler of the kind POST_PIXEL."""
    import blf  # noqa: PLC0415  # pyright: ignore[reportMissingImports]  # none in the background

    blf.size(0, _TEXT_SIZE * context.preferences.system.ui_scale)
    blf.color(0, *colour)
    blf.position(0, left, bottom, 0.0)
    blf.draw(0, text)


def _batch(shader_name: str, kind: str, places: Any) -> Any:
    import gpu  # noqa: PLC0415  # pyright: ignore[reportMissingImports]  # none in the background
    from gpu_extras.batch import batch_for_shader  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    return batch_for_shader(gpu.shader.from_builtin(shader_name), kind, {"pos": places})


@dataclass
class DrawHandler:
    """What Blender calls whenever it has drawn a region of some editors.

    draw: what it calls. An error of it is printed, and ends the drawing: the handler of a redraw
    must not raise, and would print it again and again.
    """

    draw: Callable[[], None]
    spaces: tuple[str, ...]
    kind: str
    handles: list[tuple[Any, Any]] = field(default_factory=list[tuple[Any, Any]])
    failed: bool = False

    @property
    def active(self) -> bool:
        """Blender calls it."""
        return bool(self.handles)

    def start(self) -> None:
        """Have Blender call it."""
        self.stop()
        self.failed = False
        for name in self.spaces:
            space: Any = getattr(bpy.types, name)
            self.handles.append((space, space.draw_handler_add(self, (), "WINDOW", self.kind)))

    def stop(self) -> None:
        """Have Blender call it no more."""
        for space, handle in self.handles:
            space.draw_handler_remove(handle, "WINDOW")
        self.handles.clear()

    def __call__(self) -> None:
        """Draw, unless that has failed before."""
        if self.failed:
            return
        try:
            self.draw()
        except Exception:  # noqa: BLE001  # a boundary: Blender's redraw
            self.failed = True
            traceback.print_exc()
