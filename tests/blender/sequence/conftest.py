"""A scene with weights, and a sequence in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession
from tests.blender.helpers.sequences import PROMPTS, fill_list


@pytest.fixture
def ready(session: WorkerSession, tiny_bundle: Path) -> None:
    bpy.context.scene.mmm.bundle = str(tiny_bundle)


@pytest.fixture
def generated(ready: None) -> Any:
    """A character with a sequence of three seconds."""
    fill_list(PROMPTS)
    assert bpy.ops.mmm.generate_sequence() == {"FINISHED"}
    return bpy.context.view_layer.objects.active
