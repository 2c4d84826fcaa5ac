"""Replay, the button."""

from typing import ClassVar

from ..addon.availability import obstacle
from ..bpy_types import Context, bpy
from ..jobs.job_operator import ErrandOperator
from ..jobs.scene_job import Errand
from .task import replay_obstacle, start_replay


class Replay(ErrandOperator, bpy.types.Operator):
    """Make the Action again from its recipe, to the same keys, beside the one that is there"""

    bl_idname = "mmm.replay"
    bl_label = "Replay"
    # not REGISTER: a redo panel would run the model again at every change, and freeze the window
    bl_options: ClassVar[set[str]] = {"UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is nothing to make again."""
        reason = obstacle(context, "Replay") or replay_obstacle(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def start(self, context: Context) -> Errand:
        """Send the first step."""
        return start_replay(context)


register, unregister = bpy.utils.register_classes_factory((Replay,))
