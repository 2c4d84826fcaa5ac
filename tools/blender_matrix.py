"""Runs the tests that concern Blender on one version of it, from the bpy package of that version.

    tools/blender_matrix.py VERSION [TEST ...] [--root FOLDER] [pytest options as --name=value]

The package and what it needs are put into .venv-bpy-VERSION, made with a Python that fits. Torch
stays in .venv, whose Python is the worker's, as on an animator's machine. Where no such Python is
installed, the one in --root is taken, a folder made by tests/ui/make_root.sh.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from _dev.blender_environment import (
    PYTHON_OF_BLENDER,
    Interpreter,
    find_interpreter,
    provide_environment,
)
from _dev.bootstrap import ENVIRONMENT, ROOT, environment_python

# What runs in Blender's own Python: no torch there.
TESTS = ("tests/blender", "tests/worker/test_protocol.py")
# Numbers differ only where Python and NumPy do: tools/test has run these on .venv's.
TESTS_OF_ANOTHER_PYTHON = ("tests/geometry",)


def main() -> int:
    """Run from the command line; returns pytest's exit status."""
    parser = argparse.ArgumentParser(description="Run Blender's tests on one version of it.")
    parser.add_argument("version", choices=PYTHON_OF_BLENDER)
    parser.add_argument("--root", type=Path, help="folder made by tests/ui/make_root.sh")
    parser.add_argument(
        "tests", nargs="*", help="files or folders; the usual ones if none is named"
    )
    arguments, options = parser.parse_known_args()
    interpreter = find_interpreter(PYTHON_OF_BLENDER[arguments.version], arguments.root)
    inside = provide_environment(arguments.version, interpreter)
    usual = TESTS if interpreter.is_running else TESTS + TESTS_OF_ANOTHER_PYTHON
    return run_tests(inside, [*options, *(arguments.tests or usual)])


def run_tests(interpreter: Interpreter, arguments: list[str]) -> int:
    """Run pytest in the checkout."""
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "MMM_WORKER_PYTHON": str(environment_python(ENVIRONMENT)),
    }
    command = [*interpreter.command, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
