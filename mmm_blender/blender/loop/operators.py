"""Make Loop and In Place, the buttons."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import ClassVar

from ..actions.editability import edited_armature
from ..addon.availability import busy_poll_error, poll_error
from ..addon.change_operator import ChangeOperator
from ..addon.scene_settings import given_or_scene
from ..bpy_types import Context, bpy
from ..jobs.motion_operator import MotionJobOperator
from ..jobs.scene_job import SceneJob
from ..widgets import can_run
from .task import LoopParams, loop_poll_error, loop_range, start_loop, toggle_in_place


class MakeLoop(MotionJobOperator, bpy.types.Operator):
    """Have the motion, or the selected keys of it, go round: the model makes a seam that fits"""

    bl_idname = "mmm.make_loop"
    bl_label = "Make Loop"
    # not REGISTER: a redo panel would run the model again at every change, and freeze the window
    bl_options: ClassVar[set[str]] = {"UNDO"}
    panel: ClassVar[str] = "shape"

    prompt: bpy.props.StringProperty(
        name="Prompt", description="What happens at the seam; empty for what fits in"
    )
    seed: bpy.props.IntProperty(
        name="Seed", description="Another seed gives another seam; the scene's if not given"
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is nothing to loop."""
        return can_run(cls, poll_error(context, "Loop") or loop_poll_error(context))

    def start(self, context: Context) -> SceneJob:
        """Begin to read."""
        values = given_or_scene(self, context, ("seed", "bundle", "pin_feet"))
        found = loop_range(context, edited_armature(context))
        return start_loop(context, LoopParams(found, str(self.prompt).strip(), **values))


class InPlace(ChangeOperator, bpy.types.Operator):
    """Take the way that the motion makes out of it, or put it back; steps and sway stay"""

    bl_idname = "mmm.in_place"
    bl_label = "In Place"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is no motion."""
        return can_run(cls, busy_poll_error() or loop_poll_error(context))

    def change(self, context: Context) -> str:
        """Now this way, now that."""
        in_place = toggle_in_place(edited_armature(context))
        return "In place." if in_place else "On its way again."


_CLASSES = (MakeLoop, InPlace)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
