"""The add-on's preferences: which Python works, on what, and Set Up.

Everything else asks ``choices()``, which has defaults where the add-on is only a package on the
path (tests, scripts) and Blender keeps no preferences for it.
"""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ...common.errors import MMMError
from ...worker.installer import CPU, FLAVOURS, LOG_NAME, EnvironmentWish, environment_python
from ...worker.protocol import AUTO_DEVICE, LoadBundle
from ..bpy_types import Context, bpy
from ..jobs.session import desk
from ..jobs.setup_job import setup_desk
from ..widgets import Layout, draw_wrapped, redraw
from .paths import ROOT_PACKAGE, environment_folder, user_bundles_folder

Preferences: TypeAlias = Any
"""An MMMPreferences, as Blender hands it out."""

PYTHON_VARIABLE = "MMM_WORKER_PYTHON"
"""Environment variable that names the worker's Python, before any preference."""

OWN, CHOSEN = "OWN", "CHOSEN"
DEFAULT_IDLE_MINUTES = 10
_MOST_THREADS = 256
_MOST_MINUTES = 24 * 60


@dataclass(frozen=True)
class Choices:
    """The preferences as plain values; the defaults are Blender's too.

    chosen_python: None for the environment that Set Up makes. threads: 0 for torch's own choice.
    idle_minutes: 0 for never. flavour, index_url, wheels: what Set Up installs; see
    ``EnvironmentWish``.
    """

    chosen_python: Path | None = None
    device: str = AUTO_DEVICE
    threads: int = 0
    idle_minutes: int = DEFAULT_IDLE_MINUTES
    bundles_folder: Path = Path()
    flavour: str = CPU
    index_url: str = ""
    wheels: Path | None = None

    def load_bundle(self, path: str) -> LoadBundle:
        """The message that has the worker load a bundle as chosen here."""
        return LoadBundle(path, self.device, self.threads, float(self.idle_minutes))


def preferences() -> Preferences | None:
    """Blender's preferences of this add-on; None where it is not enabled as one."""
    addon = bpy.context.preferences.addons.get(ROOT_PACKAGE)
    return None if addon is None else addon.preferences


def choices() -> Choices:
    """What the person chose, or the defaults."""
    stored = preferences()
    if stored is None:
        return Choices(bundles_folder=user_bundles_folder())
    folder = str(stored.bundles_folder)
    return Choices(
        chosen_python=_path(stored.python_path) if stored.python_source == CHOSEN else None,
        device=str(stored.device) or AUTO_DEVICE,
        threads=int(stored.threads),
        idle_minutes=int(stored.idle_minutes),
        bundles_folder=_path(folder) if folder else user_bundles_folder(),
        flavour=str(stored.flavour),
        index_url=str(stored.index_url).strip(),
        wheels=_path(stored.wheels_folder) if stored.wheels_folder else None,
    )


def _path(text: str) -> Path:
    return Path(bpy.path.abspath(text)).expanduser()


def worker_python() -> tuple[Path | None, str]:
    """The Python that runs the worker; or None and the reason, in a sentence."""
    python, reason = _wanted_python()
    if python is None:
        return None, reason
    if not python.is_file():
        return None, f"There is no Python at {python}: choose another one, or press Set Up."
    if python in desk.refusals:
        return None, desk.refusals[python]
    return python, ""


def _wanted_python() -> tuple[Path | None, str]:
    """In this order: the variable, the person's choice, the bpy module's own, Set Up's."""
    if named := os.environ.get(PYTHON_VARIABLE, ""):
        return Path(named), ""
    if (chosen := choices().chosen_python) is not None:
        if chosen == _path(""):
            return None, "No Python is chosen: choose one in the preferences, or press Set Up."
        return chosen, ""
    if _host_has_torch():
        return Path(sys.executable), ""
    own = environment_python(environment_folder())
    if own is None:
        return None, "MMM needs PyTorch in a Python of its own: press Set Up, once."
    return own, ""


def _host_has_torch() -> bool:
    """Blender runs as a module of a Python that has torch. (Blender's own Python never counts.)"""
    return not bpy.app.binary_path and importlib.util.find_spec("torch") is not None


def known_devices() -> dict[str, str]:
    """Device ids and their names for people: what the worker saw, once it did, and the chosen."""
    known = {AUTO_DEVICE: "Automatic", CPU: "CPU"} | desk.devices
    return {choices().device: choices().device} | known


def choose_device(device: str) -> None:
    """Keep a device for this and later sessions. Raises MMMError where nothing can be kept."""
    stored = preferences()
    if stored is None:
        raise MMMError("The device can be chosen only where MMM is enabled as an add-on.")
    stored.device = device
    redraw()


def environment_wish() -> EnvironmentWish:
    """What Set Up is to make."""
    wanted = choices()
    return EnvironmentWish(
        environment_folder(),
        flavour=wanted.flavour,
        index_url=wanted.index_url,
        wheels=wanted.wheels,
    )


def setup_obstacle() -> str:
    """Why Set Up cannot be pressed, in a sentence; else ""."""
    if setup_desk.busy:
        return "A set-up runs already."
    if bpy.app.online_access or choices().wheels is not None:
        return ""
    return (
        "Blender's online access is off: turn on Allow Online Access (Preferences > System), or "
        "choose a folder of wheels."
    )


def device_path() -> str:
    """Where the device is kept, as a path from the context; "" where nothing can be kept."""
    if preferences() is None:
        return ""
    return f'preferences.addons["{ROOT_PACKAGE}"].preferences.device'


def _forget_refusals(_self: Preferences, _context: Context) -> None:
    desk.refusals.clear()
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
        update=_forget_refusals,
    )
    python_path: bpy.props.StringProperty(
        name="Executable",
        description="The python executable, for instance of a virtual environment",
        subtype="FILE_PATH",
        update=_forget_refusals,
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


def _draw_python(layout: Layout, context: Context, stored: Preferences) -> None:
    """Which Python, whether it works, and Set Up."""
    layout.prop(stored, "python_source", expand=True)
    if stored.python_source == CHOSEN:
        layout.prop(stored, "python_path")
    python, reason = worker_python()
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
    progress = setup_desk.progress
    if progress is None:
        layout.operator("mmm.set_up_environment", icon="IMPORT")
        if reason := setup_obstacle():
            draw_wrapped(layout, context, reason, icon="INFO")
            layout.prop(context.preferences.system, "use_online_access")
    else:
        row = layout.row(align=True)
        done = (progress.step - 1) / progress.steps if progress.steps else 0.0
        row.progress(factor=done, text=progress.message)
        row.operator("mmm.cancel_set_up", text="", icon="X")
        layout.label(text=progress.line)
    notice = setup_desk.notice
    if notice.text:
        draw_wrapped(layout, context, notice.text, icon="ERROR" if notice.is_error else "INFO")
    log = environment_folder() / LOG_NAME
    if notice.is_error and log.is_file():
        layout.operator("wm.path_open", text="Open the Log", icon="TEXT").filepath = str(log)


_CLASSES = (MMMPreferences,)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
