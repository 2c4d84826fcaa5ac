"""The windowed Blender that the tests in this folder share, with the extension's zip installed."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip(
    "bpy", reason="bpy is not installed in this Python: it carries Blender's zip tool"
)

import build_extension

from tests.ui.rig import CHECKOUT, Rig

RIG_VARIABLE = "MMM_UI_RIG"
TINY_BUNDLE = CHECKOUT / "tests" / "data" / "tiny"
MODULE = "bl_ext.user_default.mmm_blender"
INSTALL_SECONDS = 300

CHOOSE_PYTHON = f"""
chosen = bpy.context.preferences.addons["{MODULE}"].preferences
chosen.python_source = "CHOSEN"
chosen.python_path = {sys.executable!r}
chosen.known_licences = '["starter: CC-BY-NC-4.0"]'
"""
PREPARE = f"""
import bpy
bpy.context.preferences.view.show_splash = False
bpy.context.preferences.view.smooth_view = 0
{CHOOSE_PYTHON}
bpy.ops.wm.save_userpref()
"""


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that make_root.sh made."""
    named = os.environ.get(RIG_VARIABLE, "")
    if not named:
        pytest.skip(f"set {RIG_VARIABLE} to the folder that tests/ui/make_root.sh made")
    return Path(named)


@pytest.fixture(scope="session")
def extension(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, with the weights of this checkout, or tiny random ones where it has none."""
    weights = CHECKOUT / "weights"
    if not any(weights.glob("*/config.json")):
        weights = tmp_path_factory.mktemp("weights")
        shutil.copytree(TINY_BUNDLE, weights / "tiny")
    return build_extension.build(weights, tmp_path_factory.mktemp("zip"))


@pytest.fixture(scope="session")
def rig(root: Path, extension: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Blender's window, with the extension installed by the command line as a person would."""
    folder = tmp_path_factory.mktemp("rig")
    installed = folder / extension.name
    installed.write_bytes(extension.read_bytes())
    (folder / "prepare.py").write_text(PREPARE, encoding="utf-8")
    with Rig(root, folder) as started:
        started.run(
            f"timeout {INSTALL_SECONDS} blender --command extension install-file "
            f"-r user_default --enable {installed}"
        )
        started.run(
            f"timeout {INSTALL_SECONDS} blender -b --python-exit-code 1 -P {folder}/prepare.py"
        )
        started.open_blender()
        yield started
