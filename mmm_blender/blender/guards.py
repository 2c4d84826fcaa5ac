"""A result comes into the scene whole, or leaves nothing behind, whatever Blender says."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from .bpy_types import Context, Object, bpy
from .fcurves.layered_actions import choose_slot, slot_handle
from .fcurves.rollback import all_or_nothing
from .rig.target import DataBlockRef

_KINDS = ("objects", "armatures", "meshes", "materials", "collections", "actions")
"""What a job of ours adds to a file."""


@contextmanager
def nothing_left_behind(context: Context, target: Object | None) -> Generator[None]:
    """If the block fails, data-blocks that it has added are gone, and the target has the Action and
    the scene the frames that they had."""
    known = {kind: {each.session_uid for each in getattr(bpy.data, kind)} for kind in _KINDS}
    scene, frames = context.scene, (context.scene.frame_start, context.scene.frame_end)
    played = _Played(target)
    with all_or_nothing(
        lambda: _remove_new(known),
        played.restore,
        lambda: _set_frames(scene, *frames),
    ):
        yield


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

    def __init__(self, target: Object | None) -> None:
        self._target = None if target is None else DataBlockRef.of(target)
        data = None if target is None else target.animation_data
        self._had_data = data is not None
        action = None if data is None else data.action
        self._action = None if action is None else DataBlockRef.of(action)
        self._handle = None if action is None else slot_handle(target, action)

    def restore(self) -> None:
        target = None if self._target is None else self._target.find(bpy.data.objects)
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
