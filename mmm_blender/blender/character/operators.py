"""Add SMPL Character: our own body at once, or the user's own model file through the worker."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, ClassVar

from ..addon.availability import busy_poll_error
from ..bpy_types import Context, Event, bpy
from ..guards import errors_of_ours, one_sentence
from ..jobs.job_operator import JobOperator
from ..jobs.scene_job import SceneJob
from ..rig.armature import create_character
from ..widgets import can_run
from .task import start_body_model

_BETAS = 10
"""Shape coefficients that the interface shows; the mean body has zeros."""

_GENDERS = [
    ("neutral", "Neutral", "As a neutral body model file has it"),
    ("female", "Female", "As a female body model file has it"),
    ("male", "Male", "As a male body model file has it"),
]


LICENCE = (
    "SMPL, SMPL-H and SMPL-X files are under",
    "the SMPL model licence of their authors:",
    "for research, not for commercial use.",
)
"""Shown where a file is chosen: MMM ships none, and whoever loads one is bound by its terms."""


def _betas_property() -> Any:
    return bpy.props.FloatVectorProperty(
        name="Shape",
        description="Shape coefficients (betas); zeros give the mean body",
        size=_BETAS,
        default=(0.0,) * _BETAS,
        soft_min=-5.0,
        soft_max=5.0,
    )


def _gender_property() -> Any:
    return bpy.props.EnumProperty(
        name="Gender", description="Which body a file of several holds", items=_GENDERS
    )


class AddCharacter(JobOperator, bpy.types.Operator):
    """Add a character, an SMPL armature with a body, at the 3D cursor and make it active"""

    bl_idname = "mmm.add_character"
    bl_label = "Add Character"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    model_path: bpy.props.StringProperty(
        name="Body Model",
        description="Your own SMPL, SMPL-H or SMPL-X file (.npz or .pkl); empty for MMM's body",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    betas: _betas_property()
    gender: _gender_property()

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """One job at a time."""
        return can_run(cls, busy_poll_error())

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Add our own body at once; wait for the worker with a model file."""
        if self.model_path:
            return super().execute(context)
        create_character(context)
        return {"FINISHED"}

    @one_sentence
    def invoke(self, context: Context, event: Event) -> set[str]:
        """As ``execute``, but a model file is read beside the user's work."""
        return super().invoke(context, event) if self.model_path else self.execute(context)

    def start(self, context: Context) -> SceneJob:
        """Have the file read."""
        return start_body_model(context, self.model_path, tuple(self.betas), self.gender)


class ChooseBodyModel(bpy.types.Operator):
    """Add a character from your own SMPL, SMPL-H or SMPL-X model file"""

    bl_idname = "mmm.choose_body_model"
    bl_label = "Add from Model File"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.npz;*.pkl", options={"HIDDEN"})
    betas: _betas_property()
    gender: _gender_property()

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """One job at a time."""
        return can_run(cls, busy_poll_error())

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _context: Context) -> None:
        """Beside the files: the body's options, and the terms that a file comes with."""
        column = self.layout.column()
        column.prop(self, "betas")
        column.prop(self, "gender")
        terms = self.layout.box().column(align=True)
        for number, line in enumerate(LICENCE):
            terms.label(text=line, icon="INFO" if number == 0 else "BLANK1")

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Add the character, beside the user's work."""
        with errors_of_ours():
            bpy.ops.mmm.add_character(
                "INVOKE_DEFAULT",
                model_path=self.filepath,
                betas=tuple(self.betas),
                gender=self.gender,
            )
        return {"FINISHED"}


_CLASSES = (AddCharacter, ChooseBodyModel)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
