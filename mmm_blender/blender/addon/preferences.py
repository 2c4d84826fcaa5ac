"""The add-on's preferences: which Python works, on what, the weights, and Set Up.

Everything else asks ``choices()``, which has defaults where the add-on is only a package on the
path (tests, scripts) and Blender keeps no preferences for it.
"""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from ...worker.installer import FLAVOURS
from ..bpy_types import Context, bpy
from ..jobs.session import session
from ..widgets import Layout, draw_wrapped, redraw
from .choices import (
    CHOSEN,
    OWN,
    Choices,
    Preferences,
    choices,
    known_devices,
)
from .disk_facts import shown_python
from .paths import ROOT_PACKAGE
from .setup_widgets import draw_setup_page
from .ui_state import ui_state
from .weights_widgets import draw_weights

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
        description="The model runs in a process of its own, never inside Blender",
        items=[
            (OWN, "Automatic", "What Set Up made if there is such, else Blender's own Python"),
            (CHOSEN, "My Own", "A Python of yours that has PyTorch or ONNX Runtime"),
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
        name="PyTorch Build",
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
    environment_path: bpy.props.StringProperty(
        name="Folder",
        description="Where Set Up puts PyTorch; empty for MMM's own folder",
        subtype="DIR_PATH",
        update=_forget_python_errors,
    )
    device: bpy.props.StringProperty(
        name="Device",
        description="Where the model runs; 'auto' takes a GPU if there is one",
        default=Choices.device,
    )
    threads: bpy.props.IntProperty(
        name="CPU Threads",
        description="0 leaves the number to what runs the model",
        default=Choices.threads,
        min=0,
        max=_MOST_THREADS,
    )
    idle_minutes: bpy.props.IntProperty(
        name="Free Memory After",
        description="Minutes without a job until the model leaves the memory; 0 for never",
        default=Choices.idle_minutes,
        min=0,
        max=_MOST_MINUTES,
    )
    bundles_folder: bpy.props.StringProperty(
        name="Own Weights",
        description="A folder with folders of weights; empty for the add-on's own",
        subtype="DIR_PATH",
        update=_look_at_disk,
    )

    known_licences: bpy.props.StringProperty(
        name="Known Licences",
        description="Licences that were shown before a first use, as JSON",
        options={"HIDDEN"},
    )

    def draw(self, context: Context) -> None:
        """The preferences page."""
        draw_page(self.layout, context, self)


def draw_page(layout: Layout, context: Context, stored: Preferences) -> None:
    """Which Python, where the model runs, the weights, and Set Up."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    _draw_python(layout, context, stored)
    column = layout.column()
    column.menu("MMM_MT_devices", text=f"Device: {known_devices()[choices().device]}")
    column.prop(stored, "threads")
    column.prop(stored, "idle_minutes")
    draw_weights(layout, context, stored)
    if stored.python_source == OWN:
        draw_setup_page(layout, context, stored)
    row = layout.row(align=True)
    row.operator("mmm.open_manual", icon="HELP")
    row.operator("mmm.report_bug", icon="URL")


def _draw_python(layout: Layout, context: Context, stored: Preferences) -> None:
    """Which Python, and whether it works."""
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
    layout.operator("mmm.check_worker", icon="FILE_REFRESH")


_CLASSES = (MMMPreferences,)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
