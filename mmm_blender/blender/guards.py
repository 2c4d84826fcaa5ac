"""A press is done whole, or leaves nothing behind and says why in one sentence, whatever Blender
says."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from ..common.errors import MMMError
from ..common.untrusted import clean_text
from .bpy_types import Context, Object, bpy
from .fcurves.layered_actions import choose_slot, slot_handle
from .fcurves.rollback import all_or_nothing
from .rig.target import DataBlockRef
from .widgets import shown

_KINDS = ("objects", "armatures", "meshes", "materials", "collections", "actions")
"""What a press of ours adds to a file."""

Call = Callable[..., set[str]]


def one_sentence(call: Call) -> Call:
    """``execute`` or ``invoke`` of an operator: an error that ends it is reported in one sentence,
    and what it has added is gone.

    Errors that are not ours go to the console as well, whole: a report of a bug needs them.
    """
    if call.__code__.co_argcount == 2:  # Blender counts: self, context

        def guarded(self: Any, context: Context) -> set[str]:
            return _answer(self, context, lambda: call(self, context))

        return wraps(call)(guarded)

    def guarded_event(self: Any, context: Context, event: Any) -> set[str]:
        return _answer(self, context, lambda: call(self, context, event))

    return wraps(call)(guarded_event)


def _answer(operator: Any, context: Context, press: Callable[[], set[str]]) -> set[str]:
    try:
        with nothing_left_behind(context):
            return press()
    except MMMError as error:
        sentence = str(error)
    except UnicodeDecodeError as error:  # how Blender hands out what is no UTF-8
        name = clean_text(error.object.decode(errors="replace"))
        sentence = f"'{name}' is no name or text that can be read: give it another one first."
    except Exception as error:  # noqa: BLE001  # a process boundary: whatever Blender says
        traceback.print_exc()
        sentence = f"Blender refused that ({said(error)}): nothing was changed."
    operator.report({"ERROR"}, shown(sentence))
    return {"CANCELLED"}


@contextmanager
def errors_of_ours() -> Generator[None]:
    """Inside, an operator of ours is called: what it reports is MMMError here."""
    try:
        yield
    except RuntimeError as error:  # as Blender tells of reports
        raise MMMError(f"{said(error)}.") from error


def said(error: Exception) -> str:
    """What an error of Blender's says, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = [line for line in lines if not line.startswith("Location:")]
    return (words[-1] if words else type(error).__name__).removeprefix("Error: ").rstrip(".")


@contextmanager
def nothing_left_behind(context: Context) -> Generator[None]:
    """If the block fails, data-blocks that it has added are gone, the armatures of the scene play
    what they played, and the scene has its frames and its active object."""
    known = {kind: {each.session_uid for each in getattr(bpy.data, kind)} for kind in _KINDS}
    scene, frames = context.scene, (context.scene.frame_start, context.scene.frame_end)
    layer, active = context.view_layer, context.view_layer.objects.active
    chosen = None if active is None else DataBlockRef.of(active)
    played = [_Played(each) for each in scene.objects if each.type == "ARMATURE"]
    with all_or_nothing(
        lambda: _activate(layer, chosen),
        lambda: _remove_new(known),
        *(each.restore for each in played),
        lambda: _set_frames(scene, *frames),
    ):
        yield


def _activate(layer: Any, chosen: DataBlockRef | None) -> None:
    found = None if chosen is None else chosen.find(bpy.data.objects)
    if found is None or found.name in layer.objects:
        layer.objects.active = found


def _remove_new(known: dict[str, set[int]]) -> None:
    added = [
        each
        for kind, uids in known.items()
        for each in getattr(bpy.data, kind)
        if each.session_uid not in uids
    ]
    bpy.data.batch_remove(added)


def _set_frames(scene: Any, first: int, last: int) -> None:
    scene.frame_start, scene.frame_end = first, last


class _Played:
    """The Action and the slot that an object plays, to be played again."""

    def __init__(self, target: Object) -> None:
        self._target = DataBlockRef.of(target)
        data = target.animation_data
        self._had_data = data is not None
        action = None if data is None else data.action
        self._action = None if action is None else DataBlockRef.of(action)
        self._handle = None if action is None else slot_handle(target, action)

    def restore(self) -> None:
        target = self._target.find(bpy.data.objects)
        if target is None or target.animation_data is None:
            return
        if not self._had_data:
            target.animation_data_clear()
            return
        data = target.animation_data
        action = None if self._action is None else self._action.find(bpy.data.actions)
        if data.action == action:
            return
        data.action = action
        if action is not None and self._handle is not None:
            choose_slot(target, self._handle)
