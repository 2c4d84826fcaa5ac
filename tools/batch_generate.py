"""Make many motions without a window: one row of a CSV file a clip.

    blender --command mmm_batch FILE.csv --out DIR --format blend,bvh,npz  (the extension alone)
    blender -b -P tools/batch_generate.py -- FILE.csv --out DIR --format blend,bvh,npz
    python tools/batch_generate.py FILE.csv --out DIR --format bvh,npz

A second run makes only what is not there yet or has changed. DIR/report.json tells of every clip.
The exit status is 1 when any row failed. The worker's Python is --python, else $MMM_WORKER_PYTHON,
else what the add-on's preferences say (in Blender), else this Python. What the file's columns mean:
--help.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "mmm_blender"
_INTERRUPTED = 130  # the shells' exit status for Ctrl-C


def batch_command() -> Any:
    """The module that does the work: of the enabled extension, which has the user's settings, or of
    this checkout."""
    installed = next((name for name in sys.modules if name.endswith(f".{PACKAGE}")), None)
    if installed is None and str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module(f"{installed or PACKAGE}.batch.command")


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; returns the exit status."""
    return batch_command().main(arguments, "batch_generate")


def _leave(status: int) -> NoReturn:
    """End the program. When a script exits, Blender frees the add-ons' classes before the add-ons
    unregister them, which ends in a traceback: they had better do it now."""
    if batch_command().inside_blender():
        importlib.import_module("addon_utils").disable_all()
    sys.exit(status)


if __name__ == "__main__":
    try:
        status = main(batch_command().arguments_of())
    except KeyboardInterrupt:  # while Blender's module is loaded, before anything is made
        print("batch_generate: stopped; run it again to go on.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    _leave(status)
