"""Simplify Keys, the button."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

import math
from typing import Any, ClassVar

from ...geometry.simplify.simplify import Tolerance
from ..actions.editability import edited_armature
from ..addon.availability import busy_poll_error
from ..addon.change_operator import ChangeOperator
from ..addon.scene_settings import tolerance_field
from ..bpy_types import Context, Event, bpy
from ..guards import one_sentence
from ..jobs.session import MAIN_PANEL, Notice, session
from ..takes.derived import whole_poll_error
from ..widgets import can_run
from .task import simplify_keys

_DIALOG_WIDTH = 300


class SimplifyKeys(ChangeOperator, bpy.types.Operator):
    """Replace the keys by the fewest with handles that keep every joint within a tolerance"""

    bl_idname = "mmm.simplify_keys"
    bl_label = "Simplify Keys"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    millimetres: tolerance_field("Distance")
    angle: bpy.props.FloatProperty(
        name="Angle",
        description="How far any bone may be turned from where it was",
        default=math.radians(5.0),
        min=0.0,
        max=math.pi,
        subtype="ANGLE",
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where no keys can be simplified."""
        return can_run(cls, busy_poll_error() or whole_poll_error(context))

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the tolerance."""
        if bpy.app.background:
            return self.execute(context)
        manager: Any = context.window_manager
        return set(manager.invoke_props_dialog(self, width=_DIALOG_WIDTH))

    def change(self, context: Context) -> str:
        """The measured error is said."""
        tolerance = Tolerance(float(self.millimetres) / 1000.0, float(self.angle))
        sentence = simplify_keys(context, edited_armature(context), tolerance).sentence
        region = context.region
        beside = region is not None and region.type == "UI"
        session.panel = "shape" if beside else MAIN_PANEL
        session.notice, session.prompt = Notice(sentence), ""
        return sentence


register, unregister = bpy.utils.register_classes_factory((SimplifyKeys,))
