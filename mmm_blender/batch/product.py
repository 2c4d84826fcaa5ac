"""What a row of a table becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..geometry.clip import MotionClip
from ..worker.protocol import Generated
from .delivery import clip_of


@dataclass(frozen=True, eq=False)
class Product:
    """A clip on its way to files.

    recipe: the worker's, or of a motion that the open Blender file has, its Action's.
    is_open: the open Blender file has the motion, on the object ``rig``. notes: what could not be
    met, in sentences. t_pose, root: of files that other programs read, as ``ExportOptions`` has
    them. character: the Blender file of a new motion's character; None for one of ours.
    root_motion: what carries a new motion's way, as the panel Rig has it; "" as the character says.
    """

    clip: MotionClip
    recipe: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    is_open: bool = False
    rig: str = ""
    t_pose: bool = False
    root: str = "KEYED"
    character: Path | None = None
    root_motion: str = ""

    @classmethod
    def of(cls, answer: Generated) -> Product:
        """Of the worker's answer."""
        return cls(clip_of(answer), answer.recipe, answer.notes)
