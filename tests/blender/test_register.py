"""The add-on comes and goes without a trace, also under an extension's name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mmm_blender
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs import timer
from mmm_blender.blender.jobs.session import session

ROOT = Path(mmm_blender.__file__).resolve().parents[1]


def ours() -> list[str]:
    """Everything of ours that Blender knows."""
    types = [name for name in dir(bpy.types) if name.startswith(("MMM_", "mmm."))]
    operators = [name for name in dir(bpy.ops.mmm) if not name.startswith("_")]
    attributes = ["Scene.mmm"] if hasattr(bpy.types.Scene, "mmm") else []
    listening = [
        name
        for name in ("load_pre", "undo_pre", "redo_pre")
        for handler in getattr(bpy.app.handlers, name)
        if "mmm_blender" in handler.__module__
    ]
    return types + operators + attributes + listening


def test_it_can_be_turned_on_and_off_twice() -> None:
    assert ours() == []
    for _ in range(2):
        mmm_blender.register()
        there = ours()
        mmm_blender.unregister()
        assert ours() == []
        assert "Scene.mmm" in there and "generate" in there and "MMM_PT_motion" in there
        assert there.count("load_pre") == 1
        assert not bpy.app.timers.is_registered(timer.keep_house)
        assert session.client is None


def test_handlers_survive_loading_a_file() -> None:
    mmm_blender.register()
    try:
        bpy.ops.wm.read_homefile(use_empty=True)
        assert timer.on_load in bpy.app.handlers.load_pre
        assert bpy.app.timers.is_registered(timer.keep_house)
    finally:
        mmm_blender.unregister()


def run_python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return done.stdout


def test_the_package_imports_without_blender_and_torch() -> None:
    code = (
        "import sys; sys.modules['bpy'] = None; sys.modules['torch'] = None\n"
        "import mmm_blender, mmm_blender.worker.client, mmm_blender.geometry.clip\n"
        "print('fine')"
    )
    assert run_python(code).strip() == "fine"


EXTENSION = """
import os, sys, types, importlib
sys.modules["torch"] = None  # whoever imports it in Blender's process gets an error
folder, name = sys.argv[1:]
import bpy
for parent in ("bl_ext", "bl_ext.user_default"):
    sys.modules[parent] = types.ModuleType(parent)
    sys.modules[parent].__path__ = [folder]
package = importlib.import_module("bl_ext.user_default." + name)
addon = bpy.context.preferences.addons.new()
addon.module = package.__name__
package.register()
choices = importlib.import_module(package.__name__ + ".blender.addon.choices")
assert type(choices.preferences()).bl_idname == package.__name__
choices.preferences().threads = 3
assert choices.choices().threads == 3
assert bpy.ops.mmm.add_character() == {"FINISHED"}
package.unregister()
print("fine", flush=True)
os._exit(0)  # as a module of Python, Blender 4.2 may crash when the interpreter ends
"""


def test_it_works_under_an_extensions_name_and_without_torch(tmp_path: Path) -> None:
    (tmp_path / "mmm_blender").symlink_to(ROOT / "mmm_blender", target_is_directory=True)
    assert run_python(EXTENSION, str(tmp_path), "mmm_blender").strip().endswith("fine")


@pytest.fixture(autouse=True)
def unregistered() -> None:
    """No other test's leftovers."""
    assert not hasattr(bpy.types.Scene, "mmm")
