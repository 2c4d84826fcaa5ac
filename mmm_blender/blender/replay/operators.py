"""Replay, the button."""

from typing import ClassVar

from ..addon.availability import poll_error
from ..bpy_types import Context, bpy
from ..jobs.job_operator import JobOperator
from ..jobs.scene_job import SceneJob
from ..widgets import can_run
from .task import replay_poll_error, start_replay


class Replay(JobOperator, bpy.types.Operator):
    """Rebuild the Action from its recipe, to the same keys, in a new Action"""

    bl_idname = "mmm.replay"
    bl_label = "Replay"
    # not REGISTER: a redo panel would run the model again at every change, and freeze the window
    bl_options: ClassVar[set[str]] = {"UNDO"}
    panel: ClassVar[str] = "edit"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is nothing to make again."""
        return can_run(cls, poll_error(context, "Replay") or replay_poll_error(context))

    def start(self, context: Context) -> SceneJob:
        """Send the first step."""
        return start_replay(context)


register, unregister = bpy.utils.register_classes_factory((Replay,))
