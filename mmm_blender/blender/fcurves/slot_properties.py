"""Texts that an Action carries, apart for each of its slots.

Merged Actions have a slot for every character. The first that wrote into an Action has the plain
custom property, which is all there is where an Action has one slot, or was made before slots; the
others have the slot's handle after its name. A slot without a text has none of its own yet.
"""

from __future__ import annotations

from typing import Any

from ..bpy_types import Action, Object
from .layered_actions import first_slot_handle, slot_handle

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
