"""Every raw number of an F-curve's keys as one array, read and written whole.

Nothing here knows a rig or a motion. N keys.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ...common.arrays import ArrayLike, BoolArray, FloatArray
from ..bpy_types import FCurve
from .layered_actions import (
    KEY_SELECTIONS,
    enum_length,
    enum_value,
)

HANDLES = ("handle_left", "handle_right")
POINTS = ("co", *HANDLES)
_NUMBERS = ("back", "amplitude", "period")
_ENUMS = ("handle_left_type", "handle_right_type", "interpolation", "easing", "type")

SEGMENT_FIELDS = (*_NUMBERS, "interpolation", "easing")
"""What decides, beside values and handles, how a curve runs from a key to the next."""

KEY_DTYPE = np.dtype(
    [(name, np.float32, 2) for name in POINTS]
    + [(name, np.float32) for name in _NUMBERS]
    + [(name, np.int32) for name in _ENUMS]
    + [(name, np.bool_) for name in KEY_SELECTIONS]
)
"""One key: what Blender tells of it. Points are (frame, value)."""

_MOVING = np.dtype(
    [
        (name, KEY_DTYPE[name].base, KEY_DTYPE[name].shape)
        for name in KEY_DTYPE.names or ()
        if name not in KEY_SELECTIONS
    ]
)
"""What of a key makes the motion: all but whether it is selected."""

MOVING_FIELDS = list(_MOVING.names or ())
"""The same by name, as an index of keys."""

KeyArray: TypeAlias = npt.NDArray[np.void]
"""(N,) of KEY_DTYPE."""

Handles: TypeAlias = Mapping[str, npt.NDArray[np.float32]]
"""Points (N, 2) of the handles of a curve's keys, by the names in HANDLES."""

_STILL = 1e-6
"""Share of itself, and frames or units, up to which a handle stands where it stood."""

ON_FRAME = 1e-4
"""Frames from a whole one within which Blender evaluates a key as if it stood there (seen)."""

_MERGED = np.float32(0.01)
"""Frames between two keys up to which Blender's ``update`` makes one of them (seen)."""


_HANDLE_FRAMES = 1.0 / 3.0
"""Frames from a new key to its handles: as far as Blender puts those of keys a frame apart."""

_TYPE_SIDES = ("handle_left_type", "handle_right_type")
_FREE = enum_value("handle_left_type", "FREE")
_AUTOMATIC = np.isin(
    range(enum_length("handle_left_type")),
    [enum_value("handle_left_type", name) for name in ("AUTO", "AUTO_CLAMPED", "VECTOR")],
)
"""By a handle type's number, whether Blender computes such handles from the keys around."""
_AUTO_CLAMPED = enum_value("handle_left_type", "AUTO_CLAMPED")
LINEAR = enum_value("interpolation", "LINEAR")
BEZIER = enum_value("interpolation", "BEZIER")
CONSTANT = enum_value("interpolation", "CONSTANT")
ELASTIC_EASINGS = (enum_value("interpolation", "ELASTIC"), enum_value("interpolation", "BACK"))
"""Easings that reach beyond their ends, as far as numbers of the key say."""
_GENERATED = enum_value("type", "GENERATED")


def no_keys() -> KeyArray:
    """The keys of a curve that has none, or that is not there."""
    return np.empty(0, dtype=KEY_DTYPE)


@dataclass
class _Known:
    """What is known of a curve. checks: of its ``moving_numbers``, by what they go on from."""

    keys: KeyArray
    checks: dict[int, int] = field(default_factory=dict[int, int])


