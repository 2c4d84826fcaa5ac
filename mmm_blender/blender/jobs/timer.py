"""What Blender tells us: a file is loaded, a step is undone. Both cancel the job.

A job's operator would otherwise write into another file, or into a past that it does not know.
"""

from __future__ import annotations

from typing import Any

from ..bpy_types import bpy
from ..widgets import redraw
from .session import session

HOUSEKEEPING_SECONDS = 0.5


@bpy.app.handlers.persistent
def on_load(*_arguments: Any) -> None:
    """Before another file is loaded."""
    session.forget_notice()
    session.cancel("Cancelled: another file was opened.")


@bpy.app.handlers.persistent
def on_undo(*_arguments: Any) -> None:
    """Before a step is undone or redone."""
    session.forget_notice()
    session.cancel("Cancelled: a step was undone.")


def keep_house() -> float:
    """Timer: hear the worker between jobs too (memory freed, a cancelled job that goes on)."""
    if not session.busy:
        before = (
            session.worker_status,
            session.devices,
            len(session.python_errors),
        )
        session.tick()
        if before != (
            session.worker_status,
            session.devices,
            len(session.python_errors),
        ):
            redraw()
    return HOUSEKEEPING_SECONDS


_HANDLERS = (("load_pre", on_load), ("undo_pre", on_undo), ("redo_pre", on_undo))


def register() -> None:
    """Listen."""
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    bpy.app.timers.register(keep_house, first_interval=HOUSEKEEPING_SECONDS, persistent=True)


def unregister() -> None:
    """Stop listening, and end the worker."""
    if bpy.app.timers.is_registered(keep_house):
        bpy.app.timers.unregister(keep_house)
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    session.shut_down()
