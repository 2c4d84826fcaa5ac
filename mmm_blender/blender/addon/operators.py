"""Set Up the worker's environment, cancel it, and try a Python out."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import ClassVar

from ...common.atomic_files import make_folder, write_files
from ...common.errors import MMMError
from ...worker.installer import environment_python
from ..bpy_types import Context, Event, bpy
from ..guards import one_sentence
from ..jobs.session import session
from ..jobs.setup_job import setup_session, succeeded
from ..widgets import can_run, draw_wrapped, redraw, shown
from .choices import choices
from .paths import user_folder
from .setup_widgets import PURPOSE, cost_sentence, draw_setup_choices
from .ui_state import ui_state
from .worker_python import environment_params, setup_poll_error, worker_python

_WATCH_SECONDS = 0.25
_DIALOG_WIDTH = 420


class SetUpEnvironment(bpy.types.Operator):
    """Fetch PyTorch, once, for a GPU, published checkpoints and training"""

    bl_idname = "mmm.set_up_environment"
    bl_label = "Set Up"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    _asked = False

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Greyed, with the reason, while it cannot work."""
        reason = setup_poll_error()
        if session.busy:
            reason = "MMM is at work: wait until it is done, or cancel it."
        return can_run(cls, reason)

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Say what will be done, and ask."""
        self._asked = True
        manager = context.window_manager
        return set(
            manager.invoke_props_dialog(self, width=_DIALOG_WIDTH, confirm_text=self.bl_label)
        )

    def draw(self, context: Context) -> None:
        """The dialog."""
        for sentence in (PURPOSE, cost_sentence()):
            draw_wrapped(self.layout, context, sentence, width=_DIALOG_WIDTH)
        draw_setup_choices(self.layout)

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """From the dialog: start. From a script: wait for the end."""
        try:
            params = environment_params()
            session.shut_down()  # an idle worker would hold its environment's files open on Windows
            setup = setup_session.start(params)
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        if self._asked and not bpy.app.background:
            bpy.app.timers.register(watch, first_interval=_WATCH_SECONDS, persistent=True)
            return {"FINISHED"}
        try:
            setup.wait()
        finally:  # also after a keyboard interrupt
            setup_session.cancel()
            watch()
        if not succeeded(setup):
            self.report({"ERROR"}, shown(setup.progress.message))
            return {"CANCELLED"}
        return {"FINISHED"}


def watch() -> float | None:
    """Timer: show how the set-up goes; at its end try the new Python out."""
    over = setup_session.tick()
    redraw()
    if not over:
        return _WATCH_SECONDS
    ui_state.look_at_disk()
    python = environment_python(choices().environment_folder)
    if python is not None and worker_python()[0] == python and not session.busy:
        session.check(python)
    return None


class CancelSetUp(bpy.types.Operator):
    """Stop the set-up; what worked before stays"""

    bl_idname = "mmm.cancel_set_up"
    bl_label = "Cancel"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Only while one runs."""
        return setup_session.busy

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Cancel; the timer sees it."""
        setup_session.cancel()
        return {"FINISHED"}


class CheckWorker(bpy.types.Operator):
    """Look again whether the model runs here, and on which devices"""

    bl_idname = "mmm.check_worker"
    bl_label = "Check Again"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        """Not while the worker works."""
        return not session.busy

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Start it; what it says is heard between jobs."""
        session.python_errors.clear()
        session.shut_down()  # a new process looks at the GPUs again
        ui_state.look_at_disk()
        python, reason = worker_python()
        try:
            if python is None:
                raise MMMError(reason)
            session.check(python)
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        redraw()
        return {"FINISHED"}


class OpenWorkerLog(bpy.types.Operator):
    """Write the last lines that the model logged to a file, and open it"""

    bl_idname = "mmm.open_worker_log"
    bl_label = "Open the Log"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @one_sentence
    def execute(self, _context: Context) -> set[str]:
        """Into the user's folder; without a window the file is all."""
        text = session.client.log_tail if session.client is not None else ""
        path = user_folder() / _WORKER_LOG
        try:
            make_folder(path.parent)
            write_files({path: (text or "Nothing was logged.").encode()})
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))
            return {"CANCELLED"}
        if not bpy.app.background:
            bpy.ops.wm.path_open(filepath=str(path))
        return {"FINISHED"}


_WORKER_LOG = "worker.log"
_CLASSES = (SetUpEnvironment, CancelSetUp, CheckWorker, OpenWorkerLog)

register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def unregister() -> None:
    """Take them away, and stop a set-up that runs."""
    setup_session.cancel()
    if bpy.app.timers.is_registered(watch):
        bpy.app.timers.unregister(watch)
    _unregister()
