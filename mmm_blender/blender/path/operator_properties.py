"""Arguments about the path that operators take: what is not given comes from the panel Path."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from dataclasses import replace
from typing import Any

from ...common.errors import MMMError
from ..bpy_types import Context, bpy
from .planned_path import PathParams
from .properties import END_ITEMS, FACING_ITEMS, SECONDS, SPEED, START_ITEMS, TARGET, path_settings

_SECONDS_DIGITS = 4
"""Blender keeps 9.8 as 9.80000019: the recipe says 9.8."""


class PathOperator:
    """Base of operators that make a motion along a path, beside ``bpy.types.Operator``."""

    path: bpy.props.StringProperty(
        name="Path",
        description=(
            "Name of a curve, a grease pencil object, an object to go to or a collection of "
            "way-points, or points '0,0 2,0 2,3'; '' for none, the panel's path if not given"
        ),
    )
    speed: bpy.props.FloatProperty(
        name="Speed",
        description="Speed along the path; the panel's pace if not given",
        min=0.05,
        unit="VELOCITY",
    )
    facing: bpy.props.EnumProperty(
        name="Facing",
        description="Where the body faces on the path; the panel's choice if not given",
        items=FACING_ITEMS,
    )
    target: bpy.props.StringProperty(
        name="Target", description="Name of the object that the body faces on the path"
    )

    properties: Any

    def path_params(self, context: Context, seconds: float) -> PathParams:
        """What was asked for, here and in the panel. seconds: the motion's, as given or the
        panel's."""
        is_set = self.properties.is_property_set
        params = PathParams.of_scene(context, round(seconds, _SECONDS_DIGITS))
        if is_set("path"):
            params = replace(params, text=str(self.path))
        if is_set("facing"):
            params = replace(params, facing=str(self.facing))
        if is_set("target"):
            params = replace(params, target=str(self.target), facing=TARGET)
        return replace(params, **self._pace())

    def path_of_edit(self, context: Context) -> PathParams | None:
        """For the time of a range: the path that was given, or the panel's if it is for edits
        too."""
        if not (
            self.properties.is_property_set("path") or path_settings(context.scene).use_in_edits
        ):
            return None
        return self.path_params(context, 0.0)

    def copy_path(self, operator: Any) -> None:
        """Give another operator the arguments about the path that were given here."""
        for name in ("path", "speed", "facing", "target"):
            if self.properties.is_property_set(name):
                setattr(operator, name, getattr(self, name))

    def _pace(self) -> dict[str, Any]:
        """Speed or seconds that were given; the panel's pace where neither was."""
        is_set = self.properties.is_property_set
        has_seconds = "seconds" in self.properties.bl_rna.properties and is_set("seconds")
        if is_set("speed") and has_seconds:
            raise MMMError("A path has a speed or seconds, not both: leave one of them out.")
        if is_set("speed"):
            return {"pace": SPEED, "speed": float(self.speed)}
        return {"pace": SECONDS} if has_seconds else {}


class StartEndOperator:
    """Base of operators whose motion may begin and end in a way that the person chooses."""

    start_from: bpy.props.EnumProperty(
        name="Start",
        description="What the motion begins with; the panel's choice if not given",
        items=START_ITEMS,
    )
    end_in: bpy.props.EnumProperty(
        name="End",
        description="What the motion ends with; the panel's choice if not given",
        items=END_ITEMS,
    )

    properties: Any

    def start_and_end(self, context: Context) -> tuple[str, str]:
        """What was asked for, here or in the panel."""
        scene, is_set = path_settings(context.scene), self.properties.is_property_set
        start = self.start_from if is_set("start_from") else scene.start_from
        end = self.end_in if is_set("end_in") else scene.end_in
        return str(start), str(end)
