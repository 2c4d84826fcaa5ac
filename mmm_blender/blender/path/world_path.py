"""The path that the scene tells of, in the world: a line, way-points, or a place to go to.

Shape suffixes: N points, 3 xyz in the world.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...common.untrusted import quoted
from ...geometry.polyline import length, points_of_text, resampled
from ..bpy_types import Object, Scene, bpy
from ..rig.world_places import checked_places, world_matrix
from .curve_points import curve_points
from .properties import CURSOR, LINE, LINE_TYPES, NONE, OBJECT, WAY_POINTS, path_settings
from .stroke_points import STROKE_TYPES, stroke_points

_SPACING = 0.1
_MOST_POINTS = 400
"""Between two points of a drawn line in a message, metres, unless these would be too many."""

WAY_POINTS_NAME = "the way-points"

FORWARD = (0.0, -1.0, 0.0)
"""The axis of an object that shows where a body faces: a character's own rest pose faces so."""


@dataclass(frozen=True, eq=False)
class WorldPath:
    """Where a body is to go.

    directions_N3: where it faces at each point, rows of nan where that is open. frames: scene frame
    of each point, 0 for any. from_character: the path begins where the character stands, and its
    points come after. notes: what the person should know of how it was read, in sentences.
    target_3: what the body faces all the way, if anything. is_goal: it is no more than a place to
    go to.
    """

    points_N3: FloatArray
    directions_N3: FloatArray
    frames: tuple[int, ...]
    name: str
    from_character: bool = False
    notes: tuple[str, ...] = ()
    target_3: FloatArray | None = None
    is_goal: bool = False


def line_path(points_N3: FloatArray, name: str, notes: Iterable[str] = ()) -> WorldPath:
    """A path along points without headings or frames."""
    open_N3 = np.full((len(points_N3), 3), np.nan)
    return WorldPath(points_N3, open_N3, (0,) * len(points_N3), name, notes=tuple(notes))


def _drawn(points_N3: FloatArray) -> FloatArray:
    """A drawn line with points so close that nobody cuts its corners, but not too many."""
    if len(points_N3) < 3:
        return points_N3
    return resampled(points_N3, max(_SPACING, length(points_N3) / _MOST_POINTS))


def named_path(text: str) -> WorldPath | None:
    """The path that a text tells: the name of a curve, a stroke or another object to go to, of a
    collection whose objects are way-points in the order of their names, or points "0,0 2,0 2,3"
    (world x and y). None for an empty text; raises MMMError where it tells none."""
    text = text.strip()
    if not text:
        return None
    if (item := bpy.data.objects.get(text)) is not None:
        return object_path(item) if item.type in LINE_TYPES else goal_path(item)
    if (collection := bpy.data.collections.get(text)) is not None:
        return _collection_path(collection)
    if (points_N3 := points_of_text(text)) is not None:
        return line_path(points_N3, text)
    raise MMMError(
        f"There is no object or collection {quoted(text)} to be a path, and it is no list of "
        "points such as '0,0 2,0 2,3': name another."
    )


def scene_path(scene: Scene, kind: str = "") -> WorldPath | None:
    """The path that the panel says; None for none. kind: another one than the panel's."""
    settings = path_settings(scene)
    match kind or str(settings.kind):
        case kind if kind == LINE:
            return object_path(_chosen(settings.line, "a curve or stroke to follow"))
        case kind if kind == WAY_POINTS:
            return _list_path(settings.way_points)
        case kind if kind == CURSOR:
            place = np.array(scene.cursor.location[:], dtype=np.float64)
            return _goal(checked_places(place, "The 3D cursor"), "the 3D cursor")
        case kind if kind == OBJECT:
            return goal_path(_chosen(settings.goal, "an object to go to"))
        case kind:
            assert kind == NONE
            return None


def _chosen(item: Object | None, what: str) -> Object:
    if item is None:
        raise MMMError(f"Choose {what} in the panel Path, or No Path.")
    return item


def object_path(item: Object) -> WorldPath:
    """Along a curve or a stroke. Raises MMMError for objects of other types."""
    if item.type in STROKE_TYPES:
        points_N3, count = stroke_points(item)
        others = f"'{item.name}' has {count} strokes: the last is the path."
    elif item.type == "CURVE":
        points_N3, count = curve_points(item)
        others = f"'{item.name}' has {count} splines: the first is the path."
    else:
        raise MMMError(f"'{item.name}' is no curve and no grease pencil object: choose one.")
    return line_path(_drawn(points_N3), item.name, (others,) if count > 1 else ())


def target_place(name: str) -> FloatArray:
    """Where the object lies that is to be faced; MMMError where there is none of that name."""
    item: Object | None = bpy.data.objects.get(name)
    if item is None:
        raise MMMError("Choose the object that the body faces, or let it face along the path.")
    return _place(item)


def goal_path(item: Object) -> WorldPath:
    """From where the character stands to an object."""
    return _goal(_place(item), f"'{item.name}'")


def _goal(place_3: FloatArray, name: str) -> WorldPath:
    return WorldPath(place_3[None], np.full((1, 3), np.nan), (0,), name, True, is_goal=True)


def _collection_path(collection: Any) -> WorldPath:
    """Through the objects of a collection; 2 comes before 10."""
    items: list[Object] = sorted(collection.objects, key=_by_numbers)
    if not items:
        raise MMMError(f"The collection '{collection.name}' is empty: put way-points in it.")
    return _through(items, (0,) * len(items), (False,) * len(items), collection.name)


def _by_numbers(item: Object) -> list[tuple[int, str]]:
    """How names sort as people count."""
    parts = re.split(r"(\d+)", str(item.name))
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]


def _list_path(way_points: Sequence[Any]) -> WorldPath:
    """Through the panel's way-points; lines without an object count as none."""
    there = [each for each in map(_way_point, way_points) if each[0] is not None]
    if not there:
        raise MMMError("The list of way-points is empty: add one, or choose No Path.")
    items, frames, headings = zip(*there, strict=True)
    return _through(items, frames, headings, WAY_POINTS_NAME)


def _way_point(line: Any) -> tuple[Object, int, bool]:
    return line.object, int(line.frame), bool(line.use_heading)


def _through(
    items: Sequence[Object], frames: Sequence[int], headings: Sequence[bool], name: str
) -> WorldPath:
    directions = [
        _forward(item) if known else np.full(3, np.nan)
        for item, known in zip(items, headings, strict=True)
    ]
    _check_order(items, frames)
    points_N3 = np.array([_place(item) for item in items])
    return WorldPath(points_N3, np.array(directions), tuple(frames), name, from_character=True)


def _check_order(items: Sequence[Object], frames: Sequence[int]) -> None:
    """Raises MMMError where a later way-point has an earlier frame."""
    timed = [(item, frame) for item, frame in zip(items, frames, strict=True) if frame]
    for (before, earlier), (item, frame) in pairwise(timed):
        if frame <= earlier:
            raise MMMError(
                f"Way-point '{item.name}' (frame {frame}) comes after '{before.name}' (frame "
                f"{earlier}): move it up in the list, or give it a later frame."
            )


def _place(item: Object) -> FloatArray:
    return world_matrix(item)[:3, 3]


def _forward(item: Object) -> FloatArray:
    return world_matrix(item)[:3, :3] @ FORWARD
