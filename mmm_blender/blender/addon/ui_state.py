"""What panels and polls show, computed when something changed and not at every redraw.

Facts of the scene (may this be edited, which segments does it have) are kept until Blender says
that something changed, for at most ``FACT_SECONDS``. Facts of the disk (weights, the worker's
Python) are looked up when the add-on starts, by a timer and by a press, never by a redraw. Without
a window nothing is drawn, and everything is computed where it is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from ...common.errors import MMMError
from ..bpy_types import Context, bpy
from ..widgets import redraw
from .bundle_cards import BundleCard

FACT_SECONDS = 0.5
"""How long a fact of the scene is kept at most: not every change in Blender is announced."""
LOOK_SECONDS = 2.0
"""How often the disk is looked at while panels are drawn."""

_Value = TypeVar("_Value")


@dataclass
class _DiskFact:
    """compute: looks at the disk. asked: since it was last looked up."""

    compute: Callable[[], Any]
    value: Any
    asked: bool = True


@dataclass
class UIState:
    """live: facts are kept; else they are computed where they are asked for. clock: seconds."""

    live: bool = False
    clock: Callable[[], float] = time.monotonic
    _facts: dict[Hashable, tuple[float, Any]] = field(
        default_factory=dict[Hashable, tuple[float, Any]]
    )
    _disk: dict[str, _DiskFact] = field(default_factory=dict[str, _DiskFact])
    _named: dict[str, BundleCard | MMMError] = field(
        default_factory=dict[str, BundleCard | MMMError]
    )

    def fact(self, key: Hashable, compute: Callable[[], _Value]) -> _Value:
        """A fact of the scene, which must hold no reference into it."""
        if not self.live:
            return compute()
        now = self.clock()
        known = self._facts.get(key)
        if known is None or now > known[0] + FACT_SECONDS:
            known = self._facts[key] = (now, compute())
        return cast("_Value", known[1])

    def disk_fact(self, key: str, compute: Callable[[], _Value]) -> _Value:
        """A fact of the disk; looked up here only where nobody did before."""
        if not self.live:
            return compute()
        known = self._disk.get(key)
        if known is None:
            known = self._disk[key] = _DiskFact(compute, compute())
        known.asked = True
        return cast("_Value", known.value)

    def scene_changed(self) -> None:
        """Forget facts of the scene."""
        self._facts.clear()

    def look_at_disk(self, only_asked: bool = False) -> bool:
        """Look up facts of the disk again; True where any has changed.

        only_asked: those that were asked for since they were looked up last.
        """
        changed = False
        for fact in list(self._disk.values()):
            if only_asked and not fact.asked:
                continue
            value = fact.compute()
            changed = changed or value != fact.value
            fact.value, fact.asked = value, False
        if changed:
            self.scene_changed()
        return changed

    def name_bundle(self, wanted: str, found: BundleCard | MMMError) -> None:
        """Keep what a press, or the user's choice, found at a path."""
        self._named[wanted] = found

    def named_bundle(self, wanted: str) -> BundleCard | MMMError:
        """What is known of weights that a scene names by a path. The path comes with the file, so
        nothing is looked up there before the user presses a button."""
        return self._named.get(wanted) or BundleCard(Path(wanted), Path(wanted).name)

    def clear(self) -> None:
        """Forget everything."""
        self._facts.clear()
        self._disk.clear()
        self._named.clear()


ui_state = UIState()
"""This Blender's own."""


def scene_key(context: Context) -> Hashable:
    """What facts of the scene depend on that changes without notice: what is active, and modes."""
    active = context.view_layer.objects.active
    if active is None:
        return (context.scene.session_uid, context.mode)
    selected = bool(active.select_get())
    return (context.scene.session_uid, context.mode, active.session_uid, active.mode, selected)


@bpy.app.handlers.persistent
def _on_change(*_arguments: Any) -> None:
    ui_state.scene_changed()


@bpy.app.handlers.persistent
def _on_load(*_arguments: Any) -> None:
    ui_state.scene_changed()
    ui_state.look_at_disk()


def _look() -> float:
    """Timer: look at the disk while panels are drawn, and draw them again where it changed."""
    if ui_state.look_at_disk(only_asked=True):
        redraw()
    return LOOK_SECONDS


_HANDLERS = {
    "depsgraph_update_post": _on_change,
    "undo_post": _on_change,
    "redo_post": _on_change,
    "load_post": _on_load,
}


def register() -> None:
    """Begin to keep facts, where there is a window to show them in."""
    ui_state.live = not bpy.app.background
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)
    if ui_state.live:
        bpy.app.timers.register(_look, first_interval=LOOK_SECONDS, persistent=True)


def unregister() -> None:
    """Keep nothing."""
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    for name, handler in _HANDLERS.items():
        handlers = getattr(bpy.app.handlers, name)
        if handler in handlers:
            handlers.remove(handler)
    ui_state.live = False
    ui_state.clear()
