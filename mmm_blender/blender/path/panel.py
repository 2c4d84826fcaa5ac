"""The panel Path, below the prompt: where the motion goes, how it begins and how it ends."""

from __future__ import annotations

from typing import Any, ClassVar

from ..bpy_types import Context, bpy
from ..widgets import TAB, Layout, draw_wrapped, in_language
from .properties import (
    CURSOR,
    LINE,
    NONE,
    OBJECT,
    SPEED,
    TARGET,
    WAY_POINTS,
    PathSettings,
    chosen_way_point,
    path_settings,
)
from .shown_path import shown_path

_OBJECT_SHARE = 0.6
"""Of a line's width, what the object gets."""


class MMM_UL_way_points(bpy.types.UIList):  # noqa: N801  # Blender asks for this form of a name
    """Way-points in order, each with its frame and whether its heading counts."""

    bl_idname = "MMM_UL_way_points"

    def draw_item(  # Blender's own signature
        self,
        _context: Context,
        layout: Layout,
        _data: Any,
        line: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        _index: int = 0,
    ) -> None:
        """One line."""
        row = layout.split(factor=_OBJECT_SHARE, align=True)
        row.prop(line, "object", text="")
        row = row.row(align=True)
        row.prop(line, "frame", text="")
        row.prop(line, "use_heading", text="", icon="ORIENTATION_LOCAL")


class PathPanel(bpy.types.Panel):
    """Where the motion goes."""

    bl_idname = "MMM_PT_path"
    bl_parent_id = "MMM_PT_motion"
    bl_label = "Path"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """All of it."""
        layout, settings = self.layout, path_settings(context.scene)
        column = layout.column()
        column.prop(settings, "kind", text="")
        _draw_kind(column, settings)
        if settings.kind != NONE:
            _draw_how(column, settings)
            draw_wrapped(column, context, *_said(context))
        walk = layout.column(align=True)
        walk.operator("mmm.walk_to", text="Walk to 3D Cursor", icon="CURSOR").goal = CURSOR
        walk.operator("mmm.walk_to", text="Walk to Object", icon="OBJECT_ORIGIN").goal = OBJECT
        walk.prop(settings, "goal", text="")
        column.separator()
        column.prop(settings, "start_from")
        column.prop(settings, "end_in")
        column.prop(settings, "show")


def _draw_kind(layout: Layout, settings: PathSettings) -> None:
    """The fields of the chosen kind of path."""
    if settings.kind == LINE:
        layout.prop(settings, "line", text="")
    elif settings.kind == OBJECT:
        layout.prop(settings, "goal", text="")
    elif settings.kind == WAY_POINTS:
        _draw_way_points(layout, settings)


def _draw_way_points(layout: Layout, settings: PathSettings) -> None:
    row = layout.row()
    row.template_list("MMM_UL_way_points", "", settings, "way_points", settings, "active", rows=3)
    column = row.column(align=True)
    column.operator("mmm.way_point_add", text="", icon="ADD")
    column.operator("mmm.way_point_remove", text="", icon="REMOVE")
    column.separator()
    column.operator("mmm.way_point_move", text="", icon="TRIA_UP").direction = "UP"
    column.operator("mmm.way_point_move", text="", icon="TRIA_DOWN").direction = "DOWN"
    if settings.way_points:
        line = settings.way_points[chosen_way_point(settings)]
        layout.prop(line, "frame")
        layout.prop(line, "use_heading", text="Face the Object's -Y Axis")


def _draw_how(layout: Layout, settings: PathSettings) -> None:
    """Pace and facing."""
    layout.prop(settings, "pace")
    if settings.pace == SPEED:
        layout.prop(settings, "speed")
    layout.prop(settings, "facing")
    if settings.facing == TARGET:
        layout.prop(settings, "target", text="")
    layout.prop(settings, "use_in_edits")


def _said(context: Context) -> tuple[str, str]:
    """How long the path is, or what is wrong with it; and the icon."""
    planned = shown_path(context)
    if isinstance(planned, str):
        return planned, "ERROR"
    if planned is None:
        return "", "NONE"
    metres = f"{planned.ground.length * planned.space.metre:.1f}"
    said = in_language("{metres} m.", metres=metres)
    if planned.seconds:
        seconds = f"{planned.seconds:.1f}"
        said = in_language("{metres} m in {seconds} seconds.", metres=metres, seconds=seconds)
    return " ".join((said, *planned.notes)), "INFO"


_CLASSES = (MMM_UL_way_points, PathPanel)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
