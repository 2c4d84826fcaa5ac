"""The tensors of a safetensors file, checked and read with NumPy alone.

A file is the length of its header (8 bytes, little-endian), the header (JSON: for each tensor its
type, shape and place), and the numbers. Nothing in it runs. Every tensor has to lie within the
file and to be as large as its shape says, so no shape asks for more memory than the file has.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from .arrays import AnyArray
from .untrusted import json_value

_LENGTH = struct.Struct("<Q")
MOST_HEADER_BYTES = 2**24
_MOST_DIMENSIONS = 8
_BFLOAT16 = "BF16"
_KINDS: Mapping[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    _BFLOAT16: np.dtype("<u2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}


def read_safetensors(content: bytes | memoryview) -> dict[str, AnyArray]:
    """Tensors by name, as views of ``content``; ValueError where it is no such file.

    A number in bfloat16, which NumPy does not know, is widened to float32.
    """
    view = memoryview(content)
    header, start = _header(view)
    return {
        name: _tensor(name, entry, view[start:])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _header(view: memoryview) -> tuple[dict[str, object], int]:
    if len(view) < _LENGTH.size:
        raise ValueError("no header")
    (length,) = _LENGTH.unpack(view[: _LENGTH.size])
    start = _LENGTH.size + length
    if length > MOST_HEADER_BYTES or start > len(view):
        raise ValueError("a header beyond the file")
    header = json_value(bytes(view[_LENGTH.size : start]).decode())
    if not isinstance(header, dict):
        raise ValueError("a header that names nothing")
    return cast("dict[str, object]", header), start


def _tensor(name: str, entry: object, data: memoryview) -> AnyArray:
    """One tensor, a view of its place in ``data``."""
    if not isinstance(entry, dict):
        raise ValueError(f"nothing on the tensor {name}")
    fields = cast("dict[str, Any]", entry)
    kind = _KINDS.get(fields["dtype"]) if isinstance(fields.get("dtype"), str) else None
    if kind is None:
        raise ValueError(f"a type that is not known, of the tensor {name}")
    shape = _whole_numbers(fields.get("shape"), _MOST_DIMENSIONS)
    place = _whole_numbers(fields.get("data_offsets"), 2)
    if shape is None or place is None or len(place) != 2:
        raise ValueError(f"no shape or no place of the tensor {name}")
    begin, end = place
    if not begin <= end <= len(data) or end - begin != math.prod(shape) * kind.itemsize:
        raise ValueError(f"a place that does not fit the tensor {name}")
    values = np.frombuffer(data[begin:end], kind).reshape(shape)
    if fields["dtype"] == _BFLOAT16:
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values


def _whole_numbers(values: object, most: int) -> tuple[int, ...] | None:
    """A list of at most so many numbers that are 0 or more, None for anything else."""
    if not isinstance(values, list) or len(cast("list[object]", values)) > most:
        return None
    numbers = cast("list[object]", values)
    if not all(type(each) is int and each >= 0 for each in numbers):
        return None
    return tuple(cast("list[int]", numbers))
