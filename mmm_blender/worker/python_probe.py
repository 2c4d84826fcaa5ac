"""Whether a Python can run the worker: a program for that Python, and what its answer means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Runs in the Python that is looked at, whichever version it has: so no new syntax.
PROBE = """\
import importlib, json, sys
packages, errors = {}, {}
for name in ("torch", "numpy", "safetensors", "regex", "ftfy"):
    try:
        module = importlib.import_module(name)
        packages[name] = str(getattr(module, "__version__", ""))
    except Exception as error:
        errors[name] = str(error)
build = getattr(sys.modules.get("torch"), "version", None)
print("\\n" + json.dumps({
    "python": list(sys.version_info[:3]), "packages": packages, "errors": errors,
    "cuda": str(getattr(build, "cuda", None) or ""),
}))
"""
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class EnvironmentReport:
    """Whether a Python can run the worker; reason: a sentence when it cannot.

    cuda: the version of CUDA that its torch was built with, "" for none.
    """

    usable: bool
    reason: str
    python_version: str = ""
    cuda: str = ""
    packages: tuple[tuple[str, str], ...] = ()


def report_of(python: Path, output: str) -> EnvironmentReport:
    """What the probe's output says."""
    try:
        answers = [line for line in output.splitlines() if line.startswith("{")]
        return _judged(python, json.loads(answers[-1]))
    except (IndexError, ValueError, KeyError, TypeError, AttributeError):
        return EnvironmentReport(False, f"{python} does not answer as a Python: choose another.")


def _judged(python: Path, found: dict[str, Any]) -> EnvironmentReport:
    version = tuple(int(part) for part in found["python"])
    text = ".".join(map(str, version))
    packages = tuple(sorted((str(k), str(v)) for k, v in found["packages"].items()))
    reason = ""
    if version < _OLDEST_PYTHON:
        reason = f"{python} is Python {text} and MMM needs 3.11 or newer: choose another one."
    elif found["errors"]:
        name, error = next(iter(found["errors"].items()))
        reason = f"{python} cannot import {name} ({error}): run Set Up, or install it there."
    return EnvironmentReport(not reason, reason, text, str(found["cuda"]), packages)
