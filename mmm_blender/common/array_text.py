"""Arrays as short text, for what has to travel in JSON: exact, and the same on every machine."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any, cast

import numpy as np

from .arrays import AnyArray
from .errors import MMMError

_DTYPES = ("<f8", "<f4", "<i8", "<u4", "|b1")
_LEVEL = 9


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
        dtype, shape = cast("tuple[str, list[int]]", json.loads(form + "]"))
        if dtype not in _DTYPES:
            raise ValueError(dtype)
        content = zlib.decompress(base64.b64decode(blob, validate=True))
        return np.frombuffer(content, dtype=dtype).reshape(shape).copy()
    except (ValueError, TypeError, binascii.Error, zlib.error) as error:
        raise MMMError(
            "Numbers that were stored with the Action are damaged: undo what changed them."
        ) from error
