"""The systems that the extension is built for, and the wheels that each of them takes."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

_REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"


class BuildError(Exception):
    """The zip could not be built; the message is one sentence for the person."""


@dataclass(frozen=True)
class Platform:
    """name: as Blender's manifest says it. tag: of the wheels. requirements: their pins, with
    hashes. pythons: for which Pythons such wheels exist."""

    name: str
    tag: str
    requirements: Path = _REQUIREMENTS / "wheels.txt"
    pythons: tuple[str, ...] = ("3.11", "3.13", "3.14")


PLATFORMS = {
    each.name: each
    for each in (
        Platform("windows-x64", "win_amd64"),
        Platform("windows-arm64", "win_arm64"),
        Platform("linux-x64", "manylinux_2_28_x86_64"),
        Platform("macos-arm64", "macosx_14_0_arm64"),
        Platform(
            "macos-x64",
            "macosx_13_0_x86_64",
            _REQUIREMENTS / "wheels_intel_mac.txt",
            ("3.11", "3.13"),
        ),
    )
}

_SYSTEMS = {"win32": "windows", "darwin": "macos", "linux": "linux"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


def this_platform() -> Platform:
    """The system that this runs on. BuildError where no zip is made for it."""
    machine = platform.machine().lower()
    name = f"{_SYSTEMS.get(sys.platform, sys.platform)}-{_MACHINES.get(machine, machine)}"
    if name not in PLATFORMS:
        raise BuildError(
            f"There is no zip for {name}: name another platform with --platform "
            f"({', '.join(PLATFORMS)})."
        )
    return PLATFORMS[name]
