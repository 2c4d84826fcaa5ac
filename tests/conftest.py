"""Which tests run where there is no PyTorch, which examples properties are tried on, and how a
test run ends."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import torch_tests

_status = pytest.StashKey[int]()
_left_out = pytest.StashKey[dict[str, int]]()
WORKER_PYTHON = "MMM_WORKER_PYTHON"  # names a Python for the worker other than this one

settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("others", deadline=None, print_blob=True)
settings.load_profile("same")
"""The same examples each time, so that a test fails for what was changed; to look for new faults:
`pytest --hypothesis-profile=others`. No example is timed: these machines are busy."""


@pytest.fixture(scope="session")
def needs_torch() -> None:
    """For fixtures and tests that import torch only as they run."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What becomes of the tests that need torch."""
    parser.addoption(
        "--torch",
        choices=torch_tests.CHOICES,
        default=torch_tests.IF_THERE,
        help="tests that need PyTorch: run where it is installed, left out, or run alone",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count what is left out."""
    config.stash[_left_out] = {"files": 0, "tests": 0}


class _LeftOut(pytest.Module):
    """A test file that is not loaded."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Nothing."""
        return []


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Leave a file alone that could not be loaded without torch."""
    if _may_use_torch(parent.config, sys.executable):
        return None
    if not torch_tests.file_needs_torch(module_path):
        return None
    parent.config.stash[_left_out]["files"] += 1
    return _LeftOut.from_parent(parent, path=module_path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose fixtures need a torch that is not there, or all others."""
    if config.getoption("--torch") == torch_tests.ONLY:
        files = {path: torch_tests.file_needs_torch(path) for path in {i.path for i in items}}
        kept = [item for item in items if files[item.path] or _torch_pythons(item)]
    else:
        kept = [
            item
            for item in items
            if all(_may_use_torch(config, python) for python in _torch_pythons(item))
        ]
        config.stash[_left_out]["tests"] += len(items) - len(kept)
    keeps = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in keeps])
    items[:] = kept


def _torch_pythons(item: pytest.Item) -> list[str]:
    """The Pythons in which a test's fixtures need torch: this one, or the worker's."""
    pythons = {"needs_torch": sys.executable, "torch_python": _worker_python()}
    names: Sequence[str] = getattr(item, "fixturenames", ())
    return [python for name, python in pythons.items() if name in names]


def _worker_python() -> str:
    return os.environ.get(WORKER_PYTHON) or sys.executable


def _may_use_torch(config: pytest.Config, python: str) -> bool:
    return config.getoption("--torch") != torch_tests.WITHOUT and _has_torch(python)


@cache
def _has_torch(python: str) -> bool:
    if python == sys.executable:
        return importlib.util.find_spec("torch") is not None
    program = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    return subprocess.run([python, "-c", program], check=False).returncode == 0


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of several has collected all tests, as each of them has."""
    counts = getattr(node, "workeroutput", {}).get("left_out")
    if counts:
        node.config.stash[_left_out] = counts


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, and how to run it."""
    counts = config.stash[_left_out]
    if any(counts.values()) and config.getoption("--torch") == torch_tests.IF_THERE:
        terminalreporter.write_line(torch_tests.summary_line(**counts))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the status for the very end, and tell the first process what was left out."""
    session.config.stash[_status] = int(exitstatus)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[_left_out]  # pyright: ignore[reportAttributeAccessIssue]  # pytest-xdist adds it


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End at once where Blender's module was loaded: its own ending complains about memory that
    the interpreter still holds, on the lines after pytest's summary, which is to be the last."""
    if "bpy" in sys.modules and _status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_status])
