"""Which Python the worker runs in, and whether Set Up has to be run first."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from ...common.errors import MMMError
from ...common.untrusted import is_file
from ...worker.installer import EnvironmentParams, environment_python
from ...worker.launch import RUNTIME_PACKAGE, own_python, runtime_folders
from ..bpy_types import bpy
from ..jobs.session import session
from ..jobs.setup_job import setup_session
from ..jobs.worker_access import WorkerAccess
from .choices import absolute_path, choices
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
    if python is not None and not is_file(python):
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
    """In this order: the variable, the user's choice, the bpy module's own, Set Up's, Blender's."""
    if named := os.environ.get(PYTHON_VARIABLE, ""):
        return Path(named), ""
    if (chosen := choices().chosen_python) is not None:
        if chosen == absolute_path(""):
            return None, "No Python is chosen: choose one in the preferences, or press Set Up."
        return chosen, ""
    if _host_has_runtime():
        return Path(sys.executable), ""
    made = environment_python(choices().environment_folder)
    return (made, "") if made is not None else _blenders_python()


def _blenders_python() -> tuple[Path | None, str]:
    """Blender's own Python with the wheels of the extension; or why it cannot be the worker's."""
    python = own_python()
    if python is None:
        return None, "This Blender has no Python that MMM could start: choose one in preferences."
    if not runtime_folders():
        return None, (
            "What runs the model is missing: install the extension's zip for this system and this "
            "Blender again, or press Set Up."
        )
    return python, ""


def _host_has_runtime() -> bool:
    """Blender runs as a module of a Python that can run the model by itself."""
    known = (importlib.util.find_spec(name) for name in ("torch", RUNTIME_PACKAGE))
    return not bpy.app.binary_path and any(spec is not None for spec in known)


def environment_params() -> EnvironmentParams:
    """What Set Up is to make."""
    wanted = choices()
    return EnvironmentParams(
        wanted.environment_folder,
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
