"""Everything that knows Blender, and the only code that imports bpy.

fcurves    keys and curves of Actions, whatever the version of Blender
rig        armatures: SMPL's joints among bones, poses to channels and back, the character's body
actions    what may be edited; keys written into a range, moved in time and over the ground
history    what was done to an Action, what the user changed since, and which keys stay
jobs       a job of the worker: its session, its snapshot of the scene, the operators' timer
addon      preferences, scene settings, weights on disk, and what panels show of all that
translations  labels and tooltips in other languages
menus      entries in Blender's own menus
rigs       which bones a motion goes to: maps of rigs, and their panel
hands      poses of hands, keyed on a rig's fingers
transfer   motions from and to files, and from one character to another
preview    the range, bones and take that are meant, drawn over the editors
takes      several motions of one request to choose from, and what was made before
simplify   the fewest Bezier keys within a tolerance
loop       motion that goes round, and in place
timing     mirrored, reversed, retimed, trimmed
generate, edit, sequence, replay, character
           a folder each for a feature: task (without buttons), operators, panel, properties
"""

import atexit
from importlib import import_module
from types import ModuleType
from typing import Protocol, cast

_MODULES = (
    "translations.tables",
    "addon.preferences",
    "addon.loaded_texts",
    "addon.ui_state",
    "addon.scene_settings",
    "path.properties",
    "pins.properties",
    "sequence.properties",
    "takes.properties",
    "rigs.properties",
    "addon.known_prompts",
    "sequence.from_prompt",
    "addon.operators",
    "addon.weights_operators",
    "addon.checkpoint_operators",
    "addon.environment_operators",
    "addon.help_operators",
    "addon.first_start",
    "path.way_point_operators",
    "pins.operators",
    "generate.operators",
    "edit.operators",
    "replay.operators",
    "simplify.operators",
    "loop.operators",
    "timing.operators",
    "timing.panel",
    "sequence.operators",
    "character.operators",
    "rigs.operators",
    "transfer.operators",
    "hands.operators",
    "generate.panel",
    "takes.operators",
    "takes.panel",
    "path.panel",
    "pins.panel",
    "edit.panel",
    "sequence.panel",
    "character.panel",
    "rigs.panel",
    "hands.panel",
    "addon.device_panel",
    "menus.blender_menus",
    "addon.disk_facts",
    "jobs.timer",
    "path.overlay",
    "preview.overlays",
)
"""All that add something to Blender, the ones that others need first."""


class _Registrable(Protocol):
    """A module of this folder that adds something to Blender."""

    def register(self) -> None:
        """Add it."""

    def unregister(self) -> None:
        """Take it away."""


def _modules() -> tuple[_Registrable, ...]:
    """Imported late: a test of one module needs none of the others."""
    return tuple(cast(_Registrable, import_module(f".{name}", __name__)) for name in _MODULES)


def register() -> None:
    """Register every module, with our own translations."""
    from .translations.own_context import claim  # noqa: PLC0415  # imports bpy

    for module in _modules():
        claim(cast(ModuleType, module))
        module.register()
    # Blender disables its add-ons before it ends; as a module of Python (4.2, 4.5) it hangs or
    # crashes at the end if anything of ours is still registered
    atexit.register(unregister)


def unregister() -> None:
    """Unregister them, in the opposite order."""
    atexit.unregister(unregister)
    for module in reversed(_modules()):
        module.unregister()
