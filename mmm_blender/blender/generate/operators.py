"""Generate Motion, and the small buttons around it."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

import random
from typing import ClassVar

from ...common.errors import MMMError
from ...worker.installer import CPU
from ..addon.availability import poll_error
from ..addon.choices import choose_device
from ..addon.scene_settings import LARGEST_SEED, given_or_scene, scene_settings
from ..bpy_types import Context, bpy
from ..jobs.job_operator import JobOperator
from ..jobs.scene_job import SceneJob
from ..jobs.session import Notice, session
from ..widgets import redraw, shown
from .long_prompts import start_prompt
from .task import GenerateParams

_SECONDS_DIGITS = 4
"""Blender keeps 9.8 as 9.80000019: the recipe says 9.8."""


class GenerateMotion(JobOperator, bpy.types.Operator):
    """Generate a motion from the prompt and key it on the SMPL armature from the current frame"""

    bl_idname = "mmm.generate"
    bl_label = "Generate Motion"
    # not REGISTER: a redo panel would run the model again at every change, and freeze the window
    bl_options: ClassVar[set[str]] = {"UNDO"}

    prompt: bpy.props.StringProperty(
        name="Prompt", description="What the body does; the scene's prompt if not given"
    )
    seconds: bpy.props.FloatProperty(
        name="Seconds", description="Length of the motion; the scene's if not given"
    )
    seed: bpy.props.IntProperty(
        name="Seed", description="Another seed gives another motion; the scene's if not given"
    )
    bundle: bpy.props.StringProperty(
        name="Weights", description="Name or folder of the weights; the scene's if not given"
    )
    pin_feet: bpy.props.BoolProperty(
        name="Pin Feet",
        description="Feet that stand stay in place; the scene's choice if not given",
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, while it cannot work."""
        reason = poll_error(context)
        if reason:
            cls.poll_message_set(shown(reason))
        return not reason

    def start(self, context: Context) -> SceneJob:
        """Send the params."""
        values = given_or_scene(self, context, GenerateParams.__dataclass_fields__)
        values["seconds"] = round(values["seconds"], _SECONDS_DIGITS)
        return start_prompt(context, GenerateParams(**values))


class CancelJob(bpy.types.Operator):
    """Stop what MMM is doing; the scene stays as it is"""

    bl_idname = "mmm.cancel"
    bl_label = "Cancel"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Only while a job runs."""
        return session.busy

    def execute(self, _context: Context) -> set[str]:
        """Cancel; the operator that waits for the job sees it at its next beat."""
        session.cancel()
        redraw()
        return {"FINISHED"}


class NewSeed(bpy.types.Operator):
    """Choose another seed at random"""

    bl_idname = "mmm.new_seed"
    bl_label = "New Seed"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    def execute(self, context: Context) -> set[str]:
        """Set it."""
        scene_settings(context.scene).seed = random.randint(0, LARGEST_SEED)
        return {"FINISHED"}


class GenerateOnCPU(bpy.types.Operator):
    """The GPU has too little memory: use the CPU from now on, and generate the motion again"""

    bl_idname = "mmm.generate_on_cpu"
    bl_label = "Generate on the CPU"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whenever Generate Motion itself could run."""
        return not poll_error(context)

    def execute(self, _context: Context) -> set[str]:
        """Change the preference, then press the button."""
        try:
            choose_device(CPU)
        except MMMError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        session.notice = Notice()
        bpy.ops.mmm.generate("INVOKE_DEFAULT")
        return {"FINISHED"}


_CLASSES = (
    GenerateMotion,
    CancelJob,
    NewSeed,
    GenerateOnCPU,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
