"""The list of takes that a character carries, ``object.mmm_takes``."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, TypeAlias

from ...common.errors import MMMError
from ..addon.scene_settings import scene_settings
from ..bpy_types import ArmatureObject, Context, bpy
from ..jobs.session import session
from . import take_list

TakeItem: TypeAlias = Any
"""A Take, as Blender hands it out."""

UNKNOWN = -1.0
"""Of a figure that a take does not have."""


def _choose(owner: Any, context: Context) -> None:
    """A row was clicked: its take plays."""
    rig: ArmatureObject = owner.id_data
    try:
        changed = take_list.choose(rig, int(owner.active))
        if changed and scene_settings(context.scene).play_takes and not bpy.app.background:
            bpy.app.timers.register(_start_playback, first_interval=0.0)
    except MMMError as error:
        session.fail(None, str(error))


def _start_playback() -> None:
    """Timer: an operator may not run while a property changes."""
    screen = bpy.context.screen
    if screen is not None and not screen.is_animation_playing:
        bpy.ops.screen.animation_play()


class Take(bpy.types.PropertyGroup):
    """One motion. The pointer keeps the Action in the file, without a fake user."""

    action: bpy.props.PointerProperty(type=bpy.types.Action, name="Action")
    prompt: bpy.props.StringProperty(name="Prompt")
    seed: bpy.props.IntProperty(
        name="Seed", description="The same prompt and seed give the same motion"
    )
    made: bpy.props.StringProperty(name="Made", description="When it was made")
    batch: bpy.props.IntProperty(name="Batch", description="Takes of one press share it")
    slide: bpy.props.FloatProperty(
        name="Feet", description="How fast feet slide that touch the floor, cm/s", default=UNKNOWN
    )
    seam: bpy.props.FloatProperty(
        name="Seams",
        description="How sharply the motion turns at its seams; 1 is as elsewhere",
        default=UNKNOWN,
    )
    arrival: bpy.props.FloatProperty(
        name="Arrival",
        description="How fast the body had to be led to arrive, cm/s",
        default=UNKNOWN,
    )


class TakeList(bpy.types.PropertyGroup):
    """Takes of a character, oldest first."""

    takes: bpy.props.CollectionProperty(type=Take)
    active: bpy.props.IntProperty(
        name="Take", description="The take that plays; arrow keys flip through", update=_choose
    )
    batches: bpy.props.IntProperty(name="Batches", description="How many presses there were")


_CLASSES = (Take, TakeList)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add ``Object.mmm_takes``."""
    _register()
    bpy.types.Object.mmm_takes = bpy.props.PointerProperty(type=TakeList)


def unregister() -> None:
    """Take ``Object.mmm_takes`` away, and the timer."""
    if bpy.app.timers.is_registered(_start_playback):
        bpy.app.timers.unregister(_start_playback)
    del bpy.types.Object.mmm_takes
    _unregister()
