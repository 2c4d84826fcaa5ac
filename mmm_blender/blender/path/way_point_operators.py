"""The list of way-points: add, remove, move."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, ClassVar

from ..bpy_types import Context, Object, bpy
from ..guards import one_sentence
from ..rig.target import collection_for_new
from ..widgets import can_run, redraw, shown
from .properties import WAY_POINTS, PathSettings, chosen_way_point, path_settings

_EMPTY_LIST = "The list of way-points is empty: add one first."
_NAME = "Way-Point"
_SIZE = 0.3
"""Radius of a new way-point's empty, metres."""


class AddWayPoint(bpy.types.Operator):
    """Add a way-point after the chosen one: a new empty at the 3D cursor"""

    bl_idname = "mmm.way_point_add"
    bl_label = "Add Way-Point"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    object: bpy.props.StringProperty(
        name="Object", description="Name of the object; a new empty if not given"
    )
    frame: bpy.props.IntProperty(
        name="Frame", description="Frame on which the body is there, 0 for any"
    )
    use_heading: bpy.props.BoolProperty(
        name="Heading", description="The body faces the way that the object's -Y axis points"
    )

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """The panel's path goes through the way-points from here on."""
        item = bpy.data.objects.get(self.object) if self.object else _new_empty(context)
        if item is None:
            self.report({"ERROR"}, shown(f"There is no object '{self.object}': name another."))
            return {"CANCELLED"}
        settings = path_settings(context.scene)
        line = _insert(settings)
        line.object, line.frame, line.use_heading = item, self.frame, self.use_heading
        settings.kind = WAY_POINTS
        redraw()
        return {"FINISHED"}


def _new_empty(context: Context) -> Object:
    """At the 3D cursor, turned as it is about the vertical only; the selection stays."""
    item = bpy.data.objects.new(_NAME, None)
    item.empty_display_type, item.empty_display_size = "ARROWS", _SIZE
    cursor = context.scene.cursor
    item.location = cursor.location
    item.rotation_euler.z = cursor.matrix.to_euler().z
    collection_for_new(context).objects.link(item)
    return item


def _insert(settings: PathSettings) -> Any:
    """A new line after the chosen one; it is chosen then."""
    lines = settings.way_points
    lines.add()
    at = min(int(settings.active) + 1, len(lines) - 1)
    lines.move(len(lines) - 1, at)
    settings.active = at
    return lines[at]


class _WayPointOperator:
    """An operator about the chosen way-point."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where there is one."""
        there = bool(path_settings(context.scene).way_points)
        return can_run(cls, "" if there else _EMPTY_LIST)


class RemoveWayPoint(_WayPointOperator, bpy.types.Operator):
    """Take the chosen way-point out of the list; the object stays in the scene"""

    bl_idname = "mmm.way_point_remove"
    bl_label = "Remove Way-Point"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """The one that moves up is chosen."""
        settings = path_settings(context.scene)
        settings.way_points.remove(chosen_way_point(settings))
        settings.active = chosen_way_point(settings)
        redraw()
        return {"FINISHED"}


class MoveWayPoint(_WayPointOperator, bpy.types.Operator):
    """Move the chosen way-point in the list"""

    bl_idname = "mmm.way_point_move"
    bl_label = "Move Way-Point"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    direction: bpy.props.EnumProperty(
        name="Direction",
        description="Which way",
        items=(("UP", "Up", "Earlier"), ("DOWN", "Down", "Later")),
    )

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """At either end it stays."""
        settings = path_settings(context.scene)
        at = chosen_way_point(settings)
        to = at + (-1 if self.direction == "UP" else 1)
        if not 0 <= to < len(settings.way_points):
            return {"CANCELLED"}
        settings.way_points.move(at, to)
        settings.active = to
        redraw()
        return {"FINISHED"}


_CLASSES = (AddWayPoint, RemoveWayPoint, MoveWayPoint)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
