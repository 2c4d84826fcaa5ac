"""The panel Edit: in the 3D view below MMM, and beside the keys in the editors that show them."""

from __future__ import annotations

from typing import ClassVar

from ..addon.known_prompts import draw_notes
from ..addon.scene_settings import Settings, scene_settings
from ..addon.several_characters import draw_characters
from ..addon.shown_target import shown_character
from ..bpy_types import Context, bpy
from ..jobs.job_widgets import draw_notice, draw_progress
from ..jobs.session import session
from ..widgets import BIG, ORDER, TAB, Layout, draw_wrapped
from . import chosen_range, open_panels
from .chosen_range import ChosenRange, Source, shown_range
from .task import params_poll_error


class _EditPanel:
    """What the panel shows, in whichever editor."""

    bl_label = "Edit"
    bl_region_type = "UI"
    bl_category = TAB
    bl_order = ORDER["edit"]

    layout: Layout

    def draw_header(self, context: Context) -> None:
        """Nothing beside the label; from here on the panel counts as closed, until it is drawn."""
        open_panels.note_header(context)

    def draw(self, context: Context) -> None:
        """All of it."""
        open_panels.note_body(context)
        layout, settings = self.layout, scene_settings(context.scene)
        column = layout.column()
        column.label(text="What happens in between?")
        column.prop(settings, "edit_prompt", text="")
        draw_notes(column, context, str(settings.edit_prompt))
        column.row(align=True).prop(settings, "body_part", expand=True)
        frames = shown_range(context, shown_character(context))
        draw_characters(column, context)
        _draw_range(column, settings, frames)
        column.prop(settings, "hold")
        if context.area is None or context.area.type != "VIEW_3D":
            column.prop(settings, "seed")  # the MMM panel shows these four in the 3D view
            column.prop(settings, "takes")
            column.prop(settings, "claim_tries")
            column.prop(settings, "pin_feet")
        _draw_buttons(layout, context, params_poll_error(context, str(settings.body_part), frames))


def _draw_range(layout: Layout, settings: Settings, frames: ChosenRange) -> None:
    """The fields, greyed where other frames count, and those that do."""
    row = layout.row(align=True)
    row.enabled = frames.source is Source.FIELDS
    row.prop(settings, "edit_start")
    row.prop(settings, "edit_end")
    row = layout.row(align=True)
    row.label(text=frames.text, icon="PREVIEW_RANGE")
    row.prop(settings, "show_range", text="", icon="OVERLAY")


def _draw_buttons(layout: Layout, context: Context, reason: str) -> None:
    """The buttons, or how the job goes; the reason where they are greyed."""
    if session.busy:
        draw_progress(layout, session)
        return
    column = layout.column(align=True)
    row = column.row()
    row.scale_y = BIG
    row.enabled = not reason
    row.operator("mmm.inpaint", icon="PLAY")
    row = column.row(align=True)
    between = row.row(align=True)
    between.enabled = not reason
    between.operator("mmm.in_between", icon="KEYFRAME")
    row.operator("mmm.replay", icon="FILE_REFRESH")
    if reason:
        draw_wrapped(layout, context, reason, icon="INFO")
    in_view = context.area is None or context.area.type == "VIEW_3D"
    draw_notice(layout, context, session, "edit" if in_view else "")


class EditPanel(_EditPanel, bpy.types.Panel):
    """In the 3D view."""

    bl_idname = "MMM_PT_edit"
    bl_space_type = "VIEW_3D"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}


class DopeSheetEditPanel(_EditPanel, bpy.types.Panel):
    """In the dope sheet and the timeline."""

    bl_idname = "MMM_PT_edit_dope_sheet"
    bl_space_type = "DOPESHEET_EDITOR"


class GraphEditPanel(_EditPanel, bpy.types.Panel):
    """In the graph editor."""

    bl_idname = "MMM_PT_edit_graph"
    bl_space_type = "GRAPH_EDITOR"


_CLASSES = (EditPanel, DopeSheetEditPanel, GraphEditPanel)

register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def unregister() -> None:
    """Take the panels away, with the timer that draws them again."""
    chosen_range.unregister()
    _unregister()
