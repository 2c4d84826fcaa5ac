"""What starts a job needs to know of the worker: the session, the Python, and what it loads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...worker.protocol import LoadBundle
from .session import WorkerSession


@dataclass(frozen=True)
class WorkerAccess:
    """The add-on's worker, or a script's own.

    python: of the worker; raises MMMError where there is none. load_bundle: the message that loads
    the bundle in a folder, with the device, the threads and the idle time that were chosen.
    """

    session: WorkerSession
    python: Callable[[], Path]
    load_bundle: Callable[[str], LoadBundle]
