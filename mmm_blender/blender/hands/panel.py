"""The panel Hands, in the panel Rig: a button a pose."""

from __future__ import annotations

from ..bpy_types import Context, bpy
from ..rig.target import armature_of
from ..widgets import TAB, Layout
from .operators import POSES, hands_reason


class HandsPanel(bpy.types.Panel):
    """Poses of hands, for rigs with fingers."""

    bl_idname = "MMM_PT_hands"
    bl_label = "Hands"
    bl_parent_id = "MMM_PT_rig"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where the character has fingers."""
        return not hands_reason(context)

    def draw(self, context: Context) -> None:
        """Which hand, on which frames, and the poses."""
        layout: Layout = self.layout
        rig = armature_of(context.view_layer.objects.active)
        assert rig is not None  # the poll has seen it
        settings = rig.mmm_rig
        layout.row(align=True).prop(settings, "hand_side", expand=True)
        layout.row(align=True).prop(settings, "hand_frames", expand=True)
        column = layout.column(align=True)
        for pair in (POSES[:2], POSES[2:]):
            row = column.row(align=True)
            for pose, label, _ in pair:
                button = row.operator("mmm.pose_hands", text=label)
                button.pose = pose
                button.side, button.frames = settings.hand_side, settings.hand_frames
        column = layout.column(align=True)
        column.label(text="New Motions")  # beside its menu there is no room for the words
        column.prop(settings, "fingers", text="")


register, unregister = bpy.utils.register_classes_factory((HandsPanel,))
