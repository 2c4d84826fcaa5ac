"""The panel of characters."""

from __future__ import annotations

from ..bpy_types import Context, bpy
from ..widgets import ORDER, TAB


class CharacterPanel(bpy.types.Panel):
    """Characters that motions can be keyed on."""

    bl_idname = "MMM_PT_character"
    bl_label = "Character"
    bl_order = ORDER["character"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def draw(self, _context: Context) -> None:
        """Two ways to add one."""
        column = self.layout.column(align=True)
        column.operator("mmm.add_character", icon="ARMATURE_DATA")
        column.operator("mmm.choose_body_model", icon="FILE_FOLDER")


register, unregister = bpy.utils.register_classes_factory((CharacterPanel,))
