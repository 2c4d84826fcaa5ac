"""Which frames of a bone have other keys than they had: by a checksum over every number of all the
keys that stand there.

With each write of ours they are stored in the fingerprint, so that a recipe can store the keys that
a person changed and no others. N frames, W numbers of a key, K keys of a curve.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from ...common.array_text import pack, unpack
from ..bpy_types import FCurve
from ..fcurves.keyframe_arrays import MOVING_FIELDS, read_keys
from .key_text import columns, words

_Words: TypeAlias = npt.NDArray[np.uint64]

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""An odd number without pattern in its bits (the golden ratio): products with it spread."""
_HALF = np.uint64(32)


@dataclass(frozen=True, eq=False)
class RowPrint:
    """frames_N: where any of a bone's curves has a key, to the bit; checks_N: of the keys there."""

    frames_N: npt.NDArray[np.float32]
    checks_N: npt.NDArray[np.uint32]

    def changed_frames(self, before: RowPrint) -> npt.NDArray[np.float32]:
        """Frames with other keys than ``before``, with keys that went, or that came."""
        now, then = self._cells_N, before._cells_N
        here, there = ~np.isin(now, then), ~np.isin(then, now)
        return np.unique(np.concatenate([self.frames_N[here], before.frames_N[there]]))

    @property
    def _cells_N(self) -> npt.NDArray[np.uint64]:
        """Frame and checksum as one number."""
        frames_N = np.ascontiguousarray(self.frames_N).view(np.uint32).astype(np.uint64)
        return (frames_N << _HALF) | self.checks_N


def row_print(curves: Sequence[FCurve]) -> RowPrint:
    """Of a bone's curves, all of them, as they are now."""
    found = [(_curve_number(curve), read_keys(curve)) for curve in curves]
    frames_N = np.unique(
        np.concatenate([np.empty(0, np.float32), *(k["co"][:, 0] for _, k in found)])
    )
    sums_N = np.zeros(len(frames_N), dtype=np.uint64)
    for number, keys in found:
        rows_N = np.searchsorted(frames_N, keys["co"][:, 0])
        np.add.at(sums_N, rows_N, _key_checks(keys[MOVING_FIELDS], number))
    return RowPrint(frames_N, _mixed(sums_N).astype(np.uint32))


def _curve_number(curve: FCurve) -> int:
    return zlib.crc32(f"{curve.data_path}[{curve.array_index}]".encode())


def _key_checks(keys: npt.NDArray[np.void], number: int) -> _Words:
    """A checksum (K,) of every key: its numbers, each times a factor of its own, summed up.
    number: of the curve, from which the factors are drawn."""
    words_WK = np.stack([words(column) for column in columns(keys)]).astype(np.uint64)
    factors_W = _mixed(
        np.arange(1, len(words_WK) + 1, dtype=np.uint64) * _SPREAD + np.uint64(number)
    )
    factors_W |= np.uint64(1)
    return _mixed((words_WK * factors_W[:, None]).sum(axis=0, dtype=np.uint64) + factors_W[0])


def _mixed(numbers: _Words) -> _Words:
    """Numbers of which the lower half depends on all bits (after Vigna's splitmix)."""
    mixed = (numbers ^ (numbers >> _HALF)) * _SPREAD
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _SPREAD
    return mixed ^ (mixed >> _HALF)


# --- in the fingerprint --------------------------------------------------------------------------


def packed_rows(prints: Mapping[str, RowPrint], frames: str) -> dict[str, Any]:
    """As JSON values. frames: packed ones that the fingerprint holds already, which are not
    repeated where they are the same."""
    columns_N = [each.frames_N for each in prints.values()]
    all_frames = np.concatenate([np.empty(0, np.float32), *columns_N])
    same = np.array_equal(unpack(frames), all_frames)
    checks = [np.empty(0, np.uint32), *(each.checks_N for each in prints.values())]
    return {
        "bones": list(prints),
        "counts": [len(each) for each in columns_N],
        "frames": "" if same else pack(all_frames),
        "checks": pack(np.concatenate(checks)),
    }


def unpacked_rows(content: object, frames: str) -> dict[str, RowPrint]:
    """The prints of which ``packed_rows`` made JSON values; none where there are none, as in what
    earlier versions of the add-on wrote. Raises KeyError, TypeError or ValueError where damaged."""
    if content is None:
        return {}
    values = cast("dict[str, Any]", content)
    splits = np.cumsum(values["counts"])[:-1]
    frames_N = np.split(unpack(values["frames"] or frames), splits)
    checks_N = np.split(unpack(values["checks"]), splits)
    rows = zip(values["bones"], frames_N, checks_N, strict=True)
    return {bone: RowPrint(*_checked(frames, checks)) for bone, frames, checks in rows}


def _checked(frames_N: Any, checks_N: Any) -> tuple[Any, Any]:
    """ValueError where they are no rows."""
    if frames_N.dtype != np.float32 or checks_N.dtype != np.uint32:
        raise ValueError("numbers of another type")
    if frames_N.ndim != 1 or frames_N.shape != checks_N.shape:
        raise ValueError("each frame has a checksum")
    return frames_N, checks_N
