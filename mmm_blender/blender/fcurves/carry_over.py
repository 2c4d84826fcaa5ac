"""Curves of an Action that its successor does not have, such as fingers and properties."""

from __future__ import annotations

from collections.abc import Collection

from ..bpy_types import Action, Object
from .keyframe_arrays import read_keys, write_keys
from .layered_actions import bone_path, curves_by_channel, ensure_curve_store, rig_curves
from .slot_properties import WAY_PROPERTY, read_text


def carry_over(rig: Object, before: Action, after: Action, bones: Collection[str]) -> int:
    """Copy every curve by which ``before`` moves the rig and ``after`` does not. How many.

    bones: whose motion is the successor's alone. Keys are copied bit for bit, with extrapolation
    and whether a channel is muted. A way that lies on the object is the motion's own.
    """
    known = curves_by_channel(rig_curves(rig, after)).keys()
    found = curves_by_channel(rig_curves(rig, before))
    on_object = read_text(before, WAY_PROPERTY, rig)
    own = tuple(bone_path(bone, "") for bone in bones)
    missing = [
        curve
        for channel, curve in sorted(found.items())
        if channel not in known
        and not channel[0].startswith(own)
        and not (on_object and channel[0] == "location")
    ]
    if not missing:
        return 0
    store = ensure_curve_store(rig, after)
    for curve in missing:
        copy = store.fcurves.new(str(curve.data_path), index=int(curve.array_index))
        if curve.group is not None:
            name = str(curve.group.name)
            copy.group = store.groups.get(name) or store.groups.new(name)
        copy.extrapolation, copy.mute = curve.extrapolation, curve.mute
        keys = read_keys(curve)
        copy.keyframe_points.add(len(keys))
        write_keys(copy, keys)
    return len(missing)
