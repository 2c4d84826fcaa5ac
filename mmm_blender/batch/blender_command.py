"""``blender --command mmm_batch TABLE --out DIR``: the batch, from the extension itself."""

from __future__ import annotations

from typing import Any

from ..blender.bpy_types import bpy
from .command import main

COMMAND = "mmm_batch"

_registered: list[Any] = []
"""What Blender wants back to take the command away."""


def execute(arguments: list[str]) -> int:
    """What Blender calls with the words that follow the command; returns the exit status."""
    return main(arguments, f"blender --command {COMMAND}")


def register() -> None:
    """Add the command to Blender's command line."""
    _registered.append(bpy.utils.register_cli_command(COMMAND, execute))


def unregister() -> None:
    """Take it away."""
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