class KeyReader:
    """Reads and writes the keys of curves, and remembers them where it is asked to.

    A curve is known by its address, so a reader must not outlive the work that it was made for,
    during which nothing else touches keys.
    """

    def __init__(self, remembers: bool) -> None:
        """remembers: the keys of a curve are read from Blender once, for long Actions; what
        ``read`` gives cannot be written to then."""
        self.remembers = remembers
        self._known: dict[int, _Known] = {}

    def read(self, curve: FCurve) -> KeyArray:
        """All keys of a curve, in Blender's order."""
        known = self._find(curve)
        if known is not None:
            return known.keys
        keys = np.empty(len(curve.keyframe_points), dtype=KEY_DTYPE)
        _read_into(curve, keys)
        self.know(curve, keys)
        return keys

    def read_field(self, curve: FCurve, name: str) -> npt.NDArray[Any]:
        """One field of all keys: (N,), or (N, 2) for a point."""
        known = self._find(curve)
        return read_column(curve, name) if known is None else known.keys[name]

    def moving_check(self, curve: FCurve, start: int) -> int:
        """Checksum of what moves, going on from ``start``."""
        known = self._find(curve)
        if known is None:
            numbers = np.empty(len(curve.keyframe_points), dtype=_MOVING)
            _read_into(curve, numbers)
            return zlib.crc32(numbers.data, start)
        if start not in known.checks:
            numbers = np.empty(len(known.keys), dtype=_MOVING)
            for name in _MOVING.names or ():
                numbers[name] = known.keys[name]
            known.checks[start] = zlib.crc32(numbers.data, start)
        return known.checks[start]

    def write(self, curve: FCurve, keys: KeyArray) -> None:
        """Make these the curve's keys, bit for bit."""
        points, known = curve.keyframe_points, self._find(curve)
        if len(points) != len(keys):
            points.clear()
            points.add(len(keys))
            known = None
        for name in KEY_DTYPE.names or ():
            if known is None or not same_bits(known.keys[name], keys[name]):
                points.foreach_set(name, np.ascontiguousarray(keys[name]).ravel())
        self.know(curve, keys)

    def know(self, curve: FCurve, keys: KeyArray) -> None:
        """Remember what a curve has now."""
        if self.remembers:
            keys = keys.view()
            keys.flags.writeable = False
            self._known[int(curve.as_pointer())] = _Known(keys)

    def forget(self, curve: FCurve) -> None:
        """To be called where a curve is removed: another may get its address."""
        self._known.pop(int(curve.as_pointer()), None)

    def _find(self, curve: FCurve) -> _Known | None:
        return self._known.get(int(curve.as_pointer())) if self.remembers else None


_PLAIN = KeyReader(remembers=False)
_reader: ContextVar[KeyReader] = ContextVar("reader of keys", default=_PLAIN)


@contextmanager
def reading_once() -> Generator[KeyReader]:
    """Work during which the functions below use one ``KeyReader`` that remembers."""
    outer = _reader.get()
    reader = outer if outer.remembers else KeyReader(remembers=True)
    token = _reader.set(reader)
    try:
        yield reader
    finally:
        _reader.reset(token)


def read_keys(curve: FCurve) -> KeyArray:
    """All keys of a curve, in Blender's order."""
    return _reader.get().read(curve)


def read_field(curve: FCurve, name: str) -> npt.NDArray[Any]:
    """One field of all keys, much sooner read than all of them: (N,), or (N, 2) for a point."""
    return _reader.get().read_field(curve, name)


def moving_check(curve: FCurve, start: int = 0) -> int:
    """Checksum of all that a curve's keys say of the motion; which are selected is not in it.

    start: the checksum of what comes before.
    """
    return _reader.get().moving_check(curve, start)


def write_keys(curve: FCurve, keys: KeyArray) -> None:
    """Make these the curve's keys, bit for bit; no handle is computed."""
    _reader.get().write(curve, keys)


def know_keys(curve: FCurve, keys: KeyArray) -> None:
    """Tell the reader what a curve has after Blender changed it."""
    _reader.get().know(curve, keys)


def forget_keys(curve: FCurve) -> None:
    """To be called where a curve is removed: another may get its address."""
    _reader.get().forget(curve)


def _read_into(curve: FCurve, keys: KeyArray) -> None:
    for name in keys.dtype.names or ():
        keys[name] = read_column(curve, name)


def read_column(curve: FCurve, name: str) -> npt.NDArray[Any]:
    """One property of all keys of a curve."""
    kind = KEY_DTYPE[name]
    column = np.empty((len(curve.keyframe_points), *kind.shape), dtype=kind.base)
    curve.keyframe_points.foreach_get(name, column.ravel())
    return column


def key_frames(keys: KeyArray) -> FloatArray:
    """Frames (N,) of the keys; the whole frame where Blender takes a key to stand on it."""
    return point_frames(keys["co"])


