"""Pins of a character, ``Object.mmm_pins``: which joint is held to which object, and when."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, TypeAlias

from ..bpy_types import ArmatureObject, bpy

PinSettings: TypeAlias = Any
"""A PinSettingsGroup, as Blender hands it out."""
Pin: TypeAlias = Any
"""A PinLine, as Blender hands it out."""

LOOK_AT = "LOOK_AT"
PIN_ITEMS = (
    ("LEFT_HAND", "Left Hand", "The left wrist is where the object is"),
    ("RIGHT_HAND", "Right Hand", "The right wrist is where the object is"),
    ("LEFT_FOOT", "Left Foot", "The left ankle is where the object is"),
    ("RIGHT_FOOT", "Right Foot", "The right ankle is where the object is"),
    ("HEAD", "Head", "The head joint is where the object is"),
    (LOOK_AT, "Look At", "The head turns to look at the object"),
)
JOINTS = {
    "LEFT_HAND": "left_wrist",
    "RIGHT_HAND": "right_wrist",
    "LEFT_FOOT": "left_ankle",
    "RIGHT_FOOT": "right_ankle",
    "HEAD": "head",
    LOOK_AT: "head",
}
"""The SMPL joint of each kind of pin."""


class PinLine(bpy.types.PropertyGroup):
    """One pin of the list."""

    part: bpy.props.EnumProperty(name="Part", description="What the object holds", items=PIN_ITEMS)
    object: bpy.props.PointerProperty(
        name="Object",
        description="Where it is held; parent it to whatever it should go with",
        type=bpy.types.Object,
    )
    first: bpy.props.IntProperty(name="From", description="First frame of the pin")
    last: bpy.props.IntProperty(name="To", description="Last frame of the pin")
    enabled: bpy.props.BoolProperty(
        name="Enabled", description="New motions keep to this pin", default=True
    )


class PinSettingsGroup(bpy.types.PropertyGroup):
    """The list of a character's pins."""

    pins: bpy.props.CollectionProperty(type=PinLine)
    active: bpy.props.IntProperty(
        name="Pin", description="The pin that the buttons beside the list are about"
    )


def pin_settings(rig: ArmatureObject) -> PinSettings:
    """The pins of a character."""
    return rig.mmm_pins


def enabled_pins(rig: ArmatureObject) -> list[PinLine]:
    """The pins of a character that hold; none where the add-on is not registered (a batch)."""
    settings = getattr(rig, "mmm_pins", None)
    return [] if settings is None else [line for line in settings.pins if line.enabled]


def chosen_pin(settings: PinSettings) -> int:
    """The number of the chosen pin, whatever number is said to be chosen."""
    return max(0, min(int(settings.active), len(settings.pins) - 1))


_CLASSES = (PinLine, PinSettingsGroup)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add ``Object.mmm_pins``."""
    _register()
    bpy.types.Object.mmm_pins = bpy.props.PointerProperty(type=PinSettingsGroup)


def unregister() -> None:
    """Take ``Object.mmm_pins`` away."""
    del bpy.types.Object.mmm_pins
    _unregister()
