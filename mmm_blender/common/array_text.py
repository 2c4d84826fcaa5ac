"""Arrays as short text, for what has to travel in JSON: exact, and the same on every machine."""

from __future__ import annotations

import base64
import json
import math
import zlib
from typing import Any, cast

import numpy as np

from .arrays import AnyArray
from .errors import MMMError

MOST_BYTES = 2**26
"""Of an array: a motion of 90,000 frames."""

_DTYPES = ("<f8", "<f4", "<i8", "<u4", "|b1")
_LEVEL = 9
_LONGEST_FORM = 200
_MOST_AXES = 4


def pack(array: AnyArray) -> str:
    """An array of one of the known number types as text: its form, then zlib in base64."""
    little = np.asarray(array, order="C")
    little = little.astype(little.dtype.newbyteorder("<"), copy=False)
    if little.dtype.str not in _DTYPES:
        raise ValueError(f"numbers of type {array.dtype} are not packed")
    form = json.dumps([little.dtype.str, list(little.shape)], separators=(",", ":"))
    return f"{form} {base64.b64encode(zlib.compress(little.tobytes(), _LEVEL)).decode('ascii')}"


def unpack(text: str) -> Any:
    """The array that ``pack`` made the text from; MMMError where the text is damaged."""
    try:
        form, _, blob = text.partition("] ")
        dtype, shape = _form(form + "]")
        size = math.prod(shape) * dtype.itemsize
        content = _inflated(base64.b64decode(blob, validate=True), size)
        return np.frombuffer(content, dtype=dtype).reshape(shape).copy()
    except (ValueError, TypeError, AttributeError, zlib.error) as error:
        raise MMMError(
            "Numbers that were stored with the Action are damaged: undo what changed them."
        ) from error


def _form(text: str) -> tuple[np.dtype[Any], list[int]]:
    """Number type and shape."""
    if len(text) > _LONGEST_FORM:
        raise ValueError("no form")
    dtype, shape = cast("tuple[str, list[int]]", json.loads(text))
    if dtype not in _DTYPES or len(shape) > _MOST_AXES:
        raise ValueError(dtype)
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("no shape")
    return np.dtype(dtype), shape


def _inflated(packed: bytes, size: int) -> bytes:
    """Exactly ``size`` bytes: a short text can hold gigabytes of zeros."""
    if size > MOST_BYTES:
        raise ValueError("more numbers than any motion has")
    inflater = zlib.decompressobj()
    content = inflater.decompress(packed, size + 1)
    if len(content) != size:
        raise ValueError("another number of bytes than its form says")
    return content
