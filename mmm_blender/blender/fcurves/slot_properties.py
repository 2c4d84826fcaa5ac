"""Texts that an Action carries, apart for each of its slots.

Merged Actions have a slot for every character. The first that wrote into an Action has the plain
custom property, which is all there is where an Action has one slot, or was made before slots; the
others have the slot's handle after its name. A slot without a text has none of its own yet.
"""

from __future__ import annotations

import math
from typing import Any, Final

from ...common.errors import MMMError
from ..bpy_types import Action, FCurve, Object
from .layered_actions import bone_curves, first_slot_handle, rig_curves, slot_handle

OWNER_PROPERTY = "mmm_slot"
"""Custom property of the Action that names the slot of its plain texts, by handle."""


WAY_PROPERTY = "mmm_way_on_object"
"""Of an Action whose way over the ground lies on the object: where the object was before."""


ROOT_PROPERTY = "mmm_root_motion"
"""Of an Action that was made on a mapped rig: what carries its way, as the panel Rig has it."""


def text_property(action: Action, name: str, rig: Object | None = None) -> str:
    """The custom property that has a text of the rig's slot; the plain one without a rig."""
    handle = None if rig is None else slot_handle(rig, action)
    return name if handle in (None, _owner(action)) else f"{name}.{handle}"


def read_text(action: Action, name: str, rig: Object | None = None) -> Any:
    """What the Action carries under a name for the rig's slot; None if nothing."""
    return action.get(text_property(action, name, rig))


def write_text(action: Action, name: str, text: str, rig: Object | None = None) -> None:
    """Have the Action restore_properties a text for the rig's slot."""
    found = text_property(action, name, rig)
    action[found] = text
    owner = _owner(action)
    if found == name and owner is not None:
        action[OWNER_PROPERTY] = owner


def _owner(action: Action) -> int | None:
    """Handle of the slot that has the plain texts: the one that is named, else the first."""
    first, named = first_slot_handle(action), action.get(OWNER_PROPERTY)
    return named if first is not None and isinstance(named, int) else first


OBJECT_BONE: Final = ""
"""The object among bones, where it carries the way: no bone has this name."""


def way_base(action: Action, rig: Object | None = None) -> tuple[float, ...] | None:
    """Where the object stands before an Action moves it over the ground; None where bones carry the
    way. MMMError where what the Action says is damaged."""
    text = read_text(action, WAY_PROPERTY, rig)
    if not text:
        return None
    try:
        base = tuple(float(each) for each in str(text).split())
    except ValueError:
        base = ()
    if len(base) != _AXES or not all(map(math.isfinite, base)):
        raise MMMError(
            f"'{action.name}' does not say where its object stood: undo what changed it."
        )
    return base


def body_curves(rig: Object, action: Action) -> dict[str, list[FCurve]]:
    """``bone_curves``, and as ``OBJECT_BONE`` those of an object's place that carries the way."""
    found = bone_curves(rig, action)
    if read_text(action, WAY_PROPERTY, rig):
        placed = [each for each in rig_curves(rig, action) if each.data_path == "location"]
        found[OBJECT_BONE] = sorted(placed, key=lambda each: int(each.array_index))
    return found


_AXES = 3


def own_properties(action: Action) -> dict[str, Any]:
    """The custom properties of ours that an Action has, by name."""
    return {name: action[name] for name in action.keys() if name.startswith(_PREFIX)}  # noqa: SIM118


def restore_properties(action: Action, texts: dict[str, Any]) -> None:
    """Give the Action the properties that ``own_properties`` has read, and no others of ours."""
    for name in own_properties(action).keys() - texts.keys():
        del action[name]
    for name, text in texts.items():
        action[name] = text


_PREFIX = "mmm_"