def same_bits(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Two columns of keys are the same, bit for bit."""
    words = f"u{one.dtype.itemsize}"
    return bool((one.view(words) == other.view(words)).all())


def point_frames(co_N2: npt.NDArray[np.float32]) -> FloatArray:
    """``key_frames`` of keys' points."""
    frames = co_N2[:, 0].astype(np.float64)
    whole = np.round(frames)
    return np.where(np.abs(frames - whole) < ON_FRAME, whole, frames)


def sorted_by_frame(keys: KeyArray) -> KeyArray:
    """The same keys in time's order, as Blender's own ``update`` would put them."""
    frames = keys["co"][:, 0]
    if (frames[1:] >= frames[:-1]).all():
        return keys
    return keys[np.argsort(frames, kind="stable")]


def apart_from(new: KeyArray, kept: KeyArray) -> BoolArray:
    """Which new keys (N,) stand so far from all ``kept`` ones that Blender keeps both."""
    if not len(kept):
        return np.ones(len(new), dtype=np.bool_)
    frames, there = new["co"][:, 0], np.sort(kept["co"][:, 0])
    at = np.searchsorted(there, frames)
    before_N = np.abs(frames - there[np.maximum(at - 1, 0)])
    after_N = np.abs(frames - there[np.minimum(at, len(there) - 1)])
    return np.minimum(before_N, after_N) > _MERGED


def linear_keys(
    frames: ArrayLike, values: ArrayLike, selected: bool = False, free: bool = False
) -> KeyArray:
    """New linear keys of type GENERATED. ``free``: with handles that Blender leaves alone."""
    co = np.stack([np.asarray(frames, np.float32), np.asarray(values, np.float32)], axis=-1)
    keys = np.zeros(len(co), dtype=KEY_DTYPE)
    handle = np.array([_HANDLE_FRAMES, 0.0], dtype=np.float32)
    keys["co"], keys["handle_left"], keys["handle_right"] = co, co - handle, co + handle
    for name in _TYPE_SIDES:
        keys[name] = _FREE if free else _AUTO_CLAMPED
    keys["interpolation"], keys["type"] = LINEAR, _GENERATED
    for name in KEY_SELECTIONS:
        keys[name] = selected
    return keys


def free_seams(keys: KeyArray, kept_N: BoolArray) -> None:
    """Fix automatic handles of kept keys from every new neighbour to the first other key.

    Blender computes those handles from the keys around them. They become FREE where they are.
    In place; ``kept_N`` tells kept keys from new ones.
    """
    automatic = _AUTOMATIC[keys["handle_left_type"]] | _AUTOMATIC[keys["handle_right_type"]]
    reached = _reached(automatic, kept_N) | _reached(automatic[::-1], kept_N[::-1])[::-1]
    fix_handles(keys, reached)


def free_moved(keys: KeyArray, kept_N: BoolArray, found: Handles, computed_N: BoolArray) -> bool:
    """Fix automatic handles of kept keys that Blender has moved, from every new neighbour to the
    first key whose handles stay; whether there were any. In place. found: handles as they are now.
    computed_N: keys that had automatic handles before any was fixed.

    Blender smooths a run of automatic keys as one, so a change fades along it and does not end at
    the next key; nor at one that was fixed, from which the rest of its run is smoothed again.
    """
    moved_N = np.zeros(len(keys), dtype=np.bool_)
    for name, now in found.items():
        moved_N |= ~np.isclose(keys[name], now, rtol=_STILL, atol=_STILL).all(axis=1)
    automatic_N = are_computed(keys)
    moved_N &= automatic_N
    passed_N = moved_N | (computed_N & ~automatic_N)
    reached_N = _reached(passed_N, kept_N) | _reached(passed_N[::-1], kept_N[::-1])[::-1]
    reached_N &= moved_N
    fix_handles(keys, reached_N)
    return bool(reached_N.any())


def are_computed(keys: KeyArray) -> BoolArray:
    """Which keys (N,) have a handle that Blender computes from the keys around."""
    return _AUTOMATIC[keys["handle_left_type"]] | _AUTOMATIC[keys["handle_right_type"]]


def fix_handles(keys: KeyArray, which_N: BoolArray | None = None) -> None:
    """Make automatic handles FREE where they are, of all keys or of some. In place."""
    for name in _TYPE_SIDES:
        automatic = _AUTOMATIC[keys[name]]
        keys[name][automatic if which_N is None else automatic & which_N] = _FREE


def _reached(automatic_N: BoolArray, kept_N: BoolArray) -> BoolArray:
    """Kept keys of those, with nothing but such keys between them and a new key before them."""
    index = np.arange(len(kept_N))
    last_new = np.maximum.accumulate(np.where(kept_N, -1, index))
    last_stop = np.maximum.accumulate(np.where(kept_N & ~automatic_N, index, -1))
    return kept_N & automatic_N & (last_new > last_stop)
