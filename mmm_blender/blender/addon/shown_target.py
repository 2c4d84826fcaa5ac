"""The character that panels and polls are about, recognised once and not at every redraw."""

from __future__ import annotations

from ...common.errors import MMMError
from ..bpy_types import ArmatureObject, Context, bpy
from ..rig.target import DataBlockRef, selected_characters, target_armature
from .ui_state import scene_key, ui_state


def shown_target(context: Context) -> tuple[ArmatureObject | None, str]:
    """``target_armature`` for a redraw: the character, and in a sentence why there is none.

    A press recognises the character again: that is as of now, and this as of the last change that
    Blender announced.
    """
    found, reason = ui_state.fact(("target", scene_key(context)), lambda: _look_up(context))
    return (None if found is None else found.find(bpy.data.objects)), reason


def shown_character(context: Context) -> ArmatureObject | None:
    """The character, whatever the reason why there is none."""
    return shown_target(context)[0]


def shown_names(context: Context) -> tuple[str, ...]:
    """Names of the characters that are selected, the active one first, for a redraw."""
    key = ("characters", scene_key(context))
    return ui_state.fact(key, lambda: tuple(str(rig.name) for rig in selected_characters(context)))


def character_poll_error(context: Context, missing: str) -> str:
    """Why there is no character to do something with, in a sentence; else "". missing: what to say
    where none is chosen."""
    rig, reason = shown_target(context)
    return reason or ("" if rig is not None else missing)


def _look_up(context: Context) -> tuple[DataBlockRef | None, str]:
    try:
        rig = target_armature(context)
    except MMMError as error:
        return None, str(error)
    return (None if rig is None else DataBlockRef.of(rig)), ""
