"""Whether something can be generated now, and if not, why."""

from __future__ import annotations

from ..bpy_types import Context
from ..jobs.session import session
from .worker_python import worker_python

MODES = ("OBJECT", "POSE")
"""Where an Action can be assigned and an armature be added without surprises."""


def poll_error(context: Context, task: str = "Generate") -> str:
    """Why nothing can be generated just now, in a sentence; else "". task: what one would do."""
    if session.busy:
        return "MMM is at work: wait until it is done, or cancel it."
    if context.mode not in MODES:
        return f"{task} in Object Mode or Pose Mode: leave the mode that you are in."
    return worker_python()[1]
