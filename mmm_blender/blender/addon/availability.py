"""Whether a job can be started now, and if not, why."""

from __future__ import annotations

from ..bpy_types import Context
from ..jobs.session import session
from .disk_facts import shown_python

MODES = ("OBJECT", "POSE")
"""Where an Action can be assigned and an armature be added without surprises."""

BUSY = "MMM is at work: wait until it is done, or cancel it."


def poll_error(context: Context, task: str = "Generate") -> str:
    """Why no job can be started now, in a sentence; else "". task: what the user would do."""
    return busy_poll_error() or mode_poll_error(context, task) or shown_python()[1]


def busy_poll_error() -> str:
    """That a job runs already, in a sentence; else ""."""
    return BUSY if session.busy else ""


def mode_poll_error(context: Context, task: str) -> str:
    """Why nothing can be done in the mode that the user is in, in a sentence; else ""."""
    if context.mode in MODES:
        return ""
    return f"{task} in Object Mode or Pose Mode: leave the mode that you are in."
