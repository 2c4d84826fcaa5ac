"""Where the add-on is to be found, said once: a button in the 3D view's header that opens the tab.

It is there in the session in which the add-on is first enabled with a window, until the tab was
open.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ...common.atomic_files import make_folder, write_files
from ...common.errors import MMMError
from ..bpy_types import Area, Context, bpy
from ..guards import one_sentence
from ..widgets import TAB, can_run
from .paths import user_folder

_MARK = "tab_was_shown"
"""File in the user's folder that says that the button was there once."""
_HEADER = "VIEW3D_MT_editor_menus"
_VIEW = "VIEW_3D"
_TRIES = 20
_TRY_SECONDS = 0.1


class _Pointer:
    """is_up: the button is in the header."""

    is_up = False


pointer = _Pointer()


def is_first_start(background: bool) -> bool:
    """Nobody was shown the tab yet, and somebody can be now. Says so once: where that cannot be
    kept, never."""
    path = user_folder() / _MARK
    if background or path.exists():
        return False
    try:
        make_folder(path.parent)
        write_files({path: b""})
    except MMMError:
        return False
    return True


def tab_was_opened() -> None:
    """The panel is drawn: there is no need to point at it any more."""
    pointer.is_up = False


class ShowTab(bpy.types.Operator):
    """Open the sidebar of the 3D view with the tab MMM, where motions are generated"""

    bl_idname = "mmm.show_tab"
    bl_label = "Open the MMM Tab"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Where there is a 3D view."""
        return can_run(cls, "" if _view_area(context) else "There is no 3D view in this window.")

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Open the sidebar; its tabs are known when it was drawn."""
        area: Any = _view_area(context)
        area.spaces.active.show_region_ui = True
        pointer.is_up = False
        bpy.app.timers.register(TabOpener(area), first_interval=_TRY_SECONDS)
        return {"FINISHED"}


def _view_area(context: Context) -> Area | None:
    """The 3D view in which something was pressed, else the largest of the window."""
    if context.area is not None and context.area.type == _VIEW:
        return context.area
    if context.window is None:
        return None
    found = [area for area in context.window.screen.areas if area.type == _VIEW]
    return max(found, key=lambda area: area.width * area.height, default=None)


class TabOpener:
    """A timer that chooses the tab as soon as Blender knows it."""

    def __init__(self, area: Area) -> None:
        self._area: Any = area
        self._left = _TRIES

    def __call__(self) -> float | None:
        """Seconds until the next try, None when done."""
        self._left -= 1
        try:
            region = next(each for each in self._area.regions if each.type == "UI")
            region.active_panel_category = TAB
        except (AttributeError, ReferenceError, StopIteration):
            return None  # closed meanwhile, or a Blender that leaves the choice to the person
        except TypeError:  # no such tab yet
            return _TRY_SECONDS if self._left else None
        self._area.tag_redraw()
        return None


def draw_pointer(self: Any, _context: Context) -> None:
    """At the end of the 3D view's menus."""
    if pointer.is_up:
        self.layout.operator("mmm.show_tab", text="MMM: Open the Tab", icon="ARMATURE_DATA")


_register, _unregister = bpy.utils.register_classes_factory((ShowTab,))


def register() -> None:
    """Add the operator, and the button where this is the first time."""
    _register()
    pointer.is_up = is_first_start(bpy.app.background)
    if pointer.is_up:
        getattr(bpy.types, _HEADER).append(draw_pointer)


def unregister() -> None:
    """Take both away."""
    pointer.is_up = False
    getattr(bpy.types, _HEADER).remove(draw_pointer)
    _unregister()
