"""The path of a row: points in the table, or an object in a Blender file.

Points and files are in Blender's axes, metres on the ground from the character's object on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.errors import MMMError
from ..common.untrusted import quoted
from ..geometry.conventions import to_model_vectors
from ..geometry.editing.conditions import Conditions
from ..geometry.ground_path import GroundPath
from ..geometry.polyline import points_of_text

OBJECT_MARK = "#"
"""Between a Blender file and the object in it."""


@dataclass(frozen=True)
class PathCell:
    """text: points, "" where an object is named. file: that has the object, None for the file that
    the row edits; digest: SHA-256 of its content. name: of the object or the collection."""

    text: str = ""
    file: Path | None = None
    digest: str = ""
    name: str = ""

    @property
    def recipe(self) -> dict[str, object]:
        """What decides the path."""
        return {"points": self.text} if self.text else {"sha256": self.digest, "object": self.name}

    def conditions(self, fps: float) -> dict[str, Any]:
        """For a message of a new motion. fps: its rate. An object is read from its file, which is
        open then; MMMError where it is no path."""
        if self.text:
            return Conditions(path_of_points(self.text)).to_json()
        from .scene import path_in_file  # noqa: PLC0415  # needs bpy

        assert self.file is not None
        return Conditions(path_in_file(self.file, self.name, fps)).to_json()


def path_cell(
    where: str, text: str, is_edit: bool, read_file: Callable[[str], tuple[Path, str]]
) -> PathCell | None:
    """A path's cell; None for an empty one. read_file: the file that a name means, and its digest.

    Raises MMMError for what is no path.
    """
    if not text:
        return None
    if OBJECT_MARK in text:
        named, _, name = text.rpartition(OBJECT_MARK)
        return _of_object(where, named.strip(), name.strip(), is_edit, read_file)
    try:
        path_of_points(text)
    except MMMError as error:
        raise MMMError(f"{where}: {error}") from error
    return PathCell(text)


def _of_object(
    where: str,
    named: str,
    name: str,
    is_edit: bool,
    read_file: Callable[[str], tuple[Path, str]],
) -> PathCell:
    if not name:
        raise MMMError(f"{where}: the path names no object after {OBJECT_MARK}.")
    if is_edit:
        if named:
            raise MMMError(
                f"{where}: the path of an edit lies in the file that it edits: write "
                f"{OBJECT_MARK}{name}."
            )
        return PathCell(name=name)
    if not named:
        raise MMMError(
            f"{where}: the path needs a Blender file before {OBJECT_MARK}, as in "
            f"scene.blend{OBJECT_MARK}{name}."
        )
    file, digest = read_file(named)
    return PathCell("", file, digest, name)


def path_of_points(text: str) -> GroundPath:
    """A path of "x,y x,y ..." in Blender's axes, in model space. MMMError for what is none."""
    points_N3 = points_of_text(text)
    if points_N3 is None:
        raise MMMError(
            f"the path {quoted(text)} is no list of points such as '0,0 2,0 2,3' and no object "
            f"such as scene.blend{OBJECT_MARK}Curve."
        )
    return GroundPath.of(to_model_vectors(points_N3)[:, [0, 2]], facing="along")
