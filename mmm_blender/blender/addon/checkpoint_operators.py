"""Import Published Checkpoint: the authors' files become a bundle, in the worker."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ...common.errors import MMMError
from ...common.untrusted import is_file, is_folder
from ...worker.client import JobResult
from ...worker.protocol import CheckpointImported, ImportCheckpoint
from ..bpy_types import ArmatureObject, Context, Event, bpy
from ..guards import one_sentence
from ..jobs.job_operator import JobOperator
from ..jobs.scene_job import SceneJob, SceneSnapshot
from ..jobs.worker_access import WorkerAccess
from ..widgets import can_run, draw_wrapped, shown
from .availability import busy_poll_error
from .bundle_cards import read_card
from .bundle_library import new_bundle_folder
from .choices import absolute_path, choices
from .ui_state import ui_state
from .worker_python import addon_worker

_DIALOG_WIDTH = 460
_HELP = (
    "The files that the authors of MMM publish. Mean and deviation are those of their own "
    "training: others give wrong motion. Without CLIP the weights cannot read prompts."
)
NEEDED = {
    "tokenizer": "the tokenizer's .pth",
    "transformer": "the transformer's .pth",
    "mean": "the mean of the features (.npy)",
    "std": "the deviation of the features (.npy)",
    "clip": "the folder of CLIP ViT-B/32",
}
"""Properties of the operators, with names for people."""


def _path_property(name: str, description: str, folder: bool = False) -> Any:
    return bpy.props.StringProperty(
        name=name,
        description=description,
        subtype="DIR_PATH" if folder else "FILE_PATH",
        options={"SKIP_SAVE"},
    )


class CheckpointProperties:
    """What both operators ask for."""

    tokenizer: _path_property(
        "Tokenizer", "The authors' .pth that turns motion into pieces (tokens) and back"
    )
    transformer: _path_property(
        "Transformer", "The authors' .pth that chooses the pieces that fit a prompt"
    )
    mean: _path_property("Mean", "The .npy with the mean of what the authors trained on")
    std: _path_property("Deviation", "The .npy with the spread of what the authors trained on")
    clip: _path_property(
        "CLIP Folder", "Folder of CLIP ViT-B/32, by which these weights read prompts", folder=True
    )
    name: bpy.props.StringProperty(name="Name", description="Of the new weights", default="mmm")


@dataclass(frozen=True)
class CheckpointParams:
    """Paths as they were typed, and the name of the new weights."""

    tokenizer: str
    transformer: str
    mean: str
    std: str
    clip: str
    name: str

    @classmethod
    def of(cls, operator: Any) -> "CheckpointParams":
        """What an operator was given."""
        return cls(**{field: str(getattr(operator, field)) for field in (*NEEDED, "name")})

    def found(self, field: str) -> Path:
        """A file, or CLIP's folder. MMMError, which names it, where it is not there."""
        typed, what = getattr(self, field), NEEDED[field]
        path = absolute_path(typed)
        if not typed:
            raise MMMError(f"Still missing is {what}: choose it.")
        if not (is_folder(path) if field == "clip" else is_file(path)):
            raise MMMError(f"There is no {path}: choose {what}.")
        return path


def start_import(
    context: Context, params: CheckpointParams, access: WorkerAccess | None = None
) -> SceneJob:
    """Have the worker convert the files; the bundle is listed when it has.

    MMMError where something is missing. access: the add-on's worker if not given.
    """
    paths = {field: str(params.found(field)) for field in NEEDED}
    out = new_bundle_folder(choices().bundles_folder, params.name)
    access = access or addon_worker()
    message = ImportCheckpoint(
        paths["tokenizer"],
        paths["transformer"],
        paths["mean"],
        paths["std"],
        paths["clip"],
        str(out),
        params.name,
    )
    job = access.session.start(access.python(), message)
    return SceneJob(access.session, job, SceneSnapshot.now(context, None), _list_it)


def _list_it(_context: Context, _target: ArmatureObject | None, result: JobResult) -> str:
    assert isinstance(result, CheckpointImported)
    ui_state.look_at_disk()
    return f"Imported the weights '{read_card(Path(result.folder)).name}'."


class ImportPublishedCheckpoint(CheckpointProperties, JobOperator, bpy.types.Operator):
    """Turn the files that MMM's authors publish into weights; needs PyTorch, see Set Up"""

    bl_idname = "mmm.import_checkpoint"
    bl_label = "Import Published Checkpoint"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """One job at a time."""
        return can_run(cls, busy_poll_error())

    def start(self, context: Context) -> SceneJob:
        """Have the files read."""
        return start_import(context, CheckpointParams.of(self))


class ChooseCheckpoint(CheckpointProperties, bpy.types.Operator):
    """Choose the files that MMM's authors publish, and turn them into weights"""

    bl_idname = "mmm.choose_checkpoint"
    bl_label = "Import Published Checkpoint"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """One job at a time."""
        return can_run(cls, busy_poll_error())

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the files."""
        show = context.window_manager.invoke_props_dialog
        return set(show(self, width=_DIALOG_WIDTH, confirm_text="Import"))

    def draw(self, context: Context) -> None:
        """The dialog."""
        draw_wrapped(self.layout, context, _HELP, width=_DIALOG_WIDTH)
        for field in (*NEEDED, "name"):
            self.layout.prop(self, field)

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Import them, beside the user's work; what is missing is said by name."""
        values = vars(CheckpointParams.of(self))
        try:
            bpy.ops.mmm.import_checkpoint("INVOKE_DEFAULT", **values)  # pyright: ignore[reportAttributeAccessIssue]  # ours
        except RuntimeError as error:
            self.report({"ERROR"}, shown(str(error).removeprefix("Error: ").strip()))
            return {"CANCELLED"}
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (ImportPublishedCheckpoint, ChooseCheckpoint)
)
