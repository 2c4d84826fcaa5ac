"""Curves as they were, to be put back whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..bpy_types import Action, FCurve
from .keyframe_arrays import KEY_DTYPE, forget_keys, read_keys, write_keys
from .layered_actions import curve_stores

_SETTINGS = ("extrapolation", "mute", "lock", "hide", "select", "auto_smoothing", "color_mode")


@dataclass(frozen=True)
class RawCurve:
    """A curve's keys, bit for bit, its settings by name, and its group."""

    keys: bytes
    settings: tuple[tuple[str, Any], ...]
    group: str


CurveId: TypeAlias = tuple[str, str, int]
"""A slot's identifier (none before slots), a data path and an index."""


def raw_curves(action: Action) -> dict[CurveId, RawCurve]:
    """Every raw number of every curve in every slot of an Action; two of these can be compared
    with ``==``. Modifiers, drivers and the slots themselves are not in it."""
    return {name: _raw_curve(curve) for name, (_, curve) in _all_curves(action).items()}


def restore(action: Action, raw: Mapping[CurveId, RawCurve]) -> None:
    """Give an Action back the curves that ``raw_curves`` has read from it, and no others.

    Curves that are as they were are not touched.
    """
    present = _all_curves(action)
    stores = curve_stores(action)
    for name, (store, curve) in present.items():
        if name not in raw:
            forget_keys(curve)
            store.fcurves.remove(curve)
    for name, wanted in raw.items():
        if name in present:
            curve = present[name][1]
        else:
            store = stores[name[0]]
            curve = store.fcurves.new(name[1], index=name[2])
            if wanted.group:
                curve.group = store.groups.get(wanted.group) or store.groups.new(wanted.group)
        if _raw_curve(curve) != wanted:
            for setting, value in wanted.settings:  # Blender computes handles at some of them
                setattr(curve, setting, value)
            write_keys(curve, np.frombuffer(wanted.keys, dtype=KEY_DTYPE))


def _raw_curve(curve: FCurve) -> RawCurve:
    settings = [(name, getattr(curve, name)) for name in _SETTINGS]
    settings.append(("color", curve.color[:]))
    group = "" if curve.group is None else str(curve.group.name)
    return RawCurve(read_keys(curve).tobytes(), tuple(settings), group)


def all_curves(action: Action) -> dict[CurveId, FCurve]:
    """Every curve in every slot of an Action."""
    return {name: curve for name, (_, curve) in _all_curves(action).items()}


def _all_curves(action: Action) -> dict[CurveId, tuple[Any, FCurve]]:
    return {
        (slot, str(curve.data_path), int(curve.array_index)): (store, curve)
        for slot, store in curve_stores(action).items()
        for curve in store.fcurves
    }
