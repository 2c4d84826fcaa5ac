"""The worker session that a batch uses instead of the preferences'."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

import mmm_blender

from ..blender.addon.worker_python import PYTHON_VARIABLE
from ..blender.bpy_types import bpy
from ..blender.jobs.session import session
from ..worker.client import WorkerClient


@contextmanager
def using_client(client: WorkerClient) -> Generator[None]:
    """The add-on, registered if it is not, works with this client."""
    registered = hasattr(bpy.types.Scene, "mmm")
    python, connect = os.environ.get(PYTHON_VARIABLE), session.connect
    os.environ[PYTHON_VARIABLE] = str(client.python)
    if not registered:
        mmm_blender.register()
    session.shut_down()
    session.connect = lambda _python: client
    try:
        yield
    finally:
        session.shut_down()
        session.connect = connect
        if not registered:
            mmm_blender.unregister()
        del os.environ[PYTHON_VARIABLE]
        if python is not None:
            os.environ[PYTHON_VARIABLE] = python
