"""Actions that go round for ever, by Blender's Cycles modifiers."""

from __future__ import annotations

from typing import Any

from ..bpy_types import Action, ArmatureObject, FCurve
from ..fcurves.layered_actions import bone_path, curves_of_bones, rig_curves
from ..fcurves.slot_properties import WAY_PROPERTY, read_text
from ..rig.binding import binding_of
from ..rig.travel import travelling_bones

CYCLES = "CYCLES"
"""Blender's name of the modifier."""


def set_cycles(rig: ArmatureObject, action: Action) -> None:
    """Have all curves of the bones go round: rotations repeat, the pelvis' place goes on."""
    travelling = {bone_path(bone, "location") for bone in travelling_bones(rig, binding_of(rig))}
    curves = curves_of_bones(rig, action)
    if read_text(action, WAY_PROPERTY, rig):
        travelling = {"location"}
        curves += [each for each in rig_curves(rig, action) if each.data_path == "location"]
    for curve in curves:
        kind = "REPEAT_OFFSET" if str(curve.data_path) in travelling else "REPEAT"
        found = [each for each in curve.modifiers if each.type == CYCLES]
        cycles: Any = found[0] if found else curve.modifiers.new(CYCLES)
        cycles.mode_before = cycles.mode_after = kind


def goes_round(rig: ArmatureObject, action: Action) -> bool:
    """Any curve of the bones repeats."""
    return any(repeats(curve) for curve in curves_of_bones(rig, action))


def repeats(curve: FCurve) -> bool:
    """The curve goes round."""
    return any(each.type == CYCLES for each in curve.modifiers)
