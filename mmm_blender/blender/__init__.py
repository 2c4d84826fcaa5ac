"""The shell around the model in Blender, and the only code that imports bpy.

panels, preferences      what a person sees
operators_*              thin: gather, call one function below, report
generation, editing, sequence, sequence_segment, replay, characters
                         what a press of a button starts, and what becomes of the answer
scene_jobs, jobs            a job of the worker: its snapshot in the scene, its state
edit_range, editable     which frames an edit is about, and whether it can be
reading, curve_*         the evaluated motion; keys written into a range, and nothing else
animation, armature ...  clips to keys and back, the character
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
        known_prompts,
        preferences,
        scene_settings,
        ui_state,
    )
    from .addon import operators as addon_operators  # noqa: PLC0415
    from .character import operators as character_operators  # noqa: PLC0415
    from .character import panel as character_panel  # noqa: PLC0415
    from .edit import operators as edit_operators  # noqa: PLC0415
    from .edit import panel as edit_panel  # noqa: PLC0415
    from .generate import operators as generate_operators  # noqa: PLC0415
    from .generate import panel as generate_panel  # noqa: PLC0415
    from .jobs import timer  # noqa: PLC0415
    from .replay import operators as replay_operators  # noqa: PLC0415
    from .sequence import from_prompt  # noqa: PLC0415
    from .sequence import operators as sequence_operators  # noqa: PLC0415
    from .sequence import panel as sequence_panel  # noqa: PLC0415
    from .sequence import properties as sequence_properties  # noqa: PLC0415

    return (
        preferences,
        ui_state,
        scene_settings,
        sequence_properties,
        known_prompts,
        from_prompt,
        addon_operators,
        generate_operators,
        edit_operators,
        replay_operators,
        sequence_operators,
        character_operators,
        generate_panel,
        edit_panel,
        sequence_panel,
        character_panel,
        device_panel,
        disk_facts,
        timer,
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
