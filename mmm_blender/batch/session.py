"""The worker session that a batch uses instead of the preferences'."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

import mmm_blender

from ..blender.addon.worker_python import PYTHON_VARIABLE
from ..blender.bpy_types import bpy
from ..blender.jobs.session import desk
from ..worker.client import WorkerClient


@contextmanager
def at_the_desk(client: WorkerClient) -> Generator[None]:
    """The add-on, registered if it is not, works with this client."""
    registered = hasattr(bpy.types.Scene, "mmm")
    python, connect = os.environ.get(PYTHON_VARIABLE), desk.connect
    os.environ[PYTHON_VARIABLE] = str(client.python)
    if not registered:
        mmm_blender.register()
    desk.shut_down()
    desk.connect = lambda _python: client
    try:
        yield
    finally:
        desk.shut_down()
        desk.connect = connect
        if not registered:
            mmm_blender.unregister()
        del os.environ[PYTHON_VARIABLE]
        if python is not None:
            os.environ[PYTHON_VARIABLE] = python
