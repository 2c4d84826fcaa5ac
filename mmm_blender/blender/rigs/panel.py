"""The panel Rig: what was recognised, the map joint by joint, what is missing and what it costs."""

from __future__ import annotations

from typing import Any, ClassVar

from ...geometry.retarget.rig_map import RigMap
from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import ArmatureObject, Context, bpy
from ..rig.binding import find_binding
from ..rig.rig_maps import find_rig_map
from ..widgets import ORDER, TAB, Layout, draw_wrapped, in_language, shown
from .operators import chosen_rig
from .properties import rig_settings

_NAME_SHARE = 0.36
"""Of a row's width, what the joint's name gets."""


class RigPanel(bpy.types.Panel):
    """Which bones motions go to."""

    bl_idname = "MMM_PT_rig"
    bl_label = "Rig"
    bl_order = ORDER["rig"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """What is known of the active armature."""
        layout: Layout = self.layout
        rig = chosen_rig(context)
        if rig is None:
            draw_wrapped(layout, context, "Select a character to see how its bones are known.")
            return
        found = _known_map(context, rig)
        if isinstance(found, RigMap):
            _draw_recognised(layout, context, rig, found)
        else:
            draw_wrapped(layout, context, found, icon="ERROR")
        _draw_rows(layout, rig)
        _draw_buttons(layout, rig)


def _known_map(context: Context, rig: ArmatureObject) -> RigMap | str:
    return ui_state.fact(("rig map", scene_key(context), rig.name), lambda: find_rig_map(rig))


def _draw_recognised(layout: Layout, context: Context, rig: ArmatureObject, found: RigMap) -> None:
    layout.label(text=shown(found.label), icon="CHECKMARK")
    for cost in found.costs():
        missing = in_language("Without a bone: {cost}.", cost=cost)
        draw_wrapped(layout, context, missing, icon="INFO")
    key = ("rig fault", scene_key(context), rig.name)
    fault = ui_state.fact(key, lambda: _fault(rig))
    if fault:
        draw_wrapped(layout, context, fault, icon="ERROR")
    settings = rig_settings(rig)
    column = layout.column(align=True)
    column.label(text="Root Motion")  # beside its menu there is no room for the words
    row = column.row(align=True)
    row.prop(settings, "root_motion", text="")
    row.operator("mmm.way_on_object", text="", icon="OBJECT_ORIGIN")
    if any(limb.switch for limb in found.limbs):
        layout.prop(settings, "switch")
        layout.operator("mmm.rig_stiff_ik", icon="CON_KINEMATIC")


def _fault(rig: ArmatureObject) -> str:
    found = find_binding(rig)
    return found if isinstance(found, str) else ""


def _draw_rows(layout: Layout, rig: ArmatureObject) -> None:
    column = layout.column(align=True)
    before = ""
    rows: Any = rig_settings(rig).rows
    for row in rows:
        line = column.split(factor=_NAME_SHARE, align=True)
        slot = shown(str(row.slot)).replace("_", " ").title()
        line.label(text="" if slot == before else slot)
        line.prop_search(row, "bone", rig.data, "bones", text="")
        if row.control:
            line.prop_search(row, "control", rig.data, "bones", text="")
        before = slot


def _draw_buttons(layout: Layout, rig: ArmatureObject) -> None:
    row = layout.row(align=True)
    if len(rig_settings(rig).rows):
        row.operator("mmm.rig_reset", text="Reset")
        row.operator("mmm.rig_propose", text="Propose")
        row.operator("mmm.rig_save", text="Save")
    else:
        row.operator("mmm.rig_edit", text="Edit Map")
        row.operator("mmm.rig_propose", text="Propose")
    row.operator("mmm.rig_load", text="Load")
    column = layout.column(align=True)
    column.operator("mmm.copy_motion", icon="PASTEDOWN")
    row = column.row(align=True)
    row.operator("mmm.import_motion", text="Import", icon="IMPORT")
    row.operator("mmm.export_motion", text="Export", icon="EXPORT")


register, unregister = bpy.utils.register_classes_factory((RigPanel,))
