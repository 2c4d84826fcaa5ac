"""Arguments that every operator takes which has a motion made."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from ..bpy_types import bpy
from .job_operator import JobOperator


class MotionJobOperator(JobOperator):
    """Base of such operators, beside ``bpy.types.Operator``; what is not given is the scene's."""

    bundle: bpy.props.StringProperty(
        name="Weights", description="Name or folder of the weights; the scene's if not given"
    )
    pin_feet: bpy.props.BoolProperty(
        name="Pin Feet",
        description="Feet that stand stay in place; the scene's choice if not given",
    )
