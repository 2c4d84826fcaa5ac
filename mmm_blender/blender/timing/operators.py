"""Mirror, Reverse, Retime and Trim make an Action beside the one before; Spread Edit changes it."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, ClassVar

from ..actions.editability import edited_armature
from ..addon.availability import busy_poll_error
from ..addon.change_operator import ChangeOperator
from ..addon.shown_target import shown_character
from ..bpy_types import ArmatureObject, Context, Event, bpy
from ..guards import one_sentence
from ..takes.derived import whole_poll_error
from ..widgets import can_run
from .spread import remove_spread, spread_edits, spread_poll_error
from .task import mirror, retime, reverse, trim_to_contacts


class _TimingOperator(ChangeOperator):
    """A motion becomes another one; the motion before stays in the list of takes."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is no motion."""
        return can_run(cls, busy_poll_error() or whole_poll_error(context))

    def change(self, context: Context) -> str:
        """Make the Action; the list says what it is."""
        self.derive(context, edited_armature(context))
        return ""

    def derive(self, context: Context, rig: ArmatureObject) -> None:
        """Make the Action. Raises MMMError, with nothing changed."""
        raise NotImplementedError


class Mirror(_TimingOperator, bpy.types.Operator):
    """Exchange left and right of the motion; it begins at the same place and goes the same way"""

    bl_idname = "mmm.mirror"
    bl_label = "Mirror"

    def derive(self, context: Context, rig: ArmatureObject) -> None:
        """All of it."""
        mirror(context, rig)


class Reverse(_TimingOperator, bpy.types.Operator):
    """Play the motion backwards, between the same places"""

    bl_idname = "mmm.reverse"
    bl_label = "Reverse"

    def derive(self, context: Context, rig: ArmatureObject) -> None:
        """All of it."""
        reverse(context, rig)


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

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the speed."""
        if bpy.app.background:
            return self.execute(context)
        manager: Any = context.window_manager
        return set(manager.invoke_props_dialog(self))

    def derive(self, context: Context, rig: ArmatureObject) -> None:
        """The selected keys' range, or all of it."""
        retime(context, rig, float(self.speed), float(self.seconds))


class TrimToContacts(_TimingOperator, bpy.types.Operator):
    """Cut the motion to whole steps: from where a foot comes down to where it does so last"""

    bl_idname = "mmm.trim_to_contacts"
    bl_label = "Trim to Contacts"

    def derive(self, context: Context, rig: ArmatureObject) -> None:
        """A good beginning for a loop."""
        trim_to_contacts(context, rig)


class SpreadEdit(ChangeOperator, bpy.types.Operator):
    """Spread keys that you changed over the frames around them, on top of what these do"""

    bl_idname = "mmm.spread_edit"
    bl_label = "Spread Edit"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    frames: bpy.props.IntProperty(
        name="Frames",
        description="How far the edit reaches on both sides; what you keyed stays",
        default=8,
        min=1,
        max=1000,
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is no motion."""
        return can_run(cls, busy_poll_error() or whole_poll_error(context))

    def change(self, context: Context) -> str:
        """How many keys moved is said."""
        moved = spread_edits(context, edited_armature(context), int(self.frames))
        return f"{moved} keys follow what you edited; Remove Spread puts them back."


class RemoveSpread(ChangeOperator, bpy.types.Operator):
    """Put the keys back that Spread Edit has moved; what you keyed stays"""

    bl_idname = "mmm.remove_spread"
    bl_label = "Remove Spread"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where nothing was spread."""
        reason = busy_poll_error() or whole_poll_error(context)
        return can_run(cls, reason or spread_poll_error(shown_character(context)))

    def change(self, context: Context) -> str:
        """Keys that were changed since are counted."""
        back, stay = remove_spread(edited_armature(context))
        changed = f"; {stay} that were changed since stay" if stay else ""
        return f"{back} keys are as they were{changed}."


_CLASSES = (Mirror, Reverse, Retime, TrimToContacts, SpreadEdit, RemoveSpread)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
