"""Which tests are left out where there is no PyTorch, and that no other needs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from _dev import checks

from tests import torch_tests

ROOT = torch_tests.ROOT
IMPORTS = {
    "import torch": True,
    "from torch import nn": True,
    "from transformers import BertTokenizer": True,
    "from mmm_blender.motion.networks import masks": True,
    "from mmm_blender.motion.networks.masks import close_grid": True,
    "from tests.worker.tiny_bundle import save_tiny_bundle": True,
    "import evaluate": True,
    "from _parity import reference": True,
    "if True:\n    import torch": True,
    "class A:\n    import torch": True,
    "import numpy": False,
    "import torchless": False,
    "def run():\n    import torch": False,
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch": False,
    "from mmm_blender.motion.motion_model import MotionModel": False,
    "from _dev import bootstrap": False,
}


@pytest.mark.parametrize(("text", "needs"), IMPORTS.items())
def test_a_file_needs_torch_as_its_imports_do(text: str, needs: bool, tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(text, encoding="utf-8")
    assert torch_tests.file_needs_torch(path) is needs


def test_what_every_run_loads_needs_no_torch() -> None:
    conftests = sorted((ROOT / "tests").rglob("conftest.py"))
    assert len(conftests) > 5
    assert not [path for path in conftests if torch_tests.file_needs_torch(path)]


HIDE = """
import sys
import pytest

for name in {names!r}:
    sys.modules[name] = None  # an import of it fails
sys.exit(pytest.main(["--co", "-p", "no:cacheprovider", "-n", "0", *sys.argv[1:]]))
"""


def collected(*arguments: str) -> str:
    """What a run lists that cannot import torch."""
    program = HIDE.format(names=sorted(torch_tests.TORCH_PACKAGES))
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_run_without_torch_lists_the_others_and_says_how_to_run_all() -> None:
    listed = collected("tests/motion", "tests/batch/test_command.py", "tests/worker/server")
    assert "tests/motion/test_schedule.py" in listed
    assert "tests/batch/test_command.py" in listed
    assert "tests/worker/server/test_engine.py" not in listed, "it imports torch"
    assert "tests/motion/bundles/test_bundle.py" not in listed
    assert "test_damaged_merges_are_told" in listed
    assert "test_ids_equal_those_of_clips_own_tokenizer" not in listed, "its fixture needs torch"
    said = [line for line in listed.splitlines() if line.startswith("Left out")]
    assert len(said) == 1 and "tools/test --torch" in said[0]


def names(mode: str) -> list[str]:
    """Ids of the tests that a run with this --torch takes, of two folders that have both kinds."""
    command = [sys.executable, "-m", "pytest", "--co", "-n", "0", f"--torch={mode}"]
    folders = ("tests/motion/text", "tests/motion/sampling")
    done = subprocess.run(
        [*command, *folders], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("tests/")]


def test_each_test_is_in_one_of_the_two_parts(needs_torch: None) -> None:
    without, only = names(torch_tests.WITHOUT), names(torch_tests.ONLY)
    assert without and only
    assert sorted(without + only) == sorted(names(torch_tests.IF_THERE))


TEXT = ["lint", "format"]
MORE = ("torch", "compare")


@pytest.mark.parametrize(
    ("arguments", "parts", "without_torch", "with_torch"),
    [
        (("tests/common", "-x"), (), TEXT, [*TEXT, "types"]),
        (("--torch", "tests/common"), MORE, TEXT, [*TEXT, "types"]),
        (("--torch=only",), MORE, ["types"], ["types"]),
        (("--torch=without",), (), TEXT, TEXT),
    ],
)
def test_arguments_say_what_is_installed_and_checked(
    arguments: tuple[str, ...],
    parts: tuple[str, ...],
    without_torch: list[str],
    with_torch: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert checks.needed_parts(arguments) == ("run", "develop", *parts)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert list(checks.static_checks(arguments)) == without_torch
    monkeypatch.setattr(checks, "has_torch", lambda: True)
    assert list(checks.static_checks(arguments)) == with_torch
