"""Generate Motion, and the small buttons around it."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

import random
from dataclasses import replace
from typing import Any, ClassVar

from ...common.errors import MMMError
from ...worker.installer import CPU
from ..addon.availability import poll_error
from ..addon.choices import choose_device
from ..addon.scene_settings import EXISTING_ITEMS, LARGEST_SEED, given_or_scene, scene_settings
from ..addon.several_characters import ForCharacters, seed_of
from ..bpy_types import Context, bpy
from ..edit.task import start_edit
from ..guards import errors_of_ours, one_sentence
from ..jobs.job_queue import Start
from ..jobs.motion_operator import MotionJobOperator
from ..jobs.scene_job import SceneJob
from ..jobs.session import Notice, session
from ..path.operator_properties import PathOperator, StartEndOperator
from ..path.planned_path import PathParams
from ..path.properties import CURSOR, OBJECT
from ..simplify.option import SimplifyOption
from ..targets.target_params import TargetParams
from ..widgets import can_run, redraw, shown
from .continuation import continuation
from .long_prompts import start_prompt
from .task import GenerateParams

_FROM_SCENE = ("prompt", "seconds", "seed", "bundle", "pin_feet", "takes", "claim_tries")
_SECONDS_DIGITS = 4
"""Blender keeps 9.8 as 9.80000019: the recipe says 9.8."""


class MotionOperator(
    ForCharacters, PathOperator, StartEndOperator, SimplifyOption, MotionJobOperator
):
    """What operators share that make a motion of one prompt."""

    prompt: bpy.props.StringProperty(
        name="Prompt", description="What the body does; the scene's prompt if not given"
    )
    seconds: bpy.props.FloatProperty(
        name="Seconds", description="Length of the motion; the scene's if not given"
    )
    seed: bpy.props.IntProperty(
        name="Seed", description="Another seed gives another motion; the scene's if not given"
    )

    existing: bpy.props.EnumProperty(
        name="Motion Before",
        description="What becomes of motion before the playhead; the scene's choice if not given",
        items=EXISTING_ITEMS,
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, while it cannot work."""
        return can_run(cls, poll_error(context))

    def starter(self, context: Context, number: int) -> Start:
        """What reads all that the motion keeps to, and sends the params."""
        params = self.params(context)
        params = replace(params, seed=seed_of(params.seed, params.takes, number))
        existing = str(given_or_scene(self, context, ("existing",))["existing"])

        def start(context: Context) -> SceneJob:
            edit = continuation(context, params, existing)
            return start_prompt(context, params) if edit is None else start_edit(context, edit)

        return start

    def asked_prompt(self, context: Context) -> str:
        """The operator's own, or the scene's."""
        return str(given_or_scene(self, context, ("prompt",))["prompt"]).strip()

    def params(self, context: Context) -> GenerateParams:
        """What was asked for, here and in the panel."""
        values = given_or_scene(self, context, _FROM_SCENE)
        values["seconds"] = round(values["seconds"], _SECONDS_DIGITS)
        path = self.path_params(context, values["seconds"])
        targets = TargetParams(path, *self.start_and_end(context))
        tolerance = self.wanted_tolerance(context)
        return GenerateParams(**values, targets=targets, tolerance=tolerance)


class GenerateMotion(MotionOperator, bpy.types.Operator):
    """Generate a motion from the prompt and key it on the character from the current frame"""

    bl_idname = "mmm.generate"
    bl_label = "Generate Motion"
    # not REGISTER: a redo panel would run the model again at every change, and freeze the window
    bl_options: ClassVar[set[str]] = {"UNDO"}

    loop: bpy.props.BoolProperty(
        name="Loop", description="Have the motion go round; the scene's choice if not given"
    )

    def params(self, context: Context) -> GenerateParams:
        """A loop or not."""
        return replace(super().params(context), **given_or_scene(self, context, ("loop",)))


class WalkTo(MotionOperator, bpy.types.Operator):
    """Make a motion from the prompt that goes from where the character stands to a place"""

    bl_idname = "mmm.walk_to"
    bl_label = "Walk To"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    goal: bpy.props.EnumProperty(
        name="Goal",
        description="Where the body goes",
        items=(
            (CURSOR, "3D Cursor", "To the 3D cursor"),
            (OBJECT, "Object", "To the object that the panel Path names"),
        ),
    )

    @classmethod
    def description(cls, _context: Context, properties: Any) -> str:
        """Each button's own tooltip."""
        place = "the 3D cursor" if properties.goal == CURSOR else "an object"
        return f"Make a motion from the prompt that goes from where the character stands to {place}"

    def path_params(self, context: Context, seconds: float) -> PathParams:
        """As in the panel Path, but to the goal."""
        params = super().path_params(context, seconds)
        if self.goal == CURSOR:
            return replace(params, text=None, kind=CURSOR)
        return params if params.text else replace(params, kind=OBJECT)


class _EndOfJob:
    """A button that ends the job that runs."""

    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Only while a job runs."""
        return session.busy


class CancelJob(_EndOfJob, bpy.types.Operator):
    """Stop what MMM is doing; the scene stays as it is"""

    bl_idname = "mmm.cancel"
    bl_label = "Cancel"

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Cancel; the operator that waits for the job sees it at its next beat."""
        session.cancel()
        redraw()
        return {"FINISHED"}


class FinishNow(_EndOfJob, bpy.types.Operator):
    """Keep the motion as far as it is made (Shift Esc)"""

    bl_idname = "mmm.finish_now"
    bl_label = "Keep What Is There"

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """The job ends with its result, after its next step."""
        session.finish_now()
        redraw()
        return {"FINISHED"}


class NewSeed(bpy.types.Operator):
    """Choose another seed at random, for another motion of the same prompt"""

    bl_idname = "mmm.new_seed"
    bl_label = "New Seed"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Set it."""
        scene_settings(context.scene).seed = random.randint(0, LARGEST_SEED)
        return {"FINISHED"}


class GenerateOnCPU(bpy.types.Operator):
    """Use the CPU from now on, and generate the motion again"""

    bl_idname = "mmm.generate_on_cpu"
    bl_label = "Generate on the CPU"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Whenever Generate Motion itself could run."""
        return not poll_error(context)

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Change the preference, then press the button."""
        try:
            choose_device(CPU)
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        session.notice = Notice()
        with errors_of_ours():
            bpy.ops.mmm.generate("INVOKE_DEFAULT")
        return {"FINISHED"}


_CLASSES = (
    GenerateMotion,
    WalkTo,
    CancelJob,
    FinishNow,
    NewSeed,
    GenerateOnCPU,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
