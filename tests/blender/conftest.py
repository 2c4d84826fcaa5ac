"""Tests that run in Blender: the running Python's ``bpy``, or Blender itself."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy", reason="Blender's module bpy is not installed in this Python")

from _rigs.blender_rigs import rigify_human  # noqa: E402  # no use without bpy

import mmm_blender  # noqa: E402
from mmm_blender.batch import command  # noqa: E402
from mmm_blender.blender.addon import paths  # noqa: E402
from mmm_blender.blender.jobs.session import Notice, WorkerSession  # noqa: E402
from mmm_blender.blender.jobs.session import session as addon_session  # noqa: E402

TINY_BUNDLE = Path(__file__).parents[1] / "data" / "tiny"


@pytest.fixture(autouse=True)
def empty_scene() -> None:
    """Every test starts with a file that holds nothing but one scene."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture(scope="session")
def rigify_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file with Rigify's human: generating one takes ten seconds, opening it half a second."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    path = str(tmp_path_factory.mktemp("rigify") / "human.blend")
    rigify_human()
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


@pytest.fixture
def rigify(rigify_file: str) -> Any:
    """Rigify's human, active, in a file of its own."""
    bpy.ops.wm.open_mainfile(filepath=rigify_file)
    rig: Any = next(each for each in bpy.data.objects if each.type == "ARMATURE")
    bpy.context.view_layer.objects.active = rig
    rig.select_set(True)
    return rig


@pytest.fixture(scope="session")
def worker_python() -> Path:
    """A Python for the worker: the one the person names, or this one."""
    return Path(os.environ.get(command.PYTHON_VARIABLE, "") or sys.executable)


@pytest.fixture(scope="session")
def torch_python(worker_python: Path) -> Path:
    """The same, with torch in it: tests/conftest.py leaves out what asks for more than it has."""
    return worker_python


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with random weights that generates in a moment."""
    return shutil.copytree(TINY_BUNDLE, tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerSession]:
    """The add-on, registered, with a user folder of its own; the worker stays between tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.USER_FOLDER_VARIABLE, str(tmp_path_factory.mktemp("user")))
        mmm_blender.register()
        yield addon_session
        mmm_blender.unregister()


@pytest.fixture
def session(registered: WorkerSession) -> Iterator[WorkerSession]:
    """The add-on's session, with nothing on it before and after."""
    yield registered
    registered.cancel()
    registered.notice = Notice()
    registered.python_errors.clear()
    registered.devices.clear()
