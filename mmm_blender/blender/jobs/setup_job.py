"""Set Up in the background: at most one at a time, looked at by the panels, driven by ``tick``.

Nothing here knows bpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...common.errors import MMMError
from ...worker.installer import (
    DONE,
    FAILED,
    RUNNING,
    EnvironmentParams,
    EnvironmentSetup,
    SetupProgress,
)
from .session import Notice


@dataclass(eq=False)
class SetupSession:
    """Owns the set-up that runs. notice: how the last one ended."""

    make: Callable[[EnvironmentParams], EnvironmentSetup] = EnvironmentSetup
    setup: EnvironmentSetup | None = None
    notice: Notice = field(default_factory=Notice)

    @property
    def busy(self) -> bool:
        """One is under way."""
        return self.setup is not None

    @property
    def progress(self) -> SetupProgress | None:
        """Where it stands; None while nothing runs."""
        return None if self.setup is None else self.setup.progress

    def start(self, params: EnvironmentParams) -> EnvironmentSetup:
        """Begin. Raises MMMError while another one runs."""
        if self.setup is not None:
            raise MMMError("A set-up runs already: wait until it is done, or cancel it.")
        self.notice = Notice()
        self.setup = self.make(params)
        self.setup.start()
        return self.setup

    def tick(self) -> bool:
        """True when the set-up is over, or none runs. Never blocks."""
        progress = self.progress
        if progress is None:
            return True
        if progress.state == RUNNING:
            return False
        self.setup = None
        self.notice = Notice(progress.message, is_error=progress.state == FAILED)
        return True

    def cancel(self) -> None:
        """Stop what runs; ``tick`` tells when it is over."""
        if self.setup is not None:
            self.setup.cancel()


def succeeded(setup: EnvironmentSetup) -> bool:
    """The environment is there."""
    return setup.progress.state == DONE


setup_session = SetupSession()
"""This Blender's own."""
