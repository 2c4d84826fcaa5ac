"""Writes to curves that are taken back as one where something fails."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np

from ...common.arrays import BoolArray
from ...common.errors import MMMError
from ..bpy_types import Action, FCurve, Object
from .keyframe_arrays import (
    HANDLES,
    Handles,
    KeyArray,
    are_computed,
    forget_keys,
    free_moved,
    know_keys,
    read_column,
    same_bits,
    write_keys,
)
from .layered_actions import curve_store, ensure_curve_store, layer_count, remove_curve_store
from .rollback import all_or_nothing


class CurveWriter:
    """Writes curves of one rig in an Action, and takes all of it back."""

    def __init__(self, rig: Object, action: Action) -> None:
        self._had_store = curve_store(rig, action) is not None
        self._layers = layer_count(action)
        self._action = action
        self._store = ensure_curve_store(rig, action)
        self._groups = {str(group.name) for group in self._store.groups}
        self._made: list[FCurve] = []
        self._before: list[tuple[FCurve, KeyArray]] = []

    def new(self, data_path: str, index: int, group: str) -> FCurve:
        """An empty curve in the group of that name; in none for ""."""
        curve = self._store.fcurves.new(data_path, index=index)
        self._made.append(curve)
        if group:
            curve.group = self._store.groups.get(group) or self._store.groups.new(group)
        return curve

    def write(self, curve: FCurve, keys: KeyArray, kept_N: BoolArray, before: KeyArray) -> None:
        """Make these the curve's keys; Blender computes automatic handles of those not kept, and
        kept ones become FREE from every new neighbour to the first key whose handles it would
        leave where they are.

        before: what ``read_keys`` has said of the curve. Blender's ``update`` also rounds ALIGNED
        handles each time, and computes automatic ones that a script has left stale anywhere
        on the curve. That is none of an edit's business: kept keys are written as they are given.
        Raises MMMError where keys stand so close that Blender merges them.
        """
        self._before.append((curve, before))
        write_keys(curve, keys)
        forget_keys(curve)
        curve.update()
        if len(curve.keyframe_points) != len(keys):
            raise MMMError(
                f"The curve {curve.data_path}[{curve.array_index}] has keys so close together that "
                "Blender makes one of them: move them apart, or delete all but one."
            )
        settled, found = keys.copy(), _handles(curve)
        computed_N = are_computed(keys)
        while free_moved(settled, kept_N, found, computed_N):
            write_keys(curve, settled)
            forget_keys(curve)
            curve.update()
            found = _handles(curve)
        for name, updated in found.items():
            settled[name][~kept_N] = updated[~kept_N]
            if not same_bits(updated, settled[name]):
                column = np.ascontiguousarray(settled[name])
                curve.keyframe_points.foreach_set(name, column.ravel())
        know_keys(curve, settled)

    def undo(self) -> None:
        """Everything as it was, bit for bit; curves, groups and layers made here are gone."""
        for curve, keys in reversed(self._before):
            if curve not in self._made:
                write_keys(curve, keys)
        for curve in self._made:
            forget_keys(curve)
            self._store.fcurves.remove(curve)
        for group in [each for each in self._store.groups if str(each.name) not in self._groups]:
            self._store.groups.remove(group)
        if not self._had_store:
            remove_curve_store(self._action, self._store, self._layers)


def _handles(curve: FCurve) -> Handles:
    return {name: read_column(curve, name) for name in HANDLES}


@contextmanager
def open_writer(rig: Object, action: Action) -> Generator[CurveWriter]:
    """A writer whose work is undone if the block fails."""
    writer = CurveWriter(rig, action)
    with all_or_nothing(writer.undo):
        yield writer
    action.update_tag()
