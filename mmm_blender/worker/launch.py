"""How the worker is started: its command line, and what its Python may see.

The worker runs in Blender's own Python with the wheels that Blender unpacked for the extension, in
the environment that Set Up made, or in a Python that the person chose. Whichever it is, nothing of
the person's own environment reaches it: ``-I`` keeps PYTHON* variables, the person's site packages
and the current folder out.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ..common.package import PACKAGE_FOLDER

RUNTIME_PACKAGE = "onnxruntime"
"""What runs the networks in Blender's own Python."""

# Runs before anything else in the worker. Folders of wheels and the package's parent come last on
# the path, so that a stray torch.py or another extension shadows nothing.
BOOTSTRAP = """\
import importlib, sys
sys.path[:] = [entry for entry in sys.path if entry] + sys.argv[3:] + [sys.argv[1]]
importlib.import_module(sys.argv[2] + ".worker.__main__").main()
"""

# -I: isolated; -u: no buffering; UTF-8 in every locale: the log is read as such, and paths mean the
# same on both sides
_OPTIONS = ("-I", "-u", "-X", "utf8")
_PYTHON_VARIABLES = ("PYTHON", "__PYVENV_LAUNCHER__")


def worker_command(python: Path, bootstrap: str = BOOTSTRAP) -> list[str]:
    """The command line of the worker. Where ``python`` is the one that this process runs in, it
    finds the runtime where this process does: Blender keeps an extension's wheels apart."""
    folders = runtime_folders() if is_own_python(python) else ()
    where = (str(PACKAGE_FOLDER.parent), PACKAGE_FOLDER.name)
    return [str(python), *_OPTIONS, "-c", bootstrap, *where, *folders]


def worker_variables(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables of the worker: all but those that are meant for Python."""
    return {k: v for k, v in variables.items() if not k.upper().startswith(_PYTHON_VARIABLES)}


def own_python() -> Path | None:
    """The Python program of this process: in Blender the one that came with it. None where there
    is none (``sys.executable`` is empty, or names Blender itself)."""
    path = Path(sys.executable or "")
    return path if path.name.lower().startswith("python") and path.is_file() else None


def is_own_python(python: Path) -> bool:
    """``python`` is what this process runs in."""
    return bool(sys.executable) and python == Path(sys.executable)


def runtime_folders() -> tuple[str, ...]:
    """The folder from which this process would import the runtime; empty where it cannot."""
    try:
        found = importlib.util.find_spec(RUNTIME_PACKAGE)
    except (ImportError, ValueError):  # half a package, or a stand-in
        return ()
    if found is None or found.origin is None:
        return ()
    return (str(Path(found.origin).resolve().parent.parent),)
