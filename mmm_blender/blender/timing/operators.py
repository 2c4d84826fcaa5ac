"""Mirror, Reverse, Retime and Trim: each makes an Action of its own beside the one before."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, ClassVar

from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ..actions.editability import edited_armature
from ..addon.availability import busy_poll_error
from ..bpy_types import Context, Event, bpy
from ..takes.derived import whole_poll_error
from ..widgets import can_run, redraw, shown
from .task import mirror, retime, reverse, trim_to_contacts


class _TimingOperator:
    """What they share: a motion that becomes another one."""

    report: Any

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is no motion."""
        return can_run(cls, busy_poll_error() or whole_poll_error(context))

    def change(self, context: Context) -> MotionClip:
        """Make the Action. Raises MMMError, with nothing changed."""
        raise NotImplementedError

    def execute(self, context: Context) -> set[str]:
        """The motion before stays in the list of takes."""
        try:
            self.change(context)
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        redraw()
        return {"FINISHED"}


class Mirror(_TimingOperator, bpy.types.Operator):
    """Exchange left and right of the motion; it begins at the same place and goes the same way"""

    bl_idname = "mmm.mirror"
    bl_label = "Mirror"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def change(self, context: Context) -> MotionClip:
        """All of it."""
        return mirror(context, edited_armature(context))


class Reverse(_TimingOperator, bpy.types.Operator):
    """Play the motion backwards, between the same places"""

    bl_idname = "mmm.reverse"
    bl_label = "Reverse"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def change(self, context: Context) -> MotionClip:
        """All of it."""
        return reverse(context, edited_armature(context))


class Retime(_TimingOperator, bpy.types.Operator):
    """Make the motion, or the selected keys of it, faster or slower; what follows moves along"""

    bl_idname = "mmm.retime"
    bl_label = "Retime"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    speed: bpy.props.FloatProperty(
        name="Speed",
        description="2 is twice as fast, 0.5 half as fast",
        default=1.0,
        min=0.05,
        max=20.0,
    )
    seconds: bpy.props.FloatProperty(
        name="Seconds",
        description="Length of the range afterwards; 0 to go by the speed",
        min=0.0,
    )

    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the speed."""
        if bpy.app.background:
            return self.execute(context)
        manager: Any = context.window_manager
        return set(manager.invoke_props_dialog(self))

    def change(self, context: Context) -> MotionClip:
        """The selected keys' range, or all of it."""
        rig = edited_armature(context)
        return retime(context, rig, float(self.speed), float(self.seconds))


class TrimToContacts(_TimingOperator, bpy.types.Operator):
    """Cut the motion to whole steps: from where a foot comes down to where it does so last"""

    bl_idname = "mmm.trim_to_contacts"
    bl_label = "Trim to Contacts"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def change(self, context: Context) -> MotionClip:
        """A good beginning for a loop."""
        return trim_to_contacts(context, edited_armature(context))


_CLASSES = (Mirror, Reverse, Retime, TrimToContacts)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
