"""The map of a character as rows with bone pickers, and how it is keyed: ``object.mmm_rig``."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, TypeAlias

from ..bpy_types import ArmatureObject, Context, bpy
from ..rig.rig_options import FINGERS, HAND_FRAMES, HAND_SIDES, ROOT_MOTIONS, SWITCHES
from . import map_rows

RigSettings: TypeAlias = Any
"""A RigSettingsGroup, as Blender hands it out."""


def _changed(row: Any, _context: Context) -> None:
    """A bone was picked: the map is the person's own from here on."""
    map_rows.store_rows(row.id_data)


class RigRow(bpy.types.PropertyGroup):
    """A bone of the map. slot: the joint, or the chain, that it stands for."""

    slot: bpy.props.StringProperty(name="Joint")
    bone: bpy.props.StringProperty(
        name="Bone", description="The bone that shows how this joint is turned", update=_changed
    )
    control: bpy.props.StringProperty(
        name="Control",
        description="The bone that is keyed for this joint; the bone itself if none is chosen",
        update=_changed,
    )


class RigSettingsGroup(bpy.types.PropertyGroup):
    """rows: empty while the rig goes by what is recognised."""

    rows: bpy.props.CollectionProperty(type=RigRow)
    root_motion: bpy.props.EnumProperty(
        name="Root Motion", description="What carries the way of new motions over the ground",
        items=ROOT_MOTIONS,
    )  # fmt: skip
    switch: bpy.props.EnumProperty(
        name="IK/FK", description="What a motion does with the rig's IK/FK switches",
        items=SWITCHES,
    )  # fmt: skip
    fingers: bpy.props.EnumProperty(
        name="Fingers", description="What a new motion does with the fingers", items=FINGERS
    )
    hand_side: bpy.props.EnumProperty(
        name="Hand", description="Which hand is posed", items=HAND_SIDES
    )
    hand_frames: bpy.props.EnumProperty(
        name="Keys", description="On which frames hands are keyed", items=HAND_FRAMES
    )


def rig_settings(rig: ArmatureObject) -> RigSettings:
    """Of a character."""
    return rig.mmm_rig


_CLASSES = (RigRow, RigSettingsGroup)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add ``Object.mmm_rig``."""
    _register()
    bpy.types.Object.mmm_rig = bpy.props.PointerProperty(type=RigSettingsGroup)


def unregister() -> None:
    """Take ``Object.mmm_rig`` away."""
    del bpy.types.Object.mmm_rig
    _unregister()
