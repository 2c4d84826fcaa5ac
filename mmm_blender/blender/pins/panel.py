"""The panel Pins, below the prompt: what holds the character's hands, feet and head."""

from __future__ import annotations

from typing import Any, ClassVar

from ..addon.shown_target import shown_character
from ..bpy_types import ArmatureObject, Context, bpy
from ..widgets import TAB, Layout, draw_wrapped
from .pin_reader import pins_poll_error
from .properties import chosen_pin, pin_settings

_PART_SHARE = 0.4
"""Of a line's width, what the part's name gets."""


class MMM_UL_pins(bpy.types.UIList):  # noqa: N801  # Blender asks for this form of a name
    """Pins, each with its object."""

    bl_idname = "MMM_UL_pins"

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
        row = layout.row(align=True)
        row.prop(line, "enabled", text="")
        row = row.split(factor=_PART_SHARE, align=True)
        row.prop(line, "part", text="", emboss=False)
        row.prop(line, "object", text="", emboss=False)


class PinPanel(bpy.types.Panel):
    """What holds the character."""

    bl_idname = "MMM_PT_pins"
    bl_parent_id = "MMM_PT_motion"
    bl_label = "Pins"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """The list of the active character."""
        layout: Layout = self.layout
        rig = shown_character(context)
        if rig is None:
            draw_wrapped(layout, context, "Select a character to pin its hands, feet or head.")
            return
        _draw_list(layout, rig)
        if reason := pins_poll_error(rig):
            draw_wrapped(layout, context, reason, icon="ERROR")


def _draw_list(layout: Layout, rig: ArmatureObject) -> None:
    settings = pin_settings(rig)
    row = layout.row()
    row.template_list("MMM_UL_pins", "", settings, "pins", settings, "active", rows=3)
    column = row.column(align=True)
    column.operator_menu_enum("mmm.pin_add", "part", text="", icon="ADD")
    column.operator("mmm.pin_remove", text="", icon="REMOVE")
    if settings.pins:
        line = settings.pins[chosen_pin(settings)]
        row = layout.row(align=True)
        row.prop(line, "first")
        row.prop(line, "last")


_CLASSES = (MMM_UL_pins, PinPanel)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
