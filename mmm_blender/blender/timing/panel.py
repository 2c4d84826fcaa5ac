"""The panel Loop and Timing: what becomes of a motion as a whole."""

from __future__ import annotations

from typing import ClassVar

from ..bpy_types import Context, bpy
from ..jobs.job_widgets import draw_notice, draw_progress
from ..jobs.session import session
from ..widgets import ORDER, TAB

_ROWS = (
    (("mmm.make_loop", "LOOP_FORWARDS"), ("mmm.in_place", "ANCHOR_CENTER")),
    (("mmm.simplify_keys", "IPO_BEZIER"),),
    (("mmm.retime", "TIME"), ("mmm.trim_to_contacts", "SNAP_EDGE")),
    (("mmm.mirror", "MOD_MIRROR"), ("mmm.reverse", "LOOP_BACK")),
    (("mmm.spread_edit", "SMOOTHCURVE"), ("mmm.remove_spread", "X")),
)
"""Operators of the panel, each with its icon."""


class ShapePanel(bpy.types.Panel):
    """In the 3D view."""

    bl_idname = "MMM_PT_shape"
    bl_label = "Loop, Keys and Timing"
    bl_order = ORDER["shape"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        """Each greys itself, with the reason in its tooltip; below, how the last one ended."""
        column = self.layout.column()
        for operators in _ROWS:
            row = column.row(align=True)
            for name, icon in operators:
                row.operator(name, icon=icon)
        if session.busy:
            draw_progress(self.layout, session)
        draw_notice(self.layout, context, session, "shape")


register, unregister = bpy.utils.register_classes_factory((ShapePanel,))
