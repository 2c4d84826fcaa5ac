"""The panel Sequence: the list of prompts and what can be done with it."""

from __future__ import annotations

from typing import Any, ClassVar

from ...common.errors import MMMError
from ..addon.availability import poll_error
from ..addon.bundle_choice import shown_bundle
from ..addon.known_prompts import draw_notes
from ..addon.shown_target import shown_target
from ..addon.ui_state import ui_state
from ..bpy_types import Context, bpy
from ..jobs.job_widgets import draw_notice, draw_progress
from ..jobs.session import session
from ..path.properties import path_settings
from ..widgets import BIG, ORDER, TAB, Layout, draw_wrapped, in_language
from .layout import Segment
from .lists import sequence_list
from .properties import SegmentParams, chosen_line, params_of
from .regenerate import list_poll_error, segment_poll_error
from .task import action_segments, loading_poll_error, sequence_poll_error

_PROMPT_SHARE = 0.75
"""Of a line's width, what the prompt gets."""


class MMM_UL_prompts(bpy.types.UIList):  # noqa: N801  # Blender asks for this form of a name
    """Prompts in order, each with its seconds; a mark on those that are not keyed like that yet."""

    bl_idname = "MMM_UL_prompts"

    def draw_item(  # Blender's own signature
        self,
        context: Context,
        layout: Layout,
        _data: Any,
        line: Any,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        index: int = 0,
    ) -> None:
        """One line."""
        row = layout.split(factor=_PROMPT_SHARE, align=True)
        icon = "GREASEPENCIL" if is_changed(context, line, index) else "NONE"
        row.prop(line, "prompt", text="", emboss=False, icon=icon)
        row.prop(line, "seconds", text="", emboss=False)


class SequencePanel(bpy.types.Panel):
    """Several prompts in a row."""

    bl_idname = "MMM_PT_sequence"
    bl_label = "Sequence"
    bl_order = ORDER["sequence"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """All of it."""
        layout: Layout = self.layout
        found = sequence_list(context)
        row = layout.row()
        row.template_list("MMM_UL_prompts", "", found, "lines", found, "active", rows=4)
        _draw_list_buttons(row.column(align=True))
        if found.lines:
            _draw_line(layout, context, found.lines[chosen_line(found)])
            total = sum(each.seconds for each in params_of(found.lines))
            count, seconds = len(found.lines), f"{total:g}"
            text = in_language("{count} prompts, {seconds} seconds", count=count, seconds=seconds)
            layout.label(text=text, icon="TIME")
            _draw_ends(layout, context)
        if session.busy:
            draw_progress(layout, session)
            return
        _draw_generate(layout, context)
        _draw_regenerate(layout, context)
        draw_notice(layout, context, session, "sequence")


def _draw_list_buttons(column: Layout) -> None:
    column.operator("mmm.sequence_add", text="", icon="ADD")
    column.operator("mmm.sequence_remove", text="", icon="REMOVE")
    column.operator("mmm.sequence_duplicate", text="", icon="DUPLICATE")
    column.separator()
    column.operator("mmm.sequence_move", text="", icon="TRIA_UP").direction = "UP"
    column.operator("mmm.sequence_move", text="", icon="TRIA_DOWN").direction = "DOWN"


def _draw_line(layout: Layout, context: Context, line: Any) -> None:
    """The chosen line's fields, with room for a long prompt."""
    column = layout.column()
    column.prop(line, "prompt", text="")
    draw_notes(column, context, str(line.prompt))
    row = column.row(align=True)
    row.prop(line, "seconds")
    row.prop(line, "seed")
    row.operator("mmm.sequence_new_seed", text="", icon="FILE_REFRESH")


def _draw_ends(layout: Layout, context: Context) -> None:
    """How the whole begins and ends: the choices of the panel Path."""
    column, settings = layout.column(), path_settings(context.scene)
    column.prop(settings, "start_from")
    column.prop(settings, "end_in")


def _draw_generate(layout: Layout, context: Context) -> None:
    """The button; greyed, with the reason, while it cannot be pressed."""
    reason = poll_error(context) or _list_poll_error(context)
    row = layout.row()
    row.scale_y = BIG
    row.enabled = not reason
    row.operator("mmm.generate_sequence", icon="PLAY")
    if reason:
        draw_wrapped(layout, context, reason, icon="INFO")


def _list_poll_error(context: Context) -> str:
    """What is wrong with the list, the weights or the target, in a sentence; else ""."""
    try:
        card = shown_bundle(context.scene)
    except MMMError as error:
        return str(error)
    return shown_target(context)[1] or sequence_poll_error(
        card, params_of(sequence_list(context).lines)
    )


def _draw_regenerate(layout: Layout, context: Context) -> None:
    """What can be done with a sequence that is keyed already; nothing where there is none."""
    if loading_poll_error(context):
        return
    reason = list_poll_error(context) or segment_poll_error(context)
    column = layout.column(align=True)
    row = column.row(align=True)
    row.enabled = not reason
    row.operator("mmm.regenerate_segment", icon="FILE_REFRESH")
    column.operator("mmm.sequence_load", icon="IMPORT")
    if reason:
        draw_wrapped(layout, context, reason, icon="INFO")


def is_changed(context: Context, line: Any, index: int) -> bool:
    """A line's segment is keyed, but from another prompt, length or seed."""
    segments = _segments_of_list(context)
    return index < len(segments) and not SegmentParams.of(line).matches(segments[index])


def _segments_of_list(context: Context) -> tuple[Segment, ...]:
    """Segments of the Action that was made from the list; () where lines were added or removed."""
    found = sequence_list(context)
    if found.action is None:
        return ()
    key = ("segments", found.action.session_uid)
    segments = ui_state.fact(key, lambda: action_segments(found.action))
    return segments if len(segments) == len(found.lines) else ()


_CLASSES = (MMM_UL_prompts, SequencePanel)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
