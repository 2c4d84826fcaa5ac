"""What panels and preferences draw of Set Up: what it is for, how it goes, what it has made."""

from __future__ import annotations

from pathlib import Path

from ...worker.environments import EnvironmentInfo
from ...worker.package_sources import CUDA, FLAVOURS
from ...worker.setup_checks import DOWNLOAD_MB, NEEDED_GB
from ..bpy_types import Context
from ..jobs.setup_job import setup_session
from ..widgets import Layout, draw_wrapped, in_language, shown
from .choices import Preferences, choices, preferences
from .disk_facts import shown_environment, shown_log
from .worker_python import setup_poll_error

PURPOSE = (
    "Generate works without Set Up. It adds PyTorch, for a GPU, for importing published "
    "checkpoints and for training."
)


def cost_sentence() -> str:
    """How much Set Up downloads and takes, and where."""
    wanted = choices()
    folder = wanted.environment_folder
    if wanted.wheels is not None:
        return f"It goes into {folder}, from {wanted.wheels} and without the network."
    download, needed = DOWNLOAD_MB[wanted.flavour], NEEDED_GB[wanted.flavour]
    about = "up to " if wanted.flavour == CUDA else ""
    return (
        f"It downloads {about}{download:,} MB and wants {needed:g} GB free in {folder}, and goes "
        "on beside your work. Blender and your other Pythons stay as they are."
    )


def draw_setup_page(layout: Layout, context: Context, stored: Preferences) -> None:
    """The preferences' part on Set Up."""
    box = layout.box()
    box.label(text="Set Up (Optional)", icon="PREFERENCES")
    draw_wrapped(box, context, PURPOSE)
    info, others = shown_environment()
    _draw_environment(box, context, info)
    if setup_session.progress is None:
        for folder in others:
            _draw_other(box, folder)
        draw_setup_choices(box)
        box.prop(stored, "environment_path")
    draw_setup(box, context)


def _draw_environment(layout: Layout, context: Context, info: EnvironmentInfo) -> None:
    """What there is, its size, and what can be done with it."""
    if info.python is None:
        return
    size = f", {info.megabytes:,} MB" if info.megabytes else ""
    build = FLAVOURS.get(info.flavour, "PyTorch")
    text = info.reason or f"Ready: {build}{size}, in {info.folder}."
    draw_wrapped(layout, context, text, icon="ERROR" if info.reason else "CHECKMARK")
    if setup_session.progress is None:
        row = layout.row(align=True)
        row.operator("mmm.repair_environment", icon="FILE_REFRESH")
        row.operator("mmm.remove_environment", icon="TRASH")


def _draw_other(layout: Layout, folder: Path) -> None:
    """An environment of another version of Blender, which may be used as well."""
    operator = layout.operator(
        "mmm.use_environment",
        text=in_language("Use the One in {folder}", folder=folder),
        icon="LINKED",
    )
    operator.folder = str(folder)


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
        row.progress(factor=progress.fraction, text=shown(progress.amount or progress.message))
        row.operator("mmm.cancel_set_up", text="", icon="X")
        layout.label(text=shown(progress.line if not progress.amount else progress.message))
    notice = setup_session.notice
    if notice.text:
        draw_wrapped(layout, context, notice.text, icon="ERROR" if notice.is_error else "INFO")
    log = shown_log() if notice.is_error else None
    if log is not None:
        layout.operator("wm.path_open", text="Open the Log", icon="TEXT").filepath = str(log)
