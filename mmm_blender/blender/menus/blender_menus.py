"""Entries in Blender's own menus, which is also where its search (F3) finds commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..bpy_types import Context, bpy

_MOTION_COMMANDS = (
    ("mmm.generate", "PLAY"),
    ("mmm.generate_sequence", "SEQUENCE"),
    (None, ""),
    ("mmm.inpaint", "ARMATURE_DATA"),
    ("mmm.in_between", "KEYTYPE_KEYFRAME_VEC"),
    (None, ""),
    ("mmm.make_loop", "LOOP_FORWARDS"),
    ("mmm.in_place", "ANCHOR_CENTER"),
    ("mmm.simplify_keys", "IPO_BEZIER"),
    (None, ""),
    ("mmm.retime", "TIME"),
    ("mmm.mirror", "MOD_MIRROR"),
    ("mmm.reverse", "LOOP_BACK"),
    ("mmm.trim_to_contacts", "SNAP_EDGE"),
    (None, ""),
    ("mmm.spread_edit", "SMOOTHCURVE"),
    ("mmm.remove_spread", "X"),
)
"""Operators of the menu Motion, each with its icon; None for a line between two groups."""


class MotionMenu(bpy.types.Menu):
    """All that makes or changes a motion."""

    bl_idname = "MMM_MT_motion"
    bl_label = "Motion (MMM)"

    def draw(self, _context: Context) -> None:
        """Invoked as from a button: the window goes on while the model works."""
        self.layout.operator_context = "INVOKE_DEFAULT"
        for name, icon in _MOTION_COMMANDS:
            if name is None:
                self.layout.separator()
            else:
                self.layout.operator(name, icon=icon)


def draw_motion_menu(self: Any, _context: Context) -> None:
    """The line that opens the menu Motion."""
    self.layout.separator()
    self.layout.menu(MotionMenu.bl_idname, icon="ARMATURE_DATA")


def draw_character(self: Any, _context: Context) -> None:
    """Under Add > Armature."""
    self.layout.operator("mmm.add_character", text="MMM Character", icon="OUTLINER_OB_ARMATURE")


_ENTRIES: Mapping[str, Callable[[Any, Context], None]] = {
    "VIEW3D_MT_armature_add": draw_character,
    "VIEW3D_MT_object": draw_motion_menu,
    "VIEW3D_MT_pose": draw_motion_menu,
}

_register, _unregister = bpy.utils.register_classes_factory((MotionMenu,))


def _entries() -> list[tuple[Any, Callable[[Any, Context], None]]]:
    """Those whose menu this Blender has: one that it has renamed goes without ours."""
    return [
        (getattr(bpy.types, name), draw)
        for name, draw in _ENTRIES.items()
        if hasattr(bpy.types, name)
    ]


def register() -> None:
    """Add the menu, and the entries to Blender's own."""
    _register()
    for menu, draw in _entries():
        menu.append(draw)


def unregister() -> None:
    """Take them away."""
    for menu, draw in _entries():
        menu.remove(draw)
    _unregister()
