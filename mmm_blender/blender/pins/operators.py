"""Pin Hand, Foot or Head, and the list of pins."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, ClassVar

import numpy as np

from ...common.errors import MMMError
from ...geometry.placement import headings
from ..addon.shown_target import character_poll_error, shown_character
from ..bpy_types import ArmatureObject, Context, Object, bpy
from ..guards import one_sentence
from ..rig.binding import binding_of
from ..rig.evaluation import evaluated
from ..rig.motion_reader import read_pose
from ..rig.target import collection_for_new, target_armature
from ..rig.world_space import world_space
from ..widgets import can_run, redraw, shown
from .properties import JOINTS, LOOK_AT, PIN_ITEMS, chosen_pin, pin_settings

_AHEAD = 2.0
"""How far before the head a new object to look at is put, metres of the body."""
_SIZE = 0.08
_NO_CHARACTER = "Select the character that is to be pinned."
_OVERRIDE = "'{}' is a library override, which keeps no pins: pin it in its own file."
_NO_PIN = "The character has no pins: add one first."


def _target(context: Context) -> ArmatureObject:
    rig = target_armature(context)
    if rig is None:
        raise MMMError(_NO_CHARACTER)
    return rig


def _poll(operator: Any, context: Context, needs_pins: bool) -> bool:
    reason, rig = character_poll_error(context, _NO_CHARACTER), shown_character(context)
    if rig is not None and not reason:
        if rig.override_library is not None:  # Blender saves no rows that are added to one
            reason = _OVERRIDE.format(rig.name)
        elif needs_pins and not pin_settings(rig).pins:
            reason = _NO_PIN
    return can_run(operator, reason)


class AddPin(bpy.types.Operator):
    """Hold a hand, a foot or the head at a new empty, which may be parented to anything"""

    bl_idname = "mmm.pin_add"
    bl_label = "Pin Hand, Foot or Head"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    part: bpy.props.EnumProperty(name="Part", description="What is held", items=PIN_ITEMS)
    object: bpy.props.StringProperty(
        name="Object",
        description="Name of the object that holds it; a new empty where it is now if not given",
    )
    first: bpy.props.IntProperty(
        name="From", description="First frame of the pin; the current one if not given"
    )
    last: bpy.props.IntProperty(
        name="To", description="Last frame of the pin; the first one if not given"
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where there is a character."""
        return _poll(cls, context, needs_pins=False)

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Add the empty and the line of the list."""
        rig = _target(context)
        item = bpy.data.objects.get(self.object) if self.object else None
        if self.object and item is None:
            self.report({"ERROR"}, shown(f"There is no object '{self.object}': name another."))
            return {"CANCELLED"}
        settings, is_set = pin_settings(rig), self.properties.is_property_set
        line = settings.pins.add()
        line.part = self.part
        line.object = item or _new_empty(context, rig, self.part)
        line.first = self.first if is_set("first") else int(context.scene.frame_current)
        line.last = self.last if is_set("last") else line.first
        settings.active = len(settings.pins) - 1
        redraw()
        return {"FINISHED"}


def _new_empty(context: Context, rig: ArmatureObject, part: str) -> Object:
    """Where the joint is now, or before the face. The selection stays."""
    names = {identifier: name for identifier, name, _ in PIN_ITEMS}
    item = bpy.data.objects.new(f"Pin {names[part]}", None)
    item.empty_display_type = "CIRCLE" if part == LOOK_AT else "SPHERE"
    item.empty_display_size = _SIZE
    collection_for_new(context).objects.link(item)
    item.location = _joint_place(rig, part)
    return item


def _joint_place(rig: ArmatureObject, part: str) -> Any:
    """In the world. (3,)."""
    bone = evaluated(rig).pose.bones[binding_of(rig).read_bone(JOINTS[part])]
    place_3 = np.array(rig.matrix_world @ bone.head, dtype=np.float64)
    if part != LOOK_AT:
        return place_3
    yaw = float(headings(read_pose(rig))[0])
    ahead_3 = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    space = world_space(rig)
    return place_3 + space.to_world(_AHEAD * ahead_3) - space.to_world(np.zeros(3))


class RemovePin(bpy.types.Operator):
    """Take the chosen pin out of the list; the object stays in the scene"""

    bl_idname = "mmm.pin_remove"
    bl_label = "Remove Pin"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where there is one."""
        return _poll(cls, context, needs_pins=True)

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """The one that moves up is chosen."""
        settings = pin_settings(_target(context))
        settings.pins.remove(chosen_pin(settings))
        settings.active = chosen_pin(settings)
        redraw()
        return {"FINISHED"}


_CLASSES = (AddPin, RemovePin)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
