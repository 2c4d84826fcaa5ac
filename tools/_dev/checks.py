"""What tools/test runs inside the environment: lint, format, types, tests.

Tests run in several processes, a file in one of them; ``tools/test -n 0`` runs them in one, as a
debugger needs it, and ``-n 8`` in eight.

    tools/test                  what .venv can run: without PyTorch in it no types, and no tests
                                that need it
    tools/test --torch          PyTorch is installed, and all is run
    tools/test --torch=only     PyTorch is installed; types, and only the tests that need it
    tools/test --torch=without  what needs PyTorch is left out also where it is installed
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence

from _dev.bootstrap import ROOT, say

# Commands without a file name's ending, which the linter does not find by itself.
COMMANDS = ("tools/test", "tools/demo", "tools/bench")

# A process with torch and Blender in it takes about 2 GB.
MOST_PROCESSES = 4
# Beginnings of arguments that say by themselves how many processes there are, or want but one.
OWN_CHOICE = ("-n", "--numprocesses", "--dist", "no:xdist", "--pdb", "--trace", "--co")

TORCH, TORCH_ONLY, NO_TORCH = "--torch", "--torch=only", "--torch=without"
"""The first is for this command alone; pytest knows the others (tests/conftest.py)."""


def needed_parts(arguments: Sequence[str]) -> tuple[str, ...]:
    """Parts of .venv (bootstrap.PARTS) that the command's arguments ask for."""
    more = ("torch", "compare") if {TORCH, TORCH_ONLY} & set(arguments) else ()
    return ("run", "develop", *more)


def main(arguments: Sequence[str]) -> int:
    """Run every check, also after one that failed; 0 only when all passed."""
    checks = static_checks(arguments)
    failed = [name for name, command in checks.items() if _run(name, command) != 0]
    if failed:
        say(f"FAILED before the tests: {', '.join(failed)}")
    pytest_arguments = [argument for argument in arguments if argument != TORCH]
    tests = ("pytest", *_processes(pytest_arguments), *pytest_arguments)
    tests_failed = _run("tests", tests) != 0
    return int(bool(failed) or tests_failed)


def _processes(pytest_arguments: Sequence[str]) -> tuple[str, ...]:
    """As many as there are cores, unless the person says how many or looks into one of them."""
    if any(argument.startswith(OWN_CHOICE) for argument in pytest_arguments):
        return ()
    count = min(os.cpu_count() or 1, MOST_PROCESSES)
    return ("--numprocesses", str(count), "--dist", "loadfile")


def static_checks(arguments: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Modules to run, with their arguments. Types are checked where torch's own are there."""
    commands = [name for name in COMMANDS if (ROOT / name).is_file()]
    text = {
        "lint": ("ruff", "check", ".", *commands),
        "format": ("ruff", "format", "--check", ".", *commands),
    }
    types = {"types": ("pyright",)}
    if TORCH_ONLY in arguments:
        return types
    return text | types if NO_TORCH not in arguments and has_torch() else text


def has_torch() -> bool:
    """Whether PyTorch is installed in this Python."""
    return importlib.util.find_spec("torch") is not None


def _run(name: str, command: Sequence[str]) -> int:
    """Run a module of this Python in the checkout and return its exit status."""
    say(f"--- {name}")
    # Test processes share the cores: more threads in each of them would only wait for each other.
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment, check=False)
    return done.returncode
