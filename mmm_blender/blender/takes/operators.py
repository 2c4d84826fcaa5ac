"""Keep, Discard, Use Its Settings, and the step to the next take."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from ...common.errors import MMMError
from ..addon.availability import busy_poll_error
from ..addon.change_operator import ChangeOperator
from ..addon.shown_target import shown_character
from ..bpy_types import ArmatureObject, Context, bpy
from ..rig.target import target_armature
from ..widgets import can_run
from . import take_list
from .settings_of_take import use_settings

_NEXT, _PREVIOUS = "NEXT", "PREVIOUS"


def character(context: Context) -> ArmatureObject | None:
    """Whose takes are meant."""
    try:
        return target_armature(context)
    except MMMError:
        return None


class _TakeOperator(ChangeOperator):
    """What they share: a character with a chosen take."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is no take."""
        return can_run(cls, busy_poll_error() or take_list.poll_error(shown_character(context)))


class KeepTake(_TakeOperator, bpy.types.Operator):
    """Keep the chosen take; the other takes of the same press go"""

    bl_idname = "mmm.keep_take"
    bl_label = "Keep"

    def change(self, context: Context) -> str:
        """The others' Actions are removed where nobody else uses them."""
        rig = character(context)
        assert rig is not None
        return f"Kept this take; {take_list.keep(rig)} others went."


class DiscardTake(_TakeOperator, bpy.types.Operator):
    """Throw the chosen take away; the next one plays, or what there was before"""

    bl_idname = "mmm.discard_take"
    bl_label = "Discard"

    def change(self, context: Context) -> str:
        """One step back by undo."""
        rig = character(context)
        assert rig is not None
        take_list.discard(rig)
        return ""


class StepTake(_TakeOperator, bpy.types.Operator):
    """Play the next or the previous take of the list"""

    bl_idname = "mmm.step_take"
    bl_label = "Next Take"

    direction: bpy.props.EnumProperty(
        name="Direction", items=((_NEXT, "Next", ""), (_PREVIOUS, "Previous", ""))
    )

    def change(self, context: Context) -> str:
        """Round and round."""
        found = take_list.listed_takes(character(context))
        assert found is not None
        step = 1 if self.direction == _NEXT else -1
        found.active = (int(found.active) + step) % len(found.takes)
        return ""


class UseTakeSettings(_TakeOperator, bpy.types.Operator):
    """Put the prompt, seed and range of the chosen take into the panels, to go on from there"""

    bl_idname = "mmm.use_take_settings"
    bl_label = "Use Its Settings"

    def change(self, context: Context) -> str:
        """Of the last thing that was done to it."""
        found = take_list.listed_takes(character(context))
        assert found is not None
        use_settings(context.scene, found.takes[found.active].action)
        return ""


_CLASSES = (KeepTake, DiscardTake, StepTake, UseTakeSettings)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
