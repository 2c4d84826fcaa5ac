"""The add-on's preferences, for tests of what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mmm_blender.blender.addon import choices, paths
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.jobs.session import WorkerSession


@pytest.fixture
def stored(session: WorkerSession) -> Iterator[Any]:
    """Preferences as Blender keeps them for an enabled add-on."""
    addons = bpy.context.preferences.addons
    addons.new().module = paths.ROOT_PACKAGE
    kept = choices.preferences()
    assert kept is not None
    yield kept
    addons.remove(addons[paths.ROOT_PACKAGE])
