"""The add-on's preferences: which Python works, on what, and Set Up.

Everything else asks ``choices()``, which has defaults where the add-on is only a package on the
path (tests, scripts) and Blender keeps no preferences for it.
"""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from ...worker.installer import FLAVOURS
from ..bpy_types import Context, bpy
from ..jobs.session import session
from ..jobs.setup_job import setup_session
from ..widgets import Layout, draw_wrapped, redraw, shown
from .choices import (
    CHOSEN,
    OWN,
    Choices,
    Preferences,
    choices,
    known_devices,
    preferences,
)
from .disk_facts import shown_log, shown_python
from .paths import ROOT_PACKAGE
from .ui_state import ui_state
from .worker_python import setup_poll_error

_MOST_THREADS = 256
_MOST_MINUTES = 24 * 60


def _forget_python_errors(_self: Preferences, _context: Context) -> None:
    session.python_errors.clear()
    _look_at_disk(_self, _context)


def _look_at_disk(_self: Preferences, _context: Context) -> None:
    ui_state.look_at_disk()
    redraw()


class MMMPreferences(bpy.types.AddonPreferences):
    """Shown under Edit > Preferences > Add-ons."""

    bl_idname = ROOT_PACKAGE

    python_source: bpy.props.EnumProperty(
        name="Python",
        description="PyTorch runs in a process of its own, never inside Blender",
        items=[
            (OWN, "Set up by MMM", "An environment that Set Up makes and that only MMM uses"),
            (CHOSEN, "My own", "A Python of yours that has PyTorch"),
        ],
        default=OWN,
        update=_forget_python_errors,
    )
    python_path: bpy.props.StringProperty(
        name="Executable",
        description="The python executable, for instance of a virtual environment",
        subtype="FILE_PATH",
        update=_forget_python_errors,
    )
    flavour: bpy.props.EnumProperty(
        name="PyTorch for",
        description="Which build of PyTorch Set Up installs",
        items=[(key, name, "") for key, name in FLAVOURS.items()],
        default=Choices.flavour,
    )
    index_url: bpy.props.StringProperty(
        name="Index",
        description="Package index to install from; empty for the one that pip is set to",
    )
    wheels_folder: bpy.props.StringProperty(
        name="Wheels",
        description="Folder of wheels to install from instead, without the network",
        subtype="DIR_PATH",
    )
    device: bpy.props.StringProperty(
        name="Device",
        description="Where the model runs; 'auto' takes a GPU if there is one",
        default=Choices.device,
    )
    threads: bpy.props.IntProperty(
        name="CPU threads",
        description="0 leaves the number to PyTorch",
        default=Choices.threads,
        min=0,
        max=_MOST_THREADS,
    )
    idle_minutes: bpy.props.IntProperty(
        name="Free memory after",
        description="Minutes without a job until the model leaves the memory; 0 for never",
        default=Choices.idle_minutes,
        min=0,
        max=_MOST_MINUTES,
    )
    bundles_folder: bpy.props.StringProperty(
        name="Own weights",
        description="A folder with folders of weights; empty for the add-on's own",
        subtype="DIR_PATH",
        update=_look_at_disk,
    )

    def draw(self, context: Context) -> None:
        """The preferences page."""
        draw_page(self.layout, context, self)


def draw_page(layout: Layout, context: Context, stored: Preferences) -> None:
    """Which Python, Set Up, and where the model runs."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    _draw_python(layout, context, stored)
    column = layout.column()
    column.menu("MMM_MT_devices", text=f"Device: {known_devices()[choices().device]}")
    column.prop(stored, "threads")
    column.prop(stored, "idle_minutes")
    column.prop(stored, "bundles_folder")
    row = layout.row(align=True)
    row.operator("mmm.open_manual", icon="HELP")
    row.operator("mmm.report_bug", icon="URL")


def _draw_python(layout: Layout, context: Context, stored: Preferences) -> None:
    """Which Python, whether it works, and Set Up."""
    layout.prop(stored, "python_source", expand=True)
    if stored.python_source == CHOSEN:
        layout.prop(stored, "python_path")
    python, reason = shown_python()
    draw_wrapped(
        layout,
        context,
        reason or f"The model runs in {python}.",
        icon="ERROR" if reason else "CHECKMARK",
    )
    if stored.python_source == OWN:
        draw_setup_choices(layout)
        draw_setup(layout, context)
    layout.operator("mmm.check_worker", icon="FILE_REFRESH")


def draw_setup_choices(layout: Layout) -> None:
    """What Set Up installs, and from where."""
    stored = preferences()
    if stored is None:
        return
    column = layout.column()
    column.prop(stored, "flavour")
    column.prop(stored, "index_url")
    column.prop(stored, "wheels_folder")


def draw_setup(layout: Layout, context: Context) -> None:
    """The Set Up button with the reason why it is greyed; or how it goes; or how it ended."""
    progress = setup_session.progress
    if progress is None:
        layout.operator("mmm.set_up_environment", icon="IMPORT")
        if reason := setup_poll_error():
            draw_wrapped(layout, context, reason, icon="INFO")
            layout.prop(context.preferences.system, "use_online_access")
    else:
        row = layout.row(align=True)
        done = (progress.step - 1) / progress.steps if progress.steps else 0.0
        row.progress(factor=done, text=shown(progress.message))
        row.operator("mmm.cancel_set_up", text="", icon="X")
        layout.label(text=shown(progress.line))
    notice = setup_session.notice
    if notice.text:
        draw_wrapped(layout, context, notice.text, icon="ERROR" if notice.is_error else "INFO")
    log = shown_log() if notice.is_error else None
    if log is not None:
        layout.operator("wm.path_open", text="Open the Log", icon="TEXT").filepath = str(log)


_CLASSES = (MMMPreferences,)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
