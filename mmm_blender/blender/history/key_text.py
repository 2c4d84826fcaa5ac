"""Keys of curves as text in recipes, bit for bit. N keys."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...common.array_text import pack, unpack
from ...common.arrays import AnyArray
from ...common.errors import MMMError
from ..fcurves.keyframe_arrays import KEY_DTYPE, KeyArray

_WORD = np.dtype("<u4")


def pack_keys(keys: KeyArray) -> str:
    """All numbers of the keys, one kind after the other, which packs better."""
    return pack(np.stack([words(column) for column in columns(keys)]))


def unpack_keys(text: str) -> KeyArray:
    """The keys, bit for bit; MMMError where the text is damaged."""
    rows = unpack(text)
    keys = np.zeros(rows.shape[-1] if rows.ndim else 0, dtype=KEY_DTYPE)
    found = columns(keys)
    if rows.dtype != _WORD or rows.ndim != 2 or len(rows) != len(found):
        raise MMMError("The Action's recipe is damaged (the keys of a curve).")
    for row, column in zip(rows, found, strict=True):
        column[:] = row.view(column.dtype) if column.dtype.itemsize == _WORD.itemsize else row != 0
    return keys


def columns(keys: KeyArray) -> list[AnyArray]:
    """Every number (N,) of the keys, to be read or written."""
    fields = [keys[name] for name in keys.dtype.names or ()]
    return [part for each in fields for part in (each.T if each.ndim > 1 else [each])]


def words(column: AnyArray) -> npt.NDArray[np.uint32]:
    """Bit for bit; truth as 0 or 1."""
    if column.dtype.itemsize == _WORD.itemsize:
        return np.ascontiguousarray(column).view(_WORD)
    return column.astype(_WORD)
