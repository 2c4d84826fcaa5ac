"""Arguments that every operator takes which has a motion made."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from collections.abc import Callable
from typing import Any

from ...worker.protocol import MOST_TAKES, MOST_TRIES
from ..bpy_types import Context, Event, bpy
from ..guards import one_sentence
from .job_operator import JobOperator


def ask_nothing(_operator: Any, _context: Context) -> bool:
    """No question stands before a job."""
    return False


first_use: Callable[[Any, Context], bool] = ask_nothing
"""Asked before a pressed button starts its job: True where a dialog takes over, as the licence of
the weights is still to be shown. The add-on sets it."""


class MotionJobOperator(JobOperator):
    """Base of such operators, beside ``bpy.types.Operator``; what is not given is the scene's."""

    bundle: bpy.props.StringProperty(
        name="Weights", description="Name or folder of the weights; the scene's if not given"
    )
    pin_feet: bpy.props.BoolProperty(
        name="Pin Feet",
        description="Feet that stand stay in place; the scene's choice if not given",
    )
    takes: bpy.props.IntProperty(
        name="Takes",
        description="How many motions to choose from; the scene's number if not given",
        min=1,
        max=MOST_TAKES,
    )
    claim_tries: bpy.props.IntProperty(
        name="Tries",
        description="How many motions are tried until one shows what the prompt says; the scene's "
        "number if not given",
        min=0,
        max=MOST_TRIES,
    )

    @one_sentence
    def invoke(self, context: Context, event: Event) -> set[str]:
        """As every job; before the first use of some weights their licence is shown."""
        if not bpy.app.background and first_use(self, context):
            return {"CANCELLED"}
        return super().invoke(context, event)
