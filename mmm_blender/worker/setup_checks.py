"""What Set Up looks at before it fetches anything: the system, the disk, the paths."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from ..common.errors import MMMError
from .package_sources import CPU, CUDA, EnvironmentParams

DOWNLOAD_MB = {CPU: {"win32": 122, "darwin": 111}.get(sys.platform, 192), CUDA: 4800}
"""torch's own wheel for the processor (version 2.13.0); with CUDA all that came with it."""

NEEDED_GB = {CPU: 2.0, CUDA: 9.0}
"""Free space that is asked for: the download, and what it unpacks to."""

_BYTES_A_GB = 1e9
_TRANSLOCATED = "/AppTranslocation/"
_LONGEST_INSIDE = 160  # characters below an environment, of the packages that are installed
_WINDOWS_PATH = 259
_LONG_PATHS = r"SYSTEM\CurrentControlSet\Control\FileSystem"


def check_system(params: EnvironmentParams, target: Path) -> None:
    """MMMError where a set-up could only fail. target: the environment that is to be made."""
    if _TRANSLOCATED in str(params.python):
        raise MMMError(
            "macOS runs this Blender from a temporary place: move Blender into Applications, start "
            "it from there and press Set Up again."
        )
    if params.wheels is None and is_intel_mac():
        raise MMMError(
            "PyTorch is not made for Macs with an Intel processor any more: MMM generates there "
            "with what its zip brings, and Set Up cannot add to it."
        )
    if sys.platform == "win32" and _is_too_long(target):
        raise MMMError(
            f"Windows allows no paths as long as those below {target} would be: turn on its long "
            "paths setting, or choose a folder with a shorter name in the preferences."
        )
    _check_disk(params)


def is_intel_mac() -> bool:
    """A Mac with an Intel processor (Blender under Rosetta counts: its Python is Intel's too)."""
    return sys.platform == "darwin" and platform.machine() == "x86_64"


def _check_disk(params: EnvironmentParams) -> None:
    needed = NEEDED_GB[params.flavour] if params.wheels is None else 0.0
    free = shutil.disk_usage(params.folder).free / _BYTES_A_GB
    if free < needed:
        raise MMMError(
            f"The environment needs {needed:g} GB on the disk of {params.folder} and {free:.1f} GB "
            "are free: make room there."
        )


def _is_too_long(target: Path) -> bool:
    return len(str(target)) + _LONGEST_INSIDE > _WINDOWS_PATH and not long_paths_allowed()


def long_paths_allowed() -> bool:
    """Windows' own setting; True where it cannot be read, as pip then tells."""
    if sys.platform != "win32":
        return True
    import winreg  # noqa: PLC0415  # exists on Windows only

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _LONG_PATHS) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return True
