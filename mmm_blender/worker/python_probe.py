"""Whether a Python can run the worker: a program for that Python, and what its answer means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .gpu_errors import first_line, gpu_reason
from .install_errors import import_sentence

# Runs in the Python that is looked at, whichever version it has: so no new syntax.
PROBE = """\
import importlib, json, sys
packages, errors, cards = {}, {}, []
for name in ("torch", "numpy", "safetensors", "regex", "ftfy"):
    try:
        module = importlib.import_module(name)
        packages[name] = str(getattr(module, "__version__", ""))
    except Exception as error:
        errors[name] = str(error)
torch = sys.modules.get("torch")
build = str(getattr(getattr(torch, "version", None), "cuda", None) or "")
if build and "torch" in packages:
    try:
        count = torch.cuda.device_count()
    except Exception as error:
        count = 0
        cards.append(["NVIDIA GPU", str(error)])
    for number in range(count):
        name = "cuda:%d" % number
        try:
            name = str(torch.cuda.get_device_name(number))
            numbers = torch.ones((8, 8), device="cuda:%d" % number)
            float((numbers @ numbers).sum())
            cards.append([name, ""])
        except Exception as error:
            cards.append([name, str(error) or type(error).__name__])
print("\\n" + json.dumps({
    "python": list(sys.version_info[:3]), "system": sys.platform, "packages": packages,
    "errors": errors, "cuda": build, "cards": cards,
}))
"""
_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class EnvironmentReport:
    """Whether a Python can run the worker; reason: a sentence when it cannot.

    cuda: the version of CUDA that its torch was built with, "" for none. cards: NVIDIA GPUs as
    (name, what went wrong when one small kernel ran there, else "").
    """

    usable: bool
    reason: str
    python_version: str = ""
    cuda: str = ""
    packages: tuple[tuple[str, str], ...] = ()
    cards: tuple[tuple[str, str], ...] = ()

    @property
    def working_cards(self) -> list[str]:
        """Names of the GPUs that can be used."""
        return [name for name, error in self.cards if not error]

    @property
    def card_reason(self) -> str:
        """Why no GPU can be used, as a sentence without its end."""
        if not self.cards:
            return "PyTorch sees no NVIDIA GPU here"
        name, error = self.cards[0]
        return f"The {name} cannot be used, as {gpu_reason(error) or first_line(error)}"


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
        reason = import_sentence(python, name, str(error), str(found.get("system", "")))
    cards = tuple((str(name), str(error)) for name, error in found.get("cards", []))
    return EnvironmentReport(not reason, reason, text, str(found["cuda"]), packages, cards)
