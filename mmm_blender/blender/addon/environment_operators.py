"""Remove and repair what Set Up has made, or use that of another Blender."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from pathlib import Path
from typing import ClassVar

from ...common.errors import MMMError
from ...worker.environments import environment_info, environment_python, remove_all
from ...worker.package_sources import FLAVOURS
from ..bpy_types import Context, Event, bpy
from ..guards import one_sentence
from ..jobs.session import Notice, session
from ..jobs.setup_job import setup_session
from ..widgets import can_run, redraw, shown
from .availability import busy_poll_error
from .choices import choices, preferences
from .disk_facts import shown_environment
from .ui_state import ui_state
from .worker_python import setup_poll_error


def _poll_error() -> str:
    """Why the environment cannot be touched now, in a sentence; else ""."""
    if setup_session.busy:
        return "A set-up runs already."
    return busy_poll_error()


class RemoveEnvironment(bpy.types.Operator):
    """Delete what Set Up has made; the model runs in Blender's own Python again"""

    bl_idname = "mmm.remove_environment"
    bl_label = "Remove"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Greyed, with the reason, while it is worked with."""
        return can_run(cls, _poll_error())

    @one_sentence
    def invoke(self, context: Context, event: Event) -> set[str]:
        """Ask first."""
        return set(context.window_manager.invoke_confirm(self, event))

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Delete it, and say what that freed."""
        session.shut_down()  # our own worker would hold it
        try:
            freed = remove_all(choices().environment_folder)
        except OSError as error:
            self.report({"ERROR"}, f"It could not be removed ({error.strerror}): try again.")
            return {"CANCELLED"}
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        finally:
            ui_state.look_at_disk()
            redraw()
        setup_session.notice = Notice(f"Removed: {freed:,} MB are free again.")
        self.report({"INFO"}, shown(setup_session.notice.text))
        return {"FINISHED"}


class RepairEnvironment(bpy.types.Operator):
    """Install PyTorch again, the same build; the old one goes when the new one works"""

    bl_idname = "mmm.repair_environment"
    bl_label = "Repair"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """As for Set Up, which it is."""
        return can_run(cls, _poll_error() or setup_poll_error())

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Set Up with the build that is there."""
        flavour = environment_info(choices().environment_folder).flavour
        stored = preferences()
        if stored is not None and flavour in FLAVOURS:
            stored.flavour = flavour
        mode = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        return set(bpy.ops.mmm.set_up_environment(mode))  # pyright: ignore[reportAttributeAccessIssue]  # ours


class UseEnvironment(bpy.types.Operator):
    """Let this Blender use what Set Up has made for another version of Blender"""

    bl_idname = "mmm.use_environment"
    bl_label = "Use That PyTorch"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    folder: bpy.props.StringProperty(name="Folder", description="The folder that Set Up made")

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Greyed, with the reason, while another is worked with."""
        return can_run(cls, _poll_error())

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Keep its folder in the preferences."""
        folder, stored = Path(self.folder), preferences()
        if stored is None or environment_python(folder) is None:
            self.report({"ERROR"}, shown(f"There is no environment in {folder}: press Set Up."))
            return {"CANCELLED"}
        stored.environment_path = str(folder)
        shown_environment()
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory(
    (RemoveEnvironment, RepairEnvironment, UseEnvironment)
)
