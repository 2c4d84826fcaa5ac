"""Everything that knows Blender, and the only code that imports bpy.

fcurves    keys and curves of Actions, whatever the version of Blender
rig        armatures: SMPL's joints among bones, poses to channels and back, the character's body
actions    what may be edited; keys written into a range, moved in time and over the ground
history    what was done to an Action, what the user changed since, and which keys stay
jobs       a job of the worker: its session, its snapshot of the scene, the operators' timer
addon      preferences, scene settings, weights on disk, and what panels show of all that
menus      entries in Blender's own menus
generate, edit, sequence, replay, character
           a folder each for a feature: task (without buttons), operators, panel, properties
"""

import atexit
from typing import Protocol


class _Registrable(Protocol):
    """A module of this folder that adds something to Blender."""

    def register(self) -> None:
        """Add it."""

    def unregister(self) -> None:
        """Take it away."""


def _modules() -> tuple[_Registrable, ...]:
    """Imported late: a test of one module needs none of the others."""
    from .addon import (  # noqa: PLC0415  # see above
        device_panel,
        disk_facts,
        environment_operators,
        help_operators,
        known_prompts,
        preferences,
        scene_settings,
        ui_state,
        weights_operators,
    )
    from .addon import operators as addon_operators  # noqa: PLC0415
    from .character import operators as character_operators  # noqa: PLC0415
    from .character import panel as character_panel  # noqa: PLC0415
    from .edit import operators as edit_operators  # noqa: PLC0415
    from .edit import panel as edit_panel  # noqa: PLC0415
    from .generate import operators as generate_operators  # noqa: PLC0415
    from .generate import panel as generate_panel  # noqa: PLC0415
    from .jobs import timer  # noqa: PLC0415
    from .menus import blender_menus  # noqa: PLC0415
    from .path import overlay, way_point_operators  # noqa: PLC0415
    from .path import panel as path_panel  # noqa: PLC0415
    from .path import properties as path_properties  # noqa: PLC0415
    from .pins import operators as pin_operators  # noqa: PLC0415
    from .pins import panel as pin_panel  # noqa: PLC0415
    from .pins import properties as pin_properties  # noqa: PLC0415
    from .replay import operators as replay_operators  # noqa: PLC0415
    from .sequence import from_prompt  # noqa: PLC0415
    from .sequence import operators as sequence_operators  # noqa: PLC0415
    from .sequence import panel as sequence_panel  # noqa: PLC0415
    from .sequence import properties as sequence_properties  # noqa: PLC0415

    return (
        preferences,
        ui_state,
        scene_settings,
        path_properties,
        pin_properties,
        sequence_properties,
        known_prompts,
        from_prompt,
        addon_operators,
        weights_operators,
        environment_operators,
        help_operators,
        way_point_operators,
        pin_operators,
        generate_operators,
        edit_operators,
        replay_operators,
        sequence_operators,
        character_operators,
        generate_panel,
        path_panel,
        pin_panel,
        edit_panel,
        sequence_panel,
        character_panel,
        device_panel,
        blender_menus,
        disk_facts,
        timer,
        overlay,
    )


def register() -> None:
    """Register every module, the ones that others need first."""
    for module in _modules():
        module.register()
    # Blender disables its add-ons before it ends; as a module of Python (4.2, 4.5) it hangs or
    # crashes at the end if anything of ours is still registered
    atexit.register(unregister)


def unregister() -> None:
    """Unregister them, in the opposite order."""
    atexit.unregister(unregister)
    for module in reversed(_modules()):
        module.unregister()
