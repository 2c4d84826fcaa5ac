"""A generated motion to edit, and ways to edit it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.edit import task
from mmm_blender.blender.edit.chosen_range import ChosenRange, Source
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.edits import FIRST, LAST, STOP, Inpaint, Press


@pytest.fixture(scope="module")
def walk(
    registered: WorkerSession, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A file with a character that has a generated motion on the frames 1 to 60."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mmm.generate(prompt="a person waves", seconds=LAST / 24, bundle=str(tiny_bundle))
    path = tmp_path_factory.mktemp("file") / "walk.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.fixture
def rig(session: WorkerSession, walk: Path, tiny_bundle: Path) -> ArmatureObject:
    bpy.ops.wm.open_mainfile(filepath=str(walk))
    bpy.context.scene.mmm.bundle = str(tiny_bundle)
    return bpy.context.view_layer.objects.active


@pytest.fixture
def inpaint(rig: ArmatureObject) -> Inpaint:
    """bpy.ops.mmm.inpaint of the usual range, unless another is asked for."""

    def call(**arguments: Any) -> set[str]:
        defaults = {"prompt": "a person waves", "frame_start": FIRST, "frame_end": STOP}
        return set(bpy.ops.mmm.inpaint(**(defaults | arguments)))

    return call


@pytest.fixture
def press(rig: ArmatureObject) -> Iterator[Callable[..., Press]]:
    """Press the button Inpaint, without the window that would wait for it."""

    def call(**changes: Any) -> Press:
        span = ChosenRange(FIRST, STOP, Source.GIVEN)
        return Press(task.EditParams(prompt="a person waves", range=span, **changes))

    yield call


@pytest.fixture
def slow_bundle(tiny_bundle: Path, tmp_path: Path) -> str:
    """A bundle that takes so many steps that anything can happen to it before it is done."""
    slow = tmp_path / "slow"
    shutil.copytree(tiny_bundle, slow)
    config = json.loads((slow / "config.json").read_text())
    config["sampler"]["steps"] = 1000  # the most that a config may ask for
    (slow / "config.json").write_text(json.dumps(config))
    return str(slow)
