"""Where the panel Edit is open: what it is about is shown in the editors only then.

Blender does not say whether a panel is open. It draws the header of every panel of a tab, and below
it the rest of one that is open: what came last tells which.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..bpy_types import Area, Context, bpy
from ..widgets import TAB, redraw

_SAFE = (5, 0, 0)
"""Before this version Blender crashes when a sidebar is asked that has one tab alone, as the dope
sheet's with ours (seen in 4.3.2)."""


@dataclass
class _Known:
    """drawn: editors whose sidebar has drawn the panel's body after its header. open: the same, as
    of the last time that all was drawn. shown: what the drawings were last answered, whether the
    panel and the tab are open. seen: editors that have drawn the tab, by area and kind; others are
    not asked."""

    seen: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    drawn: set[int] = field(default_factory=set[int])
    open: set[int] = field(default_factory=set[int])
    shown: dict[str, bool] = field(default_factory=dict[str, bool])


_known = _Known()


def note_header(context: Context) -> None:
    """The header of the panel is drawn, which comes before the rest if it is open."""
    if context.area is None:
        return
    _known.seen.add(_kind(context.area))
    _known.drawn.discard(context.area.as_pointer())
    if not bpy.app.background and not bpy.app.timers.is_registered(settle):
        bpy.app.timers.register(settle, first_interval=0.0)


def note_body(context: Context) -> None:
    """The panel is drawn below its header."""
    if context.area is not None:
        _known.drawn.add(context.area.as_pointer())


def settle() -> None:
    """Timer, after the sidebars were drawn: have the editors drawn again if they show otherwise."""
    _known.open = set(_known.drawn)
    shown = dict(_known.shown)
    now = {"edit": edit_is_open(bpy.context), "tab": tab_is_open(bpy.context)}
    if any(now[name] != answer for name, answer in shown.items()):
        redraw()


def edit_is_open(context: Context) -> bool:
    """Some editor of the context's screen shows the panel."""
    found = bool(_known.open) and any(
        area.as_pointer() in _known.open and shows_tab(area) for area in _areas(context)
    )
    _known.shown["edit"] = found
    return found


def tab_is_open(context: Context) -> bool:
    """Some editor of the context's screen shows the tab that our panels are in."""
    found = any(map(shows_tab, _areas(context)))
    _known.shown["tab"] = found
    return found


def shows_tab(area: Area) -> bool:
    """The sidebar of an editor is open, with our tab."""
    if _kind(area) not in _known.seen:
        return False
    if not getattr(area.spaces.active, "show_region_ui", False):
        return False
    sidebar = next((region for region in area.regions if region.type == "UI"), None)
    if sidebar is None or sidebar.width <= 1:
        return False
    if bpy.app.version < _SAFE and area.type != "VIEW_3D":
        return area.as_pointer() in _known.drawn
    return str(getattr(sidebar, "active_panel_category", TAB)) == TAB


def forget() -> None:
    """No panel is open any more, and no timer waits."""
    _known.seen.clear()
    _known.drawn.clear()
    _known.open.clear()
    _known.shown.clear()
    if bpy.app.timers.is_registered(settle):
        bpy.app.timers.unregister(settle)


def _kind(area: Area) -> tuple[int, str]:
    return area.as_pointer(), str(area.type)


def _areas(context: Context) -> list[Area]:
    return [] if context.screen is None else list(context.screen.areas)
