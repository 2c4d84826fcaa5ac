"""Which Python the worker runs in, and whether Set Up has to be run first."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from ...common.errors import MMMError
from ...worker.installer import EnvironmentParams, environment_python
from ..bpy_types import bpy
from ..jobs.session import session
from ..jobs.setup_job import setup_session
from ..jobs.worker_access import WorkerAccess
from .choices import absolute_path, choices
from .paths import environment_folder
from .ui_state import ui_state

PYTHON_VARIABLE = "MMM_WORKER_PYTHON"
"""Environment variable that names the worker's Python, before any preference."""


def worker_python() -> tuple[Path | None, str]:
    """The Python that runs the worker; or None and the reason, in a sentence. Looks at the disk."""
    python, reason = find_python()
    if python is not None and python in session.python_errors:
        return None, session.python_errors[python]
    return python, reason


def find_python() -> tuple[Path | None, str]:
    """``worker_python``, whatever the worker said of it."""
    python, reason = _wanted_python()
    if python is not None and not python.is_file():
        return None, f"There is no Python at {python}: choose another one, or press Set Up."
    return python, reason


def addon_worker() -> WorkerAccess:
    """The worker as the preferences describe it, for jobs of the add-on's own session."""
    ui_state.look_at_disk()
    return WorkerAccess(session, _python_or_raise, choices().load_bundle)


def _python_or_raise() -> Path:
    python, reason = worker_python()
    if python is None:
        raise MMMError(reason)
    return python


def _wanted_python() -> tuple[Path | None, str]:
    """In this order: the variable, the user's choice, the bpy module's own, Set Up's."""
    if named := os.environ.get(PYTHON_VARIABLE, ""):
        return Path(named), ""
    if (chosen := choices().chosen_python) is not None:
        if chosen == absolute_path(""):
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


def environment_params() -> EnvironmentParams:
    """What Set Up is to make."""
    wanted = choices()
    return EnvironmentParams(
        environment_folder(),
        flavour=wanted.flavour,
        index_url=wanted.index_url,
        wheels=wanted.wheels,
    )


def setup_poll_error() -> str:
    """Why Set Up cannot be pressed, in a sentence; else ""."""
    if setup_session.busy:
        return "A set-up runs already."
    if bpy.app.online_access or choices().wheels is not None:
        return ""
    return (
        "Blender's online access is off: turn on Allow Online Access (Preferences > System), or "
        "choose a folder of wheels."
    )
