"""Simplified keys as an option of new motions."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

import math
from typing import Any

from ...geometry.simplify.simplify import Tolerance
from ..addon.scene_settings import given_or_scene
from ..bpy_types import Context, bpy

MILLIMETRES = 1000.0
"""A metre has."""
DEFAULT_ANGLE = math.radians(5.0)
"""How far a bone may be turned from where it was."""


class SimplifyOption:
    """Base of operators that make new motions, beside ``bpy.types.Operator``."""

    simplify: bpy.props.BoolProperty(
        name="Simplify Keys",
        description="Key the motion with the fewest keys; the scene's choice if not given",
    )
    tolerance: bpy.props.FloatProperty(
        name="Tolerance",
        description="How far any joint may be off, in millimetres; the scene's if not given",
        min=0.0,
    )

    def wanted_tolerance(self: Any, context: Context) -> Tolerance | None:
        """Within which keys are to be simplified; None for all keys. A tolerance that is given asks
        for it."""
        values = given_or_scene(self, context, ("simplify", "tolerance"))
        given = self.properties.is_property_set("tolerance")
        asked = given and not self.properties.is_property_set("simplify")
        if not (values["simplify"] or asked):
            return None
        return Tolerance(values["tolerance"] / MILLIMETRES, DEFAULT_ANGLE)
