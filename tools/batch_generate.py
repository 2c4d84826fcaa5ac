"""Make many motions without a window: one row of a CSV file a clip.

    blender -b -P tools/batch_generate.py -- --prompts FILE.csv --out DIR --format blend,bvh,npz
    python tools/batch_generate.py --prompts FILE.csv --out DIR --format bvh,npz

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
from typing import NoReturn

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent
PACKAGE = "mmm_blender"


def _find_package() -> None:
    """Make ``import mmm_blender`` work: as the enabled extension, which has the person's settings,
    or from this checkout."""
    sys.path.insert(0, str(TOOLS))
    installed = next((name for name in sys.modules if name.endswith(f".{PACKAGE}")), None)
    if installed is None:
        sys.path.insert(0, str(ROOT))
        return
    for name in [name for name in sys.modules if name.startswith(installed)]:
        sys.modules.setdefault(PACKAGE + name.removeprefix(installed), sys.modules[name])


_find_package()

from mmm_blender.batch.command import (  # noqa: E402
    INTERRUPTED,
    arguments_of,
    inside_blender,
    parse,
    run,
    speak_in_any_encoding,
)
from mmm_blender.common.errors import MMMError  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    """Run from the command line; returns the exit status."""
    speak_in_any_encoding()
    options = parse(arguments)
    try:
        failed = run(options)
    except MMMError as error:
        print(f"batch_generate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("batch_generate: stopped; run it again to go on.", file=sys.stderr)
        return INTERRUPTED
    return int(failed > 0)


def _leave(status: int) -> NoReturn:
    """End the program. When a script exits, Blender frees the add-ons' classes before the add-ons
    unregister them, which ends in a traceback: they had better do it now."""
    if inside_blender():
        importlib.import_module("addon_utils").disable_all()
    sys.exit(status)


if __name__ == "__main__":
    _leave(main(arguments_of()))
