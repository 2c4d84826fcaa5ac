"""What the user chose in the preferences: device, Python, idle time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ...common.errors import MMMError
from ...common.untrusted import at_home
from ...worker.installer import CPU
from ...worker.protocol import AUTO_DEVICE, LoadBundle
from ..bpy_types import bpy
from ..jobs.session import session
from ..widgets import redraw
from .paths import ROOT_PACKAGE, environment_folder, user_bundles_folder

Preferences: TypeAlias = Any
"""An MMMPreferences, as Blender hands it out."""


OWN, CHOSEN = "OWN", "CHOSEN"


DEFAULT_IDLE_MINUTES = 10


@dataclass(frozen=True)
class Choices:
    """The preferences as plain values; the defaults are Blender's too.

    chosen_python: None for the environment that Set Up made, or Blender's own Python. threads: 0
    for the runtime's own choice. idle_minutes: 0 for never. environment_folder: where Set Up makes
    its environment. flavour, index_url, wheels: what it installs; see ``EnvironmentParams``.
    """

    chosen_python: Path | None = None
    device: str = AUTO_DEVICE
    threads: int = 0
    idle_minutes: int = DEFAULT_IDLE_MINUTES
    bundles_folder: Path = Path()
    environment_folder: Path = Path()
    flavour: str = CPU
    index_url: str = ""
    wheels: Path | None = None

    def load_bundle(self, path: str) -> LoadBundle:
        """The message that has the worker load a bundle as chosen here."""
        return LoadBundle(path, self.device, self.threads, float(self.idle_minutes))


def preferences() -> Preferences | None:
    """Blender's preferences of this add-on; None where it is not enabled as one."""
    addon = bpy.context.preferences.addons.get(ROOT_PACKAGE)
    return None if addon is None else addon.preferences


def choices() -> Choices:
    """What the user chose, or the defaults."""
    stored = preferences()
    if stored is None:
        return Choices(
            bundles_folder=user_bundles_folder(), environment_folder=environment_folder()
        )
    return Choices(
        chosen_python=absolute_path(stored.python_path) if stored.python_source == CHOSEN else None,
        device=str(stored.device) or AUTO_DEVICE,
        threads=int(stored.threads),
        idle_minutes=int(stored.idle_minutes),
        bundles_folder=_folder_or(stored.bundles_folder, user_bundles_folder()),
        environment_folder=_folder_or(stored.environment_path, environment_folder()),
        flavour=str(stored.flavour),
        index_url=str(stored.index_url).strip(),
        wheels=absolute_path(stored.wheels_folder) if stored.wheels_folder else None,
    )


def _folder_or(typed: object, default: Path) -> Path:
    return absolute_path(str(typed)) if typed else default


def absolute_path(text: str) -> Path:
    """A path that the user typed, relative to the .blend or to the home folder."""
    return at_home(Path(bpy.path.abspath(text)))


def known_devices() -> dict[str, str]:
    """Device ids and their names for people: what the worker saw, once it did, and the chosen."""
    known = {AUTO_DEVICE: "Automatic", CPU: "CPU"} | session.devices
    return {choices().device: choices().device} | known


def choose_device(device: str) -> None:
    """Keep a device for this and later sessions. Raises MMMError where nothing can be kept."""
    stored = preferences()
    if stored is None:
        raise MMMError("The device can be chosen only where MMM is enabled as an add-on.")
    stored.device = device
    redraw()


def device_path() -> str:
    """Where the device is kept, as a path from the context; "" where nothing can be kept."""
    if preferences() is None:
        return ""
    return f'preferences.addons["{ROOT_PACKAGE}"].preferences.device'
